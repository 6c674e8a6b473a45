#!/usr/bin/env bash
# first_steps.sh DOC BUILD_FOLDER: every "sh" block of docs/first-steps.md, one after the other in one shell and an empty
# folder. A command that fails ends it, and what a reader must see has to be there.
set -euo pipefail
doc=$(realpath "${1:?usage: first_steps.sh DOC BUILD_FOLDER}") build=$(realpath "$2")
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || :; rm -rf "$work"' EXIT
cd "$work"

awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$doc" >steps.sh
[ "$(wc -l <steps.sh)" -gt 30 ] || { echo "$doc has no steps"; exit 1; }

export PATH="$build/bin:$PATH" OPENEKM_LIB=$build/lib/libopenekm.so
set -x
. ./steps.sh >seen.txt
set +x

for text in 127.0.0.1: tde-key OpenEKM RSA_2048 'broken   0'; do
  grep -q "$text" seen.txt || { echo "'$text' is not seen"; cat seen.txt; exit 1; }
done
thumbprint=$(akvd key show --data vault --name tde-key | sed -n 's/^thumbprint *//p')
grep -q "${thumbprint:?akvd shows none}" seen.txt || { echo "the connector has another thumbprint than $thumbprint"; exit 1; }
if grep -qF "$secret" openekm.log akvd.log; then echo 'a log has the secret'; exit 1; fi
