#!/usr/bin/env python3
"""What an administrator gets. usage: windows_package.py BUILD-FOLDER LIBRARIES-FOLDER

    BUILD-FOLDER/signed/*.dll, *.exe
    LIBRARIES-FOLDER/licences          --> BUILD-FOLDER/stage --> openekm-VERSION.msi, signed -->
    dist/windows, dist/sql, docs, LICENSE                         openekm-VERSION-windows-x64.zip, with SHA256SUMS

Signatures are by scripts/windows_sign.sh, as the environment says. The time of everything is SOURCE_DATE_EPOCH, or that of
the last commit: the same sources and certificate give the same bytes."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What goes into the folder of the programs; a folder at the right ends with a slash.
STAGED = [
    ("LICENSE", "LICENSE.txt"),
    ("CHANGELOG.md", "docs/"),
    ("SECURITY.md", "docs/"),
    ("docs/*.md", "docs/"),
    ("docs/openekm.conf", "openekm.sample.conf"),
    ("dist/windows/*.ps1", ""),
    ("dist/sql/*.sql", "sql/"),
]
LINKED = ["curl", "jansson"]  # into the DLL and the program


def version():
    return re.search(r"^project\(openekm VERSION (\d+\.\d+\.\d+) ", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"),
                     re.MULTILINE).group(1)


def time_of_sources():
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        given = subprocess.run(["git", "-C", str(ROOT), "log", "-1", "--format=%ct"], check=True, capture_output=True).stdout
    return int(given)


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def stage(build, libraries, target):
    shutil.rmtree(target, ignore_errors=True)
    for name in "openekm.dll", "ekmctl.exe":
        copy(build / "signed" / name, target / name)
    for pattern, where in STAGED:
        for source in ROOT.glob(pattern):
            copy(source, target / where / source.name if where.endswith("/") or not where else target / where)
    for name in LINKED:
        copy(libraries / "licences" / f"{name}.txt", target / "licences" / f"{name}.txt")


def settle(folder, time_s):
    """The same time and permissions for all files."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (time_s, time_s))


def write_sums(folder):
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def write_zip(folder, out, time_s):
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", time.gmtime(time_s)[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(entry, path.read_bytes())


def main():
    build, libraries = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    number, time_s = version(), time_of_sources()
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(time_s)}
    sign = str(ROOT / "scripts/windows_sign.sh")
    subprocess.run([sign, str(build / "signed"), *(str(build / "bin" / name) for name in ("openekm.dll", "ekmctl.exe"))],
                   check=True, env=environment)
    folder = build / f"openekm-{number}"
    stage(build, libraries, folder)
    settle(folder, time_s)
    msi = build / f"openekm-{number}.msi"
    subprocess.run([str(ROOT / "scripts/windows_msi.py"), str(folder), number, str(msi)], check=True, env=environment)
    subprocess.run([sign, str(build / "signed"), str(msi)], check=True, env=environment)
    copy(build / "signed" / msi.name, folder / msi.name)
    write_sums(folder)
    out = build / f"openekm-{number}-windows-x64.zip"
    write_zip(folder, out, time_s)
    print(f"made: {os.path.relpath(out)}")


if __name__ == "__main__":
    main()
