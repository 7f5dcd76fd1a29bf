#!/bin/bash
# Builds the container image, by docker if its daemon runs, else by buildah.
# usage: image.sh IMAGE [BASE]; COMMIT is what `vesta version` says, CONTEXT the source tree (.)
set -euo pipefail
image=${1:?usage: image.sh IMAGE [BASE]}
base=${2:-}
official=docker.io/library/debian:12-slim
commit=${COMMIT:-unknown}
context=${CONTEXT:-.}

if docker info >/dev/null 2>&1; then
    tool=docker
    has() { docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null; }
    build() { docker build "$@"; }
    size() { docker image inspect --format '{{.Size}}' "$1"; }
elif command -v buildah >/dev/null; then
    tool=buildah
    # A graph driver and an isolation that need no kernel support, so that this runs in a container.
    bh() { buildah --storage-driver vfs "$@"; }
    has() { bh inspect --type image "$1" >/dev/null 2>&1 || bh pull --quiet "$1" >/dev/null; }
    build() { bh bud --isolation chroot --format docker "$@"; }
    # What vfs knows of sizes counts a layer several times: the files are what counts.
    size() {
        local container
        container=$(bh from --pull-never "$1")
        du --summarize --bytes "$(bh mount "$container")" | cut -f1
        bh umount "$container" >/dev/null
        bh rm "$container" >/dev/null
    }
else
    echo "make image needs a running docker daemon or buildah: apt-get install buildah" >&2
    exit 1
fi

if ! has "${base:-$official}"; then
    if [ -n "$base" ]; then
        echo "There is no image $base, here or in its registry." >&2
    else
        echo "$official is not here and its registry cannot be reached." >&2
    fi
    echo "Make a base from Debian's archive and build on it (as root):" >&2
    echo "    make base-image && make image BASE=localhost/vesta-base" >&2
    exit 1
fi
base=${base:-$official}

build --build-arg BASE="$base" --build-arg COMMIT="$commit" --tag "$image" "$context"
whole=$(size "$image")
under=$(size "$base")
echo "$image by $tool: $((whole / 1000000)) MB, of which $base is $((under / 1000000)) MB"
if [ $((whole - under)) -gt 60000000 ]; then
    echo "The image is more than 60 MB larger than its base: look at what the Dockerfile installs." >&2
    exit 1
fi
