#!/bin/bash
# Runs fuzz targets for a time each: run.sh FOLDER SECONDS NAME... New inputs go to build/fuzz/NAME,
# the corpus in tests/fuzz/corpus/NAME is read only.
set -u
programs=$1
seconds=$2
shift 2
bad=0
for name in "$@"; do
    mkdir -p "build/fuzz/$name"
    echo "== $name for $seconds s"
    "$programs/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" "build/fuzz/$name" "tests/fuzz/corpus/$name" || bad=1
done
exit $bad
