#!/usr/bin/env python3
"""Who may include whom. usage: arrows.py ROOT

The picture of these arrows, and the reasons, are in ARCHITECTURE.md; every directory under src has to be in both."""

import re
import sys
from fnmatch import fnmatch

import tree

# A layer may include itself and what stands here. "openekm" is the ABI, include/openekm.
ARROWS = {
    "base": "",
    "crypto": "base",
    "http": "base",
    "config": "base",
    "entra": "http crypto base",
    "keyvault": "entra http base",
    "keyring": "keyvault crypto base",
    "settings": "keyring keyvault http config base",
    "provider": "settings keyring crypto base openekm",
    "vault": "crypto config base",
    "host": "base openekm",
    "cli": "settings host keyring keyvault entra http crypto config base openekm",
    "demo": "host crypto config base",
    "openekm": "",
}

# The files that may include more than their layer, and why.
FILE_ARROWS = [
    ("src/provider/wire.c", "http entra keyvault", "turns the configuration into the connector"),
]

STANDARD = """assert ctype errno float inttypes iso646 limits locale math setjmp stdalign stdarg stdatomic stdbool stddef stdint
    stdio stdlib stdnoreturn string time uchar wchar""".split()

# Where the header of a library or of an operating system may be included. A header that is nowhere here is a new
# dependency: add it with the files that need it.
POSIX = ["src/*/posix/*", "src/http/http_curl*.c"]
SOCKETS = ["src/vault/*"]  # akvd runs on POSIX systems only
WINDOWS = ["src/*/windows/*", "src/*/*_cng.c", "include/openekm/sqlcrypt_abi.h"]
FOREIGN = {
    "jansson.h": ["src/base/json.h"],
    "openssl/*": ["src/*/*_openssl.[ch]"],
    "curl/*": ["src/http/http_curl*.[ch]", "src/http/http_tls*.[ch]"],
    "sqlite3.h": ["src/vault/*", "demo/*"],
    "microhttpd.h": ["src/vault/*"],
    "p11-kit/*": ["src/crypto/token_p11.h"],
    "aclapi.h": WINDOWS,
    "windows.h": WINDOWS,
    "arpa/inet.h": SOCKETS,
    "netinet/*": SOCKETS,
    "bcrypt.h": WINDOWS,
    "ncrypt.h": WINDOWS,
    "process.h": WINDOWS,
    "wincrypt.h": WINDOWS,
    "dlfcn.h": POSIX,
    "fcntl.h": POSIX + SOCKETS + WINDOWS,
    "io.h": WINDOWS,
    "shellapi.h": WINDOWS,
    "pwd.h": POSIX,
    "pthread.h": POSIX + ["src/base/mutex.h"],
    "sched.h": POSIX,
    "signal.h": POSIX + SOCKETS,
    "sys/*": POSIX + SOCKETS,
    "unistd.h": POSIX + SOCKETS,
}

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def layer_of(name):
    parts = name.split("/")
    return parts[1] if parts[0] in ("src", "include") else parts[0]


def check_own(name, included):
    if "/" not in included:
        return f'write "layer/file", not "{included}"'
    layer, target = layer_of(name), included.split("/")[0]
    allowed = ARROWS[layer].split()
    for pattern, more, _ in FILE_ARROWS:
        if fnmatch(name, pattern):
            allowed = allowed + more.split()
    if target == layer or target in allowed:
        return None
    return f'{layer} may not include "{included}": it may include {", ".join(allowed) or "nothing but itself"}'


def check_foreign(name, included):
    if included.removesuffix(".h") in STANDARD:
        return None
    for pattern, places in FOREIGN.items():
        if fnmatch(included, pattern):
            if any(fnmatch(name, place) for place in places):
                return None
            return f"<{included}> belongs in {', '.join(places)}"
    return f"<{included}> is a new dependency: say in tests/lint/arrows.py where it belongs"


def findings(root):
    found = []
    sources = [name for name in tree.files(root) if name.startswith(("src/", "include/", "demo/"))]
    architecture = tree.read(root, "ARCHITECTURE.md")
    for layer in sorted({layer_of(name) for name in sources}):
        if layer not in ARROWS:
            found.append(f"{layer}/: not in the table of arrows of tests/lint/arrows.py")
        elif layer != "openekm" and not re.search(rf"\b{layer}\b", architecture):
            found.append(f"{layer}/: not named in ARCHITECTURE.md")
    for name in sources:
        if not name.endswith((".c", ".h", ".def")) or layer_of(name) not in ARROWS:
            continue
        text = tree.read(root, name)
        for match in _INCLUDE.finditer(text):
            own, foreign = match.groups()
            fault = check_own(name, own) if own else check_foreign(name, foreign)
            if fault:
                found.append(f"{name}:{tree.line_of(text, match.start())}: {fault}")
    return found


if __name__ == "__main__":
    tree.report(findings(sys.argv[1]), "arrows")
