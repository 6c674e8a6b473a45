#!/usr/bin/env bash
# package.sh BIN-FOLDER LIBRARIES-FOLDER: what scripts/windows_package.py makes is whole, signed and the same bytes again.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/check.sh"
root=$(cd "$here/../.." && pwd)
bin=$(realpath "$1")
libraries=$(realpath "$2")
unset CERT KEY PFX PASSWORD_FILE ROOT TIMESTAMP TIMESTAMP_ROOT
export SOURCE_DATE_EPOCH=1767225600
cd "$scratch" || exit 1

package() { mkdir -p "$1/bin" && cp "$bin/openekm.dll" "$bin/ekmctl.exe" "$1/bin" && "$root/scripts/windows_package.py" "$1" "$libraries"; }
contents() { (cd "$1" && find . -type f ! -name SHA256SUMS ! -name '*.msi' | sort | xargs sha256sum); }
verify() { osslsigncode verify -CAfile a/development-ca/root.pem -in "$1"; }
of_msi() { msiinfo export "$1" "$2" | grep "^$3"; }  # of_msi FILE TABLE FIRST-COLUMN
table() { msiinfo export "a/$name.msi" "$1" | tr -d '\r' | tr '\t' '|'; }  # a row is a line
has() { grep -qF -- "$2" <(table "$1"); }  # has TABLE TEXT
number=$(sed -nE 's/^project\(openekm VERSION ([0-9.]+) .*/\1/p' "$root/CMakeLists.txt")
name=openekm-$number

check "the package is made" package a
mkdir b && cp -r a/development-ca b
check "and once more, elsewhere" package b
check "of the same bytes" cmp "a/$name-windows-x64.zip" "b/$name-windows-x64.zip"
check "it is unpacked" python3 -m zipfile -e "a/$name-windows-x64.zip" unpacked
check "into one folder" [ "$(ls unpacked)" = "$name" ]
check "all its sums are right" bash -c "cd 'unpacked/$name' && sha256sum --quiet --check SHA256SUMS"
check "and none is missing" [ "$(find "unpacked/$name" -type f | wc -l)" = $(($(wc -l <"unpacked/$name/SHA256SUMS") + 1)) ]
for file in openekm.dll ekmctl.exe "$name.msi"; do
  check "$file is signed" verify "unpacked/$name/$file"
done
for file in LICENSE.txt licences/curl.txt licences/jansson.txt openekm.sample.conf docs/windows-install.md \
  sql/register.sql sql/encrypt.sql sql/migrate.sql sql/upgrade.sql; do
  check "$file is there" [ -s "unpacked/$name/$file" ]
done
check "no key is there" [ -z "$(grep -rlE 'BEGIN [A-Z ]*PRIVATE KEY' unpacked)" ]

# --- the MSI ---
check "the MSI is unpacked" msiextract -C extracted "unpacked/$name/$name.msi"
check "it holds the same files" diff <(contents "unpacked/$name") <(contents "$(dirname "$(find extracted -name openekm.dll)")")
check "for 64 bits" grep -qx 'Template: x64;1033' <(msiinfo suminfo "a/$name.msi")
check "of this version" has Property "ProductVersion|$number"
check "one of a family" has Property "UpgradeCode|{5F1A7D5C-6B0E-4C0F-9B57-2F6D1C8E4A90}"
check "no restart of the server by itself" has Property "REBOOT|ReallySuppress"
check "no stop of SQL Server" has Property "MSIRESTARTMANAGERCONTROL|Disable"
check "equal and older versions are replaced" has Upgrade "|0.0.0|$number||768||OLD_VERSION"
check "newer ones are not" has Upgrade "|$number|||2||NEWER_VERSION"
check "all GUIDs are as Windows Installer wants them" [ -z "$(for t in Property Component Upgrade; do table "$t"; done |
  grep -oE '\{[^}]{36}\}' | grep '[a-z]')" ]
check "the folder of the configuration is closed" has MsiLockPermissionsEx "CONFIGDIR|CreateFolder|O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
check "the configuration is not in it" [ -z "$(table File | grep -F '|openekm.conf|')" ]
check "the DLL has the version of its resource" has File "|1.0.0.0|1033|"

# --- the script for those who refuse MSIs does the same ---
script=unpacked/$name/install.ps1
sddl=$(table MsiLockPermissionsEx | sed -n 's/^configuration_folder|CONFIGDIR|CreateFolder|\(.*\)|$/\1/p')
in_script() { [ -n "$1" ] && grep -qF -- "$1" "$script"; }
check "the same access rights" in_script "'$sddl'"
check "the same source of events" in_script "HKLM:\\$(table Registry | sed -nE 's/^event_types\|2\|([^|]*)\|.*/\1/p')'"
check "the same message file" in_script "(Join-Path \$programs '$(table Registry | sed -nE 's/.*\[INSTALLDIR\]([^|]*)\|.*/\1/p')')"
check "it understands the sums" [ -z "$(grep -vE '^[0-9a-f]{64}  ([A-Za-z0-9_-][A-Za-z0-9._-]*)(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$' \
  "unpacked/$name/SHA256SUMS")" ]
check "it is ASCII" [ -z "$(LC_ALL=C grep -n '[^ -~]' "$script")" ]

# --- what is in it decides which product it is ---
echo "another page" >"unpacked/$name/docs/another.md"
rm "unpacked/$name/$name.msi" "unpacked/$name/SHA256SUMS"
check "another MSI" "$root/scripts/windows_msi.py" "unpacked/$name" "$number" another.msi
check "is another product" refused cmp -s <(of_msi another.msi Property ProductCode) <(of_msi "a/$name.msi" Property ProductCode)
check "with another package code" refused cmp -s <(msiinfo suminfo another.msi | grep Revision) <(msiinfo suminfo "a/$name.msi" | grep Revision)
check "of the same family" cmp <(of_msi another.msi Property UpgradeCode) <(of_msi "a/$name.msi" Property UpgradeCode)

finish
