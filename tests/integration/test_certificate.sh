#!/usr/bin/env bash
# The provider with client certificates: PEM and PFX files, with and without a password, replaced, wrong and expired; akvd
# is the vault and the sign-in service, openssl makes the files.
#
#   test_certificate.sh AKVD EKMCTL PROVIDER
set -u
akvd=$(realpath "$1") ekmctl=$(realpath "$2")
EKMCTL_PROVIDER=$(realpath "$3")
export EKMCTL_PROVIDER
. "$(dirname "$0")/test_connector_common.sh"
. "$(dirname "$0")/test_akvd_process_common.sh"
unset "${!OPENEKM_@}" "${!AZURE_@}" EKMCTL_SECRET EKMCTL_IDENTITY
password='pä|ss:wörd' # a bar and a colon belong to it

# make NAME KEY_OPTIONS...: NAME.key, and NAME.crt from now for as long as $days.
make() {
  openssl req -x509 -nodes -newkey "${@:2}" -keyout "$1.key" -out "$1.crt" -subj "/CN=$1" -days "$days" 2>>everything
  grep -v -e ----- "$1.key" | head -n 3 >>secrets
}

check 0 init --data vault
new_app reader
days=365
make first rsa:2048
days=20
make second rsa:3072
days=365
make elliptic ec -pkeyopt ec_paramgen_curve:prime256v1
cat first.crt first.key >first.pem
openssl pkcs12 -export -in first.crt -inkey first.key -passout "pass:$password" -out first.pfx
openssl pkcs12 -export -legacy -in first.crt -inkey first.key -passout "pass:$password" -out old.pfx
openssl pkcs8 -topk8 -in first.key -v2 aes-256-cbc -passout "pass:$password" -out sealed.key
cat first.crt sealed.key >sealed.pem
cat second.crt second.key >second.pem
printf '%s\n' "$password" >>secrets
check 0 app certificate-add --data vault --app "$client_id" --certificate first.crt
check 0 policy set --data vault --vault local --app "$client_id" --permissions get,list,wrapKey,unwrapKey
check 0 key create --data vault --vault local --name tde
start
configure "log_file = $dir/provider.log" 'log_level = info' 'retries = 0'

# --- every form wraps and unwraps ---
credential="certificate:$client_id:$dir/first.pem" wraps 'a PEM file'
credential="certificate:$client_id:$dir/first.pfx|$password" wraps 'a PFX file'
credential="certificate:$client_id:$dir/old.pfx|$password" wraps 'a PFX file of an older Windows'
credential="certificate:$client_id:$dir/sealed.pem|$password" wraps 'a PEM file with an encrypted key'
if grep -q expiry provider.log; then fail 'a certificate of a year is warned of' provider.log; fi

# --- wrong passwords, and none ---
credential="certificate:$client_id:$dir/first.pfx|wrong" ctl 1 keys
has provider.log '"error":"CERT_PASSWORD".*first.pfx.: it does not open the file'
credential="certificate:$client_id:$dir/first.pfx" ctl 1 keys
has provider.log '"error":"CERT_PASSWORD".*first.pfx.: none is given'
credential="certificate:$client_id:$dir/sealed.pem|wrong" ctl 1 keys
has provider.log '"error":"CERT_PASSWORD".*sealed.pem.: it does not open the private key'

# --- files that cannot be used ---
credential="certificate:$client_id:$dir/first.crt" ctl 1 keys
has provider.log '"error":"CERT_NO_KEY".*first.crt'
cat first.crt second.key >mixed.pem
credential="certificate:$client_id:$dir/mixed.pem" ctl 1 keys
has provider.log '"error":"CERT_NO_KEY".*mixed.pem.: its private key is not that of its certificate'
cat elliptic.crt elliptic.key >elliptic.pem
credential="certificate:$client_id:$dir/elliptic.pem" ctl 1 keys
has provider.log '"error":"CERT_FILE".*elliptic.pem.: its private key is not RSA'
credential="certificate:$client_id:$dir/absent.pem" ctl 1 keys
has provider.log '"error":"FILE_READ".*absent.pem'
cp first.pem open.pem
chmod 644 open.pem
credential="certificate:$client_id:$dir/open.pem" ctl 1 keys
has provider.log "\"error\":\"FILE_READ\".*chmod 600 '$dir/open.pem'"
credential="certificate:$client_id:first.pem" ctl 1 keys
has provider.log '"error":"CERT_FILE".*no absolute path'
credential="certificate:$client_id:store:0123" ctl 1 keys
has provider.log '"error":"CERT_FILE".*behind store: a thumbprint has 40'
credential="certificate:$client_id:store:0123456789abcdef0123456789abcdef01234567" ctl 1 keys
has provider.log '"error":"NOT_SUPPORTED".*there are no certificate stores but on Windows'
credential="certificate:$dir/first.pem" ctl 1 keys
has provider.log '"error":"SECRET_CLIENT_ID"'

