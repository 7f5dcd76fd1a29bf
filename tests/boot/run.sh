#!/bin/bash
# Real machines, as far as QEMU makes them, against the real server: run.sh VESTA FOLDER [SCENARIO...],
# where FOLDER is what setup.sh prepared. One scenario after the other, each with two machines at a
# time. Each line of the report is a machine; the last is "N passed, N failed". Logs are left in
# FOLDER/logs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
all=(ipxe-bios ipxe-uefi pxelinux-bios pxelinux-efi grub-bios grub-efi tftp-uefi httpboot proxydhcp signed-bios)
[ $# -ge 2 ] || { echo "usage: run.sh VESTA FOLDER [SCENARIO...]; there are: ${all[*]}" >&2; exit 2; }
if [ ! -x "$1" ] || [ ! -s "$2/assets/vmlinuz" ] || [ ! -s "$2/assets/initrd.gz" ]; then
    echo "run.sh: no server at $1, or no kernel and initrd in $2/assets; make test-boot makes both" >&2
    exit 1
fi
vesta=$(realpath "$1")
folder=$(realpath "$2")
logs=$folder/logs
shift 2
[ $# -gt 0 ] || set -- "${all[@]}"
for scenario; do
    [[ " ${all[*]} " == *" $scenario "* ]] && continue
    echo "run.sh: there is no scenario \"$scenario\"; there are: ${all[*]}" >&2
    exit 2
done
rm -rf "$logs"
mkdir "$logs"
unset "${!VESTA_@}" # the server gets its settings from the command line only

# The scripts of a family are one file: grub-efi and grub-bios are scenario/grub.sh.
run_scenario() (
    # shellcheck source=tests/boot/lib.sh
    . "$here/lib.sh"
    # shellcheck disable=SC1090
    . "$here/scenario/${scenario%-*}.sh"
)

passed=0
failed=0
current=
trap 'kill "$current" 2>/dev/null; wait; exit 130' INT TERM
for scenario; do
    report=$logs/$scenario.report
    run_scenario >"$report" 2>&1 </dev/null &
    current=$!
    wait "$current"
    status=$?
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
