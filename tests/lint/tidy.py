#!/usr/bin/env python3
"""The rules of STYLE.md that a machine can check. usage: tidy.py ROOT

Exceptions stand in tests/lint/allowed.txt, each with its reason; one that nothing needs any more is an error."""

import re
import sys
from pathlib import Path

import tree

FUNCTION_LINES = 70
FILE_LINES = 800
FILE_LINES_WISHED = 600
LINE_CHARACTERS = 120  # of C; clang-format leaves comments as they are drawn
PARAMETERS = 6  # not counting the ekm_err that is last

# Never, anywhere: they overflow, hide errors, run a shell, or wait by the clock.
BANNED = """strcpy strcat sprintf vsprintf strtok gets atoi atol atoll atof alloca strncpy strncat system popen sleep
    usleep nanosleep rand srand tmpnam mktemp setjmp longjmp""".split()
# Not in src: the heap, the environment and the comparison have one home each, and a library never ends its process.
BANNED_IN_SRC = """malloc calloc realloc free strdup strndup getenv secure_getenv setenv memcmp abort exit _exit
    quick_exit atexit signal sigaction assert time""".split()
# Not in what is linked into libopenekm.so: stdout and stderr belong to the host process.
BANNED_IN_PROVIDER = "printf vprintf puts putchar perror".split()
PROVIDER_LAYERS = "base crypto http config entra keyvault keyring provider".split()

_CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")
_OWN_NAME = re.compile(r"(?:\b(?:bool|int|void|char|\w+_t)|\*)\s*$")
_PLATFORM = re.compile(r"\b_WIN(?:32|64)\b|\b__(?:linux|APPLE|unix)(?:__)?\b")
_PLATFORM_FILES = re.compile(r"/(?:posix|windows)/|_(?:openssl|cng|curl)\.c$|^include/openekm/sqlcrypt_abi\.h$")
_MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:work|root|farm|home/\w+)/")
_SCRATCH_PATH = re.compile(r"(?<![\w.$}])/tm" r"p/")
_REGISTRY = re.compile(r"\b(?:deb|archive|security|snapshot|registry|mirrors?|npm|pypi)\.[a-z0-9-]+\.(?:org|com|io|net)\b")
_MESSAGE = re.compile(r'\bEKM_(?:FAIL|BAIL)\s*\([^"\n]*"((?:[^"\\\n]|\\.)*)"\s*[,)]')
_PROTOTYPE = re.compile(r"^(?!typedef|struct \w+ \{|enum|union|#|static|extern)[A-Za-z_][^;{}=]*?\b(\w+)\(([^;{}]*)\)\s*;",
                        re.MULTILINE)
_ROW = re.compile(r"\s+\{.*\},?\s*$")
_NO_PROTOTYPE = re.compile(r"^#define(?:.*\\\n)*.*\n|^typedef .*;\n", re.MULTILINE)
_SELF_EXPLAINING = ("_init", "_clear")  # STYLE.md says once what they do


class Allowed:
    """The exceptions: lines of "<rule> <path> <what or count>  # <reason>"."""

    def __init__(self, root):
        self.entries = {}
        self.used = set()
        self.bad = []
        path = Path(root) / "tests/lint/allowed.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            entry, _, reason = line.partition("  # ")
            if not line or line.startswith("#"):
                continue
            if len(entry.split()) != 3 or not reason.strip():
                self.bad.append(f"tests/lint/allowed.txt:{number}: write <rule> <path> <what>  # <reason>")
                continue
            self.entries[tuple(entry.split())] = number

    def __contains__(self, key):
        if key in self.entries:
            self.used.add(key)
        return key in self.entries

    def leftovers(self):
        return self.bad + [f"tests/lint/allowed.txt:{number}: nothing needs '{' '.join(key)}' any more"
                           for key, number in self.entries.items() if key not in self.used]


def functions(code):
    """(name, first line, lines) of every function; the layout of clang-format is taken for granted.

    The rows of a table do not count: they are what makes a function shorter elsewhere."""
    start, head, rows = None, "", 0
    for number, line in enumerate(code.split("\n"), 1):
        if start is None and re.match(r"[A-Za-z_]", line):
            start, head, rows = number, "", 0
        if start is None:
            continue
        if line.startswith("}"):
            signature = head.split("{")[0]
            name = re.search(r"(\w+)\s*\(", signature)
            if name and "=" not in signature:
                yield name.group(1), start, number - start + 1 - rows
            start = None
        elif "{" not in head and line.rstrip().endswith(";"):
            start = None
        rows += bool(_ROW.match(line))
        head += line + "\n"


def check_sizes(name, code):
    lines = code.count("\n")
    if lines > FILE_LINES:
        yield f"{name}: {lines} lines, at most {FILE_LINES}: are there two nouns in it?"
    elif lines > FILE_LINES_WISHED:
        print(f"note: {name} has {lines} lines; over {FILE_LINES_WISHED} two files often read better")
    for function, first, count in functions(code):
        if count > FUNCTION_LINES:
            yield f"{name}:{first}: {function} has {count} lines, at most {FUNCTION_LINES}"


def banned_in(name):
    parts = name.split("/")
    banned = set(BANNED)
    if parts[0] == "src":
        banned |= set(BANNED_IN_SRC)
        if parts[1] in PROVIDER_LAYERS:
            banned |= set(BANNED_IN_PROVIDER)
    return banned


