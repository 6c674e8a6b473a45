#!/usr/bin/env python3
"""What can be seen in openekm.dll and ekmctl.exe without running them. usage: image.py FILE ROOT, or image.py --test FILE ROOT

The list of exports is written here once more, so that a slip in the header or in the .def file is seen. With --test,
each rule has to notice a copy of FILE that breaks it."""

import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

OBJDUMP = "x86_64-w64-mingw32-objdump"
EXPORTS = sorted("SqlCrypt" + name for name in """InitializeProvider FreeProvider GetProviderInfo GetNextAlgorithmId
    GetAlgorithmInfo OpenSession CloseSession GetNextKeyId GetKeyInfoByKeyId GetKeyInfoByThumb GetKeyInfoByName CreateKey
    DropKey ImportKey ExportKey Encrypt Decrypt""".split())

# In System32 of every Windows since 10 and Server 2016.
SYSTEM = "advapi32 bcrypt crypt32 kernel32 msvcrt ncrypt secur32 shell32 ws2_32".split()

# The process belongs to the host: what a DLL has no business with. (LoadLibraryW is libcurl's, with the whole path of
# System32, for a Windows that knows no flags for it.)
DENIED = """ExitProcess SetDefaultDllDirectories SetDllDirectoryA SetDllDirectoryW SetErrorMode SetConsoleCtrlHandler
    SetCurrentDirectoryA SetCurrentDirectoryW SetEnvironmentVariableA SetEnvironmentVariableW LoadLibraryA system _putenv _putenv_s""".split()

FLAGS = {0x20: "HIGH_ENTROPY_VA", 0x40: "DYNAMIC_BASE", 0x100: "NX_COMPAT"}
SIZE_MAX = 3 * 1024 * 1024
SYSTEM32_ONLY, LOAD_CONFIG_FLAGS_AT = 0x800, 78


class Image:
    """The parts of a PE32+ file that the rules look at."""

    def __init__(self, path):
        self.path = Path(path)
        self.bytes = self.path.read_bytes()
        self.is_dll = self.path.suffix == ".dll"
        (pe,) = struct.unpack_from("<I", self.bytes, 60)
        count, self.made_at, optional_bytes = struct.unpack_from("<HI8xH", self.bytes, pe + 6)
        self.optional = pe + 24
        self.flags = self.word("<H", 70)
        self.sections = [struct.unpack_from("<8sIIII12xI", self.bytes, self.optional + optional_bytes + 40 * i)
                         for i in range(count)]
        self.dump = subprocess.run([OBJDUMP, "-p", path], check=True, capture_output=True, text=True).stdout

    def word(self, kind, at):
        return struct.unpack_from(kind, self.bytes, self.optional + at)[0]

    def directory(self, number):
        return struct.unpack_from("<II", self.bytes, self.optional + 112 + 8 * number)

    def offset_of(self, address):
        for _, size, start, raw_size, raw, _ in self.sections:
            if start <= address < start + max(size, raw_size):
                return raw + address - start
        return None


def check_imports(image):
    libraries = re.findall(r"DLL Name: (\S+)", image.dump)
    if not libraries:
        yield "imports nothing"
    yield from (f"needs {name}, which is not Windows' own" for name in libraries
                if name.lower().removesuffix(".dll") not in SYSTEM)
    imported = set(re.findall(r"^\t[0-9a-f]+\t\s*\d+\s+(\S+)$", image.dump, re.MULTILINE))
    if len(imported) < 50:
        yield "objdump lists imports in another form"
    ncrypt = image.dump.lower().partition("dll name: ncrypt.dll")[2].partition("\n\n")[0]
    if "bcrypt" in ncrypt:
        yield "has ncrypt.dll bring what is bcrypt.dll's"
    if image.is_dll:
        yield from (f"calls {name}, which changes or ends its host" for name in DENIED if name in imported)


def check_exports(image):
    table = image.dump.partition("[Ordinal/Name Pointer] Table")[2].partition("\n\n")[0]
    names = re.findall(r"^\t\[ *\d+\] (\S+)$", table, re.MULTILINE)
    if image.is_dll and sorted(names) != EXPORTS:
        yield f"exports {', '.join(names) or 'nothing'}"
    if not image.is_dll and names:
        yield f"a program exports {', '.join(names)}"


