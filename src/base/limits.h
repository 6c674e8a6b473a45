/* Every limit of OpenEKM in one place. Exceeding one is a tested error, never a truncation.
 *
 * A limit that comes from elsewhere names its source; the others were chosen so that no honest peer
 * meets them and no hostile one can make the process grow. */
#ifndef EKM_BASE_LIMITS_H
#define EKM_BASE_LIMITS_H

enum {
  EKM_LIMIT_HTTP_BODY_BYTES = 1024 * 1024,          /* an answer of a vault or a token endpoint */
  EKM_LIMIT_HTTP_REQUEST_BYTES = 64 * 1024,         /* a request body that akvd reads */
  EKM_LIMIT_KEY_BACKUP_BYTES = 3 * 1024 * 1024,     /* the backup of one key with all its versions */
  EKM_LIMIT_RESTORE_BYTES = 4 * 1024 * 1024 + 1024, /* the request that brings one: base64url and JSON around it */
  EKM_LIMIT_HTTP_HEADER_BYTES = 8 * 1024,           /* one header value that is kept */
  EKM_LIMIT_JSON_DEPTH = 32,                        /* nesting of a JSON document */
  EKM_LIMIT_TOKEN_BYTES = 64 * 1024,                /* an access token; Entra's are 1 to 4 kB */
  EKM_LIMIT_URL_BYTES = 2048,                       /* a URL that is built or parsed */
  EKM_LIMIT_HOST_BYTES = 253,                       /* a DNS name, RFC 1035 section 2.3.4 */
  EKM_LIMIT_KEY_NAME_CHARS = 127,                   /* Key Vault: ^[0-9a-zA-Z-]{1,127}$ */
  EKM_LIMIT_KEY_VERSION_CHARS = 32,                 /* Key Vault: 32 lower-case hexadecimal digits */
  EKM_LIMIT_KEYS_PER_VAULT = 10000,                 /* names that an enumeration or a search looks at */
  EKM_LIMIT_VERSIONS_PER_KEY = 500,                 /* Key Vault's own limit for a key's backup */
  EKM_LIMIT_RSA_MODULUS_BYTES = 512,                /* RSA-4096, SqlCrypt: key length at most 4096 bits */
  EKM_LIMIT_AES_DATA_BYTES = 16 * 1024,             /* what one call has an AES key encrypt; ENCRYPTBYKEY takes 8000 */
  EKM_LIMIT_CREDENTIAL_CHARS = 4096,                /* IDENTITY or SECRET of a SQL Server credential */
  EKM_LIMIT_SESSIONS = 4096,                        /* sessions that are open at once in one process */
  EKM_LIMIT_IDENTITIES = 256,                       /* credentials that a process remembers at once */
  EKM_LIMIT_CACHED_KEYS = 16384,                    /* public keys that one keyring remembers */
  EKM_LIMIT_CONFIG_BYTES = 1024 * 1024,             /* a configuration file */
  EKM_LIMIT_CONFIG_LINE_BYTES = 4096,               /* one line of it */
  EKM_LIMIT_CONFIG_SECTIONS = 1024,                 /* sections of it */
  EKM_LIMIT_FILE_BYTES = 16 * 1024 * 1024,          /* a file that is read whole, unless the caller says less */
  EKM_LIMIT_SECRET_BYTES = 64 * 1024                /* one secret */
};

#endif
