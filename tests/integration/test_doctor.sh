#!/usr/bin/env bash
# ekmctl doctor: what is right is said step by step, and each fault is found where it is.
#
#   test_doctor.sh AKVD EKMCTL PROVIDER
set -u
akvd=$(realpath "$1") ekmctl=$(realpath "$2") provider=$(realpath "$3")
. "$(dirname "$0")/test_connector_common.sh"
. "$(dirname "$0")/test_akvd_process_common.sh"
unset "${!OPENEKM_@}" "${!EKMCTL_@}"

doctor() { ctl "$1" doctor "${@:2}"; } # doctor STATUS OPTIONS...
# fails STEP [WORDS]: the first step that failed; nothing behind it is ok.
fails() {
  is 'the first step that failed' "$(sed -n 's/^FAILED *\([a-z]*\) .*/\1/p' out | head -n 1)" "$1"
  has out "^FAILED *$1 .*${2:-}"
  if sed -n '/^FAILED/,$p' out | grep -q '^ok'; then fail "something is ok behind $1" out; fi
}
section() { vault_section "$@" >openekm.conf; } # section LINES...: nothing but the section of the vault
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
section "$ca"

# --- all is well, but for what may hurt later ---
doctor 0 --key tde --provider "$provider"
is 'steps that are ok' "$(grep -c '^ok' out)" 14
has out '^warning  key .*no purge protection'
has out 'az keyvault update --vault-name local --enable-purge-protection true'
has out '^skipped  rotation .*403'
has out 'az keyvault key rotation-policy show --vault-name local --name tde$'
has out '^ok       versions .*versions: 1; disabled: 0$'
doctor 0 --key "tde/$("$akvd" key show --data vault --name tde | sed -n 's/^version *//p' | head -n 1)"
has out '^skipped  provider'
doctor 0 --key "https://$identity:$port/keys/tde/" --provider "$provider"
has out '^ok       key .*.tde., version'
has out '^ok       provider'
doctor 1 --key tde/
fails key "version behind 'tde/' is not 32 hexadecimal digits"
has out 'what to do: PROVIDER_KEY_NAME is NAME, NAME/VERSION'
doctor 1 --key https://w.vault.localhost/keys/tde
fails key "is not https://$identity/keys/NAME"
doctor 0
has out '^skipped  key .*no key was named'
doctor 0 --key tde --json
is_object out || fail 'no JSON' out
has out '"step":"unwrap","state":"ok"'
doctor 2 --thumbprint 00

# --- what will hurt later ---
allow get,list,wrapKey,unwrapKey,getrotationpolicy,setrotationpolicy,update
doctor 0 --key tde
has out '^ok       rotation .*makes no version by itself'
is 'signing in' "$(sign_in "$client_id" "$secret")" 200
is 'an expiry date' "$(keys PATCH /tde --data '{"attributes":{"exp":4102444800}}')" 200
is 'a policy' "$(keys PUT /tde/rotationpolicy --data '{"lifetimeActions":[{"trigger":{"timeAfterCreate":"P90D"},"action":{"type":"Rotate"}}]}')" 200
doctor 0 --key tde
has out '^warning  key .*expires 2100-01-01T00:00:00Z: no database can be moved to it from then on'
has out '^warning  rotation .*P90D after the last: SQL Server stays on the version'
has out 'ekmctl rotate tde --dry-run'
is 'an expiry date that is over' "$(keys PATCH /tde --data '{"attributes":{"exp":1000000000}}')" 200
doctor 1 --key tde
has out '^warning  key .*expired 2001-09-09T01:46:40Z: no database can be moved to it any more'
fails wrap
old=$("$akvd" key show --data vault --name tde --json | sed -n 's/.*"version": "\(.*\)".*/\1/p')
thumb=$("$akvd" key show --data vault --name tde --json | sed -n 's/.*"thumbprint": "\(.*\)".*/\1/p')
check 0 key create --data vault --name tde
check 0 key disable --data vault --name tde --key-version "$old"
doctor 0 --key tde
has out "^warning  versions .*version $old is disabled: a database, log or backup that still needs it"
has out "az keyvault key set-attributes --id https://$identity/keys/tde/$old --enabled true"
printf 'kind,name,thumbprint,at\nbackup,Sales,0x%s,NULL\n' "$thumb" >needs.csv
doctor 1 --key tde --inventory needs.csv
has out "^FAILED   versions .*disabled: 'tde', version $old, which backup 'Sales' needs"
has out '^ok       unwrap'
printf 'kind,name,thumbprint,at\nbackup,Sales,0x0000,NULL\n' >needs.csv
doctor 0 --key tde --inventory needs.csv
has out '^ok       versions .*versions: 2; disabled: 1; needed by the inventory: 0$'
printf 'nonsense\n' >needs.csv
doctor 1 --key tde --inventory needs.csv
has out '^FAILED   versions .*heading'
check 0 key enable --data vault --name tde --key-version "$old"
allow get,list,wrapKey,unwrapKey

