# Sourced by the tests of this folder: check counts, finish tells. $scratch is a folder that goes away at the end.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0

# check WHAT COMMAND...: WHAT is true if COMMAND succeeds
check() {
  local what=$1
  shift
  if "$@" >"$scratch/check.log" 2>&1; then
    passed=$((passed + 1))
    echo "ok: $what"
  else
    failed=$((failed + 1))
    echo "FAILED: $what"
    tail -n 20 "$scratch/check.log"
  fi
}

# refused COMMAND...: COMMAND fails, by itself
refused() {
  local status=0
  "$@" || status=$?
  [ "$status" -gt 0 ] && [ "$status" -lt 126 ]
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
