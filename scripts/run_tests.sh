#!/usr/bin/env bash
# run_tests.sh PRESET...: run ctest for each test preset, and close with one line that counts all of them:
# "N passed, N failed". A run without tests, a test that skips itself and a ctest that dies each count as a failure.
set -uo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0

for preset in "$@"; do
  printf '\n== ctest: %s\n' "$preset"
  # Address space layout randomisation is more than the shadow memory of ThreadSanitizer expects.
  around=()
  [ "$preset" = tsan ] && around=(setarch -R)

  "${around[@]}" ctest --preset "$preset" --parallel "$(nproc)" 2>&1 | tee "$log"
  status=$?
  read -r bad all < <(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log") || { bad=1; all=1; }
  skipped=$(grep -c '\*\*\*Skipped' "$log")
  bad=$((bad + skipped))
  [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1 all=$((all + 1))
  failed=$((failed + bad))
  passed=$((passed + all - bad))
done

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
