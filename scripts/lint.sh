#!/usr/bin/env bash
# lint.sh: what make lint checks besides building with clang and clang-tidy. Every check runs; any one fails the whole.
set -uo pipefail
cd "$(dirname "$0")/.."
sick=0

check() {  # check NAME COMMAND...
  local name=$1
  shift
  if "$@"; then echo "lint: $name is fine"; else echo "lint: $name is not fine"; sick=1; fi
}

layout() {
  find src include demo bench tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
}

# Both platforms; what the code of libraries would tell it is known well enough from posix.cfg.
cpp_check() {
  cppcheck --quiet -j "$(nproc)" --std=c11 --library=posix --library=tests/lint/jansson.cfg --enable=warning,portability \
    --inline-suppr --error-exitcode=1 --suppressions-list=tests/lint/cppcheck.supp -D_GNU_SOURCE -Isrc -Iinclude src demo
}

check layout layout
check cppcheck cpp_check
check rules ctest --preset dev --label-regex '^lint$' --parallel "$(nproc)"
exit "$sick"
