# shellcheck shell=bash disable=SC2154
# UEFI HTTP Boot: the firmware loads iPXE by HTTP from Vesta's assets, as `vesta dhcp-config dnsmasq`
# says. The firmware is told to leave PXE out, whose attempts take a minute.
# shellcheck source=tests/boot/network.sh
. "$here/network.sh"
make_network
fill_tftp
cp /usr/lib/ipxe/ipxe.efi "$assets/ipxe.efi"
start_dnsmasq "$host" dnsmasq < <(dhcp_config dnsmasq) || exit 1
serve_network "$here/site" || exit 1

boot() { # NAME NUMBER
    plug "$1"
    start_machine "$1" uefi "$2" "tap,ifname=$1,script=no,downscript=no" '' \
        -fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=n -fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n
}

boot one 1
boot two 2
expect_profile one one
expect_profile two two
logged 'that the firmware asked how long the file is' ' method=HEAD path=/httpboot/ipxe.efi ' ' status=200 '
logged 'that the firmware loaded it' ' method=GET path=/httpboot/ipxe.efi ' ' status=200 '
logged_labels /ipxe 1 one
logged_labels /ipxe 2 two
stop_server
sum
