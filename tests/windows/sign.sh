#!/usr/bin/env bash
# sign.sh FILE: scripts/windows_sign.sh signs FILE, and what must not be trusted is not.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/check.sh"
sign=$here/../../scripts/windows_sign.sh
file=$(realpath "$1")
name=$(basename "$file")
unset CERT KEY PFX PASSWORD_FILE ROOT TIMESTAMP TIMESTAMP_ROOT SOURCE_DATE_EPOCH
cd "$scratch" || exit 1

verify() { osslsigncode verify -CAfile "$1" -in "$2" "${@:3}"; }
in_years() { verify "$1" "$2" -TSA-CAfile "$3" -time "$(date -d '+15 years' +%s)"; }
flip() { python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1); f.seek(-1, 1)
f.write(bytes([b[0] ^ 1]))' "$1" "$2"; }

# --- the development certificate ---
check "a development certificate is made and signs" "$sign" a/signed "$file"
check "its root trusts the signature" verify a/development-ca/root.pem "a/signed/$name"
check "it is named as what it is" grep -q "not for production" <(openssl x509 -in a/development-ca/signer.pem -noout -subject)
check "its root is good for code signing alone" grep -q "^ *Code Signing$" \
  <(openssl x509 -in a/development-ca/root.pem -noout -ext extendedKeyUsage)
check "nobody but the owner reads its key" [ "$(stat -c %a a/development-ca/signer.key)" = 600 ]
check "the root's key is not kept" [ "$(find a -name '*.key' | wc -l)" = 1 ]
cp a/development-ca/root.pem before.pem
check "the next signature is by the same certificate" "$sign" a/signed "$file"
check "so its root is the same" cmp before.pem a/development-ca/root.pem

check "another root refuses the signature" "$sign" b/signed "$file"
check "another root: refused" refused verify b/development-ca/root.pem "a/signed/$name"
check "no signature: refused" refused verify a/development-ca/root.pem "$file"
for at in 4096 $(($(stat -c %s "$file") / 2)) $(($(stat -c %s "$file") + 1000)); do
  cp "a/signed/$name" "$name"
  flip "$name" "$at"
  check "a bit changed at $at: refused" refused verify a/development-ca/root.pem "$name"
done
head -c -1000 "a/signed/$name" >"$name"
check "cut off: refused" refused verify a/development-ca/root.pem "$name"

# --- a given certificate ---
make_certificate() {  # make_certificate NAME USAGE: NAME.pem with its issuer, NAME.key; root.pem is the issuer
  openssl req -newkey rsa:2048 -noenc -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" &&
    openssl x509 -req -in "$1.csr" -CA root.pem -CAkey root.key -days 30 -set_serial 7 -out "$1.only.pem" -extfile \
      <(printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,%s\n' "$2") && cat "$1.only.pem" root.pem >"$1.pem"
}
check "root" openssl req -x509 -newkey rsa:2048 -noenc -days 30 -keyout root.key -out root.pem -subj /CN=root
check "code" make_certificate code codeSigning
check "web" make_certificate web serverAuth
echo "correct horse" >password
echo "battery staple" >wrong
check "PFX" openssl pkcs12 -export -in code.pem -inkey code.key -out code.pfx -passout file:password
check "key with a password" openssl rsa -aes256 -in code.key -out locked.key -passout file:password

check "CERT and KEY" env CERT=code.pem KEY=code.key ROOT=root.pem "$sign" c "$file"
check "its root trusts it" verify root.pem "c/$name"
check "no development certificate was made" [ ! -e development-ca ]
check "KEY with a password" env CERT=code.pem KEY=locked.key PASSWORD_FILE=password ROOT=root.pem "$sign" d "$file"
check "PFX with a password" env PFX=code.pfx PASSWORD_FILE=password ROOT=root.pem "$sign" e "$file"
check "its root trusts that, too" verify root.pem "e/$name"
check "a wrong password: refused" refused env PFX=code.pfx PASSWORD_FILE=wrong ROOT=root.pem "$sign" f "$file"
check "another's root: refused" refused env CERT=code.pem KEY=code.key ROOT=before.pem "$sign" f "$file"
check "a web server's certificate: refused" refused env CERT=web.pem KEY=web.key ROOT=root.pem "$sign" f "$file"
check "another's key: refused" refused env CERT=code.pem KEY=web.key ROOT=root.pem "$sign" f "$file"
check "no root: refused" refused env CERT=code.pem KEY=code.key "$sign" f "$file"
check "CERT and PFX: refused" refused env CERT=code.pem KEY=code.key PFX=code.pfx ROOT=root.pem "$sign" f "$file"
check "what was refused is not there" [ ! -e "f/$name" ]

# --- time ---
check "the time of the sources" env SOURCE_DATE_EPOCH=1700000000 CERT=code.pem KEY=code.key ROOT=root.pem "$sign" g "$file"
check "and once more" env SOURCE_DATE_EPOCH=1700000000 CERT=code.pem KEY=code.key ROOT=root.pem "$sign" h "$file"
check "are the same bytes" cmp "g/$name" "h/$name"
coproc SERVICE { exec python3 -B "$here/timestamps.py" times; }
read -r url <&"${SERVICE[0]}"
check "a timestamp" env TIMESTAMP="$url" TIMESTAMP_ROOT=times/root.pem CERT=code.pem KEY=code.key ROOT=root.pem "$sign" i "$file"
check "outlives the certificate" in_years root.pem "i/$name" times/root.pem
check "without it a signature ends with the certificate" refused in_years root.pem "c/$name" times/root.pem
check "a stranger's timestamp: refused" refused env TIMESTAMP="$url" TIMESTAMP_ROOT=root.pem CERT=code.pem KEY=code.key \
  ROOT=root.pem "$sign" f "$file"
exec {SERVICE[1]}>&-
wait
check "no service: refused" refused env TIMESTAMP="$url" TIMESTAMP_ROOT=times/root.pem CERT=code.pem KEY=code.key ROOT=root.pem \
  "$sign" f "$file"

finish
