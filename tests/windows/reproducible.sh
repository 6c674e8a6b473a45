#!/usr/bin/env bash
# reproducible.sh SOURCE BUILD FILE...: another build, in another folder, gives the same bytes.
set -euo pipefail
source=$1 build=$2
shift 2
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
cmake --preset windows -S "$source" -B "$again" >"$again/log" 2>&1 || { cat "$again/log"; exit 1; }
cmake --build "$again" --target openekm ekmctl >"$again/log" || { cat "$again/log"; exit 1; }
[ $# -gt 0 ]
for file in "$@"; do cmp "$build/$file" "$again/$file"; done
echo "the same bytes: $*"