# --- a log that nobody would miss before it is needed ---
doctor 0 --key tde
has out '^warning  configuration .*nothing is logged: after a failure'
logs() { # logs LINE: that line at the top of the configuration
  section "$ca"
  sed -i "1i $1" openekm.conf
  doctor 0 --key tde
}
logs "log_file = $dir/nowhere/openekm.log"
has out "^warning  configuration .*the folder of '$dir/nowhere/openekm.log' is not there"
logs "log_file = $dir/openekm.log"
is 'warnings about the log' "$(grep -c '^warning  configuration' out)" 0
[ ! -e openekm.log ] || fail 'the doctor made the log of another account'
logs "log_file = $dir/openekm.log\nhint_file = $dir/nowhere/hints"
has out "^warning  configuration .*no hints are kept: the folder of '$dir/nowhere/hints' is not there"
logs "log_to = system\nsyslog_socket = $dir/socket"
has out "^warning  configuration .*the socket '$dir/socket' is not there"
: >socket
logs "log_to = system\nsyslog_socket = $dir/socket"
is 'warnings about the log' "$(grep -c '^warning  configuration' out)" 0
section "$ca"

# --- each fault where it is ---
printf 'colour = red\n' >>openekm.conf
doctor 1 --key tde
fails configuration 'colour'
section "$ca"
identity=local.vault.example doctor 1 --key tde
fails credential 'no known cloud'
identity=hsm1.chsm-a-b.privatelink.cloudhsm.azure.net doctor 1 --key tde
fails credential 'no vault that can be used.*Azure Cloud HSM'
identity=v.vault.microsoftazure.de doctor 1 --key tde
fails credential 'Azure Germany, which was closed'
printf 'short' >short
"$ekmctl" doctor --identity "$identity" --secret-file short >out 2>err && fail 'a short secret is fine'
fails credential
section "$ca" && sed -i 's/^port = .*/port = 1/' openekm.conf
doctor 1 --key tde
fails connection
section
doctor 1 --key tde
fails tls
section "$ca" && sed -i '1i proxy = http://127.0.0.1:1' openekm.conf
doctor 1 --key tde
has out '^ok       name .*left to the proxy http://127.0.0.1:1'
fails connection '[Pp]roxy'
section "$ca" && sed -i "1i proxy = http://127.0.0.1:1\nproxy_user = me\nproxy_password_file = $dir/nowhere" openekm.conf
doctor 1 --key tde
fails connection "'$dir/nowhere'"
section "$ca" && sed -i '1i proxy = http://127.0.0.1:1\nno_proxy = localhost' openekm.conf
doctor 0 --key tde
has out '^ok       name .*the configuration leads to 127.0.0.1'
section "$ca"
trouble '{"clock_shift_s":-3600,"trouble":[]}'
doctor 1 --key tde
fails clock '3600 seconds|3599 seconds|3601 seconds'
trouble '{"clock_shift_s":120,"trouble":[]}'
doctor 0 --key tde
has out '^warning  clock'
trouble '{"clock_shift_s":0,"trouble":[]}'
sed -i 's/^\[vault .*/[vault nobody.vault.localhost]/' openekm.conf
identity=nobody.vault.localhost doctor 1 --key tde
fails challenge 'does not know the address.*no vault of this host name'
section "$ca" 'resource = https://elsewhere.example'
doctor 1 --key tde
fails challenge
section "$ca"
cp secret right
printf '%swrong-but-long-enough' "${client_id//-/}" >secret
doctor 1 --key tde
fails token
mv right secret
allow get,wrapKey,unwrapKey
doctor 1 --key tde
has out '^FAILED   list'
has out "what to do: Grant it: az keyvault set-policy --name local --spn $client_id --key-permissions"
has out '^skipped  versions .*403'
has out '^ok       unwrap'
section "$ca" 'keys = tde'
doctor 0 --key tde
has out '^skipped  list .*403'
has out "what to do: Nothing, if the setting 'keys' names"
section "$ca"
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
has out 'az keyvault key recover --vault-name local --name absent'
# 403 has five reasons, and each its own words and remedy
forbidden() { # forbidden KIND WORDS REMEDY
  trouble "{\"trouble\":[{\"operation\":\"key_wrap\",\"kind\":\"$1\"}]}"
  doctor 1 --key tde
  fails wrap "$2"
  has out "what to do: .*$3"
}
forbidden policy "access policy gives .*does not have keys wrap[Kk]ey permission" 'az keyvault set-policy'
forbidden role "no role gives .*Caller is not authorized" 'Key Vault Crypto Service Encryption User'
forbidden firewall "firewall does not let .*Client address is not authorized.*127.0.0.1" 'az keyvault network-rule add'
forbidden private_link 'private endpoints only.*not an approved private link' 'privatelink.vaultcore.azure.net'
forbidden public_access 'private endpoints only.*Public network access is disabled' 'privatelink.vaultcore.azure.net'
trouble '{"trouble":[]}'
check 0 key disable --data vault --name tde
doctor 1 --key tde
fails key 'disabled'
has out 'what to do: .*az keyvault key set-attributes --vault-name local --name tde --version [0-9a-f]{32} --enabled true'
check 0 key enable --data vault --name tde
doctor 3 --key tde --provider /nonexistent.so
fails provider
# a Managed HSM goes by roles, and has AES keys, which wrap nothing
check 0 vault add --data vault --name pool --hsm --tenant "$tenant"
sed -i 's/^\[vault .*/[vault pool.managedhsm.localhost]/' openekm.conf
identity=pool.managedhsm.localhost doctor 1 --key aes
has out "^FAILED   list .*no role gives .*Action: 'Microsoft.KeyVault/managedHsm/keys/read"
check 0 role add --data vault --vault pool --app "$client_id" --role 'Managed HSM Crypto User'
request POST "https://login.localhost/$tenant/oauth2/v2.0/token" --data-urlencode "client_id=$client_id" \
  --data-urlencode "client_secret=$secret" --data grant_type=client_credentials \
  --data scope=https://managedhsm.localhost/.default >/dev/null
