#!/usr/bin/env bash
# wine.sh PROGRAM ARGUMENTS...: run a program for Windows x64 under Wine, without a display. PROGRAM is a file of this
# machine, or one of Wine's own (reg, winecfg).
#
# The prefix, Wine's C: and registry, is build/wine, made at the first call; EKM_WINEPREFIX names another.
set -euo pipefail
wine=/usr/lib/wine/wine64 # the package wine, which has it in PATH, brings half a desktop along
export WINEPREFIX=${EKM_WINEPREFIX:-$(cd "$(dirname "$0")/.." && pwd)/build/wine} WINEDEBUG=${WINEDEBUG:--all}
export LC_ALL=C.UTF-8 # of names of files and arguments
unset DISPLAY WAYLAND_DISPLAY "${!WINEDLL@}"

# A Windows 10 in which a crash is a failure: Wine's debugger, started at a crash, lets some of the dead exit with 0.
make_prefix() {
  rm -rf "$WINEPREFIX"
  mkdir -p "$WINEPREFIX"
  "$wine" wineboot -i
  "$wine" winecfg -v win10
  "$wine" reg add 'HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug' /v Debugger /d false /f
  touch "$WINEPREFIX/ready"
}

if [ ! -f "$WINEPREFIX/ready" ]; then
  mkdir -p "$(dirname "$WINEPREFIX")"
  exec 9>"$WINEPREFIX.lock"
  flock 9
  if [ ! -f "$WINEPREFIX/ready" ]; then make_prefix </dev/null >"$WINEPREFIX.log" 2>&1 9>&- || { cat "$WINEPREFIX.log" >&2; exit 1; }; fi
  exec 9>&-
fi
exec "$wine" "$@"
