-- Move a database from Microsoft's connector to OpenEKM, with the same key in the same vault, which register.sql made
-- known. For each database; which there are, and by which keys, says:
--
--   sqlcmd -S SERVER -E -Q "SELECT DB_NAME(e.database_id), k.name FROM sys.dm_database_encryption_keys e JOIN
--     master.sys.asymmetric_keys k ON k.thumbprint = e.encryptor_thumbprint"
--   sqlcmd -S SERVER -E -b -i migrate.sql -v Key=OpenEKM_Key Database=Sales
--
-- Microsoft's connector stays: backups that were made through it need it, or OpenEKM, which finds keys by its thumbprints
-- too. ekmctl sql inventory says who still needs which key.
-- Made by scripts/gen_sql.py from what ekmctl sql prints.
:on error exit

USE [$(Database)];
GO
ALTER DATABASE ENCRYPTION KEY ENCRYPTION BY SERVER ASYMMETRIC KEY [$(Key)];
GO
-- encryption_state: 2 encryption runs, 3 encrypted, 4 a key is being changed. The thumbprints must be equal.
SELECT d.name, e.encryption_state, e.percent_complete, e.encryptor_type, e.encryptor_thumbprint, k.thumbprint
FROM sys.dm_database_encryption_keys e
JOIN sys.databases d ON d.database_id = e.database_id
LEFT JOIN master.sys.asymmetric_keys k ON k.name = '$(Key)'
WHERE d.name = '$(Database)';
GO
