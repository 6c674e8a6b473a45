#!/usr/bin/env bash
# akvd with a fake managed identity, as a process: the second listener, its files, and a token that opens the vault.
#
#   test_akvd_process_identity.sh AKVD
set -u
akvd=$(realpath "$1")
. "$(dirname "$0")/test_akvd_process_common.sh"

# ask PATH_AND_QUERY CURL_OPTIONS...: plain HTTP to the fake identity; prints the status. Its headers are in "headers".
ask() {
  curl --silent --noproxy '*' --output body --dump-header headers --write-out '%{http_code}' "http://$fake$1" "${@:2}"
}
imds='/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.localhost'
arc=${imds/2018-02-01/2020-06-01}
app_service='/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.localhost'

# opens WHAT: the token in the body does.
opens() {
  value access_token body >token
  cat token >>secrets
  is "a list with the token of $1" "$(keys GET '')" 200
}

check 0 init --data vault
sed -n 2p vault/master.key >>secrets
new_app machine
check 0 policy set --data vault --app "$client_id" --permissions list

# --- what is refused ---
nobody=00000000-0000-4000-8000-000000000000
check 2 serve --data vault --listen 127.0.0.1:0 --fake-identity "127.0.0.1:0"
has err "--fake-identity '127.0.0.1:0' is not ADDRESS:PORT=ID"
check 2 serve --data vault --listen 127.0.0.1:0 --fake-identity "127.0.0.1=$client_id"
has err "--fake-identity '127.0.0.1' is not ADDRESS:PORT"
check 1 serve --data vault --listen 127.0.0.1:0 --fake-identity "0.0.0.0:0=$client_id"
has err "'0.0.0.0' is not an address of the loopback"
check 1 serve --data vault --listen 127.0.0.1:0 --fake-identity "127.0.0.1:0=$nobody"
has err "application '$nobody'"
check 2 serve --data vault --listen 127.0.0.1:0 --fake-header header
has err 'go with --fake-identity'
check 2 serve --data vault --listen 127.0.0.1:0 --fake-identity "127.0.0.1:0=$client_id" --fake-arc arc
has err "'arc' is not an absolute path"
printf 'two words\n' >header
check 2 serve --data vault --listen 127.0.0.1:0 --fake-identity "127.0.0.1:0=$client_id" --fake-header header
has err 'printable characters without spaces'
chmod 644 header
check 1 serve --data vault --listen 127.0.0.1:0 --fake-identity "127.0.0.1:0=$client_id" --fake-header header
has err "'header' may be read by others"
rm header

# --- the three places; the ready file has a second line ---
start --ready-file ready --log-file log --log-level trace --fake-identity "127.0.0.1:0=$client_id" --fake-header header \
  --fake-arc "$dir/arc"
fake=$(sed -n 2p ready)
is 'lines of the ready file' "$(wc -l <ready)" 2
is 'its first line' "$(sed -n 1p ready)" "127.0.0.1:$port"
has log '"level":"warn","event":"vault.fake_identity".*"text":"whoever is on this machine'
is 'IMDS without Metadata' "$(ask "$imds")" 400
is 'IMDS' "$(ask "$imds" --header 'Metadata: true')" 200
opens 'a virtual machine'
is 'IMDS, a method with a body' "$(ask "$imds" --header 'Metadata: true' --data body)" 405
is 'IMDS, an escaped name' "$(ask "${imds/api-version/api%2Dversion}" --header 'Metadata: true')" 200
cat header >>secrets
is 'App Service without its header' "$(ask "$app_service")" 401
is 'App Service' "$(ask "$app_service" --header "X-IDENTITY-HEADER: $(<header)")" 200
opens 'an App Service'
is 'Arc, at first' "$(ask "$arc" --header 'Metadata: true')" 401
file=$(sed -n 's/^WWW-Authenticate: Basic realm=\(.*\)\r$/\1/p' headers)
is 'folder of its file' "${file%/*}" "$dir/arc"
is 'modes of its folder and file' "$(stat -c %a arc "$file" | tr '\n' ' ')" '700 600 '
[ "$(stat -c %s "$file")" -le 4096 ] || fail 'the file is longer than clients read'
cat "$file" >>secrets
echo >>secrets
is 'Arc, then' "$(ask "$arc" --header 'Metadata: true' --header "Authorization: Basic $(<"$file")")" 200
opens 'a server with Arc'
[ ! -e "$file" ] || fail 'the file of Arc is still there'
is 'Arc, again' "$(ask "$arc" --header 'Metadata: true')" 401
is 'something else' "$(ask /metadata/instance --header 'Metadata: true')" 404
check 0 app remove --data vault --app "$client_id"
is 'IMDS, for an application that was removed' "$(ask "$imds" --header 'Metadata: true')" 400
stop
is 'files of Arc behind the end' "$(find arc -type f | wc -l)" 0
if curl --silent --noproxy '*' "http://$fake$imds" >out; then fail 'the fake identity still answers'; fi

# --- a header that is there already ---
new_app again
printf 'chosen-by-its-owner\n' >header
cat header >>secrets
start --ready-file ready --log-file log --fake-identity "127.0.0.1:0=$client_id" --fake-header header
fake=$(sed -n 2p ready)
is 'App Service with it' "$(ask "$app_service" --header 'X-IDENTITY-HEADER: chosen-by-its-owner')" 200
is 'Arc, which was not asked for' "$(ask "$arc" --header 'Metadata: true')" 200
stop

finish log
