#!/bin/bash
# Real machines, as far as QEMU makes them, against the real server: run.sh VESTA FOLDER, where
# FOLDER is what setup.sh prepared. BIOS and UEFI run at the same time, a machine each.
set -u
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 2 ] || { echo "usage: run.sh VESTA FOLDER" >&2; exit 2; }
if [ ! -x "$1" ] || [ ! -s "$2/assets/vmlinuz" ] || [ ! -s "$2/assets/initrd.gz" ]; then
    echo "run.sh: no server at $1, or no kernel and initrd in $2/assets; make test-boot makes both" >&2
    exit 1
fi
vesta=$(realpath "$1")
folder=$(realpath "$2")
rm -rf "$folder/logs"
mkdir "$folder/logs"

declare -A pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait; exit 130' INT TERM
for firmware in bios uefi; do
    "$here/firmware.sh" "$firmware" "$vesta" "$folder" >"$folder/logs/$firmware.report" 2>&1 </dev/null &
    pids[$firmware]=$!
done

passed=0
failed=0
for firmware in bios uefi; do
    wait "${pids[$firmware]}"
    status=$?
    report=$folder/logs/$firmware.report
    sums=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$report" | tail -n 1)
    grep -vxF "${sums:-none}" "$report"
    read -r p _ f _ <<<"${sums:-0 passed, 0 failed}"
    # Without a sum it stopped before its end, and said why.
    [ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
    passed=$((passed + p))
    failed=$((failed + f))
done
[ "$failed" -eq 0 ] || echo "All logs are in $folder/logs."
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
