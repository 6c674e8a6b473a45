#!/usr/bin/env python3
"""An MSI of a folder. usage: windows_msi.py FOLDER VERSION OUT.msi

    dist/windows/openekm.wxs + FOLDER --> OUT.wxs -- wixl --> OUT.msi
                                  + tables that wixl has no elements for -- msibuild -->
                                  + identity and time that are not random or now -->

The same files and SOURCE_DATE_EPOCH give the same bytes. The product code follows from what is in the MSI: another
content is another product, which replaces the one before; the upgrade code ties them together."""

import hashlib
import os
import re
import struct
import subprocess
import sys
import tempfile
import uuid
import xml.etree.ElementTree as xml
from datetime import datetime
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent / "dist/windows/openekm.wxs"
NAMESPACE = "http://schemas.microsoft.com/wix/2006/wi"

# Owner and access rights of %ProgramData%\OpenEKM, in SDDL. Nothing is inherited: in ProgramData everybody may make files.
# SYSTEM and Administrators may do anything; all services (S-1-5-80-0) may read, SQL Server among them.
CONFIG_FOLDER_SDDL = "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;S-1-5-80-0)"

LOCK_PERMISSIONS = """MsiLockPermissionsEx\tLockObject\tTable\tSDDLText\tCondition
s72\ts72\ts32\ts0\tS255
MsiLockPermissionsEx\tMsiLockPermissionsEx
configuration_folder\tCONFIGDIR\tCreateFolder\t{sddl}\t
"""

FIXED_FILE_INFO = struct.pack("<I", 0xFEEF04BD)
SUMMARY_FORMAT = uuid.UUID("f29f85e0-4ff9-1068-ab91-08002b27b3d9").bytes_le
REVISION, CREATED, SAVED = 9, 12, 13  # properties of the summary information
TEXT, FILE_TIME = 30, 64  # their types
FILE_TIME_OF_1970 = 11644473600


