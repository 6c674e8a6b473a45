#!/usr/bin/env bash
# ekmctl doctor: what is right is said step by step, and each fault is found where it is.
#
#   test_doctor.sh AKVD EKMCTL PROVIDER
set -u
akvd=$(realpath "$1") ekmctl=$(realpath "$2") provider=$(realpath "$3")
. "$(dirname "$0")/test_akvd_process_common.sh"
unset "${!OPENEKM_@}" "${!EKMCTL_@}"
identity=local.vault.localhost

# doctor STATUS OPTIONS...
doctor() {
  local expected=$1 status
  shift
  "$ekmctl" doctor --identity "$identity" --secret-file secret "$@" >out 2>err </dev/null
  status=$?
  cat out err >>everything
  [ "$status" = "$expected" ] || fail "ekmctl doctor $*: status $status, expected $expected" out
}
# fails STEP [WORDS]: the first step that failed; nothing behind it is ok.
fails() {
  is 'the first step that failed' "$(sed -n 's/^FAILED *\([a-z]*\) .*/\1/p' out | head -n 1)" "$1"
  has out "^FAILED *$1 .*${2:-}"
  if sed -n '/^FAILED/,$p' out | grep -q '^ok'; then fail "something is ok behind $1" out; fi
}
configure() { # configure LINES...: the vault's section, with these lines behind
  printf '%s\n' '[vault local.vault.localhost]' 'address = 127.0.0.1' "port = $port" 'authority = https://login.localhost' \
    'authority_address = 127.0.0.1' "authority_port = $port" "$@" >openekm.conf
}
trouble() { request PUT https://localhost/_akvd/trouble --data "$1" >/dev/null; }
allow() { check 0 policy set --data vault --vault local --app "$client_id" --permissions "$1"; }

check 0 init --data vault
check 0 key create --data vault --name tde
new_app doctor
allow get,list,wrapKey,unwrapKey
printf '%s%s' "${client_id//-/}" "$secret" >secret
start --trouble
export OPENEKM_CONF=$dir/openekm.conf
ca="ca_file = $dir/vault/tls/ca.pem"
configure "$ca"

# --- all is well, but for what may hurt later ---
doctor 0 --key tde --provider "$provider"
is 'steps that are ok' "$(grep -c '^ok' out)" 13
has out '^warning  key .*no purge protection'
doctor 0 --key "tde/$("$akvd" key show --data vault --name tde | sed -n 's/^version *//p' | head -n 1)"
has out '^skipped  provider'
doctor 0
has out '^skipped  key .*no key was named'
doctor 0 --key tde --json
is_object out || fail 'no JSON' out
has out '"step":"unwrap","state":"ok"'
doctor 2 --thumbprint 00

# --- each fault where it is ---
printf 'colour = red\n' >>openekm.conf
doctor 1 --key tde
fails configuration 'colour'
configure "$ca"
identity=local.vault.example doctor 1 --key tde
fails credential 'no known cloud'
printf 'short' >short
"$ekmctl" doctor --identity "$identity" --secret-file short >out 2>err && fail 'a short secret is fine'
fails credential
configure "$ca" && sed -i 's/^port = .*/port = 1/' openekm.conf
doctor 1 --key tde
fails connection
configure
doctor 1 --key tde
fails tls
configure "$ca"
trouble '{"clock_shift_s":-3600,"trouble":[]}'
doctor 1 --key tde
fails clock '3600 seconds|3599 seconds|3601 seconds'
trouble '{"clock_shift_s":120,"trouble":[]}'
doctor 0 --key tde
has out '^warning  clock'
trouble '{"clock_shift_s":0,"trouble":[]}'
configure "$ca" 'resource = https://elsewhere.example'
doctor 1 --key tde
fails challenge
configure "$ca"
cp secret right
printf '%swrong-but-long-enough' "${client_id//-/}" >secret
doctor 1 --key tde
fails token
mv right secret
allow get,wrapKey,unwrapKey
doctor 1 --key tde
has out '^FAILED   list'
has out '^ok       unwrap'
allow list,wrapKey,unwrapKey
doctor 1 --key tde
fails key
allow get,list,unwrapKey
doctor 1 --key tde
fails wrap
allow get,list,wrapKey
doctor 1 --key tde
fails unwrap
allow get,list,wrapKey,unwrapKey
doctor 1 --key absent
fails key
check 0 key disable --data vault --name tde
doctor 1 --key tde
fails key 'disabled'
check 0 key enable --data vault --name tde
doctor 3 --key tde --provider /nonexistent.so
fails provider
stop
doctor 1 --key tde
fails connection
finish
