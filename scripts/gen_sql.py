#!/usr/bin/env python3
"""dist/sql from what ekmctl sql prints, with variables of sqlcmd in the place of names. usage: gen_sql.py EKMCTL [--check]

ekmctl sql setup   --> register.sql, once for an instance; encrypt.sql, for each database
ekmctl sql migrate --> migrate.sql, for each database of Microsoft's connector, after register.sql

With --check nothing is written: the status is 1 if a file is not what it would become."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "dist/sql"
OPTIONS = """--key $(KeyName) --identity $(Identity) --database $(Database) --admin $(Admin) --provider-name $(Provider)
    --provider-file $(File) --asymmetric-key $(Key) --login $(Key)_Login --credential $(Key)_Credential --with-secret""".split()
FOR_ONE_DATABASE = "USE [$(Database)];\n"

MADE = "-- Made by scripts/gen_sql.py from what ekmctl sql prints.\n"
STOP = ":on error exit\n\n"

REGISTER = """-- Register OpenEKM with an instance of SQL Server, and make a key of the vault known to it. Once for the instance.
--
-- In PowerShell; sqlcmd takes the SECRET from the environment, where no list of processes shows it:
--
--   $env:Secret = '...'    # client id without hyphens, then the client secret; managed-identity;
--                          # certificate:CLIENT-ID:PATH; certificate:CLIENT-ID:store:THUMBPRINT
--   sqlcmd -S SERVER -E -b -i register.sql -v Provider=OpenEKM File="C:\\Program Files\\OpenEKM\\openekm.dll" `
--     Identity=myvault KeyName=tde-key Key=OpenEKM_Key Admin="DOMAIN\\administrator"
--   Remove-Item Env:Secret
--
-- Admin is the login that runs this; it holds the credential only while the key is made known. Afterwards back up the key in
-- the vault: without it no backup of a database can be restored.
"""

ENCRYPT = """-- Encrypt a database with a key that register.sql made known (TDE). For each database.
--
--   sqlcmd -S SERVER -E -b -i encrypt.sql -v Key=OpenEKM_Key Database=Sales
"""

MIGRATE = """-- Move a database from Microsoft's connector to OpenEKM, with the same key in the same vault, which register.sql made
-- known. For each database; which there are, and by which keys, says:
--
--   sqlcmd -S SERVER -E -Q "SELECT DB_NAME(e.database_id), k.name FROM sys.dm_database_encryption_keys e JOIN
--     master.sys.asymmetric_keys k ON k.thumbprint = e.encryptor_thumbprint"
--   sqlcmd -S SERVER -E -b -i migrate.sql -v Key=OpenEKM_Key Database=Sales
--
-- Microsoft's connector stays: backups that were made through it need it, or OpenEKM, which finds keys by its thumbprints
-- too. ekmctl sql inventory says who still needs which key.
"""


def printed(ekmctl, job):
    done = subprocess.run([ekmctl, "sql", job, *OPTIONS], env={**os.environ, "EKMCTL_SECRET": "$(Secret)"}, check=True,
                          capture_output=True, text=True)
    lines = done.stdout.splitlines(keepends=True)
    while lines[0].startswith("--"):  # what the script is for is said by the heads above
        del lines[0]
    instance, _, database = "".join(lines).partition(FOR_ONE_DATABASE)
    return instance, FOR_ONE_DATABASE + database


def scripts(ekmctl):
    instance, database = printed(ekmctl, "setup")
    _, moved = printed(ekmctl, "migrate")
    for name, head, body in (("register", REGISTER, instance), ("encrypt", ENCRYPT, database), ("migrate", MIGRATE, moved)):
        yield FOLDER / f"{name}.sql", head + MADE + STOP + body


def main():
    for path, wanted in scripts(sys.argv[1]):
        if "--check" not in sys.argv[2:]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
            sys.exit(f"dist/sql/{path.name} is not what ekmctl sql prints: run make docs")


if __name__ == "__main__":
    main()
