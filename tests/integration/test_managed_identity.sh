#!/usr/bin/env bash
# The provider without any secret: ekmctl loads it, akvd plays vault and metadata service.
#
#   test_managed_identity.sh AKVD EKMCTL PROVIDER
set -u
akvd=$(realpath "$1") ekmctl=$(realpath "$2")
EKMCTL_PROVIDER=$(realpath "$3")
export EKMCTL_PROVIDER
. "$(dirname "$0")/test_akvd_process_common.sh"
unset "${!OPENEKM_@}" "${!IDENTITY_@}" "${!AZURE_@}" IMDS_ENDPOINT EKMCTL_SECRET EKMCTL_IDENTITY

# ctl STATUS WORDS...: run ekmctl with the credential IDENTITY and SECRET in $identity and the file secret.
ctl() {
  local expected=$1 status
  shift
  "$ekmctl" "$@" --identity "$identity" --secret-file secret >out 2>err </dev/null
  status=$?
  cat out err >>everything
  [ "$status" = "$expected" ] || fail "ekmctl $*: status $status, expected $expected" err
}

check 0 init --data vault
new_app machine
check 0 policy set --data vault --vault local --app "$client_id" --permissions get,list,wrapKey,unwrapKey
check 0 key create --data vault --vault local --name tde
start --ready-file ready --fake-identity "127.0.0.1:0=$client_id" --fake-header header --fake-arc "$dir/arc"
fake=http://$(sed -n 2p ready)
cat >openekm.conf <<CONF
log_file = $dir/provider.log
log_level = debug
retries = 0
default_vault = local.vault.localhost
[vault local.vault.localhost]
address = 127.0.0.1
port = $port
authority = https://login.localhost
authority_address = 127.0.0.1
authority_port = $port
ca_file = $dir/vault/tls/ca.pem
CONF
export OPENEKM_CONF=$dir/openekm.conf
identity=local.vault.localhost

# --- a virtual machine: the system's identity, and one that is named ---
export AZURE_POD_IDENTITY_AUTHORITY_HOST=$fake
echo managed-identity >secret
ctl 0 keys
has out 'tde'
echo 'the key of a database, 32 bytes!' >dek
ctl 0 encrypt --key tde --in dek --out wrapped
ctl 0 decrypt --key tde --in wrapped --out dek.again
cmp -s dek dek.again || fail 'what was unwrapped is something else'
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
identity=local.vault.localhost

# --- an App Service ---
unset AZURE_POD_IDENTITY_AUTHORITY_HOST
export IDENTITY_ENDPOINT=$fake/msi/token IDENTITY_HEADER
IDENTITY_HEADER=$(cat header)
ctl 0 keys
has out 'tde'
IDENTITY_HEADER=wrong ctl 1 keys

# --- nothing but this machine is asked without TLS ---
unset IDENTITY_ENDPOINT IDENTITY_HEADER
AZURE_POD_IDENTITY_AUTHORITY_HOST=http://192.0.2.1 ctl 1 keys
has provider.log "'192.0.2.1' is asked over https only"

# --- and nobody is there ---
stop
AZURE_POD_IDENTITY_AUTHORITY_HOST=$fake ctl 1 keys
finish provider.log
