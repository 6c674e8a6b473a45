#!/usr/bin/env python3
"""The message table in openekm.dll is that of the errors. usage: messages.py DLL err_table.def

Both are read here in another way than the build reads and writes them: resource 11/1 of the DLL by the PE format's rules, the
table by its commas."""

import csv
import re
import struct
import sys
from pathlib import Path

MESSAGE_TABLE, NEUTRAL_BITS = 11, 0xFFFF0000  # severity, customer bit and facility


def section_of(image, directory):
    """(bytes of the section that the data directory is in from its start on, its address)."""
    (pe,) = struct.unpack_from("<I", image, 60)
    count, optional_bytes = struct.unpack_from("<H12xH", image, pe + 6)
    (address,) = struct.unpack_from("<I", image, pe + 24 + 112 + 8 * directory)
    for i in range(count):
        size, start, raw_size, raw = struct.unpack_from("<IIII", image, pe + 24 + optional_bytes + 40 * i + 8)
        if start <= address < start + size:
            return image[raw + address - start:raw + raw_size], address
    sys.exit("messages.py: no resources")


def entries(resources, at):
    named, numbered = struct.unpack_from("<HH", resources, at + 12)
    for i in range(named + numbered):
        yield struct.unpack_from("<II", resources, at + 16 + 8 * i)


def resource(image, kind):
    """The only resource of a kind: one name, one language."""
    resources, address = section_of(image, 2)
    (at,) = [place & 0x7FFFFFFF for number, place in entries(resources, 0) if number == kind]
    for _ in "name", "language":
        ((_, at),) = entries(resources, at)
        at &= 0x7FFFFFFF
    start, size = struct.unpack_from("<II", resources, at)
    return resources[start - address:start - address + size]


def messages(table):
    found = {}
    (blocks,) = struct.unpack_from("<I", table)
    for i in range(blocks):
        low, high, at = struct.unpack_from("<III", table, 4 + 12 * i)
        for number in range(low, high + 1):
            length, flags = struct.unpack_from("<HH", table, at)
            if flags != 1:
                sys.exit(f"messages.py: message {number} is not UTF-16")
            found[number] = table[at + 4:at + length].decode("utf-16-le").rstrip("\0")
            at += length
    return found


def rows(table):
    """(code, text, remedy) of each row: what is between the commas and the quotes."""
    body = re.sub(r"/\*.*?\*/", "", table, flags=re.DOTALL).replace("\n", " ")
    for row in body.split("EKM_ERR(")[1:]:
        fields = next(csv.reader([row.rpartition(")")[0].strip()], skipinitialspace=True))
        yield int(fields[2]), fields[4], fields[5]


def main():
    found = messages(resource(Path(sys.argv[1]).read_bytes(), MESSAGE_TABLE))
    sick = [f"number {number:#x} has bits of severity or facility" for number in found if number & NEUTRAL_BITS]
    wanted = {0: []}
    for code, text, remedy in rows(Path(sys.argv[2]).read_text(encoding="utf-8")):
        if code != 0:
            wanted.setdefault(code, []).append((text, remedy))
    sick += [f"code {code} has no message" for code in wanted if code not in found]
    sick += [f"message {code} belongs to no code" for code in found if code not in wanted]
    for code, message in sorted(found.items()):
        lines = message.split("\r\n")
        if lines[0] != "%1":
            sick.append(f"message {code} does not start with the line of the log")
        said = [line for line in lines[1:] if line]
        if len(said) != len(wanted.get(code, [])):
            sick.append(f"message {code} has {len(said)} sentences too many or too few")
        for line, (text, remedy) in zip(said, wanted.get(code, [])):
            if line.lower() != f"{text}. {remedy}".replace("%", "%%").lower():
                sick.append(f"message {code} says {line!r}")
    print(*sick, f"{len(found)} messages", sep="\n")
    if sick or len(found) < 50:
        sys.exit(1)


if __name__ == "__main__":
    main()
