"""What the lint tests share: the files of a tree, and C text without its comments and literals."""

import os
import re
import subprocess
import sys
from pathlib import Path

_NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def files(root):
    """Paths, relative to root and with slashes, of every file that is or would be in the repository."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0 and (Path(root) / ".git").exists():
        names = listed.stdout.splitlines()
    else:  # a copy without its history
        names = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, found in os.walk(root) for name in found]
        names = [name for name in names if not name.startswith(("build/", ".git/"))]
    return sorted(name for name in names if (Path(root) / name).is_file())


def read(root, name):
    return (Path(root) / name).read_text(encoding="utf-8")


def code_only(text):
    """The text with comments and literals blanked out; lines and columns stay where they are."""
    return _NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def report(findings, what):
    """Print findings and end the program: 1 if there are any."""
    for finding in findings:
        print(finding)
    print(f"{what}: {len(findings)} to mend" if findings else f"{what}: fine")
    sys.exit(1 if findings else 0)
