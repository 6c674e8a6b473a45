#!/usr/bin/env bash
# run_test.sh PROGRAM ARGUMENTS...: a cmocka program under Wine.
#
# A process that died must not pass for one that passed, whatever its exit status says: every group of tests that began
# has to have ended, and nothing may have failed. Closes with "N passed, N failed".
set -uo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$(dirname "$0")/../../scripts/wine.sh" "$@" >"$log" 2>&1
status=$?
tr -d '\r' <"$log"

sum() { sed -nE "s/$1/\\1/p" "$log" | awk '{ n += $1 } END { print n + 0 }'; }
begun=$(sum '^\[=+\] Running ([0-9]+) test\(s\)\..*')
passed=$(sum '^\[  PASSED  \] ([0-9]+) test\(s\)\..*')
printf '%d passed, %d failed\n' "$passed" $((begun - passed))
[ "$status" = 0 ] && [ "$begun" -gt 0 ] && [ "$passed" = "$begun" ]
