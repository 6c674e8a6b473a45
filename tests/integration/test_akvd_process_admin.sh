#!/usr/bin/env bash
# akvd as administrators run it: command line, help and manual, output, exit statuses, files.
#
#   test_akvd_process_admin.sh AKVD MANUAL_PAGE
set -u
akvd=$(realpath "$1") manual=$(realpath "$2")
. "$(dirname "$0")/test_akvd_process_common.sh"

# --- a vault's folder ---
check 1 vault list --data vault
has err "no vault in 'vault'; run: akvd init"
check 2 init --data vault --name 'x!'
has err "vault name 'x!' is not 3 to 24 letters"
check 2 init --data vault --tenant x
[ ! -e vault ] || fail 'an init that is refused leaves a folder'
json init --data vault
is 'host of the first vault' "$(value host)" local.vault.localhost
sed -n 2p vault/master.key >>secrets
check 1 init --data vault
has err "^akvd: .*'vault' holds a vault; 'akvd vault add' adds one"
has err '^  what to do: '
check 1 init --data vault --json
is 'name of the error' "$(value name)" EXISTS
is_object out || fail 'an error is no object' out
is 'modes of folder, key and database' "$(stat -c %a vault vault/master.key vault/vault.db | tr '\n' ' ')" '700 600 600 '

# --- every command, with --json ---
json vault add --data vault --name second --retention-days 7
check 0 vault add --data vault --name third --tenant "$(value tenant)" --suffix example.org
has out '^resource +https://example.org$'
json vault list --data vault
is 'number of vaults' "$(grep -c '"name"' out)" 3
tenant=$(value tenant)
new_app billing --tenant "$tenant" --expires-days 10
json app list --data vault
has out "\"client_id\": \"$client_id\""
is 'life of the secret' "$(($(date -d "$(value expires)" +%s) - $(date -d "$(value created)" +%s)))" 864000
json secret add --data vault --app "$client_id"
value secret >>secrets
second_id=$(value secret_id)
check 0 app list --data vault
has out "^$client_id  billing  "
has out "^  $second_id  "
json secret remove --data vault --app "$client_id" --secret-id "$second_id"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=billing -keyout key.pem -out cert.pem 2>err
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ec -keyout ec-key.pem -out ec.pem 2>err
json app certificate-add --data vault --app "$client_id" --certificate cert.pem
certificate_id=$(value certificate_id)
is 'thumbprint' "$(value sha1)" \
  "$(openssl x509 -in cert.pem -noout -fingerprint -sha1 | sed 's/.*=//; s/://g' | tr A-F a-f)"
is 'SHA-256 of the certificate' "$(value sha256)" \
  "$(openssl x509 -in cert.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)"
