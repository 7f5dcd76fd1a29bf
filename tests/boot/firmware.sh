#!/bin/bash
# Boots four machines, one after the other, with one kind of firmware: firmware.sh bios|uefi VESTA
# FOLDER, where FOLDER is what setup.sh prepared. QEMU's network gives each an address and the URL
# of /boot.ipxe; the rest is between iPXE's ROM and the server. Each line of the report is a
# machine; the last is "N passed, N failed". Logs are left in FOLDER/logs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 3 ] || { echo "usage: firmware.sh bios|uefi VESTA FOLDER" >&2; exit 2; }
firmware=$1
vesta=$2
folder=$3
logs=$folder/logs
assets=$folder/assets
boot_seconds=${BOOT_SECONDS:-90} # for one boot, which takes 6 to 20 when nothing else runs
unset "${!VESTA_@}" # the server gets its settings from the command line only

mkdir -p "$logs"
work=$(mktemp -d)
server_pid=
qemu_pid=

# A child of ours that still runs; by bash's own list, since a number could be another's by now.
running() { # PID
    [[ " $(jobs -rp | tr '\n' ' ')" == *" $1 "* ]]
}

# Asks a child to end, and ends it when it has not after ten seconds. Its status, 137 if forced.
end_process() { # PID
    local deadline=$((SECONDS + 10))
    running "$1" && kill "$1" 2>/dev/null
    while running "$1"; do
        [ "$SECONDS" -lt "$deadline" ] || kill -KILL "$1" 2>/dev/null
        sleep 0.05
    done
    wait "$1"
}