def check_hardening(image):
    yield from (f"lacks {name}" for bit, name in FLAGS.items() if not image.flags & bit)
    if not image.directory(5)[1]:
        yield "cannot be moved: no relocations"
    yield from (f"section {name.rstrip(bytes(1)).decode()} is writable and executable"
                for name, *_, kind in image.sections if kind & 0xA0000000 == 0xA0000000)
    if image.is_dll and image.word("<Q", 24) < 1 << 32:
        yield "an image base below 4 GB leaves less room to move in"
    place = image.offset_of(image.directory(10)[0])
    if not place or struct.unpack_from("<H", image.bytes, place + LOAD_CONFIG_FLAGS_AT)[0] != SYSTEM32_ONLY:
        yield "imports may come from its own folder"


def check_version(image, root):
    """VERSIONINFO: the fixed part, and the texts, against product.h."""
    product = (Path(root) / "src/provider/product.h").read_text(encoding="utf-8")
    name = re.search(r'PROVIDER_NAME "(.*)"', product).group(1)
    version = [int(n) for n in re.search(r"PROVIDER_VERSION {(.*)}", product).group(1).split(",")]
    place = image.bytes.find(struct.pack("<I", 0xFEEF04BD))
    if place < 0:
        yield "no VERSIONINFO"
        return
    high, low = struct.unpack_from("<II", image.bytes, place + 8)
    if [high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF] != version:
        yield "VERSIONINFO has another version than product.h"
    for text in (name, ".".join(map(str, version)), "OriginalFilename", image.path.name):
        if (text + "\0").encode("utf-16-le") not in image.bytes:
            yield f"VERSIONINFO does not say '{text}'"


def check_rest(image, root):
    if len(image.bytes) >= SIZE_MAX:
        yield f"has {len(image.bytes)} bytes"
    if image.made_at:
        yield "says when it was made"
    if str(Path(root).resolve()).encode() in image.bytes:
        yield "says where it was made"
    if b"pthread" in image.bytes:
        yield "has pthreads in it"


def findings(path, root):
    image = Image(path)
    return [f"{image.path.name}: {what}" for what in (*check_imports(image), *check_exports(image), *check_hardening(image),
                                                     *check_version(image, root), *check_rest(image, root))]


def broken_copies(image, root):
    """(what must be noticed, bytes)"""

    def patched(at, new):
        return image.bytes[:at] + new + image.bytes[at + len(new):]

    def replaced(old, new):
        assert old in image.bytes, old
        return image.bytes.replace(old, new)

    load_config = image.offset_of(image.directory(10)[0])
    start = image.bytes.find(b".text\0\0\0", image.optional)
    header = image.bytes[start:start + 40]
    yield "not Windows' own", replaced(b"CRYPT32.dll\0", b"CRYPT99.dll\0")
    yield "what is bcrypt.dll's", replaced(b"NCryptFreeObject\0", b"BCryptFreeObject\0")
    yield "lacks HIGH_ENTROPY_VA", patched(image.optional + 70, struct.pack("<H", image.flags & ~0x20))
    yield "no relocations", patched(image.optional + 112 + 8 * 5, bytes(8))
    yield "writable and executable", replaced(header, header[:-4] + struct.pack("<I", 0xE0000020))
    yield "from its own folder", patched(load_config + LOAD_CONFIG_FLAGS_AT, bytes(2))
    yield "another version", patched(image.bytes.find(struct.pack("<I", 0xFEEF04BD)) + 8, bytes(4))
    yield "does not say", replaced("OriginalFilename".encode("utf-16-le"), "OriginalFilenam_".encode("utf-16-le"))
    yield "when it was made", patched(image.optional - 16, struct.pack("<I", 1))
    yield "where it was made", image.bytes + str(Path(root).resolve()).encode()
    yield "pthreads", image.bytes + b"libwinpthread-1.dll"
    yield "bytes", image.bytes + bytes(SIZE_MAX)
    if image.is_dll:
        yield "exports", replaced(b"SqlCryptDropKey\0", b"SqlCryptDropKex\0")


def test(path, root):
    """Nobody sees a rule that notices nothing."""
    image = Image(path)
    for what, content in broken_copies(image, root):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / image.path.name
            copy.write_bytes(content)
            if not any(what in found for found in findings(copy, root)):
                yield f"a copy of {image.path.name} was not noticed: {what}"


if __name__ == "__main__":
    found = list(test(*sys.argv[2:]) if sys.argv[1] == "--test" else findings(*sys.argv[1:]))
    print("\n".join(found) or "fine")
    sys.exit(1 if found else 0)