is 'days of the certificate' "$((($(date -d "$(value valid_until)" +%s) - $(date -d "$(value valid_from)" +%s)) / 86400))" 2
check 1 app certificate-add --data vault --app "$client_id" --certificate cert.pem
has err "certificate '$certificate_id'"
check 1 app certificate-add --data vault --app "$client_id" --certificate ec.pem
has err 'not an RSA key'
check 1 app certificate-add --data vault --app "$client_id" --certificate key.pem
has err 'a certificate in PEM form cannot be read'
check 0 app list --data vault
has out "^  $certificate_id  $(openssl x509 -in cert.pem -noout -fingerprint -sha1 | sed 's/.*=//; s/://g' | tr A-F a-f)"
json app certificate-remove --data vault --app "$client_id" --certificate-id "$certificate_id"
json app list --data vault
has out '"certificates": \[\]'
modulus=$(openssl rsa -in key.pem -noout -modulus 2>err | sed 's/.*=//' | basenc --base16 -d | basenc --base64url -w 0)
modulus=${modulus%%=*}
echo "{\"keys\": [{\"kty\": \"RSA\", \"kid\": \"one\", \"n\": \"$modulus\", \"e\": \"AQAB\"}]}" >keys.json
json app federation-add --data vault --app "$client_id" --issuer https://issuer.example --subject sql --keys keys.json
federation_id=$(value federation_id)
is 'audience' "$(value audience)" api://AzureADTokenExchange
check 1 app federation-add --data vault --app "$client_id" --issuer https://issuer.example --subject sql --keys keys.json
has err "federated credential '$federation_id'"
check 2 app federation-add --data vault --app "$client_id" --issuer issuer.example --subject sql --keys keys.json
has err "the issuer 'issuer.example' does not begin with https://"
check 1 app federation-add --data vault --app "$client_id" --issuer https://issuer.example --subject x --keys cert.pem
check 0 app list --data vault
has out "^  $federation_id  https://issuer.example  sql  api://AzureADTokenExchange  20"
json app federation-remove --data vault --app "$client_id" --federation-id "$federation_id"
json app list --data vault
has out '"federations": \[\]'
json policy set --data vault --vault local --app "$client_id" --permissions get,LIST
is 'permissions' "$(value permissions)" get,list
json policy show --data vault
has out '"permissions": "get,list"'
json policy show --data vault --vault second
has out '"grants": \[\]'
json policy remove --data vault --vault local --app "$client_id"
json key create --data vault --vault local --name one
version=$(value version)
for _ in {1..26}; do check 0 key create --data vault --vault local --name one; done
json key show --data vault --vault local --name one
is 'number of versions' "$(grep -cE '^ *"[0-9a-f]{32}",?$' out)" 27
has out '"thumbprint": "[0-9a-f]{40}"'
has out '"created": "20[0-9-]*T[0-9:]*Z"'
has out '"updated": "20[0-9-]*T[0-9:]*Z"'
json key disable --data vault --vault local --name one --key-version "$version"
has out '"enabled": false'
json key enable --data vault --vault local --name one --key-version "$version"
has out '"enabled": true'
json key list --data vault --vault local
is 'number of keys' "$(grep -c '"kid"' out)" 1
check 1 key purge --data vault --vault local --name one --yes
has err 'key does not exist'
json key delete --data vault --vault local --name one
is 'days that it is kept' "$((($(date -d "$(value kept_until)" +%s) - $(date -d "$(value deleted)" +%s)) / 86400))" 90
json key list --data vault --vault local --deleted
is 'name of the deleted key' "$(value name)" one
has out '"kept_until": "20'
check 2 key purge --data vault --vault local --name one
has err "all versions of key 'one' and what they protect will be lost; say --yes"
json key recover --data vault --vault local --name one
if grep -q deleted out; then fail 'a key that was recovered is deleted' out; fi
json key list --data vault --vault local --deleted
has out '"keys": \[\]'
json key show --data vault --vault local --name one
is 'number of versions that were recovered' "$(grep -cE '^ *"[0-9a-f]{32}",?$' out)" 27
json key create --data vault --vault local --name two
json key delete --data vault --vault local --name two
json key purge --data vault --vault local --name two --yes
is 'name of the purged key' "$(value name)" two
check 1 key recover --data vault --vault local --name two
json key create --data vault --vault local --name two
json key delete --data vault --vault local --name two
json key purge --data vault --vault local --name two --yes
json key delete --data vault --vault local --name one
json app remove --data vault --app "$client_id"
json app list --data vault
has out '"applications": \[\]'

