#!/usr/bin/env bash
# conf_page.sh PROGRAM PAGE: is docs/openekm.conf what the table of settings makes of it?
set -euo pipefail
"$1" | diff - "$2" || { echo "docs/openekm.conf is not up to date; run: make docs" >&2; exit 1; }
