#!/usr/bin/env bash
# install.sh FOLDER: Microsoft's clients for JavaScript into FOLDER, at the versions of package-lock.json, unless they are
# there. Wants Node.js 20 or later with npm, and once the package registry.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: install.sh FOLDER}

stop_with() { echo "install.sh: $*" >&2; exit 1; }
install='install Node.js 20 or later with npm (Debian 13: apt-get install nodejs npm)'
for program in node npm; do
  command -v "$program" >/dev/null || stop_with "'$program' is missing: $install"
done
[ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || stop_with "Node.js $(node --version) is too old: $install"
mkdir -p "$folder"
cp "$here"/package.json "$here"/package-lock.json "$folder/"
if ! cmp -s "$here/package-lock.json" "$folder/installed.json"; then
  (cd "$folder" && npm ci --prefer-offline --no-audit --no-fund --ignore-scripts --loglevel=error) ||
    stop_with 'npm could not install the clients: is the package registry there?'
  cp "$here/package-lock.json" "$folder/installed.json"
fi
