#!/usr/bin/env bash
# akvd serving, as a process: its start and its ends, and administrators who change things meanwhile.
#
#   test_akvd_process_serve.sh AKVD
set -u
akvd=$(realpath "$1") vectors=$(realpath "$(dirname "$0")/../vectors")
. "$(dirname "$0")/test_akvd_process_common.sh"

# Make keys until no answer comes any more; each that was confirmed is a line "VERSION N" of the output.
make_keys() {
  local name=$1
  body=body.$name
  while [ "$(keys POST "/$name/create" --data '{"kty":"RSA"}')" = 200 ]; do
    echo "$name/$(value kid "$body" | sed 's,.*/,,') $(value n "$body")"
  done
}

# confirmed_are_there FILE: the server has every one of these keys, unchanged.
confirmed_are_there() {
  local path n count=0
  while read -r path n; do
    is "status of $path" "$(keys GET "/$path")" 200
    is "n of $path" "$(value n body)" "$n"
    count=$((count + 1))
  done <"$1"
  [ "$count" -ge 6 ] || fail "only $count keys were confirmed"
}

# end_under_load SIGNAL: two clients make keys; after a few confirmations the server gets the signal. What was confirmed,
# before it and after it, is in confirmed.
end_under_load() {
  local line
  exec 4< <(make_keys left & make_keys right & wait)
  : >confirmed
  for _ in 1 2 3 4 5 6; do
    read -r line <&4
    echo "$line" >>confirmed
  done
  kill "-$1" "$server"
  cat <&4 >>confirmed
  exec 4<&-
  ended
}

check 0 init --data vault
sed -n 2p vault/master.key >>secrets
new_app main

# --- the start ---
echo stale >ready
SSLKEYLOGFILE=$dir/keys.log start --ready-file ready --log-file log --log-level trace
is 'the ready file' "$(<ready)" "127.0.0.1:$port"
check 1 serve --data vault --listen "127.0.0.1:$port" --ready-file not-ready
has err "cannot listen on '127.0.0.1', port $port: Address already in use"
has err '^  what to do: Check that the address and port are free'
[ ! -e not-ready ] || fail 'a server that does not serve says that it is ready'
check 1 serve --data vault --listen 127.0.0.1:0 --ready-file nowhere/ready
has err "'nowhere/ready.*No such file"

# --- changes while it runs: with the next request ---
is 'sign-in' "$(sign_in "$client_id" "$secret")" 200
[ ! -e keys.log ] || fail 'the keys of TLS connections were written to a file'
has log '"event":"vault.environment".*SSLKEYLOGFILE'
is 'a list without rights' "$(keys GET '')" 403
is 'trouble that nobody allowed' "$(request PUT https://login.localhost/_akvd/trouble --data '{"trouble":[]}')" 404
check 0 policy set --data vault --app "$client_id" --permissions all
is 'a list with rights' "$(keys GET '')" 200
check 0 policy set --data vault --app "$client_id" --permissions get
is 'a list with fewer rights' "$(keys GET '')" 403
check 0 policy remove --data vault --app "$client_id"
check 0 key create --data vault --name made
is 'a key without rights' "$(keys GET /made)" 403
check 0 policy set --data vault --app "$client_id" --permissions all
is 'a key that the command made' "$(keys GET /made)" 200
version=$(value kid body | sed 's,.*/,,')
cipher='{"alg":"RSA-OAEP-256","value":"AAAA"}'
is 'wrap' "$(keys POST "/made/$version/wrapkey" --data "$cipher")" 200
check 0 key disable --data vault --name made
is 'wrap with a key that was disabled' "$(keys POST "/made/$version/wrapkey" --data "$cipher")" 403
check 0 key enable --data vault --name made
is 'wrap with a key that was enabled' "$(keys POST "/made/$version/wrapkey" --data "$cipher")" 200
check 0 key delete --data vault --name made
is 'a key that was deleted' "$(keys GET /made)" 404
first_secret=$secret first_id=$secret_id
json secret add --data vault --app "$client_id"
second_secret=$(value secret)
echo "$second_secret" >>secrets
is 'sign-in with the second secret' "$(sign_in "$client_id" "$second_secret")" 200
is 'sign-in with the first, still' "$(sign_in "$client_id" "$first_secret")" 200
check 0 secret remove --data vault --app "$client_id" --secret-id "$first_id"
is 'sign-in with the first, removed' "$(sign_in "$client_id" "$first_secret")" 401
is 'sign-in with the second, still' "$(sign_in "$client_id" "$second_secret")" 200
token_of_main=$(<token)
main=$client_id
new_app short-lived
is 'sign-in of an application that is new' "$(sign_in "$client_id" "$secret")" 200
check 0 app remove --data vault --app "$client_id"
is 'sign-in of an application that was removed' "$(sign_in "$client_id" "$secret")" 400
is 'its token' "$(keys GET '')" 401
client_id=$main
echo "$token_of_main" >token
check 0 vault add --data vault --name second
is 'a vault that is new' "$(request GET 'https://second.vault.localhost/keys?api-version=7.4')" 401

