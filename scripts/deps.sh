#!/usr/bin/env bash
# deps.sh SET...: install the packages of scripts/packages.txt that this machine lacks, as root or through sudo without
# a password; otherwise print the one line to run, and fail. Does nothing, quickly, when nothing is missing.
set -euo pipefail
list=$(dirname "$0")/packages.txt

wanted=$(awk -v sets=" $* " '!/^#/ && NF >= 2 && index(sets, " " $1 " ") { print $2 }' "$list" | sort -u)
[ -n "$wanted" ] || { echo "deps.sh: no such set of packages: $*" >&2; exit 2; }

if ! command -v dpkg-query >/dev/null; then
  echo "deps.sh: not a Debian system; make sure that this is installed:" $wanted >&2
  exit 0
fi

installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | sed -n 's/ installed$//p' | sort -u || true)
missing=$(comm -23 <(echo "$wanted") <(echo "$installed") | tr '\n' ' ')
[ -n "${missing// /}" ] || exit 0

line="apt-get install -y --no-install-recommends $missing"
if [ "$(id -u)" = 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  printf 'Packages are missing, and this account may not install them. Please run:\n\n  sudo %s\n\n' "$line" >&2
  exit 1
fi

echo "Installing $missing"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $line -qq >/dev/null
