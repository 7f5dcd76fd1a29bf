#!/bin/bash
# Runs test programs and adds up what they report. Each prints Criterion's synthesis line or a line
# "N passed, N failed". A program fails as a whole when it exits non-zero, reports no test, or
# writes a sanitizer's report (Criterion exits 0 when LeakSanitizer has something to say).
set -u
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=0:exitcode=66}"
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for program in "$@"; do
    start=$(date +%s%N)
    # shellcheck disable=SC2086 # a program may come with arguments
    timeout --kill-after=10 "${TEST_TIMEOUT:-240}" $program >"$log" 2>&1 </dev/null
    rc=$?
    ms=$((($(date +%s%N) - start) / 1000000))
    clean=$(sed 's/\x1b\[[0-9;]*m//g' "$log")
    synthesis=$(grep -aoE 'Tested: [0-9]+ \| Passing: [0-9]+ \| Failing: [0-9]+ \| Crashing: [0-9]+' <<<"$clean" | tail -n 1)
    plain=$(grep -aoE '^[0-9]+ passed, [0-9]+ failed' <<<"$clean" | tail -n 1)
    p=0
    f=0
    if [ -n "$synthesis" ]; then
        read -r tested p _ <<<"$(tr -dc '0-9 \n' <<<"$synthesis")"
        f=$((tested - p))
    elif [ -n "$plain" ]; then
        p=${plain%% passed*}
        f=${plain##*, }
        f=${f%% failed*}
    fi
    why=
    if grep -aqE 'ERROR: (Address|Leak|Thread|Undefined)|WARNING: ThreadSanitizer|runtime error:' <<<"$clean"; then
        why="a sanitizer reported"
    elif [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then
        why="exit status $rc"
    elif [ $((p + f)) -eq 0 ]; then
        why="reported no test"
    fi
    if [ -n "$why" ]; then
        f=$((f + 1))
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    if [ "$f" -gt 0 ]; then
        printf '%s\n' "$clean"
        echo "FAIL $program: $f failed, $p passed (${why:-see above}; $ms ms)"
    else
        echo "ok   $program: $p passed ($ms ms)"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
