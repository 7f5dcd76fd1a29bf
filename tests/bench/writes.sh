#!/bin/bash
# Single writes a second through the API, beside what SQLite alone gives on the same disk in the same
# run: writes.sh VESTA WRITES_BENCH. ROUNDS and SECONDS_EACH may be set.
set -eu
cd "$(dirname "$0")/../.."
vesta=$1
bench=$2
work=build/bench/writes
pid=
stop() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; }
trap stop EXIT
for ((round = 0; round < ${ROUNDS:-3}; round++)); do
    rm -rf "$work"
    mkdir -p "$work/site/profiles"
    echo '{}' >"$work/site/profiles/base.json"
    "$vesta" import --data-path "$work/data" "$work/site" >/dev/null
    "$vesta" serve --data-path "$work/data" --address 127.0.0.1:0 --api-address 127.0.0.1:0 \
        >"$work/out" 2>"$work/log" &
    pid=$!
    until grep -q 'API on' "$work/out"; do
        kill -0 "$pid" || { cat "$work/log" >&2 && exit 1; }
        sleep 0.05
    done
    port=$(sed -n 's/.*API on .*://p' "$work/out")
    "$bench" "$work" "${SECONDS_EACH:-5}" "$port" "$(cat "$work/data/admin.token")"
    kill "$pid"
    wait "$pid"
    pid=
done
rm -rf "$work"
