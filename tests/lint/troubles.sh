#!/usr/bin/env bash
# troubles.sh SOURCE_FOLDER: does each test that docs/troubles.md names in its last column exist, and each page?
set -euo pipefail
cd "$1"
sick=0
while read -r test; do
  grep -rqw --include=*.c --include=*.sh -- "$test" tests || { echo "docs/troubles.md: there is no test '$test'"; sick=1; }
done < <(sed -n 's/^| [0-9].*|\([^|]*\)|$/\1/p' docs/troubles.md | grep -o '`[^`]*`' | tr -d '`' | sort -u)
while read -r page; do
  [ -f "docs/$page" ] || { echo "docs/troubles.md: there is no page '$page'"; sick=1; }
done < <(grep -o '](\([^)]*\))' docs/troubles.md | tr -d '()]' | sort -u)
[ "$(grep -c '^| [0-9]' docs/troubles.md)" -ge 25 ] || { echo 'docs/troubles.md: rows are missing'; sick=1; }
exit $sick