value access_token body | tee token >>secrets
is 'an AES key' "$(request POST 'https://pool.managedhsm.localhost/keys/aes/create?api-version=7.4' --data '{"kty":"oct-HSM"}' \
  --header "Authorization: Bearer $(<token)" --header 'Content-Type: application/json')" 200
identity=pool.managedhsm.localhost doctor 0 --key aes --provider "$provider"
has out "^ok       key .*an AES key: for CREATE SYMMETRIC KEY"
has out '^skipped  wrap .*wraps no keys'
has out '^ok       provider'
# such a key wants an initialisation vector, as the engine gives one
# pool STATUS COMMAND WORDS...: with the AES key of the Managed HSM
pool() { identity=pool.managedhsm.localhost ctl "$1" "$2" --key aes --provider "$provider" "${@:3}"; }
cp out doctor.out
iv=000102030405060708090a0b0c0d0e0f
printf 'thirty-two bytes for this column' >data
pool 0 encrypt --in data --out data.aes --iv $iv
pool 0 decrypt --in data.aes --out data.again --iv $iv
cmp -s data data.again || fail 'what was decrypted is something else'
pool 2 encrypt --in data
has err 'give --iv, 32 hexadecimal digits'
pool 2 encrypt --in data --iv "${iv}00"
pool 0 bench --count 2
pool 0 conform
is 'rules that an AES key breaks' "$(sed -n 's/^broken *//p' out)" 0
has out '^key-export *skipped .*no public half'
has out '^round-trip *ok'
mv doctor.out out
has out 'az keyvault update-hsm --hsm-name pool --enable-purge-protection true'
section "$ca"
kill -STOP "$server"
doctor 1 --key tde
fails tls 'TLS handshake failed.*timeout'
has out '^ok       connection'
kill -CONT "$server"
stop
doctor 1 --key tde
fails connection
finish
