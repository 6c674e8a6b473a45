#!/usr/bin/env bash
# What the shell tests of akvd begin with; sourced, with the path of akvd in $akvd.
#
# A folder of their own is the working folder; everything that akvd printed is in "everything", and what may never be
# seen, in output or logs, in "secrets", one on a line.
# shellcheck disable=SC2034,SC2154 # what is set here is read there, and the other way round
umask 077
dir=$(mktemp -d) || exit 1
cd "$dir" || exit 1
server='' port='' failed=0
: >everything
: >secrets
trap '[ -z "$server" ] || kill -9 "$server" 2>everything; chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT

# fail TEXT [FILE]: count a failure and show what was seen.
fail() {
  echo "FAILED: $1"
  [ $# = 1 ] || cat "$2"
  failed=$((failed + 1))
}

# check STATUS WORDS...: run akvd, expect this exit status; output is in out and err.
check() {
  local expected=$1 status
  shift
  "$akvd" "$@" >out 2>err </dev/null
  status=$?
  cat err >>everything
  [ "$status" = "$expected" ] || fail "akvd $*: status $status, expected $expected" err
}

# json WORDS...: run akvd with --json, expect success and one object; it is in out.
json() {
  check 0 "$@" --json
  is_object out || fail "akvd $* --json does not print one JSON object" out
}

is_object() {
  python3 -c 'import json, sys; sys.exit(not isinstance(json.load(sys.stdin), dict))' <"$1" 2>>everything
}

# are_objects FILE: each line is a JSON object.
are_objects() {
  python3 - "$1" 2>>everything <<'PYTHON'
import json, sys
for number, line in enumerate(open(sys.argv[1], encoding="utf-8"), 1):
    if not isinstance(json.loads(line), dict):
        sys.exit(f"line {number}: {line}")
PYTHON
}

# has FILE PATTERN: the file has a line that matches.
has() {
  grep -Eq -- "$2" "$1" || fail "no line of $1 matches: $2" "$1"
}

# is WHAT ACTUAL EXPECTED
is() {
  [ "$2" = "$3" ] || fail "$1 is '$2', expected '$3'"
}

# value NAME [FILE]: a text member of the JSON object in out.
value() {
  grep -o "\"$1\": *\"[^\"]*\"" "${2:-out}" | head -n 1 | cut -d '"' -f 4
}

# new_app NAME OPTIONS...: an application; sets client_id, tenant, secret_id, secret.
new_app() {
  json app add --name "$@" --data vault
  client_id=$(value client_id) tenant=$(value tenant) secret_id=$(value secret_id) secret=$(value secret)
  [ -z "$secret" ] || echo "$secret" >>secrets
}

# start OPTIONS...: serve the folder vault; returns when requests are accepted. Sets server and port.
start() {
  local line text=''
  exec 3< <(exec "$akvd" serve --data vault --listen 127.0.0.1:0 --json "$@" 2>>server.err)
  server=$!
  while read -r line <&3; do
    text+=$line
    [ "$line" != '}' ] || break
  done
  port=$(echo "$text" | sed -n 's/.*"port": \([0-9]*\).*/\1/p')
  [ -n "$port" ] || { echo "akvd did not start"; cat server.err; exit 1; }
}

# ended: the exit status of the server, once it ended.
ended() {
  wait "$server"
  status=$?
  server=''
  exec 3<&-
}

# stop: in order; what it says at its end must be success.
stop() {
  kill -TERM "$server"
  ended
  is 'status of akvd after SIGTERM' "$status" 0
}

# request METHOD URL CURL_OPTIONS...: to the server under any host; prints the status, 000 if there was no answer. The
# body is in the file $body.
body=body
request() {
  curl --silent --cacert vault/tls/ca.pem --connect-to "::127.0.0.1:$port" --output "$body" --write-out '%{http_code}' \
    --request "$1" "${@:2}"
}

# sign_in CLIENT SECRET: prints the status; the token is in token.
sign_in() {
  request POST "https://login.localhost/$tenant/oauth2/v2.0/token" --data-urlencode "client_id=$1" \
    --data-urlencode "client_secret=$2" --data grant_type=client_credentials \
    --data scope=https://vault.localhost/.default
  value access_token body >token
  [ ! -s token ] || cat token >>secrets
}

# keys METHOD PATH CURL_OPTIONS...: the Keys API of vault local with the token; prints the status.
keys() {
  request "$1" "https://local.vault.localhost/keys$2?api-version=7.4" --header "Authorization: Bearer $(<token)" \
    --header 'Content-Type: application/json' "${@:3}"
}

# finish LOGS...: nothing that is secret was shown, and every line of a log is an object.
finish() {
  [ -s secrets ] || fail 'there were no secrets to look for'
  if grep -Fq -f secrets everything "$@"; then fail 'a secret was shown'; fi
  for log in "$@"; do
    [ -s "$log" ] || fail "$log is empty"
    are_objects "$log" || fail "a line of $log is no JSON object" everything
  done
  [ "$failed" = 0 ] || { echo "$failed checks failed"; exit 1; }
  exit 0
}
