# shellcheck shell=bash disable=SC2154
# What the scenarios share; run.sh sources it, then one of scenario/*.sh, in a subshell of its own.
# Given: scenario (its name), here (tests/boot), vesta, folder (what setup.sh prepared), logs.
#
# A scenario starts a server, starts its machines, which then run at the same time, and says what it
# expects of each; the consoles, what the server logged and what was on the wire stay in the logs.
boot_seconds=${BOOT_SECONDS:-240} # for one boot, which takes 6 to 30 when nothing else runs
assets=$folder/assets
work=$(mktemp -d)
chmod 755 "$work" # dnsmasq reads files here as another user
passed=0
failed=0
declare -A pids=() serials=() started=()
server_pid=
namespaces=()
helpers=()

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
    local p
    for p in "${pids[@]}" "${helpers[@]}" $server_pid; do end_process "$p"; done
    for p in "${namespaces[@]}"; do ip netns del "$p"; done
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

# SeaBIOS puts where its cursor is between the letters of a line when they come slowly.
without_escapes() { # FILE
    LC_ALL=C sed 's/\x1b\[[0-9;]*[A-Za-z]//g' "$1" 2>/dev/null
}

# Until PATTERN is in FILE: fails when it is not there after LIMIT seconds or the process has ended.
wait_for() { # FILE PATTERN LIMIT PID
    local deadline=$((SECONDS + $3)) last=no
    while ! grep -aqE -- "$2" <(without_escapes "$1"); do
        [ "$last" = no ] && [ "$SECONDS" -lt "$deadline" ] || return 1
        running "$4" || last=yes # what it wrote before it ended is still to be read
        sleep 0.1
    done
}

good() { # WHAT
    passed=$((passed + 1))
    echo "ok   $scenario: $1"
}

bad() { # WHAT
    failed=$((failed + 1))
    echo "FAIL $scenario: $1"
}

# --- the server ------------------------------------------------------------------------------------

new_port() {
    port=$((20000 + RANDOM % 20000))
}

# Imports SITE and serves it on HOST:$port, by COMMAND... if there is one (ip netns exec ...). Sets
# access_log.
start_server() { # NAME SITE HOST PUBLIC_URL [COMMAND...]
    local name=$1 site=$2 host=$3 url=$4 ready=$logs/$scenario-$1.stdout
    shift 4
    access_log=$logs/$scenario-$name.access.log
    if ! "$vesta" import "$site" --data-path "$work/$name" >"$ready" 2>"$access_log"; then
        echo "$scenario: vesta import failed:"
        cat "$ready" "$access_log"
        return 1
    fi
    [ -z "${openpgp_key:-}" ] || "$vesta" key import "$openpgp_key" --data-path "$work/$name" >/dev/null || return 1
    # shellcheck disable=SC2086 # flags, not one word
    "$@" "$vesta" serve ${serve_flags:-} --data-path "$work/$name" --assets-path "$assets" --address "$host:$port" \
        --api-address 127.0.0.1:0 --log-format text ${url:+--public-url "$url"} \
        >"$ready" 2>"$access_log" </dev/null &
    server_pid=$!
    wait_for "$ready" '^vesta: API on ' 30 "$server_pid" && return 0
    echo "$scenario: the server did not say that it is ready:"
    cat "$ready" "$access_log"
    return 1
}

# For machines on QEMU's own network: the host is 10.0.2.2 there, which the server cannot know.
serve_users() { # NAME SITE
    local tries
    for tries in 1 2 3 4 5; do
        new_port
        start_server "$1" "$2" 127.0.0.1 "http://10.0.2.2:$port" >"$work/start" && return 0
        grep -q 'in use' "$work/start" || break
        echo "$scenario: port $port is taken (try $tries)" >&2
    done
    cat "$work/start"
    return 1
}

stop_server() {
    local status=0
    end_process "$server_pid" || status=$?
    server_pid=
    [ "$status" -ne 0 ] || return 0
    bad "the server ended with status $status, $access_log:"
    tail -n 20 "$access_log"
}

# --- machines --------------------------------------------------------------------------------------

