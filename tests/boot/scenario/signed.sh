# shellcheck shell=bash disable=SC2154,SC2034
# shellcheck disable=SC2016 # what is in single quotes is GRUB's
# GRUB that takes nothing without a signature by the RSA key that it has built in: machines boot by
# /grub and by a file, and do not by that file when it was changed after it was signed, or when the
# signature is by another key. GRUB clears what it says of that from the screen, and goes on.
home=$work/gnupg
mkdir -m 700 "$home"
make_key() { # NAME
    gpg --homedir "$home" --batch --quiet --pinentry-mode loopback --passphrase 'open sesame' \
        --quick-generate-key "$1" rsa2048 sign never &&
        gpg --homedir "$home" --batch --pinentry-mode loopback --passphrase 'open sesame' \
            --export-secret-keys "=$1" >"$work/$1.secret" &&
        gpg --homedir "$home" --batch --export "=$1" >"$work/$1.public"
}
make_key the-site && make_key somebody-else || exit 1
gpgconf --homedir "$home" --kill all

# The changed config is a file of the assets, and so is the signature over what it was.
site_assets=$work/assets
mkdir "$site_assets"
ln "$assets/vmlinuz" "$assets/initrd.gz" "$site_assets/" 2>/dev/null ||
    cp "$assets/vmlinuz" "$assets/initrd.gz" "$site_assets/"
assets=$site_assets
openpgp_key=$work/the-site.secret
serve_flags=--sign-assets
export VESTA_PASSPHRASE='open sesame'
serve_users default "$here/site" || exit 1
unset VESTA_PASSPHRASE
fetch() { # PATH FILE
    curl -sf -A GRUB -o "$2" "http://127.0.0.1:$port$1"
}
fetch "/grub?mac=$(mac_of 1)" "$work/config" && fetch "/grub?mac=$(mac_of 1).sig" "$site_assets/changed.cfg.sig" || exit 1
sed 's/menuentry/menuentrY/' "$work/config" >"$site_assets/changed.cfg"
cp "$work/config" "$site_assets/same.cfg"
cp "$site_assets/changed.cfg.sig" "$site_assets/same.cfg.sig"

tftp=$work/tftp
mkdir "$tftp"
image() { # NAME CONFIG PUBLIC_KEY
    printf '%s\n' 'net_bootp' 'set check_signatures=enforce' \
        'configfile "(http,10.0.2.2:'"$port"')'"$2"'"' 'echo NOTHING-BOOTED' 'sleep 600' >"$work/$1.cfg"
    grub-mkimage -O i386-pc-pxe -o "$tftp/$1" -p / -c "$work/$1.cfg" --pubkey="$3" http net tftp configfile \
        normal linux echo sleep test gzio pgp gcry_rsa gcry_sha256 gcry_sha512 pxe biosdisk
}
image good '/grub?mac=$net_default_mac&arch=$grub_cpu' "$work/the-site.public" || exit 1
image changed /assets/changed.cfg "$work/the-site.public" || exit 1
image same /assets/same.cfg "$work/the-site.public" || exit 1
image stranger /assets/same.cfg "$work/somebody-else.public" || exit 1

boot() { # NAME NUMBER
    start_machine "$1" bios "$2" "user,tftp=$tftp,bootfile=$1" /usr/lib/ipxe/qemu/pxe-virtio.rom
}
boot good 1
boot changed 2
expect_profile good one
expect changed 'NOTHING-BOOT'
logged 'the signature after the query' ' path=/grub ' ' status=200 '
logged 'the signature of the kernel' ' path=/assets/vmlinuz.sig ' ' status=200 '
logged 'the signature of the initrd' ' path=/assets/initrd.gz.sig ' ' status=200 '
boot same 3
boot stranger 4
expect_profile same one
expect stranger 'NOTHING-BOOT'
stop_server
sum
