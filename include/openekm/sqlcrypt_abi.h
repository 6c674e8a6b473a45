/* The SqlCrypt interface, API version 1.1: what SQL Server's Extensible Key Management (EKM) calls.
 *
 * This is OpenEKM's own transcription of interface facts: Microsoft's EKM technical documentation of 2008
 * (MIT licence, 2026) and the documented SQL Server error list. C17 and C++, Windows x64 and 64-bit Linux.
 *
 * The engine loads a provider library and finds 17 undecorated exports (SQLCRYPT_FUNCTIONS below). Rules that
 * hold for all of them:
 *
 *   Text is UTF-16LE, counted in BYTES, and need not end with a NUL. WCHAR is 16 bits on every platform.
 *   Natural alignment; sizes and offsets are asserted at the end of this file.
 *   Every output of variable length is asked for twice: with a NULL or too small buffer the provider sets cb to
 *   the bytes needed and returns InsufficientBuffer; then the caller brings the memory, and the provider copies
 *   into the CALLER's buffer, keeps the caller's pointer and sets the true cb.
 *   The provider allocates nothing for the caller; sessions are the one exception.
 *   Enumerations start from id 0 and end with NotFound.
 *   Any function may be called from any thread at any time.
 *
 *   engine                                 provider
 *     | SqlCryptInitializeProvider ---------> |
 *     | SqlCryptGetProviderInfo (twice) ----> |   name, GUID, version: constants of the product line
 *     | SqlCryptGetNextAlgorithmId, ...Info > |   to NotFound
 *     | SqlCryptOpenSession(credential) ----> |   an opaque session; later calls receive a POINTER to it
 *     | SqlCryptGetKeyInfoByName / ByThumb -> |   a thumbprint is what the engine stores
 *     | SqlCryptExportKey (public) ---------> |
 *     | SqlCryptEncrypt / SqlCryptDecrypt --> |   wraps and unwraps a data-encryption key
 *     | SqlCryptCloseSession, FreeProvider -> |
 */
#ifndef OPENEKM_SQLCRYPT_ABI_H
#define OPENEKM_SQLCRYPT_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Windows x64 knows one calling convention; the word is for readers. */
#if defined(_WIN32)
#define SQLCRYPT_CALL __cdecl
#else
#define SQLCRYPT_CALL
#endif

typedef uint8_t SqlCpByte;
typedef uint8_t SqlCpBoolean;
typedef uint16_t SqlCpWchar; /* one UTF-16LE unit */

/* --- results ------------------------------------------------------------------------------------------------------ */

/* 32 bits. Values up to 2048 are reserved for the engine; a provider's own codes are above. */
typedef uint32_t SqlCpError;
enum {
  scp_err_Success = 0,
  scp_err_Failure = 1,
  scp_err_InsufficientBuffer = 2,
  scp_err_NotSupported = 3,
  scp_err_NotFound = 4,
  scp_err_AuthFailure = 5,
  scp_err_InvalidArgument = 6,
  scp_err_ProviderError = 7, /* the engine's own */
  SQLCP_LAST_RESERVED_ERROR = 2048
};

/* --- limits, in bytes unless said otherwise ----------------------------------------------------------------------- */

enum {
  SQLCP_MAX_NAME_BYTES = 2048, /* friendly name of the provider */
  SQLCP_MAX_KEY_NAME_BYTES = 512,
  SQLCP_MAX_ALG_TAG_BYTES = 120,
  SQLCP_MAX_IV_BYTES = 512,
  SQLCP_MAX_THUMBPRINT_BYTES = 32,
  SQLCP_MAX_KEY_BLOB_BYTES = 2048,
  SQLCP_MAX_KEY_BITS = 4096
};

/* --- enumerations ------------------------------------------------------------------------------------------------- */

typedef uint32_t SqlCpAuthType;
enum { SQLCP_AUTH_OTHER = 0, SQLCP_AUTH_BASIC = 1 };

typedef uint32_t SqlCpKeyType;
enum { SQLCP_KEY_SYMMETRIC = 0, SQLCP_KEY_ASYMMETRIC = 1 };

typedef uint32_t SqlCpKeyFlags;
enum { SQLCP_KEY_SUPPORTED = 1, SQLCP_KEY_VOLATILE = 2, SQLCP_KEY_EXPORTABLE = 4, SQLCP_KEY_IMPORTABLE = 8 };

typedef uint32_t SqlCpKeyBlobType;
enum { SQLCP_BLOB_SIMPLE = 0, SQLCP_BLOB_PUBLIC_KEY = 1 };

typedef uint32_t SqlCpEncryptionParamType;
enum { SQLCP_PARAM_IV = 0 };

/* 0 is "none": where an enumeration starts. */
typedef uint32_t SqlCpAlgId;
typedef uint32_t SqlCpKeyId;

/* --- structures --------------------------------------------------------------------------------------------------- */

