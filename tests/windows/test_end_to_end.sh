#!/usr/bin/env bash
# openekm.dll and ekmctl.exe under Wine, with akvd of this machine behind: TLS by Schannel, trust from a file.
#
#   test_end_to_end.sh AKVD EKMCTL.EXE OPENEKM.DLL ROUNDS.EXE
set -u
akvd=$(realpath "$1") ekmctl=$(realpath "$2") provider=$(realpath "$3") rounds=$(realpath "$4")
wine=$(realpath "$(dirname "$0")/../../scripts/wine.sh")
. "$(dirname "$0")/../integration/test_akvd_process_common.sh"
checks=0
unset "${!OPENEKM_@}" "${!EKMCTL_@}" "${!http_proxy@}" "${!https_proxy@}"
identity=local.vault.localhost

# ekmctl STATUS WORDS...: run it under Wine, expect this exit status; output is in out and err.
ekmctl() {
  local expected=$1 status
  shift
  checks=$((checks + 1))
  "$wine" "$ekmctl" "$@" >out 2>err </dev/null
  status=$?
  cat out err >>everything
  [ "$status" = "$expected" ] || fail "ekmctl.exe $*: status $status, expected $expected" err
}
# Wine's Z: is this machine's root.
configure() { # configure LINES...: the vault's section, with these lines behind
  printf '%s\n' 'retries = 0' '[vault local.vault.localhost]' 'address = 127.0.0.1' "port = $port" \
    'authority = https://login.localhost' 'authority_address = 127.0.0.1' "authority_port = $port" "$@" >openekm.conf
}
trouble() { request PUT https://localhost/_akvd/trouble --data "$1" >/dev/null; }

check 0 init --data vault
check 0 key create --data vault --name tde
new_app windows
check 0 policy set --data vault --vault local --app "$client_id" --permissions get,list,create,delete,wrapKey,unwrapKey,encrypt,decrypt
printf '%s%s' "${client_id//-/}" "$secret" >secret
start --trouble
export OPENEKM_CONF=Z:$dir/openekm.conf EKMCTL_PROVIDER=Z:$provider EKMCTL_IDENTITY=$identity
ca="ca_file = Z:$dir/vault/tls/ca.pem"
configure "$ca"
as=(--secret-file "Z:$dir/secret")

# --- what SQL Server does: all rules of the interface, each met ---
ekmctl 0 info
has out 'OpenEKM for Azure Key Vault'
ekmctl 0 conform --key tde "${as[@]}"
has out '^ok +[1-9][0-9]'
has out '^broken +0'
has out '^skipped +0'

# --- a round trip; the same key is found again by its thumbprint alone, in another process ---
plain=$(openssl rand -hex 32)
echo "$plain" >plain
ekmctl 0 encrypt --key tde "${as[@]}" --hex --in "Z:$dir/plain" --out "Z:$dir/wrapped"
is 'bytes of a wrapped key' "$(stat -c %s wrapped)" 256
ekmctl 0 key show --key tde "${as[@]}" --json
thumb=$(value thumbprint)
is 'the thumbprint' "$thumb" "$("$akvd" key show --data vault --name tde --json | sed -n 's/.*"thumbprint": "\(.*\)".*/\1/p')"
ekmctl 0 decrypt --thumbprint "0x$thumb" "${as[@]}" --in "Z:$dir/wrapped" --out "Z:$dir/back"
is 'what was wrapped' "$(od -An -v -tx1 back | tr -d ' \n')" "$plain"

# --- names that no code page of Windows has all of ---
cp plain 'schlüssel-ключ-鍵'
ekmctl 0 encrypt --key tde "${as[@]}" --hex --in "Z:$dir/schlüssel-ключ-鍵"

# --- loaded and unloaded, over and over ---
"$wine" "$rounds" "Z:$provider" "$identity" "Z:$dir/secret" "$thumb" "Z:$dir/wrapped" >out 2>err </dev/null
is 'the exit status of rounds.exe' $? 0
has out '^1 passed, 0 failed'
sed -n 's/^memory/rounds.exe: memory/p' out

# --- a key of its own making ---
ekmctl 0 key create made "${as[@]}"
check 0 key show --data vault --name made

# --- the doctor has no complaint ---
ekmctl 0 doctor --key tde "${as[@]}"
if grep -q '^FAILED' out; then fail 'the doctor found something' out; fi

# --- who is not who they should be: each has its own error ---
# fails CODE: encrypting ends with this code of the provider.
fails() {
  ekmctl 1 encrypt --key tde "${as[@]}" --hex --in "Z:$dir/plain"
  has err "SqlCrypt[A-Za-z]* answered $1 "
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj '/CN=somebody else' 2>>everything
configure "ca_file = Z:$dir/other.pem"
fails 5030
configure "ca_file = Z:$dir/nothing.pem"
fails 5071
configure "$ca"
cp openekm.conf right.conf
sed -i 's/vault local.vault.localhost/vault w.vault.example/' openekm.conf
EKMCTL_IDENTITY=w.vault.example fails 5031
cp right.conf openekm.conf
cp secret right
printf '%s%s' "${client_id//-/}" wrong-but-long-enough >secret
fails 5

# --- client certificates that cannot be used ---
certificate() { printf 'certificate:%s:%s' "$client_id" "$1" >secret; }
cat other.pem other.key >app.pem
certificate "Z:$dir/app.pem"
fails 5079
certificate "Z:$dir/nothing.pfx"
fails 5013
certificate 'store:01 23 45 67 89 ab cd ef 01 23 45 67 89 AB CD EF 01 23 45 67'
fails 5090
ekmctl 1 doctor --key tde "${as[@]}"
has out '^FAILED   credential .*0123456789abcdef0123456789abcdef01234567.: it is not in Personal'
mv right secret

# --- a secret is replaced ---
json secret add --app "$client_id" --data vault
printf '%s%s' "${client_id//-/}" "$(value secret)" >secret
value secret >>secrets
check 0 secret remove --app "$client_id" --secret-id "$secret_id" --data vault
ekmctl 0 decrypt --thumbprint "$thumb" "${as[@]}" --in "Z:$dir/wrapped" --out "Z:$dir/back"
printf '%s%s' "${client_id//-/}" "$secret" >old
ekmctl 1 decrypt --thumbprint "$thumb" --secret-file "Z:$dir/old" --in "Z:$dir/wrapped"
has err 'answered 5 '

# --- what servers do wrong ---
troubled() { # troubled CODE KIND
  trouble "{\"trouble\":[{\"operation\":\"key_wrap\",\"kind\":\"$2\"}]}"
  fails "$1"
}
troubled 5084 role
troubled 3109 throttle
troubled 3119 truncate
troubled 3119 reset
trouble '{"trouble":[]}'

# --- a server that is silent, before the first byte of a handshake or behind a request ---
exec 4< <(exec python3 -c 'import signal, socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
signal.alarm(100) # whatever becomes of this script
signal.pause()' 2>>everything)
silent=$!
read -r silent_port <&4
sed -i "s/port = $port\$/port = $silent_port/" openekm.conf
sed -i '1i call_timeout_ms = 1000' openekm.conf
fails 5005
kill "$silent"
exec 4<&-
sed -i "s/port = $silent_port\$/port = $port/" openekm.conf
trouble '{"trouble":[{"operation":"key_wrap","kind":"none","delay_ms":60000}]}'
fails 5005

# --- nothing of a secret in anything that was printed ---
while read -r word; do
  if grep -qF -- "$word" everything; then fail 'a secret was printed'; fi
done <secrets

printf '%d passed, %d failed\n' $((checks - failed)) "$failed"
[ "$failed" = 0 ] && [ "$checks" -ge 24 ]
