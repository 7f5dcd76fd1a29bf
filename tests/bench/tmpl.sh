#!/bin/bash
# The speed of templates: tmpl.sh PROGRAM, which is made from tmpl_bench.c. Instructions a render
# are the difference between two runs under callgrind, so that what happens once does not count.
set -eu
program=$1
"$program"
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" renders "$1" 2>&1 |
        sed -n 's/.*Collected : //p'
}
if command -v valgrind >/dev/null; then
    few=$(count 1000)
    many=$(count 2000)
    echo "template: $(((many - few) / 1000)) instructions a render"
else
    echo "template: no valgrind, so no count of instructions"
fi
