# shellcheck shell=bash disable=SC2154
# iPXE as the ROM of the card. QEMU's network gives it an address and the URL of /boot.ipxe.
firmware=${scenario#ipxe-}
rom=/usr/lib/ipxe/qemu/pxe-virtio.rom
[ "$firmware" = bios ] || rom=/usr/lib/ipxe/qemu/efi-virtio.rom

cp -r "$here/site" "$work/no-default"
rm "$work/no-default/groups/default.json"

boot() { # NAME NUMBER
    start_machine "$1" "$firmware" "$2" "user,bootfile=http://10.0.2.2:$port/boot.ipxe" "$rom"
}

serve_users default "$here/site" || exit 1
boot one 1
boot two 2
expect_profile one one
expect_profile two two
logged_labels /ipxe 1 one
logged_labels /ipxe 2 two
logged 'the architecture that iPXE says' ' path=/ipxe ' "$(if [ "$firmware" = bios ]; then echo arch=i386; else echo arch=x86_64; fi)"
boot unknown 3
if [ "$firmware" = bios ]; then
    # It boots from a card that nobody knows; the MAC of its second card is that of group one. A ROM for
    # UEFI drives its own card only, and so sees no second one.
    start_machine second-card "$firmware" 4 "user,bootfile=http://10.0.2.2:$port/boot.ipxe?nics=all" "$rom" \
        -netdev user,id=net1 -device "virtio-net-pci,netdev=net1,mac=$(mac_of 1),disable-legacy=on,romfile="
    expect_profile second-card one
    logged 'that the first card has no group' ' path=/ipxe-nic ' "mac=$(mac_of 4)" ' status=404 '
    logged 'the second card' ' path=/ipxe-nic ' "mac=$(mac_of 1)" ' status=200 ' ' group=one '
fi
expect_profile unknown other
stop_server

# iPXE must say in its own words that there is nothing for it, and stop there.
serve_users no-default "$work/no-default" || exit 1
boot nobody 3
expect nobody 'No such file or directory \(http://ipxe\.org/2d0c61'
logged 'why there was nothing' ' path=/ipxe ' ' status=404 ' ' reason='
stop_server
sum
