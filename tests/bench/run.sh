#!/bin/bash
# Requests a second, side by side with nginx serving a static file of the same size in the same run:
# server on one core, wrk on another, 64 keep-alive connections, the two in turn. What counts is the
# ratio; single figures depend on the machine and its neighbours. nginx runs without an access log,
# vesta with its own. ROUNDS, SECONDS_EACH and GROUPS_N may be set.
set -eu
cd "$(dirname "$0")/../.."
vesta=${1:-build/vesta}
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-4}
groups=${GROUPS_N:-10000}
work=build/bench
rm -rf "$work/nginx" "$work/data"
mkdir -p "$work/nginx/html" "$work/data"
pids=()
stop() { for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; }
trap stop EXIT

cores=$(nproc)
server_core=0
client_core=$((cores > 1 ? 1 : 0))
[ "$cores" -gt 1 ] || echo "bench: only one core: server and client share it, the figures mean little"

if [ ! -e "$work/site-$groups/done" ]; then
    tests/bench/site.sh "$work/site-$groups" "$groups"
    touch "$work/site-$groups/done"
fi
"$vesta" import "$work/site-$groups" --data-path "$work/data" >/dev/null

wait_for() { # FILE PATTERN
    for _ in $(seq 200); do
        grep -q "$2" "$1" 2>/dev/null && return 0
        sleep 0.05
    done
    echo "bench: $1 never said: $2" >&2
    return 1
}
taskset -c $server_core "$vesta" serve --data-path "$work/data" --threads 1 \
    --address 127.0.0.1:0 --api-address 127.0.0.1:0 >"$work/vesta.out" 2>"$work/vesta.log" &
vesta_pid=$!
pids+=("$vesta_pid")
wait_for "$work/vesta.out" 'boot plane on'
vesta_url=$(sed -n 's/.*boot plane on //p' "$work/vesta.out")

mac=52:54:00:00:13:88
curl -sf "$vesta_url/ipxe?mac=$mac" >"$work/nginx/html/ipxe"
size=$(stat -c %s "$work/nginx/html/ipxe")
nginx_port=0
for port in $(seq 18200 18300); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        nginx_port=$port
        break
    fi
done
cat >"$work/nginx/nginx.conf" <<C
worker_processes 1;
daemon off;
pid nginx.pid;
error_log error.log;
events { worker_connections 1024; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    default_type text/plain;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    server { listen 127.0.0.1:$nginx_port; root html; }
}
C
taskset -c $server_core nginx -p "$PWD/$work/nginx" -c nginx.conf 2>"$work/nginx/stderr" &
nginx_pid=$!
pids+=("$nginx_pid")
for _ in $(seq 100); do
    curl -sf "http://127.0.0.1:$nginx_port/ipxe" >/dev/null && break
    sleep 0.05
done

# A process's own CPU time with its children's, in ticks.
ticks() {
    local total=0 p
    for p in "$1" $(pgrep -P "$1"); do
        total=$((total + $(awk '{print $14 + $15}' "/proc/$p/stat")))
    done
    echo "$total"
}
hz=$(getconf CLK_TCK)
# Prints "requests-a-second cpu-us-a-request p99-ms"
measure() { # PID URL
    local before after out
    before=$(ticks "$1")
    out=$(taskset -c $client_core wrk -t1 -c64 -d"${seconds}s" --latency "$2")
    after=$(ticks "$1")
    awk -v t=$((after - before)) -v hz="$hz" '
        /requests in/ {n = $1}
        /Requests\/sec/ {r = $2}
        /99%/ {p = $2}
        /Non-2xx/ {bad = $NF}
        /Socket errors/ {bad = $0}
        END {if (bad) print "bench: bad answers: " bad > "/dev/stderr"; printf "%.0f %.2f %s\n", r, n ? t / hz * 1e6 / n : 0, p}' <<<"$out"
}
summary() { # FILE COLUMN: median min max
    awk -v c="$2" '{print $c}' "$1" | sort -n | awk '{v[NR] = $1} END {printf "%s %s %s", v[int((NR + 1) / 2)], v[1], v[NR]}'
}

compare() { # NAME PATH
    : >"$work/rows"
    measure "$vesta_pid" "$vesta_url$2" >/dev/null
    local i v n
    for ((i = 0; i < rounds; i++)); do
        v=$(measure "$vesta_pid" "$vesta_url$2")
        n=$(measure "$nginx_pid" "http://127.0.0.1:$nginx_port/ipxe")
        awk -v v="$v" -v n="$n" 'BEGIN {split(v, a, " "); split(n, b, " "); printf "%.3f %s %s %s %s %s %s\n", a[1] / b[1], a[1], b[1], a[2], b[2], a[3], b[3]}' >>"$work/rows"
    done
    read -r ratio low high <<<"$(summary "$work/rows" 1)"
    printf '%-26s %6s (%s to %s)   vesta %s/s %s us   nginx %s/s %s us\n' "$1" "$ratio" "$low" "$high" \
        "$(summary "$work/rows" 2 | cut -d' ' -f1)" "$(summary "$work/rows" 4 | cut -d' ' -f1)" \
        "$(summary "$work/rows" 3 | cut -d' ' -f1)" "$(summary "$work/rows" 5 | cut -d' ' -f1)"
}
echo "groups: $groups, answer: $size bytes, $rounds rounds of $seconds s; ratio of requests a second to nginx's static file: median (lowest to highest); CPU a request"
compare "/ipxe, built-in script" "/ipxe?mac=$mac"
compare "/generic, static" "/generic?mac=$mac"
compare "/metadata" "/metadata?mac=$mac"
awk '/VmRSS/ {printf "resident memory of vesta: %.0f MiB\n", $2 / 1024}' "/proc/$vesta_pid/status"