def files_of(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def digest_of(folder, version):
    digest = hashlib.sha256(TEMPLATE.read_bytes() + CONFIG_FOLDER_SDDL.encode() + version.encode())
    for name in files_of(folder):
        digest.update(name.as_posix().encode() + b"\0" + hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


def named(tree, identity):
    return next(element for element in tree.iter() if element.get("Id") == identity)


def child(parent, tag, **attributes):
    return xml.SubElement(parent, f"{{{NAMESPACE}}}{tag}", attributes)


def identifier(name):
    return "f_" + re.sub(r"\W", "_", name.as_posix())


def add_files(tree, folder, family):
    """A component for each file, known by its path for ever."""
    directories = {Path("."): named(tree, "INSTALLDIR")}
    feature = named(tree, "OpenEKM")
    for name in files_of(folder):
        for above in reversed(name.parents[:-1]):
            if above not in directories:
                directories[above] = child(directories[above.parent], "Directory", Id="d_" + identifier(above), Name=above.name)
        guid = str(uuid.uuid5(family, name.as_posix().lower()))
        component = child(directories[name.parent], "Component", Id="c_" + identifier(name), Guid=guid, Win64="yes")
        child(component, "File", Id=identifier(name), Name=name.name, Source=name.as_posix(), KeyPath="yes")
        child(feature, "ComponentRef", Id="c_" + identifier(name))


def file_version(content):
    """Of VERSIONINFO, as text; None if there is none."""
    at = content.find(FIXED_FILE_INFO)
    if not content.startswith(b"MZ") or at < 0:
        return None
    high, low = struct.unpack_from("<II", content, at + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def queries(folder, family, version):
    """What wixl leaves out, in the SQL of Windows Installer."""
    # It knows IncludeMaximum, but does not do it (768: both ends are included).
    yield "DELETE FROM `Upgrade` WHERE `ActionProperty` = 'OLD_VERSION'"
    yield ("INSERT INTO `Upgrade` (`UpgradeCode`, `VersionMin`, `VersionMax`, `Attributes`, `ActionProperty`) "
           f"VALUES ('{{{str(family).upper()}}}', '0.0.0', '{version}', 768, 'OLD_VERSION')")
    for name in files_of(folder):
        number = file_version((folder / name).read_bytes())
        if number is not None:
            key = identifier(name)
            yield f"UPDATE `File` SET `Version` = '{number}', `Language` = '1033' WHERE `File` = '{key}'"
            yield f"DELETE FROM `MsiFileHash` WHERE `File_` = '{key}'"


def property_offsets(msi):
    """(id, type, offset of the value) of the summary information; it is short, so the file holds it in one piece."""
    start = msi.index(SUMMARY_FORMAT) - 28
    if msi.count(SUMMARY_FORMAT) != 1 or msi[start:start + 2] != b"\xfe\xff":
        sys.exit("windows_msi.py: the summary information is not where it should be")
    (section,) = struct.unpack_from("<I", msi, start + 44)
    _, count = struct.unpack_from("<II", msi, start + section)
    for i in range(count):
        identity, offset = struct.unpack_from("<II", msi, start + section + 8 + 8 * i)
        at = start + section + offset
        yield identity, struct.unpack_from("<I", msi, at)[0], at + 4


def settle(msi, package_code, time_s):
    """The package's own code and time, in place."""
    wanted = {(REVISION, TEXT): struct.pack("<I", len(package_code) + 1) + package_code + b"\0"}
    for identity in CREATED, SAVED:
        wanted[identity, FILE_TIME] = struct.pack("<Q", (time_s + FILE_TIME_OF_1970) * 10_000_000)
    for identity, kind, at in property_offsets(bytes(msi)):
        value = wanted.pop((identity, kind), b"")
        if identity == REVISION and msi[at:at + 4] != value[:4]:
            sys.exit("windows_msi.py: the package code has another length")
        msi[at:at + len(value)] = value
    if wanted:
        sys.exit(f"windows_msi.py: the summary information lacks {list(wanted)}")


def run(*arguments, folder):
    done = subprocess.run(arguments, cwd=folder, env={**os.environ, "TZ": "UTC"}, capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"windows_msi.py: {arguments[0]} failed:\n{done.stdout}{done.stderr}")


def main():
    folder, version, out = Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]).resolve()
    xml.register_namespace("", NAMESPACE)
    tree = xml.parse(TEMPLATE)
    family = uuid.UUID(next(element.get("UpgradeCode") for element in tree.iter() if element.get("UpgradeCode")))
    digest = digest_of(folder, version)
    add_files(tree, folder, family)
    xml.indent(tree)
    with tempfile.TemporaryDirectory() as scratch:
        source, msi = out.with_suffix(".wxs"), Path(scratch) / "made.msi"
        tree.write(source, encoding="utf-8", xml_declaration=True)
        staged = folder / source.name  # wixl looks for files beside its source
        source.replace(staged)
        try:
            run("wixl", "--arch", "x64", "-D", f"Version={version}", "-D", f"ProductCode={uuid.uuid5(family, digest)}", "--output",
                str(msi), staged.name, folder=folder)
        finally:
            staged.replace(source)
        for query in queries(folder, family, version):
            run("msibuild", str(msi), "-q", query, folder=scratch)
        (Path(scratch) / "permissions.idt").write_bytes(LOCK_PERMISSIONS.format(sddl=CONFIG_FOLDER_SDDL).encode())
        run("msibuild", str(msi), "-i", "permissions.idt", folder=scratch)
        content = bytearray(msi.read_bytes())
        time_s = int(os.environ.get("SOURCE_DATE_EPOCH") or datetime.now().timestamp())
        settle(content, f"{{{uuid.uuid5(family, 'package ' + digest)}}}".upper().encode(), time_s)
        out.write_bytes(content)


if __name__ == "__main__":
    main()
