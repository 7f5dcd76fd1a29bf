# shellcheck shell=bash disable=SC2154
# shellcheck disable=SC2016 # what is in single quotes is GRUB's
# GRUB over TFTP, with the config that docs/network-boot.md has built in; then HTTP.
platform=${scenario#grub-}
tftp=$work/tftp
mkdir "$tftp"
serve_users default "$here/site" || exit 1
printf '%s\n' 'net_bootp' 'smbios --type 1 --get-uuid 8 --set uuid' 'smbios --type 1 --get-string 7 --set serial' \
    'configfile "(http,10.0.2.2:'"$port"')/grub?mac=$net_default_mac&uuid=$uuid&serial=$serial&arch=$grub_cpu"' \
    >"$work/early.cfg"
modules=(http net tftp configfile normal linux echo smbios test gzio)
if [ "$platform" = efi ]; then
    grub-mkimage -O x86_64-efi -o "$tftp/grub" -p / -c "$work/early.cfg" "${modules[@]}" efinet || exit 1
else
    grub-mkimage -O i386-pc-pxe -o "$tftp/grub" -p / -c "$work/early.cfg" "${modules[@]}" pxe biosdisk || exit 1
fi

boot() { # NAME NUMBER
    if [ "$platform" = efi ]; then
        start_machine "$1" uefi "$2" "user,tftp=$tftp,bootfile=grub" ''
    else
        start_machine "$1" bios "$2" "user,tftp=$tftp,bootfile=grub" /usr/lib/ipxe/qemu/pxe-virtio.rom
    fi
}

boot one 1
boot two 2
expect_profile one one
expect_profile two two
logged_labels /grub 1 one
logged_labels /grub 2 two
logged 'the serial number' ' path=/grub ' 'serial=VESTA-1'
stop_server
sum
