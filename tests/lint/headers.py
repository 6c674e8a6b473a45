#!/usr/bin/env python3
"""Every header compiles alone, as C17; the ABI header also as C++17. usage: headers.py ROOT CC CXX"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import tree

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]


def library_folders():
    """Where libraries have their headers that are not in a standard place."""
    run = subprocess.run(["pkg-config", "--cflags-only-I", "p11-kit-1"], check=True, capture_output=True, text=True)
    return run.stdout.split()


def compile_alone(root, compiler, language, name):
    """The compiler's complaint about a file that holds nothing but the inclusion of a header; None if there is none."""
    folders = [f"-I{root}/{folder}" for folder in ("src", "include", "tests", ".")]
    run = subprocess.run([compiler, *language, *WARNINGS, "-D_GNU_SOURCE", *folders, *library_folders(), "-"], check=False,
                         input=f'#include "{root}/{name}"\n', capture_output=True, text=True)
    return None if run.returncode == 0 else f"{name}: does not compile alone with {' '.join(language)}\n{run.stderr}"


def findings(root, cc, cxx):
    headers = [name for name in tree.files(root) if name.endswith(".h") and "/windows/" not in name]
    jobs = [(cc, ["-xc", "-std=c17"], name) for name in headers]
    jobs += [(cxx, ["-xc++", "-std=c++17"], name) for name in headers if name.startswith("include/")]
    if not jobs:
        return ["no headers found"]
    with ThreadPoolExecutor() as pool:
        return [fault for fault in pool.map(lambda job: compile_alone(root, *job), jobs) if fault]


if __name__ == "__main__":
    tree.report(findings(*sys.argv[1:4]), "headers")
