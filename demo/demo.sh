#!/usr/bin/env bash
# demo.sh BUILD_FOLDER: a key that never leaves the vault protects a database, from nothing to recovery and revocation.
# Stops with a non-zero status at the first thing that is not as it should be. Everything it makes is in a temporary folder
# that it removes; the only network is the loopback interface.
set -euo pipefail
umask 077

build=$(cd "${1:?usage: demo.sh BUILD_FOLDER}" && pwd)
akvd=$build/bin/akvd dbseal=$build/bin/dbseal provider=$build/lib/libopenekm.so
work=$(mktemp -d "${TMPDIR:-/tmp}/openekm-demo.XXXXXX")
vault_pid=

stop_vault() {
  [ -z "$vault_pid" ] && return
  kill -TERM "$vault_pid" && wait "$vault_pid"
  vault_pid=
}
clean_up() {
  local status=$?
  [ -n "$vault_pid" ] && kill -KILL "$vault_pid" 2>/dev/null
  rm -rf "$work"
  [ $status -eq 0 ] || printf '\nThe demo stopped: something is not as it should be (status %d).\n' $status >&2
  exit $status
}
trap clean_up EXIT

number=0
started=$(date +%s%N)
step() { number=$((number + 1)); printf '%2d  %s\n' $number "$1"; }
note() { printf '    %s\n' "$1"; }
fail() { printf '    NOT AS IT SHOULD BE: %s\n' "$1" >&2; exit 1; }
json() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; } # one member of a flat answer

start_vault() {
  rm -f "$work/ready"
  "$akvd" serve --data "$work/vault" --listen 127.0.0.1:0 --ready-file "$work/ready" --log-file "$work/akvd.log" &
  vault_pid=$!
  local tries=0
  until [ -s "$work/ready" ]; do # the file appears when the socket listens
    kill -0 "$vault_pid" 2>/dev/null || fail "akvd ended: $(tail -n 1 "$work/akvd.log" 2>/dev/null)"
    tries=$((tries + 1)); [ $tries -lt 500 ] || fail 'akvd did not start within five seconds'
    read -rt 0.01 <> <(:) || :
  done
  port=$(sed 's/.*://' "$work/ready")
  cat >"$work/openekm.conf" <<CONF
log_file = $work/openekm.log
log_level = info

[vault local.vault.localhost]
address = 127.0.0.1
port = $port
authority = https://login.localhost
authority_address = 127.0.0.1
authority_port = $port
ca_file = $work/vault/tls/ca.pem
CONF
}

export OPENEKM_CONF=$work/openekm.conf
export EKM_PROVIDER=$provider EKM_IDENTITY=local.vault.localhost EKM_SECRET_FILE=$work/credential

echo 'OpenEKM: a key that never leaves the vault protects a database'
echo

step 'make a fresh vault and serve it over TLS, on a free port of the loopback interface'
"$akvd" init --data "$work/vault" >"$work/init.txt"
start_vault
note "https://local.vault.localhost, at 127.0.0.1:$port, certificate signed by the vault's own authority"

step 'register an application; its secret is shown once, the vault keeps a salted hash'
"$akvd" app add --data "$work/vault" --name demo --json >"$work/app.json"
client_id=$(json client_id <"$work/app.json")
{ printf '%s' "${client_id//-/}"; json secret <"$work/app.json"; } >"$work/credential"
note "client id $client_id; as SQL Server has it: IDENTITY = 'local.vault.localhost', SECRET = client id without hyphens, then the secret"

step 'create an RSA-2048 key in the vault, and let the application get, list, wrapKey and unwrapKey'
"$akvd" key create --data "$work/vault" --vault local --name demo-tde --json >"$work/key.json"
"$akvd" policy set --data "$work/vault" --vault local --app "$client_id" --permissions get,list,wrapKey,unwrapKey >/dev/null
kid=$(json kid <"$work/key.json")
note "$kid"

step 'make a SQLite database of more than 50 MB with rows that anyone would recognise'
sqlite3 "$work/bank.db" "
  PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
  CREATE TABLE account(id INTEGER PRIMARY KEY, owner TEXT NOT NULL, note TEXT NOT NULL);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 52000)
  INSERT INTO account SELECT i, 'recognisable customer ' || i, hex(randomblob(480)) FROM n;" >/dev/null
