#!/bin/bash
# Format, the floor plan, what may be included where, words that we do not use, static checks.
# Takes the floors as arguments, lowest first, each a list of modules: "base" "value" "model tmpl" …
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0
fail() {
    printf '%s\n' "$*" >&2
    bad=1
}

mapfile -t sources < <(git ls-files -co --exclude-standard '*.c' '*.h')
mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' .ci/run)
mapfile -t ours < <(printf '%s\n' "${sources[@]}" | grep -E '^(internal|cmd)/')

mapfile -t inside < <(printf '%s\n' "${ours[@]}" | grep '^internal/')
mapfile -t units < <(printf '%s\n' "${ours[@]}" | grep '\.c$')

# --- format
clang-format --dry-run -Werror "${sources[@]}" || fail "lint: run clang-format -i on the files above"

# --- floors: a folder includes only lower floors, and its own files
declare -A floor
n=0
for list in "$@"; do
    for module in $list; do floor[$module]=$n; done
    n=$((n + 1))
done
for folder in internal/*/; do
    module=$(basename "$folder")
    [ -n "${floor[$module]:-}" ] || fail "lint: $folder is on no floor: add it to the Makefile and internal/README.md"
    grep -q "\`$module\`" internal/README.md || fail "lint: internal/README.md does not name $module"
done
while IFS=: read -r file line text; do
    from=${file#internal/}
    from=${from%%/*}
    to=${text#*\"}
    case $to in
        */*) to=${to%%/*} ;;
        embedded.h | version.h) continue ;;
        *) fail "$file:$line: include from the source root: \"$from/…\"" && continue ;;
    esac
    [ "$to" = "$from" ] && continue
    if [ -z "${floor[$to]:-}" ]; then
        fail "$file:$line: \"$to\" is no module"
    elif [ "${floor[$to]}" -ge "${floor[$from]}" ]; then
        fail "$file:$line: $from (floor ${floor[$from]}) must not include $to (floor ${floor[$to]})"
    fi
done < <(grep -nHE '^#include "' "${inside[@]}")

only_in() { # HEADER FOLDER
    local found
    found=$(grep -lE "^#include <$1>" "${ours[@]}" | grep -v "^internal/$2/")
    [ -z "$found" ] || fail "lint: <$1> belongs to internal/$2 only: $found"
}
only_in 'microhttpd\.h' http
only_in 'sqlite3\.h' store
only_in 'urcu.*' catalog

# --- words
banned=$(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|sscanf|strtok|alloca|gets)[[:space:]]*\(' "${sources[@]}")
[ -z "$banned" ] || fail "lint: functions that we do not use:"$'\n'"$banned"
leftover=$(grep -nwE 'TODO|FIXME|XXX|HACK' "${sources[@]}" "${scripts[@]}" | grep -v '^tests/tools/lint.sh:')
[ -z "$leftover" ] || fail "lint: finish it or write an issue:"$'\n'"$leftover"
long=$(wc -l "${ours[@]}" | awk '$2 != "total" && $1 > 600 {print $2 ": " $1 " lines"}')
[ -z "$long" ] || fail "lint: files over 600 lines:"$'\n'"$long"

# --- compilers, all warnings as errors
flags=(-std=gnu17 -D_GNU_SOURCE -Iinternal -I"${GEN:-build/release/gen}" -Itests/unit -O2 -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Werror)
for cc in gcc clang; do
    printf '%s\n' "${sources[@]}" | grep '\.c$' |
        xargs -P"$(nproc)" -n4 "$cc" "${flags[@]}" -fsyntax-only || fail "lint: $cc has warnings"
done

# --- static checks
cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,portability \
    --suppress=missingIncludeSystem --suppress=preprocessorErrorDirective -j"$(nproc)" -D_GNU_SOURCE -Iinternal \
    "${units[@]}" || fail "lint: cppcheck found something"
# shellcheck disable=SC2016 # $0 and $@ are for the inner shell
printf '%s\n' "${units[@]}" |
    xargs -P"$(nproc)" -n4 bash -c 'clang-tidy --quiet "$@" -- $0 2>/dev/null' "${flags[*]}" |
    grep . && fail "lint: clang-tidy found something"
shellcheck "${scripts[@]}" || fail "lint: shellcheck found something"

[ $bad -eq 0 ] && echo "lint: clean"
exit $bad
