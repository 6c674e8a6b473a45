#!/usr/bin/env bash
# official.sh BUILD_FOLDER [FILE...]: a vault of its own, and Microsoft's clients for JavaScript in front of it,
# unmodified. Runs the files of the suite that ready.txt names, and says which others there are and what they wait for;
# with FILEs, those instead. Wants Node.js 20 or later with npm, and once the package registry; the clients are kept in
# the build folder. Closes with "N passed, N failed".
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:?usage: official.sh BUILD_FOLDER [FILE...]}")
akvd=$build/bin/akvd
shift

stop_with() { echo "official.sh: $*" >&2; exit 1; }
command -v openssl >/dev/null || stop_with "'openssl' is missing: install it"
[ -x "$akvd" ] || stop_with "there is no $akvd: build first"

work=$(mktemp -d)
akvd_pid=
trap '[ -z "$akvd_pid" ] || kill "$akvd_pid" 2>/dev/null || :; rm -rf "$work"' EXIT

# --- the suite: beside the clients, as their own users' programs are ------------------------------------------------

suite=$build/official
"$here/install.sh" "$suite"
rm -rf "$suite/tests" "$suite/vectors"
mkdir "$suite/tests" "$suite/vectors"
cp "$here"/*.mjs "$suite/tests/"
cp -r "$here"/../vectors/azure-rsa.json "$here"/../vectors/akv-7.5 "$suite/vectors/"

mapfile -t ready < <(sed 's/ *#.*//' "$here/ready.txt" | grep .)
[ $# -gt 0 ] || set -- "${ready[@]}"
for file in "$@"; do
  [ -f "$suite/tests/$file" ] || stop_with "there is no $file in the suite"
done
waiting() { # the files that ready.txt does not name, each with its line "// Waits for ..."
  local file why
  for file in $(cd "$here" && ls -- *.test.mjs); do
    [[ " ${ready[*]} " != *" $file "* ]] || continue
    why=$(sed -n 's,^// Waits for ,,p' "$here/$file" | head -n 1)
    [ -n "$why" ] || stop_with "$file is neither in ready.txt nor says what it waits for"
    printf 'not run: %s, which waits for %s\n' "$file" "$why"
  done
}

# --- the vault ------------------------------------------------------------------------------------------------------

json() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$work/app.json"; }
app() { # app NAME [PERMISSIONS]: register one and put its credential into the environment
  "$akvd" app add --data "$work/vault" --name "$1" --json >"$work/app.json"
  AKVD_TENANT=$(json tenant)
  export AKVD_TENANT "AKVD_$1_ID=$(json client_id)" "AKVD_$1_SECRET=$(json secret)"
  [ $# = 1 ] ||
    "$akvd" policy set --data "$work/vault" --vault local --app "$(json client_id)" --permissions "$2" >/dev/null
}
"$akvd" init --data "$work/vault" >/dev/null
app FULL all
"$akvd" vault add --data "$work/vault" --name hsm --hsm --tenant "$AKVD_TENANT" >/dev/null
for role in 'Managed HSM Crypto User' 'Managed HSM Crypto Officer'; do
  "$akvd" role add --data "$work/vault" --vault hsm --app "$AKVD_FULL_ID" --role "$role" >/dev/null
done
app BLIND encrypt,decrypt,wrapKey,unwrapKey,sign,verify
app NONE
app CERTIFICATE all
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=official -keyout "$work/key.pem" -out "$work/cert.pem" \
  2>"$work/openssl.log" || { cat "$work/openssl.log" >&2; exit 1; }
cat "$work/cert.pem" "$work/key.pem" >"$work/certificate.pem"
"$akvd" app certificate-add --data "$work/vault" --app "$AKVD_CERTIFICATE_ID" --certificate "$work/cert.pem" >/dev/null
export AKVD_CERTIFICATE_PEM=$work/certificate.pem
app FEDERATED all
export AKVD_ISSUER_KEY=$work/key.pem AKVD_ISSUER_SUBJECT=system:serviceaccount:default:official
node -e 'const { createPublicKey } = require("node:crypto"), { readFileSync } = require("node:fs");
  const jwk = createPublicKey(readFileSync(process.env.AKVD_ISSUER_KEY)).export({ format: "jwk" });
  console.log(JSON.stringify({ keys: [{ ...jwk, kid: "official", use: "sig", alg: "RS256" }] }));' >"$work/jwks.json"
"$akvd" app federation-add --data "$work/vault" --app "$AKVD_FEDERATED_ID" --issuer https://issuer.localhost \
  --subject "$AKVD_ISSUER_SUBJECT" --keys "$work/jwks.json" >/dev/null

app MANAGED all
export AKVD_FAKE_HEADER=$work/header AKVD_FAKE_ARC=$work/arc

"$akvd" serve --data "$work/vault" --listen 127.0.0.1:0 --ready-file "$work/ready" --log-file "$work/akvd.log" \
  --trouble --fake-identity "127.0.0.1:0=$AKVD_MANAGED_ID" --fake-header "$AKVD_FAKE_HEADER" --fake-arc "$AKVD_FAKE_ARC" &
akvd_pid=$!
until [ -s "$work/ready" ]; do
  kill -0 "$akvd_pid" || { cat "$work/akvd.log" >&2; exit 1; }
  read -rt 0.01 <> <(:) || :
done
AKVD_PORT=$(sed -n '1s/.*://p' "$work/ready")
AKVD_FAKE_IDENTITY=$(sed -n 2p "$work/ready")
export AKVD_PORT AKVD_FAKE_IDENTITY NODE_EXTRA_CA_CERTS=$work/vault/tls/ca.pem
unset NODE_TLS_REJECT_UNAUTHORIZED NODE_OPTIONS HTTPS_PROXY https_proxy HTTP_PROXY http_proxy ALL_PROXY all_proxy
unset "${!AZURE_@}" "${!IDENTITY_@}" "${!MSI_@}" IMDS_ENDPOINT

# --- the run --------------------------------------------------------------------------------------------------------

together=() alone=()
for file in "$@"; do
  if grep -q '^// Runs alone' "$here/$file"; then alone+=("$file"); else together+=("$file"); fi
done
status=0
run() { # run FILES: at the same time
  (cd "$suite/tests" && node --import ./network.mjs --test --test-reporter=spec "$@") | tee -a "$work/report" ||
    status=1
}
[ ${#together[@]} -eq 0 ] || run "${together[@]}"
for file in "${alone[@]}"; do run "$file"; done
count() { awk -v what="$1" '$1 == "ℹ" && $2 == what { sum += $3 } END { print sum + 0 }' "$work/report"; }
passed=$(count pass)
failed=$(($(count tests) - passed)) # a test that is skipped or cancelled did not pass

kill -TERM "$akvd_pid" || :
wait "$akvd_pid" || { echo "akvd ended with status $?" >&2; status=1; }
akvd_pid=
for app in FULL BLIND NONE; do
  secret=AKVD_${app}_SECRET
  if grep -qF "${!secret}" "$work/akvd.log"; then echo "the log has the secret of $app" >&2; status=1; fi
done
if [ "$passed" -eq 0 ] || [ "$failed" -gt 0 ]; then status=1; fi
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
echo
waiting || exit 1
printf '\n%d passed, %d failed\n' "$passed" "$failed"
exit "$status"