# --- secrets that are brought ---
printf 'brought-by-its-owner\r\n' >mine
cat mine >>secrets
check 0 app add --data vault --tenant "$tenant" --name mine --secret-file mine
if grep -q brought out; then fail 'a secret that was brought is shown' out; fi
chmod 644 mine
check 1 app add --data vault --tenant "$tenant" --name theirs --secret-file mine
has err "'mine' may be read by others; run: chmod 600 'mine'"
check 0 app list --data vault
if grep -q theirs out; then fail 'an application without a secret was left' out; fi
chmod 600 mine
client_id=$(grep mine out | cut -d ' ' -f 1)
echo short >bad
check 2 secret add --data vault --app "$client_id" --secret-file bad
has err 'a secret of 5 characters; use 16 to 1024'
check 2 secret add --data vault --app "$client_id" --secret-file mine --secret-stdin
has err 'exclude each other'
check 2 secret add --data vault --app "$client_id" --secret-stdin
has err 'the secret is empty'
"$akvd" secret add --data vault --app "$client_id" --secret-stdin >out 2>err <mine
is 'status with a secret from standard input' $? 0
"$akvd" secret add --data vault --app "$client_id" --secret-stdin >out 2>err </
is 'status with a standard input that cannot be read' $? 1
has err 'a file cannot be read: the standard input'
"$akvd" secret add --data vault --app "$client_id" --secret-stdin >out 2>err </dev/zero
is 'status with an endless secret' $? 1
is 'number of secrets' "$("$akvd" app list --data vault | grep -c '^  ')" 2
"$akvd" secret add --data vault --app "$client_id" >/dev/full 2>err
is 'status when a new secret cannot be shown' $? 1
is 'number of secrets, without that one' "$("$akvd" app list --data vault | grep -c '^  ')" 2

# --- names that are none ---
nobody=00000000-0000-4000-8000-000000000000
while read -r sentence words; do
  # shellcheck disable=SC2086 # words are words
  check 1 $words --data vault
  has err "${sentence//_/ }"
  has err '^  what to do: [A-Z]'
done <<END
vault_'nix' key list --vault nix
vault_'nix' key create --vault nix --name k
vault_'nix' policy show --vault nix
vault_'nix' policy remove --vault nix --app $client_id
application_'$nobody' policy set --vault local --app $nobody --permissions get
application_'$nobody' app remove --app $nobody
application_'$nobody' secret add --app $nobody
application_'$nobody' app certificate-remove --app $nobody --certificate-id $nobody
certificate_'$nobody' app certificate-remove --app $client_id --certificate-id $nobody
federated_credential_'$nobody' app federation-remove --app $client_id --federation-id $nobody
secret_'$nobody' secret remove --app $client_id --secret-id $nobody
key_does_not_exist.*'nix' key show --vault local --name nix
key_does_not_exist.*'nix' key disable --vault local --name nix
key_does_not_exist.*'nix' key delete --vault local --name nix
key_does_not_exist.*'nix' key recover --vault local --name nix
key_does_not_exist.*'nix' key purge --vault local --name nix --yes
key_of_this_name_still_holds_it.*'one' key create --vault local --name one
END

# --- command lines that are none ---
while read -r sentence words; do
  # shellcheck disable=SC2086 # words are words
  check 2 $words
  has err "${sentence//_/ }"
  has err "^  what to do: See 'akvd .*--help'"
