#!/usr/bin/env bash
# fuzz.sh BUILD [SECONDS [TARGET...]]: run each fuzz target (tests/fuzz/fuzz.h), or those named, from its corpus: always
# the same 20000 inputs, or as many of them as 5 seconds allow; with SECONDS, as many as these allow. What made a target
# fail is kept in BUILD/findings, its report beside it. Closes with "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "$1") seconds=${2:-5} runs=$(($# < 2 ? 20000 : -1))
shift $(($# < 2 ? 1 : 2))
export corpus=$PWD/tests/fuzz/corpus findings=$build/findings programs=$build/tests/fuzz seconds runs
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0

# Leaks are looked for at the end: to look after each input takes longer than the input, where state is kept.
fuzz() {  # fuzz TARGET: one line, and the report of what failed
  local target=$1 folder log
  folder=$(mktemp -d) log=$findings/$target.log
  mkdir "$folder/new"
  if TMPDIR=$folder "$programs/fuzz_$target" -seed=1 -runs="$runs" -max_total_time="$seconds" -max_len=4096 -timeout=30 \
      -detect_leaks=0 -artifact_prefix="$findings/$target-" "$folder/new" "$corpus/$target" >"$log" 2>&1; then
    printf 'fuzz: %s: %s\n' "$target" "$(sed -n 's/^Done //p' "$log")"
    rm -f "$log"
  else
    printf 'fuzz: %s failed\n' "$target"
    tail -n 40 "$log"
    printf 'again: %s/fuzz_%s %s/%s-*\n' "$programs" "$target" "$findings" "$target"
  fi
  rm -rf "$folder"
}
export -f fuzz

targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(ls "$corpus")
mkdir -p "$findings"
rm -f "$findings"/*.log
printf '%s\n' "${targets[@]}" | xargs -r -P "$(nproc)" -I{} bash -c 'fuzz {}'

failed=$(find "$findings" -name '*.log' | wc -l)
printf '\n%d passed, %d failed\n' $((${#targets[@]} - failed)) "$failed"
[ "$failed" -eq 0 ] && [ "${#targets[@]}" -gt 0 ]
