#!/bin/bash
# Installs the Debian packages that a part of the work needs: deps.sh build|test|lint|bench|boot ...
# Without a part: build, test and lint. What is there already costs one look into dpkg's database,
# so that a second run needs no network. Where there is no apt-get it names what is missing and
# exits 1.
set -eu

build=(gcc libc6-dev make git pkg-config libmicrohttpd-dev libjansson-dev libsodium-dev libsqlite3-dev
    liburcu-dev libyaml-dev libgnutls28-dev nettle-dev libgmp-dev zlib1g-dev libcurl4-gnutls-dev
    libseccomp-dev)
# The python3-* are what cloud-init imports: it is run, but never installed (consumers.sh).
test=(clang libcriterion-dev gnupg gpgv minisign signify-openbsd openssl curl groff-base zsh
    fish patch python3 sqlite3 procps systemd util-linux dnsmasq-base
    python3-yaml python3-jinja2 python3-jsonschema python3-jsonpatch python3-requests python3-oauthlib python3-configobj
    python3-netifaces python3-serial)
# An npm from elsewhere brings its own nodejs, which Debian's npm does not go with.
command -v npm >/dev/null || test+=(nodejs npm)
lint=(clang clang-format clang-tidy cppcheck shellcheck)
bench=(nginx-light wrk valgrind curl procps)
boot=(qemu-system-x86 ipxe-qemu ovmf seabios busybox-static cpio pxelinux syslinux-common syslinux-efi
    grub-common grub-pc-bin grub-efi-amd64-bin dnsmasq-base ipxe iproute2 gnupg curl)

usage() {
    echo "usage: deps.sh [build|test|lint|bench|boot]..." >&2
    exit 2
}

wanted=()
[ $# -gt 0 ] || set -- build test lint
for part in "$@"; do
    case $part in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    lint) wanted+=("${lint[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    boot) wanted+=("${boot[@]}") ;;
    *) usage ;;
    esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "deps.sh: this system has no apt-get. Install what these Debian packages bring, by its own" >&2
    echo "means: ${wanted[*]}" >&2
    exit 1
fi

installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in "${wanted[@]}"; do
    grep -qxF "$package installed" <<<"$installed" || missing+=("$package")
done

# The packages of npm that the tests of the API's description use.
npm_packages() {
    case " $* " in
    *" test "*) "$(dirname "$0")/openapi/install.sh" ;;
    esac
}
if [ ${#missing[@]} -eq 0 ]; then
    npm_packages "$@"
    exit
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps.sh: not root, and there is no sudo. As root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    root=(sudo)
fi

apt() {
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 \
        -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# True when apt's lists, which may be empty or old, know a version of every missing package.
known() {
    local package
    for package in "${missing[@]}"; do
        [ -n "$(apt-cache show --no-all-versions "$package" 2>/dev/null)" ] || return 1
    done
}

echo "deps.sh: installing ${missing[*]}"
install=(install -y --no-install-recommends "${missing[@]}")
if ! { known && apt "${install[@]}" >/dev/null; }; then
    apt update || echo "deps.sh: apt-get update failed; trying with the lists that are there" >&2
    if ! apt "${install[@]}" >/dev/null; then
        echo "deps.sh: could not install: ${missing[*]}" >&2
        echo "apt-get says why above. The names are Debian 12's; another distribution may have others." >&2
        exit 1
    fi
fi

case " ${missing[*]} " in
*" nginx-light "*)
    if command -v systemctl >/dev/null && systemctl is-active --quiet nginx 2>/dev/null; then
        echo "deps.sh: nginx now runs as a service, which the benchmark does not need:" \
            "systemctl disable --now nginx"
    fi
    ;;
esac
npm_packages "$@"
