#!/usr/bin/env bash
# official.sh BUILD_FOLDER: a vault of its own, and Microsoft's clients for JavaScript in front of it, unmodified. Wants
# Node.js with npm, and once the package registry; the clients are kept in the build folder. Closes with "N passed, N
# failed".
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:?usage: official.sh BUILD_FOLDER}")
akvd=$build/bin/akvd
for program in node npm; do
  command -v "$program" >/dev/null || { echo "official.sh: '$program' is missing: install Node.js 20 or later" >&2; exit 1; }
done

work=$(mktemp -d)
akvd_pid=
trap '[ -z "$akvd_pid" ] || kill "$akvd_pid" 2>/dev/null || :; rm -rf "$work"' EXIT

# The suite stands beside the clients, as their own users' programs do.
suite=$build/official
mkdir -p "$suite/tests" "$suite/vectors"
cp "$here"/package.json "$here"/package-lock.json "$suite/"
cp "$here"/*.mjs "$suite/tests/"
cp "$here"/../vectors/azure-rsa.json "$suite/vectors/"
if ! cmp -s "$here/package-lock.json" "$suite/installed.json"; then
  (cd "$suite" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
  cp "$here/package-lock.json" "$suite/installed.json"
fi

json() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }
app() { # app NAME PERMISSIONS: register one and put its credential into the environment
  "$akvd" app add --data "$work/vault" --name "$1" --json >"$work/app.json"
  "$akvd" policy set --data "$work/vault" --vault local --app "$(json client_id <"$work/app.json")" --permissions "$2" >/dev/null
  export "AKVD_$1_ID=$(json client_id <"$work/app.json")" "AKVD_$1_SECRET=$(json secret <"$work/app.json")"
  AKVD_TENANT=$(json tenant <"$work/app.json")
  export AKVD_TENANT
}
"$akvd" init --data "$work/vault" >/dev/null
app FULL all
app BLIND encrypt,decrypt,wrapKey,unwrapKey,sign,verify

"$akvd" serve --data "$work/vault" --listen 127.0.0.1:0 --ready-file "$work/ready" --log-file "$work/akvd.log" &
akvd_pid=$!
until [ -s "$work/ready" ]; do
  kill -0 "$akvd_pid" || { cat "$work/akvd.log" >&2; exit 1; }
  read -rt 0.01 <> <(:) || :
done
AKVD_PORT=$(sed 's/.*://' "$work/ready")
export AKVD_PORT NODE_EXTRA_CA_CERTS=$work/vault/tls/ca.pem

status=0
(cd "$suite/tests" && node --import ./network.mjs --test --test-reporter=spec) | tee "$work/report" || status=1
passed=$(sed -n 's/^ℹ pass //p' "$work/report")
failed=$(sed -n 's/^ℹ fail //p' "$work/report")

kill -TERM "$akvd_pid"
wait "$akvd_pid" || { echo "akvd ended with status $?" >&2; status=1; }
akvd_pid=
for app in FULL BLIND; do
  secret=AKVD_${app}_SECRET
  if grep -qF "${!secret}" "$work/akvd.log"; then echo "the log has the secret of $app" >&2; status=1; fi
done
[ "${passed:-0}" -gt 0 ] || status=1
[ "$status" -eq 0 ] || [ "${failed:-0}" -gt 0 ] || failed=1
printf '\n%d passed, %d failed\n' "${passed:-0}" "${failed:-0}"
exit "$status"
