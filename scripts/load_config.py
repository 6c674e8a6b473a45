#!/usr/bin/env python3
"""Point a linked PE file's data directory 10 (load configuration) to its section .loadcfg. usage: load_config.py FILE

GNU ld leaves that entry empty; src/base/windows/load_config.c says what is in the section, and why. The file's checksum
is made anew, so the same input always gives the same bytes."""

import struct
import sys

LOAD_CONFIG, CHECKSUM_AT, DIRECTORIES_AT = 10, 64, 112  # the last two in the optional header of PE32+


def checksum(image, at):
    """Sum of 16-bit words with the carry added back, without the checksum's own four bytes, plus the length."""
    bare = bytes(image[:at]) + bytes(4) + bytes(image[at + 4:])
    bare += bytes(len(bare) % 2)
    total = sum(struct.unpack(f"<{len(bare) // 2}H", bare))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(image)


def point_to_section(image):
    (pe,) = struct.unpack_from("<I", image, 60)
    sections, optional_bytes = struct.unpack_from("<H12xH", image, pe + 6)
    optional = pe + 24
    for i in range(sections):
        name, _, address = struct.unpack_from("<8sII", image, optional + optional_bytes + 40 * i)
        if name == b".loadcfg":
            (raw,) = struct.unpack_from("<I", image, optional + optional_bytes + 40 * i + 20)
            (size,) = struct.unpack_from("<I", image, raw)
            struct.pack_into("<II", image, optional + DIRECTORIES_AT + 8 * LOAD_CONFIG, address, size)
            struct.pack_into("<I", image, optional + CHECKSUM_AT, checksum(image, optional + CHECKSUM_AT))
            return
    sys.exit("load_config.py: no section .loadcfg")


if __name__ == "__main__":
    with open(sys.argv[1], "r+b") as file:
        content = bytearray(file.read())
        point_to_section(content)
        file.seek(0)
        file.write(content)