typedef struct SqlCpStr {
  uint32_t cb; /* bytes, not characters */
  SqlCpWchar *ws;
} SqlCpStr;

typedef struct SqlCpData {
  uint32_t cb;
  SqlCpByte *pb;
} SqlCpData;

typedef SqlCpData SqlCpKeyThumbprint;
typedef SqlCpData SqlCpKeyBlob;

typedef struct SqlCpGuid {
  uint32_t data1;
  uint16_t data2;
  uint16_t data3;
  uint8_t data4[8];
} SqlCpGuid;

typedef struct SqlCpVersion {
  uint8_t major;
  uint8_t minor;
  uint16_t build;
  uint8_t revision;
} SqlCpVersion;

typedef struct SqlCpCredential {
  SqlCpStr name;     /* IDENTITY of the SQL Server credential */
  SqlCpStr password; /* SECRET */
} SqlCpCredential;

typedef struct SqlCpProviderInfo {
  SqlCpStr name;
  SqlCpGuid guid;
  SqlCpVersion version;
  SqlCpVersion scpVersion; /* {1, 1, 0, 0} */
  SqlCpAuthType authType;
  SqlCpKeyFlags symmKeySupport;
  SqlCpKeyFlags asymmKeySupport;
  uint32_t cbKeyThumbLen; /* longest thumbprint of this provider */
  SqlCpBoolean fAcceptsKeyName;
} SqlCpProviderInfo;

typedef struct SqlCpAlgorithmInfo {
  SqlCpAlgId algId;
  SqlCpStr algTag; /* one of the engine's names: RSA_2048, AES_256 ... */
  SqlCpKeyType type;
  uint32_t bitLen;
  uint32_t ivLen;
} SqlCpAlgorithmInfo;

typedef struct SqlCpKeyInfo {
  SqlCpStr name;
  SqlCpKeyThumbprint thumb;
  SqlCpAlgId algId;
  SqlCpKeyFlags flags;
} SqlCpKeyInfo;

typedef struct SqlCpEncryptionParam {
  SqlCpEncryptionParamType type;
  uint32_t cb;
  SqlCpByte *pb;
} SqlCpEncryptionParam;

/* Written by OpenSession; all other functions receive a pointer to it. */
typedef void *SqlCpSession;

/* --- the 17 functions --------------------------------------------------------------------------------------------- */

/* X(name, parameters) in the order of the engine's error 33085, whose state is the row from 1. */
#define SQLCRYPT_FUNCTIONS(X)                                                                                  \
  X(InitializeProvider, (void))                                                                                \
  X(FreeProvider, (void))                                                                                      \
  X(OpenSession, (const SqlCpCredential *auth, SqlCpSession *session))                                         \
  X(CloseSession, (SqlCpSession * session, SqlCpBoolean fAbort))                                               \
  X(GetProviderInfo, (SqlCpProviderInfo * info))                                                               \
  X(GetNextAlgorithmId, (SqlCpAlgId * algId))                                                                  \
  X(GetAlgorithmInfo, (SqlCpAlgId algId, SqlCpAlgorithmInfo * info))                                           \
  X(CreateKey, (const SqlCpSession *session, const SqlCpStr *name, SqlCpAlgId algId, SqlCpKeyFlags flags,      \
                SqlCpKeyThumbprint *thumb))                                                                    \
  X(DropKey, (const SqlCpSession *session, const SqlCpKeyThumbprint *thumb))                                   \
  X(GetNextKeyId, (const SqlCpSession *session, SqlCpKeyId *keyId))                                            \
  X(GetKeyInfoByKeyId, (const SqlCpSession *session, SqlCpKeyId keyId, SqlCpKeyInfo *info))                    \
  X(GetKeyInfoByThumb, (const SqlCpSession *session, const SqlCpKeyThumbprint *thumb, SqlCpKeyInfo *info))     \
  X(GetKeyInfoByName, (const SqlCpSession *session, const SqlCpStr *name, SqlCpKeyInfo *info))                 \
  X(ExportKey, (const SqlCpSession *session, const SqlCpKeyThumbprint *thumb,                                  \
                const SqlCpKeyThumbprint *encryptorThumb, SqlCpKeyBlobType type, SqlCpKeyBlob *blob))          \
  X(ImportKey, (const SqlCpSession *session, const SqlCpStr *name, const SqlCpKeyThumbprint *decryptorThumb,   \
                SqlCpKeyBlobType type, SqlCpKeyFlags flags, const SqlCpKeyBlob *blob))                         \
  X(Encrypt,                                                                                                   \
    (const SqlCpSession *session, const SqlCpKeyThumbprint *thumb, SqlCpBoolean fFinal,                        \
     const SqlCpEncryptionParam *params, uint32_t nParams, const SqlCpData *plaintext, SqlCpData *ciphertext)) \
  X(Decrypt,                                                                                                   \
    (const SqlCpSession *session, const SqlCpKeyThumbprint *thumb, SqlCpBoolean fFinal,                        \
     const SqlCpEncryptionParam *params, uint32_t nParams, const SqlCpData *ciphertext, SqlCpData *plaintext))

