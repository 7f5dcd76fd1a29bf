# shellcheck shell=bash disable=SC2154
# PXELINUX, all of it over HTTP: iPXE, which QEMU's cards bring, loads it as a DHCP server with option
# 210 would have it loaded. One machine is selected by its MAC, one by its UUID, one by nothing.
firmware=${scenario#pxelinux-}
px=$assets/px
mkdir -p "$px"
if [ "$firmware" = bios ]; then
    rom=/usr/lib/ipxe/qemu/pxe-virtio.rom
    loader=lpxelinux.0
    cp /usr/lib/PXELINUX/lpxelinux.0 /usr/lib/syslinux/modules/bios/ldlinux.c32 "$px"
else
    rom=/usr/lib/ipxe/qemu/efi-virtio.rom
    loader=syslinux.efi
    cp /usr/lib/SYSLINUX.EFI/efi64/syslinux.efi /usr/lib/syslinux/modules/efi64/ldlinux.e64 "$px"
fi

serve_users default "$here/site" || exit 1
# shellcheck disable=SC2016 # ${210:string} is iPXE's
printf '#!ipxe\nset 210:string http://10.0.2.2:%s/assets/px/\nchain ${210:string}%s\n' "$port" "$loader" \
    >"$px/$firmware.ipxe"

boot() { # NAME NUMBER
    start_machine "$1" "${firmware/efi/uefi}" "$2" "user,bootfile=http://10.0.2.2:$port/assets/px/$firmware.ipxe" "$rom"
}

at=/assets/px/pxelinux.cfg
boot one 1
boot two 2
expect_profile one one
expect_profile two two
logged 'one, by its MAC' " path=$at/01-52-54-00-a1-b2-01 " ' status=200 ' ' group=one '
logged 'that the UUID of one says nothing' " path=$at/a1d8e716-a9bf-8b42-9117-363341bb330b " ' status=404 '
logged 'two, by its UUID' " path=$at/a2d8e716-a9bf-8b42-9117-363341bb330b " ' status=200 ' ' group=two '
if [ "$firmware" = bios ]; then # the other one asks in the same order
    boot unknown 3
    expect_profile unknown other
    logged 'the default' " path=$at/default " ' status=200 ' ' group=default '
fi
stop_server
sum
