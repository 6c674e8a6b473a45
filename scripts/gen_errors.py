#!/usr/bin/env python3
"""docs/errors.md from src/base/err_table.def. usage: gen_errors.py [--check]

With --check nothing is written: the status is 1 if the file is not what it would become."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src/base/err_table.def"
PAGE = ROOT / "docs/errors.md"

ROW = re.compile(r'^EKM_ERR\((\w+),\s*(\d+),\s*(\d+),\s*(no|later),\s*"([^"]*)",\s*"([^"]*)"\)', re.MULTILINE)

HEAD = """# Errors of OpenEKM

<!-- Made from src/base/err_table.def by scripts/gen_errors.py; change the table and run make docs. -->

`ekmctl` and the log show name and text; SQL Server shows the provider's code in the text of its own error, such as
33302 or 15209. Codes 2 to 6 have a meaning for SQL Server itself; codes between 2049 and 4000 are those of Microsoft's
connector where the meaning is the same; those from 5001 on are OpenEKM's alone. Several errors share a code where SQL
Server must not tell them apart; the log does.

*Again* says whether the same call may succeed later without anybody mending anything.

| code | name | what is wrong | what to do | again |
|---:|---|---|---|---|
"""


def rows():
    """(name, id, code, retry, text, remedy) of each row, as text."""
    table = TABLE.read_text(encoding="utf-8")
    found = ROW.findall(table)
    starts = len(re.findall(r"^EKM_ERR\(", table, re.MULTILINE))
    if len(found) != starts:
        sys.exit(f"{TABLE.name}: {starts} rows, of which {len(found)} can be read")
    return found


def page():
    by_code = sorted(rows(), key=lambda row: (int(row[2]), int(row[1])))
    lines = [f"| {code} | {name} | {text} | {remedy} | {retry} |" for name, _, code, retry, text, remedy in by_code]
    return HEAD + "\n".join(lines) + "\n"


def main():
    wanted = page()
    if "--check" not in sys.argv[1:]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(wanted, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted:
        sys.exit("docs/errors.md is not what the table says: run make docs")


if __name__ == "__main__":
    main()
