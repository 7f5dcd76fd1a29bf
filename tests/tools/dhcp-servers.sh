#!/bin/bash
# Unpacks Kea's and ISC's DHCP servers, with what they need, below DIR: dhcp-servers.sh DIR. They only
# check configurations, and are not installed: a DHCP server that starts by itself is the last thing
# that a network needs. DIR/run PROGRAM ARGUMENTS... runs one of them.
set -eu
dir=$1
[ -e "$dir/ready" ] && exit 0
mkdir -p "$dir/debs/partial"
dir=$(cd "$dir" && pwd)
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
download() {
    as_root apt-get -qq -y --no-install-recommends -o Dir::Cache::archives="$dir/debs" -o APT::Sandbox::User=root \
        -o DPkg::Lock::Timeout=120 --download-only --reinstall install kea-dhcp4-server kea-common isc-dhcp-server \
        </dev/null >/dev/null
}
if ! download 2>/dev/null; then
    as_root apt-get -qq update || true # another test may be at it
    download
fi
for deb in "$dir"/debs/*.deb; do
    dpkg-deb -x "$deb" "$dir/root"
done
cat >"$dir/run" <<'RUN'
#!/bin/sh
root=$(dirname "$0")/root
program=$1
shift
LD_LIBRARY_PATH=$root/usr/lib/$(uname -m)-linux-gnu:$root/usr/lib/$(uname -m)-linux-gnu/kea:$root/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH
exec "$root/usr/sbin/$program" "$@"
RUN
chmod +x "$dir/run"
rm -rf "$dir/debs"
touch "$dir/ready"
