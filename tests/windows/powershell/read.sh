#!/usr/bin/env bash
# read.sh FOLDER FILE...: read.mjs over each FILE, a PowerShell script. Its grammar comes from the npm registry, at the versions
# of package-lock.json, and is kept in FOLDER.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
shift
mkdir -p "$folder"
cp "$here/package.json" "$here/package-lock.json" "$here/read.mjs" "$folder"
if ! cmp -s "$here/package-lock.json" "$folder/installed.json"; then
  (cd "$folder" && npm ci --prefer-offline --no-audit --no-fund --ignore-scripts --loglevel=error)
  cp "$here/package-lock.json" "$folder/installed.json"
fi
# The optimising compiler would work on the grammar's large function for half a minute after the last file was read.
exec node --liftoff-only "$folder/read.mjs" "$@"
