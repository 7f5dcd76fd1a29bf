#!/bin/bash
# Installs, beside this file, the packages that tests/http/test_openapi.py needs, exactly as
# package-lock.json has them. What is there already costs one comparison.
set -eu
cd "$(dirname "$0")"
cmp -s package-lock.json node_modules/.installed && exit 0
if ! npm ci --silent --no-audit --no-fund --ignore-scripts; then
    echo "openapi/install.sh: npm could not install the packages; without --silent it says why:" >&2
    echo "    cd tests/tools/openapi && npm ci" >&2
    exit 1
fi
cp package-lock.json node_modules/.installed
