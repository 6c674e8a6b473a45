#!/bin/bash
# ekmctl as people run it, over the mock providers: output, exit statuses, files, and what must not be seen anywhere.
#
#   test_program.sh EKMCTL FOLDER_OF_MOCKS MANUAL_PAGE
set -u
ekmctl=$1 mocks=$2 manual=$3
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
umask 077
printf 'mock-secret\n' >secret.txt
printf 'wrong-but-recognisable\n' >wrong.txt
export EKMCTL_PROVIDER=$mocks/mock_none.so EKMCTL_IDENTITY=mock
unset EKMCTL_SECRET
failed=0

# check STATUS WORDS...: run ekmctl, expect this exit status; output is in out and err.
check() {
  local expected=$1 status
  shift
  "$ekmctl" "$@" >out 2>err </dev/null
  status=$?
  cat out err >>everything
  [ "$status" = "$expected" ] && return
  echo "FAILED: ekmctl $*: status $status, expected $expected"
  cat err
  failed=$((failed + 1))
}

# has FILE PATTERN: the file has a line that matches.
has() {
  grep -Eq -- "$2" "$1" && return
  echo "FAILED: no line of $1 matches: $2"
  cat "$1"
  failed=$((failed + 1))
}

# is WHAT ACTUAL EXPECTED
is() {
  [ "$2" = "$3" ] && return
  echo "FAILED: $1 is '$2', expected '$3'"
  failed=$((failed + 1))
}

with_secret=(--secret-file secret.txt)

check 0 --version
has out '^ekmctl [0-9]+\.[0-9]+\.[0-9]+$'
check 0 info
has out '^api version +1\.1\.0\.0$'
check 0 info --json
has out '"guid":"00ddba11-0001-0002-0304-05060708090a"'
check 0 algorithms
has out '^ +7 +RSA_2048 +asymmetric +2048 +0$'
check 0 keys "${with_secret[@]}"
has out '^ 2  mock-two  RSA_2048 +(11){20}$'
check 0 key show mock-one "${with_secret[@]}"
has out '^thumbprint +(10){20}$'
check 0 key show --thumbprint "$(printf '11%.0s' {1..20})" "${with_secret[@]}"
has out '^name +mock-two$'
check 0 key show --thumbprint "0x$(printf '11%.0s' {1..20})" "${with_secret[@]}"
has out '^name +mock-two$'
check 2 key show --thumbprint 0x123 "${with_secret[@]}"
has err "is not an even number of hexadecimal digits"
check 2 key show --thumbprint '' "${with_secret[@]}"
for bytes in 21 33; do
  check 2 key show --thumbprint "$(printf "%0$((2 * bytes))d" 0)" "${with_secret[@]}"
  has err "has $bytes bytes; the longest of this provider have 20"
done
check 0 key export mock-one --out blob.der --json "${with_secret[@]}"
has out '"encoding":"PKCS#1 DER","bits":2048'
is 'size of the blob' "$(stat -c %s blob.der)" 270

# a key's life
check 0 key create new-key "${with_secret[@]}"
has out '^name +new-key$'
check 1 key create new-key --algorithm RSA_4096 "${with_secret[@]}"
has err "no algorithm 'RSA_4096'"
check 2 key drop mock-one "${with_secret[@]}"
has err 'add --yes'
check 0 key drop mock-one --yes "${with_secret[@]}"
has out '^dropped +mock-one$'

