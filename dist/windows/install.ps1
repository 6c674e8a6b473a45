<#
.SYNOPSIS
Installs, upgrades or removes OpenEKM without its MSI.

.DESCRIPTION
Installs the files that lie beside this script, after a look at their checksums (SHA256SUMS) and signatures, into
%ProgramFiles%\OpenEKM, over an older version if there is one. Makes %ProgramData%\OpenEKM, where only SYSTEM and Administrators
may change anything and services may read, and the source of the events. A configuration that is there is left alone, also by
-Action Uninstall.

SQL Server is not stopped. A DLL that is in use is renamed to openekm.dll.<number>.old and runs on until the instance is started
again; the next run of this script takes it away.

.PARAMETER Action
Install (also for an upgrade) or Uninstall.

.PARAMETER ServiceAccount
Account that gets a folder to write logs in, %ProgramData%\OpenEKM\log, such as 'NT SERVICE\MSSQLSERVER'.

.EXAMPLE
.\install.ps1 -WhatIf
Says what would be done.

.EXAMPLE
.\install.ps1 -ServiceAccount 'NT SERVICE\MSSQL$SALES'

.EXAMPLE
& "$env:ProgramFiles\OpenEKM\install.ps1" -Action Uninstall
#>
#Requires -Version 5.1
#Requires -RunAsAdministrator
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [ValidateSet('Install', 'Uninstall')]
    [string] $Action = 'Install',

    [string] $ServiceAccount
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$programs = Join-Path $env:ProgramFiles 'OpenEKM'
$settings = Join-Path $env:ProgramData 'OpenEKM'
$sums = 'SHA256SUMS'
$signed = 'openekm.dll', 'ekmctl.exe'
$eventSource = 'HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\OpenEKM'
$uninstallList = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'

# As the MSI's: nothing inherited; SYSTEM and Administrators everything, all services (S-1-5-80-0) reading.
$settingsSddl = 'O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;S-1-5-80-0)'

# SYSTEM, Administrators, TrustedInstaller: who may own the folder of the configuration.
$trustedOwners = 'S-1-5-18', 'S-1-5-32-544', 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464'

# What the MSI installed belongs to Windows Installer.
function Assert-NoMsi {
    $products = Get-ChildItem -LiteralPath $uninstallList | ForEach-Object { Get-ItemProperty -LiteralPath $_.PSPath } |
        Where-Object { $_.PSObject.Properties['DisplayName'] -and $_.DisplayName -eq 'OpenEKM' }
    if ($products) { throw 'OpenEKM was installed by its MSI: upgrade or remove it by msiexec.' }
}

# The lines of a SHA256SUMS, as a table of hashes by path. A path that leaves the folder is refused.
function Get-Sum {
    param([string] $From)
    $table = @{}
    foreach ($line in Get-Content -LiteralPath (Join-Path $From $sums)) {
        $match = [regex]::Match($line, '^([0-9a-f]{64})  ([A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)$')
        if (-not $match.Success) { throw "$sums in '$From' has a line that is none of ours: $line" }
        $table[$match.Groups[2].Value] = $match.Groups[1].Value
    }
    if ($table.Count -eq 0) { throw "$sums in '$From' is empty." }
    $table
}

function Assert-Sum {
    param([string] $From, [hashtable] $Table)
    foreach ($name in $Table.Keys) {
        $file = Join-Path $From $name
        if (-not (Test-Path -LiteralPath $file -PathType Leaf)) { throw "'$name' is missing." }
        if ((Get-FileHash -LiteralPath $file -Algorithm SHA256).Hash -ne $Table[$name]) {
            throw "'$name' is not the file that was packed: its checksum is another."
        }
    }
}

function Assert-Signature {
    param([string] $From)
    foreach ($name in $signed) {
        $signature = Get-AuthenticodeSignature -LiteralPath (Join-Path $From $name)
        if ($signature.Status -ne 'Valid') {
            throw "The signature of '$name' is not valid, and SQL Server would not load it: $($signature.StatusMessage) " +
                'docs\windows-install.md says how to trust a certificate.'
        }
        Write-Verbose "$name is signed by $($signature.SignerCertificate.Subject)"
    }
}

# Out of the way, though it may be in use: Windows lets a loaded DLL be renamed, not deleted.
function Clear-File {
    param([string] $File)
    if (-not (Test-Path -LiteralPath $File)) { return }
    try {
        Remove-Item -LiteralPath $File -Force
    } catch [System.UnauthorizedAccessException], [System.IO.IOException] {
        $number = 1
        while (Test-Path -LiteralPath "$File.$number.old") { $number++ }
        Move-Item -LiteralPath $File -Destination "$File.$number.old"
        Write-Warning "$(Split-Path $File -Leaf) is in use: the old one runs on until SQL Server is started again."
    }
}

function Clear-Leftover {
    if (-not (Test-Path -LiteralPath $programs)) { return }
    Get-ChildItem -LiteralPath $programs -Filter '*.old' -File -Recurse |
        Remove-Item -Force -ErrorAction SilentlyContinue # still in use: the next time
}

