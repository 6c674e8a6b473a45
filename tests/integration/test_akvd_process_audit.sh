#!/usr/bin/env bash
# The audit log, the configuration file and a certificate of the administrator's own, with akvd as a process.
#
#   test_akvd_process_audit.sh AKVD
set -u
akvd=$(realpath "$1")
. "$(dirname "$0")/test_akvd_process_common.sh"

# entry N: the Nth line of the audit log from its end, in the file line.
entry() { tail -n "$1" vault/audit.log | head -n 1 >line; }

check 0 init --data vault
entry 1
has line '"event":"admin","command":"init","user":"[^"]+","done":true'
new_app main
entry 1
has line '"command":"app add".*"name":"main"'
check 0 policy set --data vault --app "$client_id" --permissions get,create,wrapKey,unwrapKey
entry 1
has line "\"command\":\"policy set\".*\"app\":\"$client_id\",\"permissions\":\"get,create,wrapKey,unwrapKey\""
lines=$(wc -l <vault/audit.log)
check 0 app list --data vault
check 0 key list --data vault
is 'lines after mere looking' "$(wc -l <vault/audit.log)" "$lines"
check 1 key disable --data vault --name absent
entry 1
has line '"command":"key disable".*"done":false.*"name":"absent"'
is 'mode of the audit log' "$(stat -c %a vault/audit.log)" 600

# --- requests ---
start --log-file log
entry 1
has line '"command":"serve"'
is 'status of sign-in' "$(sign_in "$client_id" "$secret")" 200
entry 1
has line "\"operation\":\"token_v2\".*\"status\":200.*\"app\":\"$client_id\""
is 'status of a wrong sign-in' "$(sign_in "$client_id" wrong-wrong-wrong-wrong)" 401
entry 1
has line "\"operation\":\"token_v2\".*\"status\":401,\"code\":\"[^\"]+\".*\"app\":\"$client_id\""
sign_in "$client_id" "$secret" >/dev/null
is 'status of create' "$(keys POST /Sql/create --data '{"kty":"RSA","tags":{"tag-name":"tag-value"}}')" 200
version=$(value kid body | sed 's,.*/,,')
entry 1
has line "\"operation\":\"key_create\",\"vault\":\"local\",\"key\":\"Sql\",\"version\":\"$version\",\"status\":200,\"code\":\"\""
is 'status of wrap' "$(keys POST /sql/wrapkey --data '{"alg":"RSA-OAEP-256","value":"cGxhaW50ZXh0LXZhbHVl"}' \
  --header 'x-ms-client-request-id: from-the-client')" 200
value value body >>secrets
echo cGxhaW50ZXh0LXZhbHVl >>secrets
echo tag-value >>secrets
entry 1
has line "\"operation\":\"key_wrap\".*\"version\":\"$version\".*\"peer\":\"127.0.0.1\".*\"client_request_id\":\"from-the-client\",\"us\":[0-9]+"
is 'status of delete' "$(keys DELETE /sql)" 403
entry 1
has line '"operation":"key_delete".*"status":403,"code":"ForbiddenByPolicy"'
request GET https://localhost/metrics >/dev/null
has body '^akvd_audit_lost_total 0$'
entry 1
has line '"operation":"key_delete"' # watching is not watched

# --- a file that is moved away; one that cannot be written ---
mv vault/audit.log vault/audit.1
is 'status of get' "$(keys GET /sql)" 200
is 'lines of the new file' "$(wc -l <vault/audit.log)" 1
rm vault/audit.log
ln -s /dev/full vault/audit.log
is 'status of get without an audit log' "$(keys GET /sql)" 200
rm vault/audit.log
is 'status of get' "$(keys GET /sql)" 200
request GET https://localhost/metrics >/dev/null
has body '^akvd_audit_lost_total 1$'
stop
has log 'a line of the audit log is lost'
cat vault/audit.1 vault/audit.log >all.log
cp all.log vault/audit.log

# --- looking at it ---
json audit show --data vault --key sql
is 'entries of a key' "$(grep -c '"operation"' out)" 4
json audit show --data vault --failed
is 'what failed' "$(grep -c '"time"' out)" 3
json audit show --data vault --operation key_wrap --app "$client_id" --vault local --since "$(date -u +%Y)"
is 'wraps' "$(grep -c '"operation"' out)" 1
json audit show --data vault --since 2999
is 'entries of the future' "$(grep -c '"time"' out)" 0
json audit show --data vault --last 2
is 'the last two' "$(grep -c '"time"' out)" 2
check 0 audit show --data vault --operation key_create
has out "key_create  local  Sql  $version  200"
check 1 audit show --data vault --audit off
check 2 audit show --data vault --last 1000000

# --- nobody is watched, if that is wanted ---
check 0 vault list --data vault --audit off
lines=$(wc -l <vault/audit.log)
check 0 key create --data vault --name unseen --audit off
is 'lines without an audit log' "$(wc -l <vault/audit.log)" "$lines"
check 1 key create --data vault --name unseen --audit /nonexistent/audit.log
has err "'/nonexistent/audit.log'"

# --- the configuration file ---
cat >vault/akvd.conf <<END
# where and what
listen = 127.0.0.1:0
threads = 3
audit = $dir/elsewhere.log
log_file = $dir/conf.log
log_level = info
END
check 0 config show --data vault
has out "^listen  127.0.0.1:0  'vault/akvd.conf' line 2"
start
is 'status of sign-in' "$(sign_in "$client_id" "$secret")" 200
stop
has elsewhere.log '"operation":"token_v2"'
has conf.log '"event":"vault.serve"'
start --log-file log --audit "$dir/here.log"
stop
has here.log '"command":"serve"'
echo 'colour = red' >>vault/akvd.conf
check 1 serve --data vault
has err "akvd.conf' line 7: .*colour"
echo 'threads = many' >other.conf
check 1 serve --data vault --config other.conf
has err "other.conf' line 1"
check 1 serve --data vault --config absent.conf
rm vault/akvd.conf

# --- an own certificate ---
make_cert() { # make_cert NAME DAYS SUBJECT_ALT_NAMES
  openssl req -x509 -newkey rsa:2048 -nodes -days "$2" -subj /CN=own -addext "subjectAltName=$3" -keyout "$1.key" \
    -out "$1.pem" 2>>everything || fail "openssl made no certificate $1"
}
make_cert own 2 DNS:local.vault.localhost,DNS:login.localhost,DNS:localhost
make_cert few 2 DNS:other.example
start --log-file own.log --tls-certificate own.pem --tls-private-key own.key
cp own.pem vault/tls/ca.pem
is 'status of sign-in' "$(sign_in "$client_id" "$secret")" 200
stop
if grep -q not_covered own.log; then fail 'a name is said not to be covered' own.log; fi
start --log-file few.log --tls-certificate few.pem --tls-private-key few.key
stop
has few.log '"not_covered":"local.vault.localhost"'
has few.log '"not_covered":"login.localhost"'
check 2 serve --data vault --tls-certificate own.pem
check 1 serve --data vault --tls-certificate own.pem --tls-private-key few.key --listen 127.0.0.1:0
has err "'own.pem' and 'few.key'; do they belong together"
check 1 serve --data vault --tls-certificate log --tls-private-key own.key
has err "'log' has no BEGIN CERTIFICATE"
chmod 644 own.key
check 1 serve --data vault --tls-certificate own.pem --tls-private-key own.key
has err 'may be read by others'
finish log own.log few.log all.log elsewhere.log
