# shellcheck shell=bash disable=SC2154
# dnsmasq gives addresses and iPXE, as `vesta dhcp-config dnsmasq` says: the PXE client of UEFI
# firmware loads it by TFTP, and it goes on by HTTP.
# shellcheck source=tests/boot/network.sh
. "$here/network.sh"
make_network
fill_tftp
start_dnsmasq "$host" dnsmasq < <(dhcp_config dnsmasq) || exit 1
serve_network "$here/site" || exit 1

boot() { # NAME NUMBER
    plug "$1"
    start_machine "$1" uefi "$2" "tap,ifname=$1,script=no,downscript=no" ''
}

boot one 1
boot two 2
expect_profile one one
expect_profile two two
dhcp_logged dnsmasq 'that it sent iPXE' 'sent .*/ipxe\.efi to 10\.77\.0\.'
logged_labels /ipxe 1 one
logged_labels /ipxe 2 two
stop_server
sum