done <<'END'
a_command_is_missing
there_is_no_command_'nonsense' nonsense
there_is_no_command_'key' key
there_is_no_command_'key_list_all' key list all --data vault
superfluous_'more' key list all more
there_is_no_command_'nonsense' nonsense --help
unknown_option_'--colour' key list --colour red
unknown_option_'-d' key list -d vault
'key_list'_needs_--data_DIR key list
'app_add'_needs_--name_NAME app add --data vault
'policy_set'_needs_--permissions policy set --data vault --app x
'key_list'_does_not_take_--bits key list --data vault --bits 2048
'--data'_needs_a_value key list --data
'--data'_needs_a_value key list --data --json
'--data'_needs_a_value key list --data=
'--json'_has_no_value key list --data vault --json=yes
'--data'_is_given_twice key list --data vault --data vault
'--bits_many'_is_not_a_number key create --data vault --name k --bits many
'--bits_0'_is_not_a_number key create --data vault --name k --bits 0
'--bits_99999999999'_is_not_a_number key create --data vault --name k --bits 99999999999
--bits_is_2048,_3072_or_4096 key create --data vault --vault local --name k --bits 1024
3_vaults;_say_which key list --data vault
several_tenants app add --data vault --name x
tenant_'x'_is_not_a_GUID app add --data vault --name x --tenant x
'nix';_there_are_all,_or_get,.*,wrapKey, policy set --data vault --app x --permissions get,nix
there_is_no_permission_'' policy set --data vault --app x --permissions get,
retention_of_91_days vault add --data vault --name late --retention-days 91
'late.a..b'_is_not_a_host_name vault add --data vault --name late --suffix a..b
'login.localhost'_is_where_applications_sign_in vault add --data vault --name login --suffix localhost
--log-level_'loud'_is_none_of_off key list --data vault --log-level loud
--listen_'8443'_is_not_ADDRESS:PORT serve --data vault --listen 8443
--listen_'\[::1:0'_is_not serve --data vault --listen [::1:0
--listen_'\[\]:0'_is_not serve --data vault --listen []:0
--listen_'127.0.0.1:x'_is_not serve --data vault --listen 127.0.0.1:x
--listen_'127.0.0.1:65536'_is_not serve --data vault --listen 127.0.0.1:65536
--threads_is_at_most_256 serve --data vault --threads 257
END
check 2 key list --colour red --json # wherever --json stands
is 'name of the error' "$(value name)" USAGE
is_object out || fail 'an error is no object' out
check 2 app add --data vault --tenant "$tenant" --json --name $'caf\xe9'
has err 'argument 9 is not UTF-8'
is_object out || fail 'an error is no object' out
check 2 app add --data vault --tenant "$tenant" --name $'two\nlines'
has err "an application's name is 1 to 120 bytes without control characters"
has err "^  what to do: See 'akvd app add --help'"
check 1 serve --data vault --listen local:8443
has err "'local' is not a numeric IP address"

# --- help and the manual: the options that a command lists are those that it takes ---
check 0 --version
has out '^akvd [0-9]+\.[0-9]+\.[0-9]+$'
check 0 --help
sed -n '/^commands/,/^$/s/^  \([a-z]*\( [a-z-]*\)\{0,1\}\)  .*/\1/p' out >commands
grep -oE '^  --[a-z-]+ +[A-Z:=]*' out | sed 's/ *$//; s/  */ /g; s/^ //' >options
[ "$(wc -l <commands)" -ge 33 ] || fail 'there are fewer commands than there were' commands
[ "$(wc -l <options)" -ge 56 ] || fail 'there are fewer options than there were' options
is 'start of the meanings' "$(sed -n '/^options/,/^$/p' out | grep -E '^  --' | grep -cvE '^  .{36} [^ ]')" 0
tr -d '\\"' <"$manual" >page
while read -r command; do
  has page "^\.B $command\$"
  # shellcheck disable=SC2086 # a command is one or two words
  check 0 $command --help
  cp out help
  has help "^usage: akvd $command OPTIONS$"
  mapfile -t needs < <(sed -n '/^needs$/,/^$/s/^  \(--[a-z-]*\).*/\1=\/dev\/null\/x/p' help)
  while read -r option value; do
    case $option in --help | --version) continue ;; esac
    others=()
    for need in "${needs[@]}"; do [ "${need%%=*}" = "$option" ] || others+=("$need"); done
    case $value in '') given=$option ;; N) given=$option=8 ;; *) given=$option=/dev/null/x ;; esac
    # shellcheck disable=SC2086
    "$akvd" $command "${others[@]}" "$given" >out 2>err </dev/null
    listed=$(grep -cE -- "^  $option +" help)
    is "akvd $command lists $option, and refuses it" "$listed $(grep -c "does not take $option$" err)" "$listed $((1 - listed))"
    if grep -q ' needs --' err; then fail "akvd $command needs more than it lists" err; fi
  done <options
  for need in "${needs[@]}"; do
    others=()
    for other in "${needs[@]}"; do [ "$other" = "$need" ] || others+=("$other"); done
    # shellcheck disable=SC2086
    check 2 $command "${others[@]}"
    has err "'$command' needs ${need%%=*} "
  done