# Not too regular: PXELINUX takes no UUID for one that is mostly zeros.
uuid_of() { # NUMBER
    echo "16e7d8a$1-bfa9-428b-9117-363341bb330b"
}

mac_of() { # NUMBER
    echo "52:54:00:a1:b2:0$1"
}

# The console of both firmwares is the serial line: SeaBIOS's own with -nographic, OVMF's always. The
# ROMs name virtio's modern PCI id, and SeaBIOS runs a ROM only on the card that it names: no legacy.
# Without a ROM for it OVMF drives the card itself.
start_machine() { # NAME bios|uefi NUMBER NETDEV ROM [QEMU ARGUMENTS...]
    local name=$1 firmware=$2 number=$3 netdev=$4 rom=$5 order='' platform=(-machine pc -boot n)
    shift 5
    if [ "$firmware" = uefi ]; then
        order=bootindex=1,
        cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/$name.vars.fd"
        platform=(-machine q35
            -drive "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
            -drive "if=pflash,format=raw,unit=1,file=$work/$name.vars.fd")
    fi
    serials[$name]=$logs/$scenario-$name.serial.log
    started[$name]=$(date +%s%N)
    : >"${serials[$name]}"
    # The profiles say no_timer_check: without it, on a busy host, the kernel finds emulated timers too
    # slow and panics.
    ${machine_command:+$machine_command} qemu-system-x86_64 -accel tcg -m 512 -nographic -no-reboot \
        -monitor none -serial "file:${serials[$name]}" "${platform[@]}" \
        -smbios "type=1,serial=VESTA-$number,uuid=$(uuid_of "$number")" -netdev "$netdev,id=net0" \
        -device "virtio-net-pci,netdev=net0,mac=$(mac_of "$number"),disable-legacy=on,${order}romfile=$rom" \
        -object "filter-dump,id=wire,netdev=net0,maxlen=512,file=$logs/$scenario-$name.pcap" "$@" \
        >"$logs/$scenario-$name.qemu.log" 2>&1 </dev/null &
    pids[$name]=$!
}

# PATTERN must come up on the machine's console; then it is ended.
expect() { # NAME PATTERN
    local serial=${serials[$1]} pid=${pids[$1]} why='' took
    if ! wait_for "$serial" "$2" "$boot_seconds" "$pid"; then
        why="its console did not show /$2/ before it ended"
        running "$pid" && why="its console did not show /$2/ within $boot_seconds s"
    fi
    took=$((($(date +%s%N) - started[$1]) / 100000000))
    end_process "$pid"
    unset "pids[$1]"
    if [ -z "$why" ]; then
        good "$1 ($((took / 10)).$((took % 10)) s)"
        return
    fi
    bad "$1: $why"
    echo "--- the end of its console, $serial"
    tr -d '\r' <"$serial" | tail -n 25
    cat "$logs/$scenario-$1.qemu.log"
    echo "--- what the server logged, $access_log"
    grep -v 'path=/healthz' "$access_log" | tail -n 25
    echo "---"
}

# Its kernel must say that it got the profile's arguments, whole.
expect_profile() { # NAME PROFILE
    expect "$1" "GUEST-CMDLINE: .*vesta\.profile=$2 \"?vesta\.list=a;b&c\"? "
}

# The server must have logged a line with all of these; it logs a request after its last byte was sent,
# so the line may come after what the console shows.
logged() { # WHAT PATTERN...
    local what=$1 deadline=$((SECONDS + 5)) pattern lines
    shift
    while :; do
        lines=$(grep ' request ' "$access_log")
        for pattern; do lines=$(grep -E -- "$pattern" <<<"$lines"); done
        [ -z "$lines" ] || return 0
        [ "$SECONDS" -lt "$deadline" ] || break
        sleep 0.1
    done
    bad "the server did not log $what: $* in $access_log"
    grep ' request ' "$access_log" | tail -n 20
}

# Labels as iPXE and GRUB send them.
logged_labels() { # PATH NUMBER PROFILE
    logged "machine $2 at $1" " path=$1 " "mac=$(mac_of "$2")" "uuid=$(uuid_of "$2")" " profile=$3 " ' status=200 '
}

sum() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
