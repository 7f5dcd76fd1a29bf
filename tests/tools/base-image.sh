#!/bin/bash
# Makes a small Debian 12 image from Debian's archive, for where no registry can be reached. As root.
# usage: base-image.sh NAME; MIRROR and MMDEBSTRAP_OPTIONS go to mmdebstrap
set -euo pipefail
name=${1:?usage: base-image.sh NAME}
if [ "$(id -u)" -ne 0 ]; then
    echo "base-image.sh must run as root: it makes a file system with its owners" >&2
    exit 1
fi

needed=()
command -v mmdebstrap >/dev/null || needed+=(mmdebstrap)
by_docker=false
if docker info >/dev/null 2>&1; then
    by_docker=true
elif ! command -v buildah >/dev/null; then
    needed+=(buildah)
fi
if [ ${#needed[@]} -gt 0 ]; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${needed[@]}"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read -ra options <<<"${MMDEBSTRAP_OPTIONS:-}"
mmdebstrap --quiet --variant=minbase --mode=root \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    "${options[@]}" bookworm "$work/base.tar" ${MIRROR:+"$MIRROR"}

if $by_docker; then
    docker import "$work/base.tar" "$name" >/dev/null
else
    bh() { buildah --storage-driver vfs "$@"; }
    container=$(bh from scratch)
    bh add --quiet "$container" "$work/base.tar" / >/dev/null
    bh commit --quiet --rm "$container" "$name" >/dev/null
fi
echo "$name: $(($(stat -c %s "$work/base.tar") / 1000000)) MB"