# --- a file that is replaced counts at the next sign-in; Entra must know it, and its end is announced ---
cp first.pem current.pem
credential="certificate:$client_id:$dir/current.pem" wraps 'a file before it is replaced'
cp second.pem current.pem
credential="certificate:$client_id:$dir/current.pem" ctl 1 keys
has provider.log '"error":"TOKEN_REFUSED".*AADSTS700027'
check 0 app certificate-add --data vault --app "$client_id" --certificate second.crt
credential="certificate:$client_id:$dir/current.pem" wraps 'a file that was replaced'
has provider.log "\"level\":\"warn\",\"event\":\"entra.certificate_expiry\",\"client_id\":\"$client_id\".*\"days_left\":19"

# --- one that has expired: said here, and nothing is sent to the sign-in service ---
mkdir ca
: >ca/index
cat >ca.conf <<CONF
[ca]
default_ca = local
[local]
database = $dir/ca/index
new_certs_dir = $dir/ca
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
CONF
openssl req -new -key first.key -subj /CN=expired -out expired.csr 2>>everything
openssl ca -batch -config ca.conf -selfsign -keyfile first.key -in expired.csr -startdate 20200101000000Z \
  -enddate 20210101000000Z -notext -out expired.crt 2>>everything
cat expired.crt first.key >expired.pem
export OPENEKM_LOG_FILE=$dir/expired.log OPENEKM_LOG_LEVEL=debug
credential="certificate:$client_id:$dir/expired.pem" ctl 1 keys
has expired.log "\"error\":\"CERT_EXPIRED\".*expired.pem.: it was valid until 2021-01-01T00:00:00Z"
has expired.log '"event":"http.exchange","method":"GET"'
if grep -q '"event":"http.exchange","method":"POST"' expired.log; then fail 'a token was asked for' expired.log; fi
unset OPENEKM_LOG_FILE OPENEKM_LOG_LEVEL

# --- the doctor and the script for SQL Server take the same form ---
credential="certificate:$client_id:$dir/first.pfx|$password" ctl 0 doctor --key tde
has out '^ok       credential .*application with a certificate'
if grep -q '^warning  credential' out; then fail 'a certificate of a year is warned of' out; fi
credential="certificate:$client_id:$dir/second.pem" ctl 0 doctor --key tde
has out '^warning  credential +the client certificate ends on .*, 19 days from now'
credential="certificate:$client_id:$dir/expired.pem" ctl 1 doctor --key tde
has out '^FAILED   credential .*has expired.*2021-01-01T00:00:00Z'
credential="certificate:$client_id:$dir/first.pfx|wrong" ctl 1 doctor --key tde
has out '^FAILED   credential .*password'
credential="certificate:$client_id:$dir/first.pfx|$password" ctl 0 sql setup --key tde --database sales --admin sa --with-secret
has out "SECRET = N'certificate:$client_id:$dir/first.pfx\|.*'"
grep -Fq "|$password'" out || fail 'the script does not hold the password that was asked for' out
grep -Fv "$password" everything >others && mv others everything # it was asked for

# --- a client secret whose end the configuration states ---
credential=${client_id//-/}$secret ctl 0 doctor --key tde
if grep -q '^warning  credential' out; then fail 'nobody said when the secret ends' out; fi
printf '[application %s]\nsecret_expires = %s\n' "${client_id^^}" "$(date -u -d '10 days' +%F)" >>openekm.conf
credential=${client_id//-/}$secret ctl 0 doctor --key tde
has out '^warning  credential +the client secret ends on .*, 9 days from now'
credential=${client_id//-/}$secret wraps 'a client secret'
has provider.log "\"event\":\"entra.secret_expiry\",\"client_id\":\"$client_id\".*\"days_left\":9"
stop
finish provider.log expired.log
