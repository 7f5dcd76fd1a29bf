#!/bin/bash
# Unpacks the real Ignition and the real cloud-init below DIR: consumers.sh DIR. They are not
# installed, since cloud-init would configure this machine at its next start; what they need to run
# is (deps.sh test).
set -eu
dir=$1
[ -e "$dir/ready" ] && exit 0
mkdir -p "$dir/debs"
dir=$(cd "$dir" && pwd)
cd "$dir/debs"
download() { apt-get -qq -o APT::Sandbox::User=root download cloud-init ignition; }
if ! download 2>/dev/null; then
    root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" apt-get -qq update
    download
fi
for deb in ./*.deb; do
    dpkg-deb -x "$deb" "$dir/root"
done
# cloud-init reads its configuration from one fixed place: here it is told by the environment.
sed -i 's|"/etc/cloud/|__import__("os").environ["CLOUD_ETC"] + "/|g; s|"/etc/cloud"|__import__("os").environ["CLOUD_ETC"]|g' \
    "$dir/root/usr/lib/python3/dist-packages/cloudinit/settings.py"
rm -rf "$dir/debs"
touch "$dir/ready"
