#!/usr/bin/env bash
# ekmctl rotate --dry-run: which versions an inventory needs, what a rotation takes, and what must not be disabled.
#
#   test_rotate.sh AKVD EKMCTL
set -u
akvd=$(realpath "$1") ekmctl=$(realpath "$2")
. "$(dirname "$0")/test_connector_common.sh"
. "$(dirname "$0")/test_akvd_process_common.sh"
unset "${!OPENEKM_@}" "${!EKMCTL_@}"

rotate() { ctl "$1" rotate --dry-run "${@:2}"; } # rotate STATUS OPTIONS...
# lacks FILE PATTERN
lacks() { ! grep -Eq -- "$2" "$1" || fail "a line of $1 matches: $2" "$1"; }
# new_version NAME: makes one; sets version and thumb.
new_version() {
  json key create --data vault --name "$1"
  version=$(value version)
  json key show --data vault --name "$1" --key-version "$version"
  thumb=0x$(value thumbprint)
}
# inventory ROWS...: as sqlcmd writes it.
inventory() {
  { printf 'kind,name,thumbprint,at\n----,----,----------,--\n'; printf '%s\n' "$@"; printf '\n(%d rows affected)\n' $#; } >inv.csv
}
allow() { check 0 policy set --data vault --vault local --app "$client_id" --permissions "$1"; }

check 0 init --data vault
new_version tde; v1=$version t1=$thumb
new_version tde; v2=$version t2=$thumb
new_version tde; v3=$version t3=$thumb
new_version other; o1=$version u1=$thumb
new_version idle
new_app rotator
allow get,list,wrapKey,unwrapKey
printf '%s%s' "${client_id//-/}" "$secret" >secret
start
export OPENEKM_CONF=$dir/openekm.conf
printf '%s\n' 'retries = 0' '[vault local.vault.localhost]' 'address = 127.0.0.1' "port = $port" 'authority = https://login.localhost' \
  'authority_address = 127.0.0.1' "authority_port = $port" "ca_file = $dir/vault/tls/ca.pem" >openekm.conf

# --- one database is on the second version; the third is there already; nothing names the first ---
inventory "asymmetric key,Key2,$t2,2026-11-24T08:00:00" "database,Sales's,$t2,2026-11-24T08:01:00" \
  "log,Sales's,$t2,NULL" "backup,Sales's,$t2,2026-11-25T01:00:00" "backup,Sales's,$t2,2026-11-23T01:00:00"
rotate 0 --inventory inv.csv
has out "^key 'tde'$"
lacks out "key '(idle|other)'"
has out "^  version $v3  newest, enabled$"
is 'what nobody names' "$(grep -A1 "^  version $v1" out | tail -n 1)" '    nothing of the inventory names it'
has out "^    needed by database 'Sales's', 2026-11-24T08:01:00$"
has out "^    needed by 2 backups of 'Sales's', the last 2026-11-25T01:00:00$"
has out "^    known by asymmetric key 'Key2'"
has out "^  1\. move database 'Sales's' to $v3"
has out "^     ekmctl sql rotate tde/$v3 --identity local.vault.localhost --admin LOGIN --asymmetric-key NEW-NAME --database 'Sales'\\\\''s'$"
has out "^     az keyvault key set-attributes --id https://local.vault.localhost/keys/tde/$v1 --enabled false$"
lacks out 'az keyvault key rotate'
lacks out ERROR
rotate 0 tde --inventory inv.csv
has out "^key 'tde'$"
rotate 0 "tde/$v1" --inventory inv.csv
has out "^key 'tde'$"
rotate 0 "https://local.vault.localhost/keys/tde" --inventory inv.csv
has out "^key 'tde'$"
rotate 0 --key tde --inventory inv.csv --json
is_object out || fail 'no JSON' out
python3 -c '
import json, sys
doc = json.load(open("out"))
v1, v2, v3 = sys.argv[1:]
(key,) = doc["keys"]
by = {v["version"]: v for v in key["versions"]}
assert [v["version"] for v in key["versions"]][0] == v3 and by[v3]["newest"] and set(by) == {v1, v2, v3}, key
assert [by[v]["needed"] for v in (v1, v2, v3)] == ["no", "yes", "no"], by
assert [by[v]["named"] for v in (v1, v2, v3)] == [False, True, False], by
backup = [u for u in by[v2]["used_by"] if u["kind"] == "backup"]
assert backup == [{"kind": "backup", "name": "Sales\u0027s", "count": 2, "last": "2026-11-25T01:00:00", "surely": True}]
assert doc["missing"] == [] and len(doc["notes"]) == 3
' "$v1" "$v2" "$v3" || fail 'the JSON says something else' out

# --- SQL Server knows the newest version: no script is wanted for it. Everything is there: a new version ---
inventory "asymmetric key,Key]3,$t3,NULL" "database,A b,$t2,NULL" "database,C,$t3,NULL"
rotate 0 --inventory inv.csv
has out "^     USE \[A b\]; ALTER DATABASE ENCRYPTION KEY ENCRYPTION BY SERVER ASYMMETRIC KEY \[Key\]\]3\];$"
lacks out "move database 'C'"
inventory "database,C,$t3,NULL" "database,D,$u1,NULL"
rotate 0 --inventory inv.csv
has out '^     az keyvault key rotate --id https://local.vault.localhost/keys/tde$'
has out '^     az keyvault key rotate --id https://local.vault.localhost/keys/other$'
has out "^     ekmctl sql rotate other/NEW-VERSION .* --database D$"
rotate 0 --key other --inventory inv.csv
lacks out "key 'tde'"
lacks out 'missing|has the thumbprint'

# --- what is disabled or missing, and needed, is an error ---
check 0 key disable --data vault --name tde --key-version "$v1"
rotate 0 --inventory inv.csv
has out "^  version $v1  DISABLED$"
inventory "database,C,$t3,NULL" "backup,Old,$t1,2025-01-01T00:00:00"
rotate 1 --inventory inv.csv
has out "^  version $v1  DISABLED  ERROR: it is disabled, and still needed$"
has out "^    needed by backup of 'Old', 2025-01-01T00:00:00$"
has err "the key version is disabled: 'tde', version $v1, which backup of 'Old' needs"
rotate 1 --inventory inv.csv --json
has out '"name":"KEY_DISABLED"'
has out '"problem":"it is disabled, and still needed"'
inventory "asymmetric key,Key1,$t1,NULL" "database,C,$t3,NULL"
rotate 0 --inventory inv.csv
has out "^    known by asymmetric key 'Key1'$"
gone=0x$(printf '5a%.0s' {1..20})
inventory "database,C,$t3,NULL" "log,C,$gone,NULL"
rotate 1 --key tde --inventory inv.csv
has out "^no key version that can be seen has the thumbprint $gone  ERROR: it is still needed$"
has err "the key does not exist in the vault: .*$gone, which log of 'C' needs"
inventory "database,C,$t3,NULL" "asymmetric key,Forgotten,$gone,NULL"
rotate 0 --inventory inv.csv
has out "^no key version that can be seen has the thumbprint $gone$"

# --- a packed name of Microsoft's old connector may mean every version: "tde" is 14 04 05 in six bits each ---
inventory 'backup,Ancient,0x504140,2015-01-01T00:00:00'
rotate 0 --inventory inv.csv
is 'versions that may be needed' "$(grep -c "perhaps needed by backup of 'Ancient'" out)" 3
lacks out 'set-attributes'

# --- what SQL Server's tools write: UTF-16 with its mark ---
inventory "database,Verkäufe,$t3,NULL"
{ printf '\xff\xfe'; iconv -f UTF-8 -t UTF-16LE inv.csv; } >wide.csv
rotate 0 --inventory wide.csv
has out "needed by database 'Verkäufe'"

# --- what cannot be done ---
"$ekmctl" rotate --inventory inv.csv >out 2>err && fail 'rotated without --dry-run'
has err "rotate changes nothing itself.*az keyvault key rotate.*ekmctl sql rotate"
rotate 2
has err 'needed: --inventory'
rotate 2 --inventory inv.csv --thumbprint 00
rotate 1 --inventory nowhere.csv
has err 'nowhere.csv'
printf 'kind,name,thumbprint,at\nlog,C\n' >short.csv
rotate 1 --inventory short.csv
has err "'short.csv' line 2: it has fewer than four values"
rotate 1 --inventory inv.csv --key absent
allow get
rotate 1 --inventory inv.csv
has err '403'
allow get,list
check 0 key enable --data vault --name tde --key-version "$v1"
rotate 0 --inventory inv.csv
is 'versions in the vault, as before' "$("$akvd" key show --data vault --name tde --json | grep -Ec '^ {4}"')" 3
stop
rotate 1 --inventory inv.csv
[ -n "$o1" ] || fail 'no version of the other key'
finish
