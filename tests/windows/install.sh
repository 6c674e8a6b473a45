#!/usr/bin/env bash
# install.sh BIN-FOLDER: the MSI under Wine: installed, upgraded, refused as a downgrade, removed; files and
# registry each time. Access rights and what happens to a DLL in use are not Wine's (docs/windows-verification.md).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/check.sh"
root=$(cd "$here/../.." && pwd)
wine=$root/scripts/wine.sh
export EKM_WINEPREFIX=$scratch/prefix SOURCE_DATE_EPOCH=1767225600
trap 'WINEPREFIX=$EKM_WINEPREFIX /usr/lib/wine/wineserver64 -k; rm -rf "$scratch"' EXIT

programs="$EKM_WINEPREFIX/drive_c/Program Files"
settings=$EKM_WINEPREFIX/drive_c/ProgramData/OpenEKM
source_key='HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\OpenEKM'
uninstall_key='HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall'

msi() { "$root/scripts/windows_msi.py" "$scratch/stage" "$1" "$scratch/$2.msi"; }
msiexec() { timeout 120 "$wine" msiexec "$@" /qn </dev/null; }
installed() { diff -r "$scratch/stage" "$programs/OpenEKM"; }
registry() { "$wine" reg query "$@" | tr -d '\r'; }
products() { registry "$uninstall_key" /s | sed -nE 's/.*DisplayVersion +REG_SZ +//p' | tr '\n' ' '; }
event_source() { registry "$source_key" | sed -nE 's/^ +(\S+) +(\S+) +(.*)$/\1 \2 \3/p' | sort | tr '\n' ';'; }
effective() { "$wine" "$programs/OpenEKM/ekmctl.exe" config show | tr -d '\r'; }
product_code() { msiinfo export "$scratch/$1.msi" Property | tr -d '\r' | sed -n 's/^ProductCode\t//p'; }

mkdir -p "$scratch/stage/docs"
check "the files are signed" "$root/scripts/windows_sign.sh" "$scratch/stage" "$1/openekm.dll" "$1/ekmctl.exe"
cp "$root/LICENSE" "$scratch/stage/LICENSE.txt"
cp "$root/docs/keys.md" "$scratch/stage/docs"
echo "only in the old version" >"$scratch/stage/docs/gone.md"
check "an old version" msi 0.0.9 old
rm "$scratch/stage/docs/gone.md"
echo "changed" >>"$scratch/stage/docs/keys.md"
check "a version" msi 0.1.0 this
cp -r "$scratch/stage" "$scratch/stage.this"
echo "another build" >>"$scratch/stage/LICENSE.txt"
check "another build of it" msi 0.1.0 same
check "Wine starts" "$wine" reg query 'HKLM\Software'

check "nothing is there" [ ! -e "$programs/OpenEKM" ]
check "the old version is installed" msiexec /i "$scratch/old.msi"
check "with its files" [ -f "$programs/OpenEKM/docs/gone.md" ]
check "the folder of the configuration is there" [ -d "$settings" ]
check "and empty" [ -z "$(ls -A "$settings")" ]
check "the tool runs" "$wine" "$programs/OpenEKM/ekmctl.exe" --version
check "and loads the library" "$wine" "$programs/OpenEKM/ekmctl.exe" info --provider 'C:\Program Files\OpenEKM\openekm.dll'
check "events have a source" [ "$(event_source)" = \
  'EventMessageFile REG_SZ C:\Program Files\OpenEKM\openekm.dll;TypesSupported REG_DWORD 0x7;' ]
check "Windows lists it" [ "$(products)" = "0.0.9 " ]

echo "log_level = debug" >"$settings/openekm.conf"
rm -rf "$scratch/stage.new" && mv "$scratch/stage" "$scratch/stage.new" && mv "$scratch/stage.this" "$scratch/stage"
check "and is read" grep -q "^ *log_level *debug *'C:.ProgramData.OpenEKM.openekm.conf' line 1\$" <(effective)
check "it is upgraded" msiexec /i "$scratch/this.msi"
check "to exactly the new files" installed
check "Windows lists the new version alone" [ "$(products)" = "0.1.0 " ]
check "the configuration is as it was" [ "$(cat "$settings/openekm.conf")" = "log_level = debug" ]
check "events have a source still" [ -n "$(event_source)" ]

check "the old version is refused" refused msiexec /i "$scratch/old.msi"
check "and changed nothing" installed
rm -rf "$scratch/stage" && mv "$scratch/stage.new" "$scratch/stage"
check "another build of the same version replaces it" msiexec /i "$scratch/same.msi"
check "with its files" installed
check "and stands alone in the list" [ "$(products)" = "0.1.0 " ]

check "it is removed" msiexec /x "$(product_code same)"
check "with all its files" [ ! -e "$programs/OpenEKM" ]
check "and the source of its events" [ -z "$(event_source)" ]
check "and from the list" [ -z "$(products)" ]
check "the configuration is as it was" [ "$(cat "$settings/openekm.conf")" = "log_level = debug" ]

rm "$settings/openekm.conf"
check "installed once more" msiexec /i "$scratch/this.msi"
check "and removed by its file" msiexec /x "$scratch/this.msi"
check "an empty folder of the configuration goes, too" [ ! -e "$settings" ]

finish
