#!/usr/bin/env bash
# bench.sh BUILD_FOLDER: start a vault of its own and run every benchmark against it. Prints medians and what was promised;
# ends with a non-zero status if a promise is broken. About ten minutes; the machine should do nothing else.
set -euo pipefail
umask 077

build=$(cd "${1:?usage: bench.sh BUILD_FOLDER}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
akvd=$build/bin/akvd bench=$build/bin/openekm_bench
work=$(mktemp -d "${TMPDIR:-/tmp}/openekm-bench.XXXXXX")
BENCH_AKVD_PID=
clean_up() {
  [ -z "$BENCH_AKVD_PID" ] || kill -TERM "$BENCH_AKVD_PID" 2>/dev/null || :
  wait
  rm -rf "$work"
}
trap clean_up EXIT
json() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

# start_vault LOG_LEVEL [FOLDER]: on a free port, with a configuration for the provider.
start_vault() {
  rm -f "$work/ready"
  "$akvd" serve --data "${2:-$work/vault}" --trouble --listen 127.0.0.1:0 --ready-file "$work/ready" --log-file "$work/akvd.log" \
    --log-level "$1" &
  BENCH_AKVD_PID=$!
  until [ -s "$work/ready" ]; do
    kill -0 "$BENCH_AKVD_PID" || { echo 'bench: akvd does not start' >&2; exit 1; }
    read -rt 0.001 <> <(:) || :
  done
  BENCH_PORT=$(sed 's/.*://' "$work/ready")
  cat >"$work/openekm.conf" <<CONF
[vault local.vault.localhost]
address = 127.0.0.1
port = $BENCH_PORT
authority = https://login.localhost
authority_address = 127.0.0.1
authority_port = $BENCH_PORT
ca_file = $work/vault/tls/ca.pem
CONF
  export BENCH_PORT BENCH_AKVD_PID
}
# start_one, stop_one: a second server of the same folder, with one thread.
start_one() {
  rm -f "$work/ready-one"
  "$akvd" serve --data "$work/vault" --listen 127.0.0.1:0 --ready-file "$work/ready-one" --log-level error --threads 1 &
  BENCH_AKVD_PID_ONE=$!
  until [ -s "$work/ready-one" ]; do read -rt 0.001 <> <(:) || :; done
  BENCH_PORT_ONE=$(sed 's/.*://' "$work/ready-one")
  export BENCH_AKVD_PID_ONE BENCH_PORT_ONE
}
stop_one() { kill -TERM "$BENCH_AKVD_PID_ONE"; wait "$BENCH_AKVD_PID_ONE"; }
stop_vault() { kill -TERM "$BENCH_AKVD_PID"; wait "$BENCH_AKVD_PID"; BENCH_AKVD_PID=; }

"$akvd" init --data "$work/vault" >/dev/null
"$akvd" app add --data "$work/vault" --name bench --json >"$work/app.json"
BENCH_CLIENT_ID=$(json client_id <"$work/app.json")
BENCH_CLIENT_SECRET=$(json secret <"$work/app.json")
BENCH_TENANT=$(json tenant <"$work/app.json")
"$akvd" key create --data "$work/vault" --vault local --name bench-key >/dev/null
"$akvd" policy set --data "$work/vault" --vault local --app "$BENCH_CLIENT_ID" \
  --permissions get,list,import,wrapKey,unwrapKey >/dev/null
printf '%s%s' "${BENCH_CLIENT_ID//-/}" "$BENCH_CLIENT_SECRET" >"$work/credential"
export BENCH_CLIENT_ID BENCH_CLIENT_SECRET BENCH_TENANT BENCH_KEY=bench-key BENCH_CA=$work/vault/tls/ca.pem
export BENCH_LEFT_BEHIND=$work/left-behind OPENEKM_CONF=$work/openekm.conf
export EKM_PROVIDER=$build/lib/libopenekm.so EKM_IDENTITY=local.vault.localhost EKM_SECRET_FILE=$work/credential
BENCH_JWK=$(python3 -c 'import json,sys; print(json.dumps(json.load(open(sys.argv[1]))["import_request"]["key"]))' \
  "$here/../tests/vectors/azure-rsa.json")
export BENCH_JWK

broken=0
run() { "$bench" "$1" || broken=1; echo; }

# requests NAME LIMIT: what one cold run asks of the vault and the sign-in service.
requests() {
  local before after
  before=$(grep -c '"event":"vault.request"' "$work/akvd.log" || :)
  "$bench" "$1"
  after=$(grep -c '"event":"vault.request"' "$work/akvd.log" || :)
  local word=kept
  [ $((after - before)) -le "$2" ] || { word=BROKEN; broken=1; }
  printf '%-8s %s: %d HTTPS requests until the first unwrapped key, at most %d promised\n' $word "$1" $((after - before)) "$2"
}

# asked OPERATION: how many requests of this operation the vault has logged.
asked() { grep -c "\"event\":\"vault.request\".*\"operation\":\"$1" "$work/akvd.log" || :; }

# quiet NAME REQUESTS: a benchmark of thousands of calls that asks the vault no more than its first ones need.
quiet() {
  local before after word=kept
  before=$(asked '')
  "$bench" "$1" || broken=1
  after=$(asked '')
  [ $((after - before)) -eq "$2" ] || { word=BROKEN; broken=1; }
  printf '%-8s %s: %d requests in all, %d for the first call\n' $word "$1" $((after - before)) "$2"
}

# crowd: the vault takes two seconds for an unwrap, in which a thousand threads have time to come.
crowd() {
  local before after word=kept
  trouble '{"trouble": [{"operation": "key_unwrap", "kind": "none", "delay_ms": 2000}]}'
  before=$(asked key_unwrap)
  "$bench" crowd || broken=1
  after=$(asked key_unwrap)
  trouble '{"trouble": []}'
  [ $((after - before)) -eq 1 ] || { word=BROKEN; broken=1; }
  printf '%-8s 1,000 threads with one ciphertext: %d unwraps asked of the vault, 1 promised\n' $word $((after - before))
}
trouble() {
  curl -sS --fail --cacert "$work/vault/tls/ca.pem" --noproxy '*' --resolve "localhost:$BENCH_PORT:127.0.0.1" -X PUT \
    "https://localhost:$BENCH_PORT/_akvd/trouble" -d "$1" >/dev/null
}

# search: the oldest version of the last of 1,000 keys with 5 versions each, which is the worst there is. A vault answers
# 4,000 requests in ten seconds.
search() {
  local before after began took
  cp -r "$work/vault" "$work/searched"
  "$akvd" key create --data "$work/searched" --vault local --name many-999 >/dev/null
  start_vault info "$work/searched"
  BENCH_SEARCH_THUMB=$("$build/bin/ekmctl" keys --provider "$EKM_PROVIDER" --identity "$EKM_IDENTITY" --secret-file "$EKM_SECRET_FILE" --json | tr '{' '\n' | sed -n '/"many-999"/s/.*"thumbprint": *"\([0-9a-fA-F]*\)".*/\1/p')
  export BENCH_SEARCH_THUMB
  stop_vault
  printf '%s' "$BENCH_JWK" >"$work/jwk.json"
  "$build/bench/openekm_fill" "$work/searched" 1000 "$work/jwk.json" 5
  start_vault info "$work/searched"
  before=$(asked '')
  began=$(date +%s%N)
  "$bench" search || broken=1
  took=$((($(date +%s%N) - began) / 1000000))
  after=$(asked '')
  stop_vault
  keep "requests in ten seconds of a search through 1,000 keys with 5 versions ($((after - before)) in $took ms)" \
    $(((after - before) * 10000 / took)) 4000
}

# official: CPU per unwrap beside Microsoft's client for JavaScript, five runs of each in turn.
official() {
  "$here/../tests/official/install.sh" "$build/official"
  mkdir -p "$build/official/bench"
  cp "$here/unwrap.mjs" "$here/../tests/official/network.mjs" "$build/official/bench/"
  for _ in {1..5}; do
    (cd "$build/official/bench" && AKVD_PORT=$BENCH_PORT NODE_EXTRA_CA_CERTS=$BENCH_CA node --import ./network.mjs unwrap.mjs) \
      >>"$work/official"
    "$bench" unwraps >>"$work/unwraps"
  done
  local theirs ours
  theirs=$(sort -n "$work/official" | sed -n 3p)
  ours=$(sort -n "$work/unwraps" | sed -n 3p)
  printf '  CPU per unwrap: %s us of the official client for JavaScript, %s us of the provider\n' "$theirs" "$ours"
  keep "CPU per unwrap over that of the official client" \
    "$(awk -v ours="$ours" -v theirs="$theirs" 'BEGIN { printf "%.3f", ours / theirs }')" 0.2
}

# growth: figures with 1,000, 10,000 and 100,000 keys, each folder filled behind the server's back. The table is kept in
# the build folder as growth.csv and growth.md; the last row has promises.
growth() {
  local shelf=$work count line begin starts start rss idle unwrap get
  [ ! -d /dev/shm ] || shelf=$(mktemp -d /dev/shm/openekm-bench.XXXXXX) # filling syncs a hundred thousand times
  printf '%s' "$BENCH_JWK" >"$work/jwk.json"
  cp -r "$work/vault" "$shelf/vault"
  echo 'keys,start_ms,unwrap_us,get_us,memory_mb,memory_mb_1000_idle' >"$build/growth.csv"
  for count in 1000 10000 100000; do
    "$build/bench/openekm_fill" "$shelf/vault" "$count" "$work/jwk.json"
    for _ in {1..11}; do
      begin=$(date +%s%N)
      start_vault error "$shelf/vault"
      echo $(($(date +%s%N) - begin))
      stop_vault
    done | sort -n >"$work/starts"
    start=$(sed -n 6p "$work/starts")
    start_vault error "$shelf/vault"
    line=$("$bench" growth) || { echo "BROKEN   growth with $count keys: nothing could be measured"; broken=1; line=0,0,0,0; }
    stop_vault
    echo "$count,$((start / 1000000)),$line" >>"$build/growth.csv"
  done
  [ "$shelf" = "$work" ] || rm -rf "$shelf"
  awk -F, '{ print "| " $1 " | " $2 " | " $3 " | " $4 " | " $5 " | " $6 " |" } NR == 1 { print "|---|---|---|---|---|---|" }' \
    "$build/growth.csv" | tee "$build/growth.md"
  IFS=, read -r count start unwrap get rss idle < <(tail -n 1 "$build/growth.csv")
  keep "start of akvd with $count keys, ms" "$start" 500
  keep "memory of akvd with $count keys and 1,000 idle connections, MB" "$idle" 100
}

# keep WHAT VALUE LIMIT
keep() {
  local word=kept
  awk -v value="$2" -v limit="$3" 'BEGIN { exit !(value > 0 && value <= limit) }' || { word=BROKEN; broken=1; }
  printf '%-8s %s: %s, at most %s promised\n' $word "$1" "$2" "$3"
}

# start_time MS: from the start of akvd, whose certificate exists, to its ready file; the median of 31 starts.
start_time() {
  local begin median word=kept
  for _ in {1..31}; do
    begin=$(date +%s%N)
    start_vault error
    echo $(($(date +%s%N) - begin))
    stop_vault
  done | sort -n >"$work/starts"
  median=$(sed -n 16p "$work/starts")
  [ "$median" -le $(($1 * 1000000)) ] || { word=BROKEN; broken=1; }
  printf '%-8s start of akvd: %d.%d ms [%d .. %d], at most %d ms promised\n' $word $((median / 1000000)) \
    $((median / 100000 % 10)) $(($(sed -n 1p "$work/starts") / 1000000)) $(($(sed -n 31p "$work/starts") / 1000000)) "$1"
}

start_vault info
"$bench" cold_name # leaves a wrapped key behind
requests cold_name 4
requests cold_thumb 5
quiet session 2
quiet key_info 3
crowd
official
echo
stop_vault
search
echo
start_time 100
echo
start_vault error
run provider
run vault_1
run vault_16
run vault_256
run vault_get
start_one
run vault_threads
stop_one
run heap
run memory
stop_vault
growth
[ $broken -eq 0 ] && echo 'Every promise is kept.' || { echo 'A promise is broken.'; exit 1; }