# there and back, through files and as digits
printf 'thirty-two bytes of a random key' >dek
check 0 encrypt --key mock-one --in dek --out wrapped "${with_secret[@]}"
check 0 decrypt --key mock-one --in wrapped --out back "${with_secret[@]}"
cmp dek back || failed=$((failed + 1))
is 'mode of the plaintext file' "$(stat -c %a back)" 600
"$ekmctl" encrypt --key mock-one --secret-file secret.txt --json <dek | sed 's/.*"ciphertext":"\([0-9a-f]*\)".*/\1/' >digits
"$ekmctl" decrypt --key mock-one --secret-file secret.txt --hex --in digits >out 2>>everything
has out '^plaintext +7468697274792d74776f' # thirty-two
printf '\x01' | dd of=wrapped bs=1 seek=40 conv=notrunc 2>/dev/null
check 1 decrypt --key mock-one --in wrapped --json "${with_secret[@]}"
has out '"provider_code":9001'
has out '"function":"SqlCryptDecrypt"'

# the secret: file, standard input, environment, never an argument
is 'keys by standard input' "$("$ekmctl" keys --secret-stdin --json <secret.txt | tr , '\n' | grep -c '"name"')" 2
is 'keys by environment' "$(EKMCTL_SECRET=mock-secret "$ekmctl" keys --json | tr , '\n' | grep -c '"name"')" 2
check 2 keys --secret mock-secret
check 1 keys --secret-file wrong.txt
has err '^ekmctl: the provider refused the credential: SqlCryptOpenSession answered 5 \(AuthFailure\)'
has err '^  what to do: '
install -m 644 secret.txt open.txt
check 2 keys
has err 'there is no SECRET: give it with --secret-file or --secret-stdin, or in EKMCTL_SECRET'
check 2 keys "${with_secret[@]}" --secret-stdin
has err 'the secret is given twice'
check 1 keys --secret-file open.txt
has err "'open.txt' may be read by others; run: chmod 600 'open.txt'"
check 1 keys --secret-file nowhere.txt
has err "nowhere.txt"
EKMCTL_IDENTITY='' check 2 keys "${with_secret[@]}"

# errors and their statuses
check 1 key show nobody --json "${with_secret[@]}"
has out '"name":"KEY_NOT_FOUND".*"provider_code":4'
check 1 key show --thumbprint "$(printf 'ee%.0s' {1..20})" "${with_secret[@]}"
check 2 key show --thumbprint xyz "${with_secret[@]}"
check 2 key show "${with_secret[@]}"
check 2
check 2 nonsense
check 2 nonsense --help
has err "there is no command 'nonsense'"
check 2 key nonsense --help
has err "there is no command 'key nonsense'"
check 2 sql
has err "'sql' is followed by one of: setup, rotate, migrate, cleanup, inventory"
is 'output of a help that is not there' "$(cat out)" ''
check 0 key --help
check 2 keys --hex "${with_secret[@]}"
has err "'keys' does not take --hex"
check 2 key show '' "${with_secret[@]}"
: >nothing
check 2 encrypt --key mock-one --in nothing "${with_secret[@]}"
has err 'the input is empty'
check 2 info --log-level loud
check 3 info --provider /nonexistent/provider.so
check 3 info --provider relative.so
check 3 info --provider "$mocks/mock_no_export.so"
has err 'SqlCryptDropKey \(SQL Server: error 33085, state 9\)'
check 4 info --provider "$mocks/mock_own_pointer.so"
# --- the provider's configuration ---
unset "${!OPENEKM_@}"
printf 'log_level = debug\n[vault v.vault.localhost]\naddress = 127.0.0.1\n' >good.conf
check 0 config check good.conf
has out '^right +yes$'
has out '^vaults +1$'
check 0 config show good.conf
has out "log_level +debug +'good.conf' line 1$"
has out 'call_timeout_ms +30000 +default$'
has out 'log_file +not set$'
has out "^vault v.vault.localhost +address +127.0.0.1 +'good.conf' line 3$"
OPENEKM_LOG_LEVEL=error check 0 config show good.conf
has out 'log_level +error +OPENEKM_LOG_LEVEL$'
OPENEKM_CONF=$dir/good.conf check 0 config show --json
has out '"setting":"log_level","value":"debug"'
printf 'proxy = http://p.example:8080\nproxy_user = me\nproxy_password_file = %s/absent\n' "$dir" >proxy.conf
check 1 config check proxy.conf
has err "'$dir/absent'"
printf 'canary-password\n' >absent
check 0 config check proxy.conf
check 0 config show proxy.conf
has out "proxy_password_file +$dir/absent"
rm absent
printf 'ca_file = %s/absent.pem\n' "$dir" >>good.conf
check 1 config check good.conf
has err "\[vault v.vault.localhost\]: '$dir/absent.pem'"
printf 'colour = red\n' >>good.conf
check 1 config check good.conf
has err "'good.conf' line 5: .*'colour'"
check 1 config show good.conf --json
has out '"name":"CONFIG_SYNTAX"'
check 1 config check absent.conf
has err "absent.conf"