plain_bytes=$(stat -c %s "$work/bank.db")
[ "$plain_bytes" -ge 50000000 ] || fail "the database has only $plain_bytes bytes"
readable=$(grep -ao 'recognisable customer' "$work/bank.db" | wc -l)
note "$plain_bytes bytes; 'recognisable customer' can be read $readable times in the file"

step 'in a process of its own: load libopenekm.so, open a session, open the key by name, wrap a random DEK, encrypt'
"$dbseal" protect "$work/bank.db" "$work/bank.sealed" demo-tde >"$work/protect.txt" || fail 'dbseal protect'
thumb=$(sed -n 's/.*thumbprint \(0x[0-9a-f]*\).*/\1/p' "$work/protect.txt")
note "$(cat "$work/protect.txt")"
if grep -aq 'recognisable customer' "$work/bank.sealed"; then fail 'rows can be read in the sealed file'; fi
note 'AES-256-GCM in chunks of 64 kB; not one recognisable row is left in the sealed file'

step 'throw away every plaintext key and restart both processes'
stop_vault || fail 'akvd did not stop cleanly'
start_vault
note "the DEK existed only in the process that has ended; the vault is another process now, on port $port"

step 'in a new process: find the key by nothing but its 20-byte thumbprint, unwrap the DEK, decrypt'
"$dbseal" recover "$work/bank.sealed" "$work/bank.again" >"$work/recover.txt" || fail 'dbseal recover'
note "$(cat "$work/recover.txt")"

step 'compare the database byte for byte, and ask SQLite'
cmp "$work/bank.db" "$work/bank.again" || fail 'the databases differ'
rows=$(sqlite3 "$work/bank.again" "SELECT count(*) FROM account WHERE owner LIKE 'recognisable customer %'")
[ "$(sqlite3 "$work/bank.again" 'PRAGMA integrity_check')" = ok ] && [ "$rows" = 52000 ] || fail 'SQLite finds damage'
note "equal, and all $rows rows are there"

step "take the application's right to unwrap away: the same command must be refused now"
rm "$work/bank.again"
"$akvd" policy set --data "$work/vault" --vault local --app "$client_id" --permissions get,list >/dev/null
if "$dbseal" recover "$work/bank.sealed" "$work/bank.again" >/dev/null 2>"$work/refused.txt"; then
  fail 'the database was opened without permission'
fi
grep -q 'no permission' "$work/refused.txt" || fail "an unclear refusal: $(cat "$work/refused.txt")"
[ ! -e "$work/bank.again" ] || fail 'a refused recovery left a file behind'
sed 's/^/    /' "$work/refused.txt"

step 'give it back, and the database opens again'
"$akvd" policy set --data "$work/vault" --vault local --app "$client_id" --permissions get,list,wrapKey,unwrapKey >/dev/null
"$dbseal" recover "$work/bank.sealed" "$work/bank.again" >/dev/null || fail 'dbseal recover'
cmp "$work/bank.db" "$work/bank.again" || fail 'the databases differ'
note 'equal'

stop_vault || fail 'akvd did not stop cleanly'
chunks=$(((plain_bytes + 65535) / 65536))
cat <<PICTURE

  What protects what

    master key of akvd             256 bits, AES-256-GCM       file master.key, mode 0600, beside the vault
        | seals
        v
    RSA key 'demo-tde'             2048 bits                   never leaves the vault
        version ${kid##*/}
        thumbprint $thumb
        | wraps (RSA-OAEP-256), asked for through SqlCryptEncrypt and SqlCryptDecrypt
        v
    data-encryption key (DEK)      256 bits                    wrapped: 256 bytes in the head of bank.sealed
        | encrypts (AES-256-GCM)
        v
    the database                   $plain_bytes bytes              $chunks chunks, each with a tag of 16 bytes

    who may ask: application $client_id
    with get, list, wrapKey, unwrapKey on the vault; take one away, and the chain is cut there

PICTURE
printf 'All %d steps as they should be, in %d.%d seconds.\n' $number \
  $((($(date +%s%N) - started) / 1000000000)) $((($(date +%s%N) - started) / 100000000 % 10))
