-- Make SQL Server take another build of OpenEKM, after it was installed over the old one.
--
-- Needed where the build reports another version than the catalog has (the first query and the last), or lies in another
-- file. The version is a constant of the product line, so that is rare. A database that asks for its key while the provider is
-- disabled goes into RECOVERY PENDING: do it while nobody works. Sessions that used the provider keep the old build until the
-- instance is started again.
--
--   sqlcmd -S SERVER -E -b -i upgrade.sql -v Provider=OpenEKM File="C:\Program Files\OpenEKM\openekm.dll"
--
-- Then restart the instance. A database that was RECOVERY PENDING comes back by ALTER DATABASE ... SET ONLINE, if not by that.
:on error exit

USE [master];
GO
SELECT name, version, is_enabled, dll_path FROM sys.cryptographic_providers WHERE name = '$(Provider)';
GO
ALTER CRYPTOGRAPHIC PROVIDER [$(Provider)] DISABLE;
GO
ALTER CRYPTOGRAPHIC PROVIDER [$(Provider)]
  FROM FILE = '$(File)';
GO
ALTER CRYPTOGRAPHIC PROVIDER [$(Provider)] ENABLE;
GO
SELECT p.name, p.version, p.is_enabled, d.provider_version, d.friendly_name
FROM sys.cryptographic_providers p
JOIN sys.dm_cryptographic_provider_properties d ON d.provider_id = p.provider_id
WHERE p.name = '$(Provider)';
GO