# --- scripts ---
in_order() { # in_order PATTERN...: the lines of out that match, one after the other
  local at=0 next pattern
  for pattern; do
    next=$(tail -n "+$((at + 1))" out | grep -nE -m1 -- "$pattern" | cut -d: -f1)
    [ -n "$next" ] || { echo "FAILED: behind line $at of out nothing matches: $pattern"; failed=$((failed + 1)); return; }
    at=$((at + next))
  done
}
script=(--database Bank --admin 'DOM\admin' --identity myvault)
check 0 sql setup tde "${script[@]}"
in_order "'EKM provider enabled', 1;" 'CREATE CRYPTOGRAPHIC PROVIDER \[OpenEKM\]' 'CREATE CREDENTIAL \[OpenEKM_Key_Credential\]' \
  "IDENTITY = 'myvault', SECRET = '<client id" 'ALTER LOGIN \[DOM.admin\] ADD CREDENTIAL' 'CREATE ASYMMETRIC KEY \[OpenEKM_Key\]' \
  "PROVIDER_KEY_NAME = 'tde', CREATION_DISPOSITION = OPEN_EXISTING;" 'CREATE LOGIN .* FROM ASYMMETRIC KEY' \
  'ALTER LOGIN \[DOM.admin\] DROP CREDENTIAL' 'ALTER LOGIN \[OpenEKM_Key_Login\] ADD CREDENTIAL' '^USE \[Bank\];' \
  'ALGORITHM = AES_256' 'ALTER DATABASE \[Bank\] SET ENCRYPTION ON;'
check 0 sql setup tde "${script[@]}" --secret-file secret.txt
if grep -q mock-secret out; then echo 'FAILED: the secret is in a script that was not to have it'; failed=$((failed + 1)); fi
check 0 sql rotate tde/0123456789abcdef0123456789abcdef "${script[@]}" --asymmetric-key Key2027 --json
has out '"script":".*CREATE ASYMMETRIC KEY \[Key2027\]'
has out "ALTER DATABASE ENCRYPTION KEY ENCRYPTION BY SERVER ASYMMETRIC KEY \\[Key2027\\]"
check 2 sql rotate tde "${script[@]}"
has err '--asymmetric-key'
check 0 sql migrate tde "${script[@]}" --provider-file 'D:\it'"'"'s\openekm.dll'
has out "FROM FILE = 'D:.it''s.openekm.dll';"
check 0 sql cleanup --database 'Ba]nk'
in_order 'ALTER DATABASE \[Ba\]\]nk\] SET ENCRYPTION OFF;' 'DROP DATABASE ENCRYPTION KEY;' 'DROP LOGIN' 'DROP ASYMMETRIC KEY' \
  'DROP CREDENTIAL \[OpenEKM_Key_Credential\];' 'DROP CRYPTOGRAPHIC PROVIDER'
