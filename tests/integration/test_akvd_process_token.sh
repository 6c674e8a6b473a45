#!/usr/bin/env bash
# akvd with a token, as a process: it ends in order (SoftHSM beside OpenSSL 3 is known to crash at the end of a process
# that does not finalize it), and says what is wrong with a token.
#
#   test_akvd_process_token.sh AKVD
set -u
akvd=$(realpath "$1")
. "$(dirname "$0")/test_akvd_process_common.sh"

for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so; do
  [ ! -r "$module" ] || break
done
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$dir" >softhsm2.conf
export SOFTHSM2_CONF=$dir/softhsm2.conf
softhsm2-util --init-token --free --label mine --pin 314159 --so-pin 271828 >/dev/null || fail 'no token could be made'
echo 314159 >pin
echo 000000 >wrong-pin
echo 314159 >>secrets
token=(--token-module "$module" --token-pin-file pin)

check 0 init --data vault
tenant=$(sed -n 's/^tenant *//p' out)
check 0 vault add --data vault --name pool --hsm --tenant "$tenant"
new_app main
check 0 policy set --data vault --vault local --app "$client_id" --permissions all

# --- commands, and a server ---
check 0 key create --data vault --vault pool --name hard "${token[@]}"
has out 'https://pool.managedhsm.localhost/keys/hard/'
check 0 key show --data vault --vault pool --name hard "${token[@]}"
start "${token[@]}" --log-file log
is 'status of sign-in' "$(sign_in "$client_id" "$secret")" 200
is 'status of create' "$(keys POST /k/create --data '{"kty":"RSA-HSM"}')" 200
is 'status of wrap' "$(keys POST /k/wrapkey --data '{"alg":"RSA-OAEP-256","value":"c2VjcmV0"}')" 200
wrapped=$(value value body)
is 'status of unwrap' "$(keys POST /k/unwrapkey --data "{\"alg\":\"RSA-OAEP-256\",\"value\":\"$wrapped\"}")" 200
is 'what was unwrapped' "$(value value body)" c2VjcmV0
stop
start "${token[@]}" --token-label mine --log-file log
is 'status of unwrap' "$(keys POST /k/unwrapkey --data "{\"alg\":\"RSA-OAEP-256\",\"value\":\"$wrapped\"}")" 200
stop
if grep -aq 'BEGIN PRIVATE KEY' vault/vault.db; then fail 'a private key is in the database'; fi

# --- the master key in the token: its file alone opens nothing, rotation and backup keep it there ---
check 0 init --data hard --master-key-in-token "${token[@]}"
has hard/master.key 'openekm-master-key v2'
is 'lines of the master key' "$(wc -l <hard/master.key)" 3
check 0 key create --data hard --name k "${token[@]}"
check 1 vault list --data hard
has err "'hard/master.key' is wrapped by a token, and none is named; use --token-module"
cp hard/master.key before.key
check 0 master rotate --data hard "${token[@]}"
has hard/master.key 'openekm-master-key v2'
cmp -s hard/master.key before.key && fail 'the master key is still the old one'
check 0 key show --data hard --name k "${token[@]}"
check 1 key show --data hard --name k --master-key before.key "${token[@]}"
has err 'CKR_OBJECT_HANDLE_INVALID' # what wrapped it is gone
echo correct-horse-battery >phrase && chmod 600 phrase
check 0 backup create --data hard --file hard.backup --passphrase-file phrase "${token[@]}"
check 0 backup restore --data again --file hard.backup --passphrase-file phrase --master-key-in-token "${token[@]}"
has again/master.key 'openekm-master-key v2'
check 0 key show --data again --name k "${token[@]}"
check 0 backup restore --data clear --file hard.backup --passphrase-file phrase
has clear/master.key 'openekm-master-key v1'
check 0 key show --data clear --name k
check 0 master rotate --data clear --master-key-in-token "${token[@]}"
has clear/master.key 'openekm-master-key v2'
check 0 key show --data clear --name k "${token[@]}"
cp clear/master.key right
sed -i '3s/^./z/' clear/master.key
check 1 key show --data clear --name k "${token[@]}"
has err 'is not a master key file of version 1 or 2'
sed '3{s/[0-7]$/8/;t;s/.$/0/}' right >clear/master.key # another last digit, whatever it was
check 1 key show --data clear --name k "${token[@]}"
has err 'was not wrapped by the key in the token that it names'
check 2 init --data none --master-key-in-token
has err '--master-key-in-token wants --token-module'

# --- what is wrong ---
check 1 serve --data vault --token-module "$module" --token-pin-file wrong-pin
has err 'does not take the PIN: C_Login: CKR_PIN_INCORRECT'
check 1 serve --data vault --token-module /nonexistent.so --token-pin-file pin
has err "'/nonexistent.so'"
check 1 serve --data vault "${token[@]}" --token-label yours
has err "the module has 0 tokens with the label 'yours'"
check 2 serve --data vault --token-pin-file pin
has err 'want --token-module'
check 2 serve --data vault --token-module "$module"
has err 'wants --token-pin-file'
chmod 644 pin
check 1 serve --data vault "${token[@]}"
has err 'may be read by others'
chmod 600 pin

# --- without the token its keys do nothing, and say so; all others work ---
start --log-file log
is 'status of unwrap' "$(keys POST /k/unwrapkey --data "{\"alg\":\"RSA-OAEP-256\",\"value\":\"$wrapped\"}")" 503
is 'status of create' "$(keys POST /soft/create --data '{"kty":"RSA"}')" 200
stop
has log 'use --token-module'
finish log
