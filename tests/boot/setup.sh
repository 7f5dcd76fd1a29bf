#!/bin/bash
# Prepares what the boots need: setup.sh FOLDER. Installs QEMU, iPXE's ROMs and OVMF if they are
# missing; makes FOLDER/assets/vmlinuz (Debian's cloud kernel, unpacked from its package, never
# installed) and FOLDER/assets/initrd.gz (busybox and ./init). What is there is kept, so that a
# second run needs no network.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: setup.sh FOLDER" >&2; exit 2; }

"$here/../tools/deps.sh" boot
mkdir -p "$1/assets"
folder=$(cd "$1" && pwd)
assets=$folder/assets
work=$(mktemp -d "$folder/setup.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The meta package's name stays, its dependency's name has the version.
fetch_kernel() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
    [ -n "$package" ] || return 1
    (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package" >/dev/null)
}

update_lists() {
    if [ "$(id -u)" -eq 0 ]; then
        apt-get -qq update
    else
        sudo apt-get -qq update
    fi
}

if [ ! -s "$assets/vmlinuz" ]; then
    echo "setup.sh: downloading Debian's cloud kernel"
    if ! fetch_kernel 2>/dev/null; then
        # The lists are empty, or older than the archive.
        if ! { update_lists && fetch_kernel; }; then
            echo "setup.sh: apt-get could not download the package that linux-image-cloud-amd64 depends" >&2
            echo "on. Is the network up, and is this Debian? Any kernel for x86-64 with an 8250 console" >&2
            echo "will do: put it at $assets/vmlinuz" >&2
            exit 1
        fi
    fi
    dpkg-deb -x "$work"/linux-image-*.deb "$work/kernel"
    mv "$work"/kernel/boot/vmlinuz-* "$assets/vmlinuz"
fi

if [ ! -s "$assets/initrd.gz" ] || [ "$here/init" -nt "$assets/initrd.gz" ]; then
    mkdir -p "$work/initrd/bin" "$work/initrd/proc"
    cp "$(command -v busybox)" "$work/initrd/bin/busybox"
    install -m 755 "$here/init" "$work/initrd/init"
    (cd "$work/initrd" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -n >"$work/initrd.gz")
    mv "$work/initrd.gz" "$assets/initrd.gz"
fi
