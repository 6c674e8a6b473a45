#!/usr/bin/env bash
# windows_sign.sh FOLDER FILE...: sign each FILE (.dll, .exe or .msi) for Windows, as FOLDER/<its name>, and verify it.
#
# With what is said by the environment:
#   CERT, KEY       PEM files: the certificate with those between it and the root after it, and its private key
#   PFX             or both in one PFX file
#   PASSWORD_FILE   a file whose only line is the password of KEY or PFX; without it they have none
#   ROOT            PEM file of the root that Windows is to trust: what was signed is verified against it
#   TIMESTAMP       URL of a timestamp service (RFC 3161). Without a timestamp a signature ends with its certificate
#   TIMESTAMP_ROOT  PEM file of the root of that service; ROOT, if it is not set
#   SOURCE_DATE_EPOCH  the time that the signature states, so that a repeated signature has the same bytes
#
# Without CERT and PFX a development certificate signs. It is made once, in FOLDER/../development-ca:
#   root.pem, root.crt   "OpenEKM development root", good for code signing alone; as PEM, and as Windows imports it
#   signer.pem, signer.key   what signs. The root's own key is not kept: nobody can make another certificate of it.
set -euo pipefail

readonly NAME="OpenEKM for Azure Key Vault"

die() { echo "windows_sign.sh: $*" >&2; exit 1; }

[ $# -ge 2 ] || die "usage: windows_sign.sh FOLDER FILE..."
out=$1
shift
mkdir -p "$out"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

make_development_ca() {  # make_development_ca FOLDER
  local fresh=$1.new
  rm -rf "$fresh"
  mkdir -p "$fresh"
  (
    umask 077
    openssl req -x509 -newkey rsa:3072 -noenc -sha256 -days 1095 -keyout "$scratch/root.key" -out "$fresh/root.pem" \
      -subj "/O=OpenEKM/CN=OpenEKM development root, not for production" -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
      -addext keyUsage=critical,keyCertSign -addext extendedKeyUsage=codeSigning
    openssl req -newkey rsa:3072 -noenc -keyout "$fresh/signer.key" -out "$scratch/signer.csr" \
      -subj "/O=OpenEKM/CN=OpenEKM development signer, not for production"
    openssl x509 -req -in "$scratch/signer.csr" -CA "$fresh/root.pem" -CAkey "$scratch/root.key" -days 1095 -sha256 \
      -set_serial 2 -out "$scratch/signer.pem" -extfile <(printf '%s\n' basicConstraints=critical,CA:FALSE \
        keyUsage=critical,digitalSignature extendedKeyUsage=critical,codeSigning)
  ) 2>"$scratch/openssl.log" || { cat "$scratch/openssl.log" >&2; die "openssl made no development certificate"; }
  cat "$scratch/signer.pem" "$fresh/root.pem" >"$fresh/signer.pem"
  openssl x509 -in "$fresh/root.pem" -outform DER -out "$fresh/root.crt"
  rm -rf "$1"
  mv "$fresh" "$1"
}

if [ -z "${CERT:-}${PFX:-}" ]; then
  ca=$out/../development-ca
  # Ends within a month: a new one, with a new root to trust.
  openssl x509 -in "$ca/signer.pem" -noout -checkend 2592000 >/dev/null 2>&1 || make_development_ca "$ca"
  CERT=$ca/signer.pem KEY=$ca/signer.key ROOT=$ca/root.pem
  unset PASSWORD_FILE
fi

[ -z "${CERT:-}" ] || [ -z "${PFX:-}" ] || die "CERT and PFX are both set: which of them signs?"
[ -n "${ROOT:-}" ] || die "ROOT is not set: it is what the signature is verified against"
if [ -n "${PFX:-}" ]; then
  with=(-pkcs12 "$PFX")
else
  with=(-certs "$CERT" -key "${KEY:?is the PEM file of the private key of CERT}")
fi
if [ -n "${PASSWORD_FILE:-}" ]; then with+=(-readpass "$PASSWORD_FILE"); fi
if [ -n "${TIMESTAMP:-}" ]; then with+=(-ts "$TIMESTAMP"); fi
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then with+=(-time "$SOURCE_DATE_EPOCH"); fi

for file in "$@"; do
  name=$(basename "$file")
  rm -f "$scratch/$name"
  osslsigncode sign "${with[@]}" -h sha256 -n "$NAME" -in "$file" -out "$scratch/$name" >"$scratch/log" 2>&1 </dev/null ||
    { cat "$scratch/log" >&2; die "'$file' could not be signed"; }
  osslsigncode verify -CAfile "$ROOT" -TSA-CAfile "${TIMESTAMP_ROOT:-$ROOT}" -in "$scratch/$name" >"$scratch/log" 2>&1 ||
    { cat "$scratch/log" >&2; die "the signature of '$name' is not trusted by '$ROOT'"; }
  # What a timestamp is worth that nobody trusts: nothing, and osslsigncode does not mind.
  if [ -n "${TIMESTAMP:-}" ] && ! grep -qx 'Timestamp Server Signature verification: ok' "$scratch/log"; then
    die "the timestamp of '$name' is not trusted by '${TIMESTAMP_ROOT:-$ROOT}'"
  fi
  chmod --reference="$file" "$scratch/$name"
  mv "$scratch/$name" "$out/$name"
  echo "signed: $out/$name"
done
