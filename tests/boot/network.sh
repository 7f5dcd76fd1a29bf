# shellcheck shell=bash disable=SC2154
# A network of its own for a scenario, in network namespaces: the host of Vesta with dnsmasq, another
# DHCP server where one is needed, and a bridge that the machines are plugged into. Needs root.
vesta_ip=10.77.0.1
port=8080

skip() { # WHY
    echo "skip $scenario: $1"
    echo "0 passed, 0 failed"
    exit 0
}

add_namespace() { # NAME
    ip netns add "$1" 2>"$work/why" || skip "no network namespaces here: $(cat "$work/why")"
    namespaces+=("$1")
    ip -n "$1" link set lo up
}

# A host on the bridge.
add_host() { # NAME ADDRESS
    add_namespace "$1"
    ip link add eth0 netns "$1" type veth peer name "to-$1" netns "$bridge" || return 1
    ip -n "$bridge" link set "to-$1" master br0 up
    ip -n "$1" addr add "$2/24" dev eth0
    # Debian's iPXE waits 15 seconds for an IPv6 router before it believes that there is none.
    ip -n "$1" addr add "fd00:77::${2##*.}/64" dev eth0 nodad
    ip -n "$1" link set eth0 up
}

make_network() {
    [ "$(id -u)" -eq 0 ] || skip "not root, so there is no network to be made"
    [ -c /dev/net/tun ] || skip "no /dev/net/tun to plug a machine into"
    bridge=vb$$
    host=vh$$
    add_namespace "$bridge"
    ip -n "$bridge" link add br0 type bridge forward_delay 0 || skip "no bridges in this kernel"
    ip -n "$bridge" link set br0 up
    add_host "$host" "$vesta_ip" || skip "no veth in this kernel"
    # shellcheck disable=SC2034 # lib.sh starts machines by it
    machine_command="ip netns exec $bridge"
}

# A card's other end.
plug() { # NAME
    ip -n "$bridge" tuntap add dev "$1" mode tap
    ip -n "$bridge" link set "$1" master br0 up
}

# dnsmasq in a namespace, with the config that is read from standard input: from a redirection, since in
# a pipe this shell would not know of the process, and not end it.
start_dnsmasq() { # NAMESPACE NAME
    local conf=$logs/$scenario-$2.conf log=$logs/$scenario-$2.log
    {
        cat
        printf '%s\n' '# for the test:' user=root pid-file= "dhcp-leasefile=$work/$2.leases" log-dhcp log-facility=- \
            no-ping enable-ra dhcp-range=fd00:77::,ra-only
    } >"$conf"
    ip netns exec "$1" dnsmasq --keep-in-foreground --conf-file="$conf" >"$log" 2>&1 </dev/null &
    helpers+=($!)
    wait_for "$log" 'dnsmasq-dhcp' 10 $! && return 0
    echo "$scenario: dnsmasq did not start:"
    cat "$log"
    return 1
}

# Vesta as its users start it: it is not told where it is.
serve_network() { # SITE
    start_server default "$1" "$vesta_ip" '' ip netns exec "$host"
}

# What the firmware loads by TFTP.
fill_tftp() {
    tftp=$work/tftp
    mkdir "$tftp"
    cp /usr/lib/ipxe/undionly.kpxe /usr/lib/ipxe/ipxe.efi "$tftp"
}

dhcp_config() { # KIND
    "$vesta" dhcp-config "$1" --url "http://$vesta_ip:$port" --interface eth0 --tftp-root "$tftp"
}

# The DHCP server must have told of PATTERN.
dhcp_logged() { # NAME WHAT PATTERN
    grep -aqE -- "$3" "$logs/$scenario-$1.log" && return 0
    bad "dnsmasq did not log $2: $3 in $logs/$scenario-$1.log"
}