if grep -q 'REMOVE PROVIDER KEY' out; then echo 'FAILED: a clean-up deletes the key in the vault'; failed=$((failed + 1)); fi
check 0 sql inventory
has out 'vlf_encryptor_thumbprint'
check 2 sql setup tde --database Bank --identity myvault
has err 'needed: --admin'
check 2 sql setup --database Bank --admin a --identity myvault
has err 'needed: NAME'
check 2 sql setup tde --database $'a\nGO' --admin a --identity myvault
has err 'control character'
check 2 sql setup tde "${script[@]}" --with-secret
has err '--secret-file'
"$ekmctl" sql setup tde "${script[@]}" --with-secret --secret-file secret.txt >out 2>err # not into everything
has out "SECRET = 'mock-secret'"

check 0 explain 5047
has out '^name +DROP_REFUSED$'
# every row of the page of errors, and what administrators meet besides
sed -n 's/^| \([0-9]*\) | \([A-Z_0-9]*\) |.*/\1 \2/p' "$(dirname "$manual")/../errors.md" >pages
is 'rows of errors.md' "$([ "$(wc -l <pages)" -ge 90 ] && echo enough)" enough
while read -r code name; do
  check 0 explain "$code"
  has out "^(name +)?$name( |$)"
done <pages
check 0 explain 2058
has out "^meaning +the registry could not be written"
has out '^what to do +OpenEKM needs no registry'
check 0 explain 3113 --json
has out '"openekm":\[\{"name":"VAULT_FORBIDDEN".*"microsofts_connector":\[\{"whose":"Microsoft'"'"'s connector"'
check 0 explain 33111
has out '^whose +SQL Server$'
is 'lines that call it a code of a provider' "$(grep -c "provider's own" out)" 0
check 1 explain 3124
has err "3124 is among the numbers of Microsoft's connector, but is not documented"
check 1 explain 4294967295
check 2 explain 4294967296

# the conformance suite
check 0 conform --key mock-two "${with_secret[@]}"
has out '^broken +0$'
has out '^skipped +0$'
EKMCTL_IDENTITY='' check 0 conform
has out '^keys-end +skipped  no credential was given$'
for fault in own_pointer:provider-name-two-calls list_end:algorithms-end truncates:plaintext-two-calls no_export:exports; do
  check 4 conform --provider "$mocks/mock_${fault%%:*}.so" --key mock-one "${with_secret[@]}"
  is "broken rules of $fault" "$(grep -E '^[a-z-]+ +BROKEN ' out | cut -d' ' -f1)" "${fault##*:}"
done
EKMCTL_IDENTITY='' check 4 conform --json --provider "$mocks/mock_list_end.so"
has out '"id":"algorithms-end".*"broken":1'

check 0 bench --key mock-one --count 50 --json "${with_secret[@]}"
has out '"operation":"decrypt","calls":50,"median_us":[0-9.]+,"p99_us":[0-9.]+,"cpu_us":[0-9.e-]+,"cpu_share":'
check 0 keys --log-level debug "${with_secret[@]}"
has err '"function":"SqlCryptOpenSession","code":0'

# full disk on the way out
"$ekmctl" info >/dev/full 2>err
is 'status with a full output' $? 1

# help and the manual name every command and option
check 0 --help
sed -n '/^commands$/,/^$/p' out | sed -n 's/^  \([a-z ]*[a-z]\)  *.*/\1/p' | sed 's/  .*//' >commands
is 'number of commands' "$(wc -l <commands)" 21
tr -d '\\"' <"$manual" >manual
while read -r command; do
  has manual "^\.BR? $command( |$)"
  "$ekmctl" "${command% *}" --help >help
  has help '^usage: ekmctl '
  grep -oE '^  --[a-z-]+' help >>options
done <commands
sort -u options | tr -d ' ' | while read -r option; do has manual "^\.BI? $option( |$)" || true; done >missing
is 'options that the manual lacks' "$(cat missing)" ''

# nothing that was secret was shown
if grep -Eq 'mock-secret|wrong-but-recognisable' everything; then
  echo "FAILED: a secret was shown"
  failed=$((failed + 1))
fi
[ "$failed" = 0 ] || { echo "$failed checks failed"; exit 1; }
