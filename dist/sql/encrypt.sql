-- Encrypt a database with a key that register.sql made known (TDE). For each database.
--
--   sqlcmd -S SERVER -E -b -i encrypt.sql -v Key=OpenEKM_Key Database=Sales
-- Made by scripts/gen_sql.py from what ekmctl sql prints.
:on error exit

USE [$(Database)];
GO
CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256
  ENCRYPTION BY SERVER ASYMMETRIC KEY [$(Key)];
GO
ALTER DATABASE [$(Database)] SET ENCRYPTION ON;
GO
-- encryption_state: 2 encryption runs, 3 encrypted, 4 a key is being changed. The thumbprints must be equal.
SELECT d.name, e.encryption_state, e.percent_complete, e.encryptor_type, e.encryptor_thumbprint, k.thumbprint
FROM sys.dm_database_encryption_keys e
JOIN sys.databases d ON d.database_id = e.database_id
LEFT JOIN master.sys.asymmetric_keys k ON k.name = '$(Key)'
WHERE d.name = '$(Database)';
GO