def check_calls(name, code, allowed):
    banned = banned_in(name)
    for match in _CALL.finditer(code):
        called = match.group(1)
        declares = _OWN_NAME.search(code[max(0, match.start() - 40):match.start()])
        if called in banned and not declares and ("call", name, called) not in allowed:
            yield f"{name}:{tree.line_of(code, match.start())}: {called} is banned here (STYLE.md)"


def check_platform(name, code, allowed):
    if not name.startswith(("src/", "include/", "demo/")) or _PLATFORM_FILES.search(name):
        return
    for match in _PLATFORM.finditer(code):
        if ("platform", name, match.group()) not in allowed:
            yield f"{name}:{tree.line_of(code, match.start())}: {match.group()} outside the platform files"


def check_reveals(name, code, allowed):
    count = len(re.findall(r"\bekm_secret_reveal\s*\(", code))
    if count == 0 or not name.startswith(("src/", "demo/")) or name.startswith("src/base/secret."):
        return
    if ("reveal", name, str(count)) not in allowed:
        yield f"{name}: reveals a secret {count} times; count and reason belong in tests/lint/allowed.txt"


def check_messages(name, text):
    for match in _MESSAGE.finditer(text):
        message = match.group(1)
        if message.endswith(".") and not message.endswith("..."):
            yield f"{name}:{tree.line_of(text, match.start())}: a message ends without a full stop"
        if re.match(r"[A-Z][a-z]+ ", message):
            yield f"{name}:{tree.line_of(text, match.start())}: a message starts with a small letter"


def parameters_of(text):
    """How many parameters a list has; "..." and the err are none. Behind the list the text may go on: with attributes, say."""
    depth, commas = 0, 0
    for index, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            text = text[:index]
            break
        commas += character == "," and depth == 0
    return commas + (not re.search(r"(\.\.\.|ekm_err \*err)\s*$", text))


def guards_of(name):
    """EKM_LAYER_FILE_H; a file that repeats its layer's name need not do so in the guard."""
    parts = re.sub(r"^(src|include)/", "", name).split("/")
    paths = ["/".join(parts)]
    if len(parts) > 1 and parts[-1].startswith(parts[-2] + "_"):
        paths.append("/".join([*parts[:-1], parts[-1].removeprefix(parts[-2] + "_")]))
    guards = [re.sub(r"\W", "_", path).upper() for path in paths]
    return [guard if guard.startswith("OPENEKM_") else "EKM_" + guard for guard in guards]


def check_header(name, text, code, allowed):
    guards = guards_of(name)
    if not any(f"#ifndef {guard}\n#define {guard}\n" in text for guard in guards):
        yield f"{name}: the include guard is {' or '.join(guards)}"
    end, promised = 0, False
    for match in _PROTOTYPE.finditer(code):
        function, parameters = match.groups()
        if re.match(r"\w+\(", match.group()):  # a macro at work, such as a static assertion
            continue
        number = tree.line_of(code, match.start())
        count = parameters_of(parameters)
        if count > PARAMETERS and ("parameters", name, function) not in allowed:
            yield f"{name}:{number}: {function} takes {count} parameters, at most {PARAMETERS}: use a struct"
        # A comment stands directly above a prototype, and holds for those that follow with nothing else in between.
        between = _NO_PROTOTYPE.sub("", text[end:match.start()])
        promised = between.endswith("*/\n") or (promised and not between.strip())
        end = match.end()
        if not promised and not function.endswith(_SELF_EXPLAINING):
            yield f"{name}:{number}: {function} has no comment directly above that says what it promises"


def check_text(name, text):
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield f"{name}:{number}: spaces at the end of the line"
        if "\t" in line and not name.endswith(("Makefile", ".mk")):
            yield f"{name}:{number}: a tab"
        if _MACHINE_PATH.search(line) or (_SCRATCH_PATH.search(line) and name.endswith((".c", ".h", ".md", ".txt"))):
            yield f"{name}:{number}: a path of one machine"
        if len(line) > LINE_CHARACTERS and name.endswith((".c", ".h")):
            yield f"{name}:{number}: {len(line)} characters, at most {LINE_CHARACTERS}"
        if _REGISTRY.search(line):
            yield f"{name}:{number}: the host of a package registry"
    if text and not text.endswith("\n"):
        yield f"{name}: no newline at the end"


def check_c(name, text, allowed):
    code = tree.code_only(text)
    yield from check_sizes(name, code)
    yield from check_calls(name, code, allowed)
    yield from check_platform(name, code, allowed)
    yield from check_reveals(name, code, allowed)
    yield from check_messages(name, text)
    if name.endswith(".h"):
        yield from check_header(name, text, code, allowed)


def is_text(name):
    return name.endswith((".c", ".h", ".def", ".md", ".txt", ".py", ".sh", ".mjs", ".json", ".supp", ".cmake", ".map", ".conf",
                          ".sql", "Makefile", ".ci/run", ".clang-tidy", ".clang-format"))


def findings(root):
    allowed = Allowed(root)
    found = []
    for name in filter(is_text, tree.files(root)):
        if name.startswith("tests/vectors/"):
            continue
        text = tree.read(root, name)
        found += check_text(name, text)
        if name.endswith((".c", ".h")):
            found += check_c(name, text, allowed)
    return found + allowed.leftovers()


if __name__ == "__main__":
    tree.report(findings(sys.argv[1]), "tidy")
