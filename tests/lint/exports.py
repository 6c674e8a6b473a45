#!/usr/bin/env python3
"""libopenekm.so as its host sees it, and what our objects ask of the system. usage: exports.py LIBRARY OBJECT...

The library exports the 17 names and nothing else, is mapped once and for all, has no writable code, no lazy
relocation and no storage in each thread; and no object of it asks for a function that ends, prints to or reconfigures a process that is not ours."""

import re
import subprocess
import sys
from pathlib import Path

import tree

EXPORTS = {"SqlCrypt" + name for name in """InitializeProvider FreeProvider GetProviderInfo GetNextAlgorithmId
    GetAlgorithmInfo OpenSession CloseSession GetNextKeyId GetKeyInfoByKeyId GetKeyInfoByThumb GetKeyInfoByName CreateKey
    DropKey ImportKey ExportKey Encrypt Decrypt""".split()}

# Why a provider may not call them: the process belongs to the host.
DENIED = {
    "ends the host": "abort exit _exit _Exit quick_exit __assert_fail kill raise pthread_exit pthread_kill pthread_cancel",
    "stays behind after unloading": "atexit at_quick_exit __cxa_atexit pthread_key_create tss_create pthread_atfork",
    "changes the host's signals": "signal sigaction sigprocmask sigaltstack alarm setitimer",
    "prints where the host prints": """printf vprintf puts putchar putc perror stdout stderr stdin __printf_chk
        __vprintf_chk""",
    "changes the process of the host": """setenv putenv unsetenv clearenv setlocale chdir umask setuid setgid setrlimit
        fork vfork execve execv execvp posix_spawn system popen srand srandom mlockall""",
    "waits by the clock": "sleep usleep nanosleep clock_nanosleep",
    "is not safe with threads": "strtok gmtime localtime asctime ctime getpwnam gethostbyname",
    "tears down what the host shares": "curl_global_cleanup OPENSSL_cleanup ERR_free_strings EVP_cleanup",
    "replaces the allocator of a shared library": "curl_global_init_mem CRYPTO_set_mem_functions",
}

EXCEPTIONS = {
    ("log.c.o", "stderr"): "the log of akvd, where it is asked for; the provider's settings take paths only",
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_exports(library):
    names = {name for _, name in names_in(run("nm", "-D", "--defined-only", library))}
    yield from (f"{library}: does not export {name}" for name in sorted(EXPORTS - names))
    yield from (f"{library}: exports {name}" for name in sorted(names - EXPORTS))


def check_mapping(library):
    dynamic = run("readelf", "-dW", library)
    segments = run("readelf", "-lW", library)
    stack = re.search(r"GNU_STACK.*\s(RWE?|R)\s", segments)
    for wanted, is_there in {
            "the flag NODELETE": "NODELETE" in dynamic,
            "immediate binding": "BIND_NOW" in dynamic or re.search(r"FLAGS_1.*\bNOW\b", dynamic),
            "read-only relocations": "GNU_RELRO" in segments,
            "a stack that is not executable": stack and stack.group(1) == "RW",
            "relocations outside its code only": "TEXTREL" not in dynamic,
            "no search path of its own": "RPATH" not in dynamic and "RUNPATH" not in dynamic,
            "freedom from storage in each thread": not re.search(r"^\s+TLS\s", segments, re.MULTILINE),
            "no segment that is writable and executable": not re.search(r"LOAD.*\sRWE\s", segments)}.items():
        if not is_there:
            yield f"{library}: lacks {wanted}"


def names_in(listing):
    """(line, name) of what nm lists, without the version of the name."""
    return [(line, line.split()[-1].split("@")[0]) for line in listing.splitlines() if line.strip()]


def check_objects(library, objects):
    """Not all of the objects end up in the library, and what it imports may be asked for by a library that is linked
    statically: an import counts if one of our objects asks for it as well."""
    reasons = {name: reason for reason, names in DENIED.items() for name in names.split()}
    imported = {name for _, name in names_in(run("nm", "-D", "--undefined-only", library))}
    for line, name in names_in(run("nm", "--undefined-only", "--print-file-name", *objects)):
        path = line.split(":", 1)[0]
        if name in reasons and name in imported and (Path(path).name, name) not in EXCEPTIONS:
            yield f"{path}: calls {name}, which {reasons[name]}"


def findings(library, objects):
    if not Path(library).exists():
        return [f"{library}: not built"]
    if not objects:
        return ["no objects to look at"]
    return [*check_exports(library), *check_mapping(library), *check_objects(library, objects)]


if __name__ == "__main__":
    tree.report(findings(sys.argv[1], sys.argv[2:]), "exports")
