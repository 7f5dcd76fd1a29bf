#!/bin/bash
# Holds a linked program against the hardening flags of the Makefile: hardened.sh PROGRAM OBJECT...
# Objects are the project's own, where what the C library's start files lack is not in the way.
set -u
export LC_ALL=C
program=$1
shift
passed=0
failed=0

expect() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $program: $what"
    fi
}
has() { # PATTERN TEXT
    grep -qE -- "$1" <<<"$2"
}
lacks() {
    ! has "$@"
}

head=$(readelf --file-header --wide "$program")
segments=$(readelf --program-headers --wide "$program")
dynamic=$(readelf --dynamic --wide "$program")
symbols=$(readelf --dyn-syms --wide "$program")
[ -n "$head" ] && [ -n "$segments" ] && [ -n "$dynamic" ] || exit 1

expect "it is not position-independent (-pie)" has 'Type: +DYN \(Position-Independent' "$head"
expect "it has no read-only relocations (-z relro)" has '^ +GNU_RELRO' "$segments"
expect "symbols are bound late, so relocations stay writable (-z now)" has 'FLAGS_1.* NOW' "$dynamic"
expect "the stack is executable (-z noexecstack)" has '^ +GNU_STACK .* RW +0x' "$segments"
expect "memory is writable and executable at once" lacks '^ +LOAD .* RWE ' "$segments"
expect "code is relocated in place (-fPIE)" lacks 'TEXTREL' "$dynamic"
expect "it looks for libraries in folders of its own" lacks '\((RPATH|RUNPATH)\)' "$dynamic"
expect "no stack protector (-fstack-protector-strong)" has '__stack_chk_fail@' "$symbols"
expect "no checked copies (-D_FORTIFY_SOURCE)" has '__memcpy_chk@' "$symbols"
expect "no checked printing (-D_FORTIFY_SOURCE)" has '__snprintf_chk@' "$symbols"

flags=
for object in "$@"; do
    flags=$(readelf --debug-dump=info "$object" 2>/dev/null | grep -m 1 'DW_AT_producer')
    if [ "$(uname -m)" = x86_64 ]; then
        expect "$object has no landing pads (-fcf-protection)" has 'IBT, SHSTK' "$(readelf --notes "$object")"
    fi
    # clang does not write down what it was told.
    if has 'GNU C' "$flags"; then
        expect "$object does not touch each page of the stack (-fstack-clash-protection)" \
            has '-fstack-clash-protection' "$flags"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
