#!/usr/bin/env bash
# The provider without any secret: ekmctl loads it, akvd plays vault and metadata service.
#
#   test_managed_identity.sh AKVD EKMCTL PROVIDER
set -u
akvd=$(realpath "$1") ekmctl=$(realpath "$2")
EKMCTL_PROVIDER=$(realpath "$3")
export EKMCTL_PROVIDER
. "$(dirname "$0")/test_connector_common.sh"
. "$(dirname "$0")/test_akvd_process_common.sh"
unset "${!OPENEKM_@}" "${!IDENTITY_@}" "${!AZURE_@}" IMDS_ENDPOINT EKMCTL_SECRET EKMCTL_IDENTITY

check 0 init --data vault
new_app machine
check 0 policy set --data vault --vault local --app "$client_id" --permissions get,list,wrapKey,unwrapKey
check 0 key create --data vault --vault local --name tde
start --ready-file ready --fake-identity "127.0.0.1:0=$client_id" --fake-header header --fake-arc "$dir/arc"
fake=http://$(sed -n 2p ready)
configure "log_file = $dir/provider.log" 'log_level = debug' 'retries = 0' "default_vault = $identity"

# --- a virtual machine: the system's identity, and one that is named ---
export AZURE_POD_IDENTITY_AUTHORITY_HOST=$fake
echo managed-identity >secret
ctl 0 keys
has out 'tde'
wraps 'a managed identity'
echo "managed-identity:$client_id" >secret
ctl 0 keys
echo managed-identity:ffffffff-ffff-4fff-8fff-ffffffffffff >secret
ctl 1 keys
has provider.log '"error":"TOKEN_REFUSED".*the metadata service answered 400'
echo managed-identity:me >secret
ctl 1 keys
has provider.log '"error":"SECRET_CLIENT_ID"'

# --- Microsoft's form names no vault; the configuration does ---
identity='Managed Identity'
echo managed-identity >secret
ctl 0 keys
has out 'tde'
: >secret # as Microsoft has it: no SECRET at all
ctl 0 keys
has out 'tde'
ctl 0 doctor --key tde
has out "^ok       credential .*'local.vault.localhost', the machine's managed identity"
identity=https://local.vault.localhost:$port/
ctl 2 keys
has err 'there is no SECRET'
echo managed-identity >secret
ctl 0 keys
identity=https://local.vault.localhost:1/
ctl 1 doctor
has out '^FAILED   credential .*port 1 is not the '"$port"' of the section'
identity=local.vault.localhost

# --- an App Service ---
unset AZURE_POD_IDENTITY_AUTHORITY_HOST
export IDENTITY_ENDPOINT=$fake/msi/token IDENTITY_HEADER
IDENTITY_HEADER=$(cat header)
ctl 0 keys
has out 'tde'
IDENTITY_HEADER=wrong ctl 1 keys

# --- workload identity: a token of another issuer, in a file that is replaced ---
unset IDENTITY_ENDPOINT IDENTITY_HEADER
b64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
openssl genrsa -out issuer.pem 2048 2>>everything
modulus=$(openssl rsa -in issuer.pem -noout -modulus | sed 's/.*=//')
n=$(python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))' "$modulus" | b64url)
echo "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"one\",\"use\":\"sig\",\"alg\":\"RS256\",\"n\":\"$n\",\"e\":\"AQAB\"}]}" >jwks.json
subject=system:serviceaccount:default:sql
check 0 app federation-add --data vault --app "$client_id" --issuer https://issuer.localhost --subject "$subject" --keys jwks.json
token() { # token SUBJECT: what the other issuer says of it for an hour
  local now body
  now=$(date +%s)
  body=$(printf '{"alg":"RS256","kid":"one","typ":"JWT"}' | b64url).$(printf \
    '{"iss":"https://issuer.localhost","sub":"%s","aud":"api://AzureADTokenExchange","iat":%d,"nbf":%d,"exp":%d}' \
    "$1" "$now" "$now" $((now + 3600)) | b64url)
  printf '%s.%s\n' "$body" "$(printf %s "$body" | openssl dgst -sha256 -sign issuer.pem | b64url)"
}
export AZURE_FEDERATED_TOKEN_FILE=$dir/projected
token "$subject" >projected
cat projected >>secrets
echo "workload-identity:$client_id" >secret
ctl 0 keys
has out 'tde'
echo workload-identity >secret
AZURE_CLIENT_ID=$client_id ctl 0 keys
ctl 1 keys
has provider.log '"error":"SECRET_CLIENT_ID".*AZURE_CLIENT_ID'
echo "workload-identity:$client_id" >secret
token somebody:else >projected
ctl 1 keys
has provider.log '"error":"TOKEN_REFUSED".*AADSTS700213'
rm projected
ctl 1 keys
has provider.log "'$dir/projected'"
unset AZURE_FEDERATED_TOKEN_FILE
echo managed-identity >secret

# --- nothing but this machine is asked without TLS ---
AZURE_POD_IDENTITY_AUTHORITY_HOST=http://192.0.2.1 ctl 1 keys
has provider.log "'192.0.2.1' is asked over https only"

# --- and nobody is there ---
stop
AZURE_POD_IDENTITY_AUTHORITY_HOST=$fake ctl 1 keys
finish provider.log