# --- the thumbprint that the connector computes: of n without the zero that this import wrote before it ---
thumbprint=$(python3 - "$vectors/azure-rsa.json" <<'END'
import base64, hashlib, json, sys
def decode(text): return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
def encode(number): return base64.urlsafe_b64encode(number.lstrip(b"\0")).decode().rstrip("=")
request = json.load(open(sys.argv[1]))["import_request"]
json.dump(request, open("import.json", "w"))
n, e = (decode(request["key"][name]) for name in "ne")
assert n[0] == 0
print(hashlib.sha256(f'{{"e":"{encode(e)}","kty":"RSA","n":"{encode(n)}"}}'.encode()).hexdigest()[:40])
END
)
is 'status of the import' "$(keys PUT /imported --data @import.json)" 200
json key show --data vault --vault local --name imported
is 'its thumbprint' "$(value thumbprint)" "$thumbprint"

# --- the ends: in order, by interrupt, by force; each in the middle of work ---
for signal in TERM INT KILL; do
  end_under_load "$signal"
  is "status after SIG$signal" "$status" "$([ $signal = KILL ] && echo 137 || echo 0)"
  start --log-file log --log-level trace
  confirmed_are_there confirmed
  check 0 key list --data vault --vault local
done
has log '"event":"vault.stop"'
stop

# --- a host that the wildcard of the certificate does not cover ---
check 0 vault add --data vault --name deep --suffix b.vault.localhost
start
is 'a vault two labels down' "$(request GET 'https://deep.b.vault.localhost/keys?api-version=7.4')" 401
stop

# --- trouble, where it is allowed ---
start --trouble --log-file log
is 'trouble is asked for' "$(request PUT https://login.localhost/_akvd/trouble \
  --data '{"trouble":[{"operation":"key_list","kind":"throttle","times":1,"retry_after_s":7}]}')" 200
is 'a list, throttled' "$(keys GET '')" 429
is 'a list, no longer' "$(keys GET '')" 200
has log '"event":"vault.trouble"'
stop

# --- a certificate or its key that is broken is named; without both there are new ones ---
mv vault/tls/server.key good
while read -r file text sentence; do
  cp good vault/tls/server.key
  printf %s "${text//\~/ }" >"vault/tls/$file"
  check 1 serve --data vault --listen 127.0.0.1:0
  has err "server cannot be started: .*$sentence"
done <<'END'
server.key nonsense 'vault/tls/server.key' has no PRIVATE KEY in it
server.key -----BEGIN~PRIVATE~KEY----- 'vault/tls/server.pem' and 'vault/tls/server.key'; remove both
server.pem nonsense 'vault/tls/server.pem' has no BEGIN CERTIFICATE in it
END
rm vault/tls/server.*
start
stop

# --- a disk that fills and is emptied again ---
start --log-level off
is 'status before' "$(keys POST /disk/create --data '{"kty":"RSA"}')" 200
prlimit --pid "$server" --fsize=1024:unlimited
is 'status on a full disk' "$(keys POST /disk/create --data '{"kty":"RSA"}')" 503
has body '"code":"ServiceUnavailable"'
is 'reading on a full disk' "$(keys GET /disk)" 200
prlimit --pid "$server" --fsize=unlimited
is 'status with space again' "$(keys POST /disk/create --data '{"kty":"RSA"}')" 200
stop

# --- how long a start takes, with everything there: the median of five ---
for _ in 1 2 3 4 5; do
  before=${EPOCHREALTIME/[.,]/}
  start
  echo $((${EPOCHREALTIME/[.,]/} - before))
  stop
done >durations
is 'number of starts' "$(wc -l <durations)" 5
median=$(sort -n durations | sed -n 3p)
echo "start with an existing certificate: median $((median / 1000)) ms"
[ "$median" -lt 1000000 ] || fail "a start takes $median microseconds"

cat server.err >>everything
finish log
