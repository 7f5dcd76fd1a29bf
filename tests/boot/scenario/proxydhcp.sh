# shellcheck shell=bash disable=SC2154
# A DHCP server that knows nothing of network boot, and beside it dnsmasq as `vesta dhcp-config
# dnsmasq-proxy` says, which gives no addresses. A BIOS and a UEFI machine at once.
# shellcheck source=tests/boot/network.sh
. "$here/network.sh"
make_network
fill_tftp
add_host "vd$$" 10.77.0.2
start_dnsmasq "vd$$" dhcp \
    < <(printf '%s\n' port=0 interface=eth0 bind-interfaces dhcp-range=10.77.0.100,10.77.0.150,255.255.255.0,1h) || exit 1
start_dnsmasq "$host" proxy < <(dhcp_config dnsmasq-proxy) || exit 1
serve_network "$here/site" || exit 1

boot() { # NAME bios|uefi NUMBER ROM
    plug "$1"
    start_machine "$1" "$2" "$3" "tap,ifname=$1,script=no,downscript=no" "$4"
}

boot bios bios 1 /usr/lib/ipxe/qemu/pxe-virtio.rom
boot uefi uefi 2 ''
expect_profile bios one
expect_profile uefi two
dhcp_logged dhcp 'that the plain server gave an address' 'DHCPACK\(eth0\) 10\.77\.0\.1[0-9]* 52:54:00:a1:b2:02'
dhcp_logged proxy 'that it answered as a proxy' 'PXE\(eth0\) .*52:54:00:a1:b2:02 proxy'
dhcp_logged proxy 'that it sent iPXE' 'sent .*/ipxe\.efi to 10\.77\.0\.'
logged_labels /ipxe 1 one
logged_labels /ipxe 2 two
stop_server
sum
