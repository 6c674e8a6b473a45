-- Register OpenEKM with an instance of SQL Server, and make a key of the vault known to it. Once for the instance.
--
-- In PowerShell; sqlcmd takes the SECRET from the environment, where no list of processes shows it:
--
--   $env:Secret = '...'    # client id without hyphens, then the client secret; managed-identity;
--                          # certificate:CLIENT-ID:PATH; certificate:CLIENT-ID:store:THUMBPRINT
--   sqlcmd -S SERVER -E -b -i register.sql -v Provider=OpenEKM File="C:\Program Files\OpenEKM\openekm.dll" `
--     Identity=myvault KeyName=tde-key Key=OpenEKM_Key Admin="DOMAIN\administrator"
--   Remove-Item Env:Secret
--
-- Admin is the login that runs this; it holds the credential only while the key is made known. Afterwards back up the key in
-- the vault: without it no backup of a database can be restored.
-- Made by scripts/gen_sql.py from what ekmctl sql prints.
:on error exit

USE [master];
GO
EXEC sp_configure 'show advanced options', 1;
RECONFIGURE;
EXEC sp_configure 'EKM provider enabled', 1;
RECONFIGURE;
GO
CREATE CRYPTOGRAPHIC PROVIDER [$(Provider)]
  FROM FILE = '$(File)';
GO
SELECT name, version, guid FROM sys.cryptographic_providers WHERE name = '$(Provider)';
GO
CREATE CREDENTIAL [$(Key)_Credential]
  WITH IDENTITY = '$(Identity)', SECRET = '$(Secret)'
  FOR CRYPTOGRAPHIC PROVIDER [$(Provider)];
ALTER LOGIN [$(Admin)] ADD CREDENTIAL [$(Key)_Credential];
GO
CREATE ASYMMETRIC KEY [$(Key)]
  FROM PROVIDER [$(Provider)]
  WITH PROVIDER_KEY_NAME = '$(KeyName)', CREATION_DISPOSITION = OPEN_EXISTING;
GO
CREATE LOGIN [$(Key)_Login] FROM ASYMMETRIC KEY [$(Key)];
ALTER LOGIN [$(Admin)] DROP CREDENTIAL [$(Key)_Credential];
ALTER LOGIN [$(Key)_Login] ADD CREDENTIAL [$(Key)_Credential];
GO