# Folders that nothing is in any more, the deepest first.
function Clear-EmptyFolder {
    if (-not (Test-Path -LiteralPath $programs)) { return }
    $folders = @(Get-ChildItem -LiteralPath $programs -Directory -Recurse | Sort-Object { $_.FullName.Length } -Descending) +
        (Get-Item -LiteralPath $programs)
    foreach ($folder in $folders) {
        if (-not (Get-ChildItem -LiteralPath $folder.FullName -Force)) { Remove-Item -LiteralPath $folder.FullName -Force }
    }
}

# The files of the version that is installed, by its own SHA256SUMS; none if there is none.
function Get-InstalledFile {
    if (Test-Path -LiteralPath (Join-Path $programs $sums)) { @((Get-Sum -From $programs).Keys) } else { @() }
}

function Copy-Program {
    param([string] $From, [hashtable] $Table)
    $names = @($Table.Keys | Where-Object { $_ -notlike '*.msi' }) + $sums
    Get-InstalledFile | Where-Object { $names -notcontains $_ } | ForEach-Object { Clear-File (Join-Path $programs $_) }
    foreach ($name in $names) {
        $target = Join-Path $programs $name
        $folder = Split-Path $target -Parent
        if (-not (Test-Path -LiteralPath $folder)) { [void] (New-Item -ItemType Directory -Path $folder) }
        Clear-File $target
        Copy-Item -LiteralPath (Join-Path $From $name) -Destination $target
    }
}

# In ProgramData everybody may make a folder. One that somebody else made may hold files of theirs: it is not taken over.
function Initialize-SettingsFolder {
    if (Test-Path -LiteralPath $settings) {
        $owner = (Get-Acl -LiteralPath $settings).GetOwner([System.Security.Principal.SecurityIdentifier]).Value
        if ($trustedOwners -notcontains $owner) {
            throw "'$settings' belongs to $owner and not to Administrators: look into it, and remove it."
        }
        Set-SettingsAccess
    } elseif ($PSCmdlet.ShouldProcess($settings, 'Create the folder of the configuration')) {
        [void] (New-Item -ItemType Directory -Path $settings)
        Set-SettingsAccess
        if (Get-ChildItem -LiteralPath $settings -Force) {
            throw "Somebody put files into '$settings' before it was closed: look into it, and remove it."
        }
    }
}

function Set-SettingsAccess {
    $access = New-Object System.Security.AccessControl.DirectorySecurity
    $access.SetSecurityDescriptorSddlForm($settingsSddl, 'Access, Owner')
    Set-Acl -LiteralPath $settings -AclObject $access
}

function Initialize-LogFolder {
    param([string] $Account)
    $folder = Join-Path $settings 'log'
    if (-not $PSCmdlet.ShouldProcess($folder, "Let $Account write logs")) { return }
    if (-not (Test-Path -LiteralPath $folder)) { [void] (New-Item -ItemType Directory -Path $folder) }
    $access = Get-Acl -LiteralPath $folder
    $access.AddAccessRule((New-Object System.Security.AccessControl.FileSystemAccessRule(
                $Account, 'Modify', 'ContainerInherit, ObjectInherit', 'None', 'Allow')))
    Set-Acl -LiteralPath $folder -AclObject $access
}

function Register-EventSource {
    if (-not $PSCmdlet.ShouldProcess($eventSource, 'Register the source of the events')) { return }
    if (-not (Test-Path -LiteralPath $eventSource)) { [void] (New-Item -Path $eventSource) }
    $values = @(
        @{ Name = 'EventMessageFile'; Value = (Join-Path $programs 'openekm.dll'); PropertyType = 'String' }
        @{ Name = 'TypesSupported'; Value = 7; PropertyType = 'DWord' }
    )
    foreach ($value in $values) { [void] (New-ItemProperty -Path $eventSource -Force @value) }
}

function Install-OpenEkm {
    $table = Get-Sum -From $PSScriptRoot
    Assert-Sum -From $PSScriptRoot -Table $table
    Assert-Signature -From $PSScriptRoot
    if ($PSScriptRoot -eq $programs) { throw 'These are the installed files: start the script beside those of the new version.' }
    Clear-Leftover
    Initialize-SettingsFolder
    Copy-Program -From $PSScriptRoot -Table $table
    Clear-EmptyFolder
    Register-EventSource
    if ($ServiceAccount) { Initialize-LogFolder -Account $ServiceAccount }
}

function Uninstall-OpenEkm {
    $names = Get-InstalledFile
    if (-not $names) { throw "'$programs' holds nothing that this script installed." }
    Clear-Leftover
    foreach ($name in $names) { Clear-File (Join-Path $programs $name) }
    Clear-File (Join-Path $programs $sums)
    Clear-EmptyFolder
    if (Test-Path -LiteralPath $eventSource) { Remove-Item -LiteralPath $eventSource -Recurse }
}

if (-not [Environment]::Is64BitProcess) { throw 'Start this in 64-bit PowerShell: the folders of a 32-bit one are others.' }
Assert-NoMsi
if ($Action -eq 'Install') { Install-OpenEkm } else { Uninstall-OpenEkm }
