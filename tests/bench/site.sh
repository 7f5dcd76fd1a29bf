#!/bin/bash
# Makes a site of N groups by MAC in DIR: site.sh DIR N. The same N gives the same site.
set -eu
dir=$1
n=$2
mkdir -p "$dir/groups" "$dir/profiles" "$dir/generic"
cat >"$dir/profiles/node.json" <<'J'
{"id": "node", "boot": {"kernel": "/assets/vmlinuz", "initrd": ["/assets/initrd.img"],
 "args": ["console=ttyS0,115200n8", "ignition.firstboot", "ignition.platform.id=metal",
  "ignition.config.url=http://vesta.example.com:8080/ignition?uuid=${uuid}&mac=${mac:hexhyp}"]},
 "generic_id": "static.tmpl"}
J
echo 'hostname={{.hostname}} rack={{.rack}}' >"$dir/generic/static.tmpl"
awk -v n="$n" -v dir="$dir/groups" 'BEGIN {
    for (i = 0; i < n; i++) {
        mac = sprintf("52:54:00:%02x:%02x:%02x", int(i / 65536) % 256, int(i / 256) % 256, i % 256)
        f = sprintf("%s/n%07d.json", dir, i)
        printf "{\"id\":\"n%07d\",\"profile\":\"node\",\"selector\":{\"mac\":\"%s\"},\"metadata\":{\"hostname\":\"n%07d.example.com\",\"rack\":\"r%d\"}}\n", i, mac, i, i % 40 > f
        close(f)
    }
}'
