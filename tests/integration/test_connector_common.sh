#!/usr/bin/env bash
# What the shell tests of the connector share; sourced in front of test_akvd_process_common.sh, which goes to a folder of its
# own, with the path of ekmctl in $ekmctl.
# shellcheck disable=SC2034,SC2154 # what is set here is read there, and the other way round
identity=local.vault.localhost credential=''

# ctl STATUS COMMAND WORDS...: run ekmctl as $identity, unless the words name another, with the SECRET in the file secret, or
# in $credential if that is set; output is in out and err.
ctl() {
  local expected=$1 status
  shift
  [ -z "$credential" ] || printf '%s' "$credential" >secret
  "$ekmctl" "$1" --identity "$identity" --secret-file secret "${@:2}" >out 2>err </dev/null
  status=$?
  cat out err >>everything
  [ "$status" = "$expected" ] || { cat err >>out; fail "ekmctl $*: status $status, expected $expected" out; }
}

# wraps WHAT: a database key goes to the vault, under the key tde, and comes back.
wraps() {
  echo 'the key of a database, 32 bytes!' >dek
  ctl 0 encrypt --key tde --in dek --out wrapped
  ctl 0 decrypt --key tde --in wrapped --out dek.again
  cmp -s dek dek.again || fail "$1: what was unwrapped is something else"
}

# vault_section LINES...: how the provider finds the server, with more lines of its section behind.
vault_section() {
  printf '%s\n' '[vault local.vault.localhost]' 'address = 127.0.0.1' "port = $port" 'authority = https://login.localhost' \
    'authority_address = 127.0.0.1' "authority_port = $port" "$@"
}

# configure LINES...: lines for the top of the provider's configuration, and that section.
configure() {
  printf '%s\n' "$@" >openekm.conf
  vault_section "ca_file = $dir/vault/tls/ca.pem" >>openekm.conf
  export OPENEKM_CONF=$dir/openekm.conf
}
