#!/bin/sh
# Writes C source with the bytes of the files that it is given: a table of name, bytes, length. What
# the build made has the name that it has below its gen/.
set -eu
echo '#include "base/embedded.h"'
n=0
for f in "$@"; do
    printf 'static const unsigned char file_%d[] = {' "$n"
    od -An -v -tx1 "$f" | sed 's/ \(..\)/0x\1,/g'
    echo '0};'
    n=$((n + 1))
done
echo 'const struct embedded_file embedded_files[] = {'
n=0
for f in "$@"; do
    printf '{"%s", (const char *)file_%d, sizeof file_%d - 1},\n' "${f##*/gen/}" "$n" "$n"
    n=$((n + 1))
done
echo '{0, 0, 0}};'