enum { SQLCRYPT_FUNCTION_COUNT = 17 };

/* SqlCryptOpenSession_fn and so on: the type of each export, for loaders and for checking definitions. */
#define SQLCRYPT_DECLARE_TYPE(name, parameters) typedef SqlCpError(SQLCRYPT_CALL SqlCrypt##name##_fn) parameters;
SQLCRYPT_FUNCTIONS(SQLCRYPT_DECLARE_TYPE)
#undef SQLCRYPT_DECLARE_TYPE

/* --- the layout, byte by byte ------------------------------------------------------------------------------------- */

#ifdef __cplusplus
#define SQLCP_ASSERT(what) static_assert(what, #what)
#else
#define SQLCP_ASSERT(what) _Static_assert(what, #what)
#endif
#define SQLCP_AT(type, member, offset) SQLCP_ASSERT(offsetof(type, member) == (offset))

SQLCP_ASSERT(sizeof(void *) == 8);
SQLCP_ASSERT(sizeof(SqlCpWchar) == 2);
SQLCP_ASSERT(sizeof(SqlCpError) == 4);

SQLCP_ASSERT(sizeof(SqlCpStr) == 16);
SQLCP_AT(SqlCpStr, cb, 0);
SQLCP_AT(SqlCpStr, ws, 8);

SQLCP_ASSERT(sizeof(SqlCpData) == 16);
SQLCP_ASSERT(sizeof(SqlCpKeyThumbprint) == 16);
SQLCP_ASSERT(sizeof(SqlCpKeyBlob) == 16);
SQLCP_AT(SqlCpData, cb, 0);
SQLCP_AT(SqlCpData, pb, 8);

SQLCP_ASSERT(sizeof(SqlCpGuid) == 16);
SQLCP_AT(SqlCpGuid, data1, 0);
SQLCP_AT(SqlCpGuid, data2, 4);
SQLCP_AT(SqlCpGuid, data3, 6);
SQLCP_AT(SqlCpGuid, data4, 8);

SQLCP_ASSERT(sizeof(SqlCpVersion) == 6);
SQLCP_AT(SqlCpVersion, major, 0);
SQLCP_AT(SqlCpVersion, minor, 1);
SQLCP_AT(SqlCpVersion, build, 2);
SQLCP_AT(SqlCpVersion, revision, 4);

SQLCP_ASSERT(sizeof(SqlCpCredential) == 32);
SQLCP_AT(SqlCpCredential, name, 0);
SQLCP_AT(SqlCpCredential, password, 16);

SQLCP_ASSERT(sizeof(SqlCpProviderInfo) == 64);
SQLCP_AT(SqlCpProviderInfo, name, 0);
SQLCP_AT(SqlCpProviderInfo, guid, 16);
SQLCP_AT(SqlCpProviderInfo, version, 32);
SQLCP_AT(SqlCpProviderInfo, scpVersion, 38);
SQLCP_AT(SqlCpProviderInfo, authType, 44);
SQLCP_AT(SqlCpProviderInfo, symmKeySupport, 48);
SQLCP_AT(SqlCpProviderInfo, asymmKeySupport, 52);
SQLCP_AT(SqlCpProviderInfo, cbKeyThumbLen, 56);
SQLCP_AT(SqlCpProviderInfo, fAcceptsKeyName, 60);

SQLCP_ASSERT(sizeof(SqlCpAlgorithmInfo) == 40);
SQLCP_AT(SqlCpAlgorithmInfo, algId, 0);
SQLCP_AT(SqlCpAlgorithmInfo, algTag, 8);
SQLCP_AT(SqlCpAlgorithmInfo, type, 24);
SQLCP_AT(SqlCpAlgorithmInfo, bitLen, 28);
SQLCP_AT(SqlCpAlgorithmInfo, ivLen, 32);

SQLCP_ASSERT(sizeof(SqlCpKeyInfo) == 40);
SQLCP_AT(SqlCpKeyInfo, name, 0);
SQLCP_AT(SqlCpKeyInfo, thumb, 16);
SQLCP_AT(SqlCpKeyInfo, algId, 32);
SQLCP_AT(SqlCpKeyInfo, flags, 36);

SQLCP_ASSERT(sizeof(SqlCpEncryptionParam) == 16);
SQLCP_AT(SqlCpEncryptionParam, type, 0);
SQLCP_AT(SqlCpEncryptionParam, cb, 4);
SQLCP_AT(SqlCpEncryptionParam, pb, 8);

#undef SQLCP_AT
#undef SQLCP_ASSERT

#ifdef __cplusplus
}
#endif

#endif