done <commands
while read -r option value; do
  if [ -n "$value" ]; then has page "^\.BI $option  ?$value\$"; else has page "^\.B $option\$"; fi
done <options
is 'options of the manual' "$(grep -A 1 '^\.TP' page | grep -cE '^\.BI? --')" "$(wc -l <options)"
is 'commands of the manual' "$(sed -n '/^\.SH COMMANDS/,/^\.SH OPTIONS/p' page | grep -A 1 '^\.TP' | grep -c '^\.B ')" \
  "$(wc -l <commands)"
check 0 key --help
is 'usages of key --help' "$(grep -c '^usage: akvd key ' out)" 8

# --- files that are not as they should be ---
chmod 640 vault/master.key
check 1 key list --data vault --vault local
has err "'vault/master.key' may be read by others; run: chmod 600 'vault/master.key'"
chmod 600 vault/master.key
mv vault/master.key apart.key
check 1 key list --data vault --vault local
has err "'vault/master.key': No such file"
check 0 key list --data vault --vault local --master-key apart.key
check 0 init --data other
check 1 key list --data vault --vault local --master-key other/master.key
has err 'the master key is not the one of this vault'
mv apart.key vault/master.key
check 1 vault list --data vault --log-file nowhere/log
has err "'nowhere/log': No such file"
"$akvd" vault list --data vault >/dev/full 2>err
is 'status with a full output' $? 1
has err 'the standard output'

# --- a folder that cannot be seen or written, a disk that is full: said, and nothing is lost ---
check 0 key create --data vault --vault local --name kept
echo /kept/ >kept
unprivileged=()
[ "$(id -u)" != 0 ] || unprivileged=(setpriv --bounding-set=-all --inh-caps=-all) # root may write anywhere
chmod 000 vault
for words in 'vault list' init; do
  # shellcheck disable=SC2086 # words are words
  "${unprivileged[@]}" "$akvd" $words --data vault >out 2>err
  is "status of $words with a folder that may not be seen" $? 1
  has err "'vault/[a-z.]*': Permission denied"
done
chmod 500 vault
"${unprivileged[@]}" "$akvd" key create --data vault --vault local --name lost >out 2>err
is 'status with a read-only folder' $? 1
has err 'database cannot be read or written: .*readonly'
has err '^  what to do: .*permissions'
chmod 700 vault
confirmed=0
# Before akvd's first line ThreadSanitizer writes a file into TMPDIR, if it can, and would end by the limit.
TMPDIR_KEPT=${TMPDIR-}
export TMPDIR=/nowhere
for kilobytes in 0 1 8 16 24 32 40; do
  # A small transaction may find room in a large limit; whatever it says has to be true.
  (ulimit -f "$kilobytes"; "$akvd" key create --data vault --vault local --name "full$kilobytes"; echo "status $?") 2>&1 |
    cat >out
  if grep -q '^status 0$' out && [ "$kilobytes" -gt 8 ]; then
    confirmed=$((confirmed + 1))
    echo "/full$kilobytes/" >>kept
  else
    has out '^status 1$'
    has out 'database cannot be read or written: '
    has out '^  what to do: Check free space'
  fi
done
for kilobytes in 0 1 8 32; do
  (ulimit -f "$kilobytes"; "$akvd" init --data "full$kilobytes"; echo "status $?") 2>&1 | cat >out
  has out '^status 1$'
  has out '^  what to do: Check free space'
  check 0 init --data "full$kilobytes"
done
if [ -n "$TMPDIR_KEPT" ]; then TMPDIR=$TMPDIR_KEPT; else unset TMPDIR; fi
check 0 key list --data vault --vault local
is 'number of keys' "$(wc -l <out)" $((1 + confirmed))
grep -F -f kept out >there
cmp out there || fail 'the keys are not those that were confirmed' out

# --- logs ---
check 0 vault list --data vault --log-file log --log-level trace
check 0 app add --data vault --tenant "$tenant" --name logged --log-file log --json
value secret >>secrets
is 'mode of the log' "$(stat -c %a log)" 600
finish log