end() {
    trap - EXIT
    [ -z "$qemu_pid" ] || end_process "$qemu_pid"
    [ -z "$server_pid" ] || end_process "$server_pid"
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

# Until PATTERN is in FILE: fails when it is not there after LIMIT seconds or the process has ended.
wait_for() { # FILE PATTERN LIMIT PID
    local deadline=$((SECONDS + $3)) last=no
    while ! grep -aqE -- "$2" "$1" 2>/dev/null; do
        [ "$last" = no ] && [ "$SECONDS" -lt "$deadline" ] || return 1
        running "$4" || last=yes # what it wrote before it ended is still to be read
        sleep 0.1
    done
}

# Imports SITE and serves it; sets port and access_log.
start_server() { # NAME SITE
    access_log=$logs/$firmware-$1.access.log
    local ready=$logs/$firmware-$1.stdout
    if ! "$vesta" import "$2" --data-path "$work/$1" >"$ready" 2>"$access_log"; then
        echo "$firmware: vesta import failed:"
        cat "$ready" "$access_log"
        return 1
    fi
    "$vesta" serve --data-path "$work/$1" --assets-path "$assets" --address 127.0.0.1:0 \
        --api-address 127.0.0.1:0 --log-format text >"$ready" 2>"$access_log" </dev/null &
    server_pid=$!
    if ! wait_for "$ready" '^vesta: API on ' 20 "$server_pid"; then
        echo "$firmware: the server did not say that it is ready:"
        cat "$ready" "$access_log"
        return 1
    fi
    port=$(sed -nE 's|^vesta: boot plane on http://127\.0\.0\.1:([0-9]+)$|\1|p' "$ready")
    [ -n "$port" ]
}

stop_server() {
    local status=0
    end_process "$server_pid" || status=$?
    server_pid=
    [ "$status" -ne 0 ] || return 0
    failed=$((failed + 1))
    echo "FAIL $firmware: the server ended with status $status, $access_log:"
    tail -n 20 "$access_log"
}

# The console of both firmwares is the serial line: SeaBIOS's own with -nographic, OVMF's always. The
# ROMs name virtio's modern PCI id, and SeaBIOS runs a ROM only on the card that it names: no legacy.
start_machine() { # UUID MAC
    local rom=/usr/lib/ipxe/qemu/pxe-virtio.rom order='' platform=(-machine pc -boot n)
    if [ "$firmware" = uefi ]; then
        rom=/usr/lib/ipxe/qemu/efi-virtio.rom
        order=bootindex=1,
        cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars.fd"
        platform=(-machine q35
            -drive "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
            -drive "if=pflash,format=raw,unit=1,file=$work/vars.fd")
    fi
    wire=$logs/$firmware-$name.pcap
    # The profiles say no_timer_check: without it, on a busy host, the kernel finds emulated timers too
    # slow and panics.
    qemu-system-x86_64 -accel tcg -m 512 -nographic -no-reboot -monitor none -serial "file:$serial" \
        "${platform[@]}" -uuid "$1" \
        -netdev "user,id=net0,bootfile=http://10.0.2.2:$port/boot.ipxe" \
        -device "virtio-net-pci,netdev=net0,mac=$2,disable-legacy=on,${order}romfile=$rom" \
        -object "filter-dump,id=wire,netdev=net0,maxlen=256,file=$wire" \
        >"$logs/$firmware-$name.qemu.log" 2>&1 </dev/null &
    qemu_pid=$!
}

stop_machine() {
    end_process "$qemu_pid"
    qemu_pid=
}

passed=0
failed=0
report() { # WHY, empty when all is well
    local took=$((($(date +%s%N) - started) / 100000000))
    if [ -z "$1" ]; then
        passed=$((passed + 1))
        rm -f "$wire"
        echo "ok   $firmware: $name ($((took / 10)).$((took % 10)) s)"
        return
    fi
    failed=$((failed + 1))
    echo "FAIL $firmware: $name: $1"
    echo "--- the end of its console, $serial"
    tr -d '\r' <"$serial" | tail -n 25
    cat "$logs/$firmware-$name.qemu.log"
    echo "--- what the server logged meanwhile, $access_log"
    new_log_lines
    echo "---"
}

new_log_lines() {
    tail -n "+$((log_lines + 1))" "$access_log"
}

# The requests since the machine was started, each as "PATH STATUS" on a line.
requests() {
    new_log_lines | sed -nE 's/.* request .*path=([^ ]+) .*status=([0-9]+) .*/\1 \2/p'
}

# True when the machine asked what is in the file `expected` and nothing else. The server logs a
# request after its last byte was sent, so the line may come after what the console shows.
asked_as_expected() {
    local deadline=$((SECONDS + 5))
    until diff <(requests) "$work/expected" >"$work/diff"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

# Starts a machine, waits for PATTERN on its console, and checks what it asked and how the server
# logged its /ipxe: with its MAC and MATCHED.
boot() { # NAME UUID MAC PATTERN MATCHED
    local why='' mac=${3//:/-} match
    name=$1
    serial=$logs/$firmware-$name.serial.log
    started=$(date +%s%N)
    log_lines=$(wc -l <"$access_log")
    : >"$serial"
    start_machine "$2" "$3"
    if ! wait_for "$serial" "$4" "$boot_seconds" "$qemu_pid"; then
        why="its console did not show /$4/ before it ended"
        running "$qemu_pid" && why="its console did not show /$4/ within $boot_seconds s"
    fi
    stop_machine
    if [ -z "$why" ]; then
        if ! asked_as_expected; then
            why="not what it should have asked (< asked, > expected):
$(cat "$work/diff")"
        elif ! grep -aqE "GET /ipxe\?uuid=$2&mac=$mac&" "$wire"; then
            why="it never sent GET /ipxe?uuid=$2&mac=$mac&..., says $wire"
        fi
        match=$(new_log_lines | grep -E ' path=/ipxe ')
        if [ -z "$why" ] && ! { grep -qF "mac=$3" <<<"$match" && grep -qE "$5" <<<"$match"; }; then
            why="its /ipxe was not logged with mac=$3 and /$5/"
        fi
    fi
    report "$why"
}

# A machine that is matched: its kernel must say that it got the profile's arguments.
boots_profile() { # NAME UUID MAC GROUP PROFILE
    printf '%s\n' '/boot.ipxe 200' '/ipxe 200' '/assets/vmlinuz 200' '/assets/initrd.gz 200' >"$work/expected"
    boot "$1" "$2" "$3" \
        "GUEST-CMDLINE: .*vesta\.profile=$5 vesta\.uuid=$2 vesta\.mac=${3//:/-}" \
        "group=$4 profile=$5 "
}

# A machine that nothing matches: iPXE must say so in its own words, and stop there.
finds_nothing() { # NAME UUID MAC
    printf '%s\n' '/boot.ipxe 200' '/ipxe 404' >"$work/expected"
    boot "$1" "$2" "$3" 'No such file or directory \(http://ipxe\.org/2d0c61' ' status=404 .* reason='
}

cp -r "$here/site" "$work/site-without-default"
rm "$work/site-without-default/groups/default.json"

start_server default "$here/site" || exit 1
boots_profile one 5a1e0001-0000-4000-8000-0000000000a1 52:54:00:a1:b2:01 one one
boots_profile two 5a1e0002-0000-4000-8000-0000000000a2 52:54:00:a1:b2:02 two two
boots_profile unknown 5a1e0003-0000-4000-8000-0000000000a3 52:54:00:a1:b2:03 default other
stop_server

start_server no-default "$work/site-without-default" || exit 1
finds_nothing no-default 5a1e0003-0000-4000-8000-0000000000a3 52:54:00:a1:b2:03
stop_server

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
