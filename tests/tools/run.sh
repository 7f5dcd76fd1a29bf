#!/bin/sh
# Serves the sample site: imports data/ at the first run, says three URLs to try, and serves.
set -eu
vesta=$1
data=$2
mkdir -p "$data"
[ -e "$data/vesta.db" ] || "$vesta" import data --data-path "$data"
cat <<'TEXT'
Try, in another terminal:
  curl http://127.0.0.1:8080/boot.ipxe
  curl 'http://127.0.0.1:8080/ipxe?mac=52:54:00:00:10:01'
  curl 'http://127.0.0.1:8080/metadata?mac=52:54:00:00:10:01'
TEXT
exec "$vesta" serve --data-path "$data" --address 127.0.0.1:8080 --api-address 127.0.0.1:8081
