/* A small EKM provider over data in memory, written only from the ABI header, so that the host and its conformance
 * suite are not tested with the provider that they were written for.
 *
 *   credential  identity "mock", secret "mock-secret"; another secret is AuthFailure
 *   keys        "mock-one" and "mock-two", RSA_2048; CreateKey adds, DropKey removes
 *   wrapping    no cryptography: MAGIC, length, checksum, and the plaintext XOR a pad of the key, padded to 256 bytes
 *
 * MOCK_FAULT, a row of mock_faults.def, makes it break a rule: look for FAULT(name). */
#include "openekm/sqlcrypt_abi.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum {
#define MOCK_FAULT_ROW(name, rules) MOCK_##name,
#include "mock_faults.def"
#undef MOCK_FAULT_ROW
};
#define FAULT(name) (MOCK_FAULT == MOCK_##name)

#define EXPORT __attribute__((visibility("default")))
#define IS_ALIGNED(ptr, type) ((ptr) != NULL && (uintptr_t)(ptr) % _Alignof(type) == 0)

enum {
  ALG_RSA_2048 = 7,
  MODULUS_BYTES = 256,
  THUMB_BYTES = 20,
  NAME_UNITS = 64,
  KEYS_MAX = 8,
  SESSIONS_MAX = 512,
  HEADER_BYTES = 8,
  PLAIN_MAX = 190,
  MOCK_ERR_DAMAGED = 9001,
  MOCK_ERR_FULL = 9002
};

typedef struct mock_key {
  bool used;
  SqlCpWchar name[NAME_UNITS];
  uint32_t name_bytes;
  uint8_t thumb[THUMB_BYTES];
  uint8_t seed;
  bool named; /* somebody asked for its name */
} mock_key;

static struct {
  pthread_mutex_t lock;
  bool initialized;
  uint32_t next_session;
  uint32_t lists; /* of keys, begun so far */
  pthread_t initializer;
  struct {
    uint32_t number; /* 0: free */
    pthread_t owner;
  } sessions[SESSIONS_MAX];
  mock_key keys[KEYS_MAX]; /* id = index + 1 */
} mock = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- small things ------------------------------------------------------------------------------------------------- */

static SqlCpError copy_out(void **at, uint32_t *cb, const void *bytes, uint32_t len) {
  if (*at == NULL || *cb < len) {
    *cb = len;
    return scp_err_InsufficientBuffer;
  }
  memcpy(*at, bytes, len);
  *cb = len;
  return scp_err_Success;
}

static SqlCpError copy_text(SqlCpStr *out, const char *text) {
  SqlCpWchar units[NAME_UNITS];
  uint32_t len = (uint32_t)strlen(text);
  void *at = out->ws;
  for (uint32_t i = 0; i < len; i++) units[i] = (uint8_t)text[i];
  return copy_out(&at, &out->cb, units, 2 * len);
}

static bool text_is(const SqlCpStr *str, const char *text) {
  size_t len = strlen(text);
  if (str->cb != 2 * len) return false;
  for (size_t i = 0; i < len; i++) {
    if (str->ws[i] != (uint8_t)text[i]) return false;
  }
  return true;
}

static bool is_text(const SqlCpStr *str, uint32_t max) {
  return IS_ALIGNED(str, SqlCpStr) && str->cb <= max && str->cb % 2 == 0 && (str->cb == 0 || str->ws != NULL);
}

static bool is_data(const SqlCpData *data, uint32_t max) {
  return IS_ALIGNED(data, SqlCpData) && data->cb <= max && (data->cb == 0 || data->pb != NULL);
}

static mock_key *add_key_locked(const SqlCpWchar *name, uint32_t name_bytes) {
  for (size_t i = 0; i < KEYS_MAX; i++) {
    mock_key *key = &mock.keys[i];
    if (key->used) continue;
    *key = (mock_key){.used = true, .name_bytes = name_bytes, .seed = (uint8_t)(0x31 + i)};
    memcpy(key->name, name, name_bytes);
    memset(key->thumb, 0x10 + (int)i, sizeof key->thumb);
    if (FAULT(thumb_of_the_day)) {
      struct timespec now;
      (void)clock_gettime(CLOCK_MONOTONIC, &now);
      memcpy(key->thumb, &now, sizeof now < THUMB_BYTES ? sizeof now : THUMB_BYTES);
    }
    return key;
  }
  return NULL;
}

static mock_key *key_by_name_locked(const SqlCpStr *name) {
  for (size_t i = 0; i < KEYS_MAX; i++) {
    mock_key *key = &mock.keys[i];
    if (key->used && key->name_bytes == name->cb && memcmp(key->name, name->ws, name->cb) == 0) return key;
  }
  return NULL;
}

static mock_key *key_by_thumb_locked(const SqlCpData *thumb) {
  for (size_t i = 0; i < KEYS_MAX; i++) {
    mock_key *key = &mock.keys[i];
    if (key->used && thumb->cb == THUMB_BYTES && memcmp(key->thumb, thumb->pb, THUMB_BYTES) == 0) return key;
  }
  return NULL;
}

/* A handle is the number of a session in a pointer: nothing to follow, so nothing to forge a way into. The place of the
 * session, or -1. */
static int session_locked(const SqlCpSession *session) {
  if (!IS_ALIGNED(session, SqlCpSession) || *session == NULL) return -1;
  uintptr_t handle = (uintptr_t)*session;
  if (FAULT(half_a_handle)) handle &= UINT32_MAX;
  for (int i = 0; i < SESSIONS_MAX; i++) {
    if (handle != 0 && mock.sessions[i].number == handle) return i;
  }
  return -1;
}

/* May the calling thread use ${session}? Every function but CloseSession asks. */
static bool is_open_locked(const SqlCpSession *session) {
  int at = session_locked(session);
  if (FAULT(one_thread) && at >= 0 && !pthread_equal(mock.sessions[at].owner, pthread_self())) return false;
  return at >= 0;
}

/* --- provider ----------------------------------------------------------------------------------------------------- */

EXPORT SqlCryptInitializeProvider_fn SqlCryptInitializeProvider;
EXPORT SqlCryptFreeProvider_fn SqlCryptFreeProvider;
EXPORT SqlCryptOpenSession_fn SqlCryptOpenSession;
EXPORT SqlCryptCloseSession_fn SqlCryptCloseSession;
EXPORT SqlCryptGetProviderInfo_fn SqlCryptGetProviderInfo;
EXPORT SqlCryptGetNextAlgorithmId_fn SqlCryptGetNextAlgorithmId;
EXPORT SqlCryptGetAlgorithmInfo_fn SqlCryptGetAlgorithmInfo;
EXPORT SqlCryptCreateKey_fn SqlCryptCreateKey;
EXPORT SqlCryptDropKey_fn SqlCryptDropKey;
EXPORT SqlCryptGetNextKeyId_fn SqlCryptGetNextKeyId;
EXPORT SqlCryptGetKeyInfoByKeyId_fn SqlCryptGetKeyInfoByKeyId;
EXPORT SqlCryptGetKeyInfoByThumb_fn SqlCryptGetKeyInfoByThumb;
EXPORT SqlCryptGetKeyInfoByName_fn SqlCryptGetKeyInfoByName;
EXPORT SqlCryptExportKey_fn SqlCryptExportKey;
EXPORT SqlCryptImportKey_fn SqlCryptImportKey;
EXPORT SqlCryptEncrypt_fn SqlCryptEncrypt;
EXPORT SqlCryptDecrypt_fn SqlCryptDecrypt;

SqlCpError SqlCryptInitializeProvider(void) {
  static const SqlCpWchar one[] = {'m', 'o', 'c', 'k', '-', 'o', 'n', 'e'};
  static const SqlCpWchar two[] = {'m', 'o', 'c', 'k', '-', 't', 'w', 'o'};
  static int loads;
  if (FAULT(ten_loads) && ++loads > 10) return scp_err_Failure;
  pthread_mutex_lock(&mock.lock);
  mock.initializer = pthread_self();
  if (!mock.initialized) {
    memset(mock.keys, 0, sizeof mock.keys);
    (void)add_key_locked(one, sizeof one);
    (void)add_key_locked(two, sizeof two);
    mock.initialized = true;
  }
  pthread_mutex_unlock(&mock.lock);
  return scp_err_Success;
}

SqlCpError SqlCryptFreeProvider(void) {
  pthread_mutex_lock(&mock.lock);
  mock.initialized = false;
  memset(mock.sessions, 0, sizeof mock.sessions);
  pthread_mutex_unlock(&mock.lock);
  return scp_err_Success;
}

/* Another number at each load, the same until the next one. */
static uint32_t stamp_of_load(void) {
  static uint32_t stamp;
  struct timespec now;
  if (stamp == 0 && clock_gettime(CLOCK_MONOTONIC, &now) == 0) stamp = (uint32_t)now.tv_nsec | 1;
  return stamp;
}

SqlCpError SqlCryptGetProviderInfo(SqlCpProviderInfo *info) {
  if (!IS_ALIGNED(info, SqlCpProviderInfo)) return scp_err_InvalidArgument;
  static SqlCpWchar own[] = {'M', 'o', 'c', 'k'};
  SqlCpError code = scp_err_Success;
  if (FAULT(own_pointer)) {
    info->name = (SqlCpStr){sizeof own, own};
  } else {
    code = copy_text(&info->name, "Mock EKM provider");
  }
  if (code != scp_err_Success) return code;
  info->guid = (SqlCpGuid){FAULT(new_guid) ? stamp_of_load() : 0x0DDBA11, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};
  info->version = (SqlCpVersion){1, 2, 3, 4};
  info->scpVersion = (SqlCpVersion){1, FAULT(old_api) ? 0 : 1, 0, 0};
  info->authType = SQLCP_AUTH_BASIC;
  info->symmKeySupport = 0;
  info->asymmKeySupport = SQLCP_KEY_SUPPORTED;
  info->cbKeyThumbLen = FAULT(long_thumbs) ? 40 : THUMB_BYTES;
  info->fAcceptsKeyName = 1;
  return scp_err_Success;
}

SqlCpError SqlCryptGetNextAlgorithmId(SqlCpAlgId *algId) {
  if (FAULT(null_is_fine) && algId == NULL) return scp_err_Success;
  if (FAULT(misaligned_is_fine) && algId != NULL && !IS_ALIGNED(algId, SqlCpAlgId)) return scp_err_Success;
  if (!IS_ALIGNED(algId, SqlCpAlgId)) return scp_err_InvalidArgument;
  if (*algId != 0) return FAULT(list_end) ? scp_err_NotSupported : scp_err_NotFound;
  *algId = ALG_RSA_2048;
  return scp_err_Success;
}

SqlCpError SqlCryptGetAlgorithmInfo(SqlCpAlgId algId, SqlCpAlgorithmInfo *info) {
  if (!IS_ALIGNED(info, SqlCpAlgorithmInfo)) return scp_err_InvalidArgument;
  if (algId != ALG_RSA_2048 && !(FAULT(algorithm_zero) && algId == 0)) return scp_err_NotFound;
  SqlCpError code = copy_text(&info->algTag, FAULT(foreign_tag) ? "RSA-2048" : "RSA_2048");
  if (code != scp_err_Success) return code;
  if (FAULT(tag_with_nul)) info->algTag.ws[info->algTag.cb / 2] = 0;
  info->algId = algId;
  info->type = SQLCP_KEY_ASYMMETRIC;
  info->bitLen = 2048;
  info->ivLen = 0;
  return scp_err_Success;
}

/* --- sessions ----------------------------------------------------------------------------------------------------- */

SqlCpError SqlCryptOpenSession(const SqlCpCredential *auth, SqlCpSession *session) {
  const size_t room = FAULT(few_sessions) ? 16 : SESSIONS_MAX;
  SqlCpError code = MOCK_ERR_FULL;
  if (FAULT(no_credential) && auth == NULL) return scp_err_Success;
  if (!IS_ALIGNED(auth, SqlCpCredential) || !IS_ALIGNED(session, SqlCpSession)) return scp_err_InvalidArgument;
  if (FAULT(oversized_is_fine) && auth->name.cb > 8192) return scp_err_Success;
  if (!is_text(&auth->name, 8192) || !is_text(&auth->password, 8192)) return scp_err_InvalidArgument;
  if (!text_is(&auth->name, "mock") || !text_is(&auth->password, "mock-secret")) return scp_err_AuthFailure;
  pthread_mutex_lock(&mock.lock);
  bool refused = FAULT(first_thread) && !pthread_equal(mock.initializer, pthread_self());
  for (size_t i = 0; i < room && !refused && code != scp_err_Success; i++) {
    if (mock.sessions[i].number != 0) continue;
    mock.sessions[i].number = ++mock.next_session * 16 + 5;
    mock.sessions[i].owner = pthread_self();
    uintptr_t handle = mock.sessions[i].number;
    memcpy(session, &handle, sizeof handle);
    code = scp_err_Success;
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}

/* Was this handle open once? */
static bool was_open_locked(const SqlCpSession *session) {
  uintptr_t handle = IS_ALIGNED(session, SqlCpSession) ? (uintptr_t)*session : 0;
  return handle % 16 == 5 && handle / 16 >= 1 && handle / 16 <= mock.next_session;
}

SqlCpError SqlCryptCloseSession(SqlCpSession *session, SqlCpBoolean fAbort) {
  pthread_mutex_lock(&mock.lock);
  int at = session_locked(session);
  bool accepted = at >= 0 || (FAULT(double_close) && was_open_locked(session));
  if (at >= 0 && !(FAULT(abort_ignored) && fAbort != 0)) mock.sessions[at].number = 0;
  pthread_mutex_unlock(&mock.lock);
  return accepted ? scp_err_Success : scp_err_InvalidArgument;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

/* Name and thumbprint together: both sizes are told when either is missing room. */
static SqlCpError describe_locked(const mock_key *key, SqlCpKeyInfo *info) {
  void *name_at = info->name.ws, *thumb_at = info->thumb.pb;
  if (key == NULL) return FAULT(missing_is_failure) ? scp_err_Failure : scp_err_NotFound;
  bool thumb_fits = thumb_at != NULL && (info->thumb.cb >= THUMB_BYTES || (FAULT(short_thumb) && info->thumb.cb > 0));
  if (name_at == NULL || info->name.cb < key->name_bytes || !thumb_fits) {
    info->name.cb = key->name_bytes;
    info->thumb.cb = THUMB_BYTES;
    return scp_err_InsufficientBuffer;
  }
  (void)copy_out(&name_at, &info->name.cb, key->name, key->name_bytes);
  (void)copy_out(&thumb_at, &info->thumb.cb, key->thumb, THUMB_BYTES);
  info->algId = FAULT(unlisted_algorithm) ? ALG_RSA_2048 + 1 : ALG_RSA_2048;
  info->flags = SQLCP_KEY_SUPPORTED;
  return scp_err_Success;
}

SqlCpError SqlCryptGetKeyInfoByKeyId(const SqlCpSession *session, SqlCpKeyId keyId, SqlCpKeyInfo *info) {
  SqlCpError code = scp_err_InvalidArgument;
  if (!IS_ALIGNED(info, SqlCpKeyInfo)) return code;
  pthread_mutex_lock(&mock.lock);
  if (is_open_locked(session)) {
    bool known = keyId >= 1 && keyId <= KEYS_MAX && mock.keys[keyId - 1].used;
    code = describe_locked(known ? &mock.keys[keyId - 1] : NULL, info);
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}

SqlCpError SqlCryptGetKeyInfoByThumb(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb, SqlCpKeyInfo *info) {
  SqlCpError code = scp_err_InvalidArgument;
  if (!IS_ALIGNED(info, SqlCpKeyInfo) || !is_data(thumb, SQLCP_MAX_THUMBPRINT_BYTES)) return code;
  pthread_mutex_lock(&mock.lock);
  if (is_open_locked(session)) {
    mock_key *key = key_by_thumb_locked(thumb);
    if (FAULT(names_first) && key != NULL && !key->named) key = NULL;
    code = describe_locked(FAULT(first_key_always) && key != NULL ? &mock.keys[0] : key, info);
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}

SqlCpError SqlCryptGetKeyInfoByName(const SqlCpSession *session, const SqlCpStr *name, SqlCpKeyInfo *info) {
  SqlCpError code = scp_err_InvalidArgument;
  if (FAULT(no_bytes_is_fine) && IS_ALIGNED(name, SqlCpStr) && name->ws == NULL) return scp_err_Success;
  if (!IS_ALIGNED(info, SqlCpKeyInfo) || !is_text(name, SQLCP_MAX_KEY_NAME_BYTES)) return code;
  pthread_mutex_lock(&mock.lock);
  if (is_open_locked(session)) {
    mock_key *key = key_by_name_locked(name);
    code = describe_locked(key, info);
    if (key != NULL) key->named = true;
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}

SqlCpError SqlCryptGetNextKeyId(const SqlCpSession *session, SqlCpKeyId *keyId) {
  SqlCpError code = scp_err_InvalidArgument;
  if (!IS_ALIGNED(keyId, SqlCpKeyId)) return code;
  pthread_mutex_lock(&mock.lock);
  if (is_open_locked(session)) {
    size_t from = *keyId;
    if (FAULT(moving_list) && from == 0) from = mock.lists++ % 2;
    code = FAULT(key_list_end) ? scp_err_Failure : scp_err_NotFound;
    for (size_t i = from; i < KEYS_MAX; i++) {
      if (!mock.keys[i].used) continue;
      *keyId = (SqlCpKeyId)(i + 1);
      code = scp_err_Success;
      break;
    }
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}

SqlCpError SqlCryptCreateKey(const SqlCpSession *session, const SqlCpStr *name, SqlCpAlgId algId, SqlCpKeyFlags flags,
                             SqlCpKeyThumbprint *thumb) {
  SqlCpError code = scp_err_InvalidArgument;
  (void)flags;
  if (!is_text(name, 2 * NAME_UNITS) || name->cb == 0 || !IS_ALIGNED(thumb, SqlCpData)) return code;
  if (algId != ALG_RSA_2048) return scp_err_NotSupported;
  pthread_mutex_lock(&mock.lock);
  if (is_open_locked(session) && key_by_name_locked(name) == NULL) {
    void *at = thumb->pb;
    mock_key *key = add_key_locked(name->ws, name->cb);
    code = key == NULL ? MOCK_ERR_FULL : copy_out(&at, &thumb->cb, key->thumb, THUMB_BYTES);
    if (key != NULL && code != scp_err_Success) key->used = false;
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}

SqlCpError SqlCryptDropKey(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb) {
  SqlCpError code = scp_err_InvalidArgument;
  if (!is_data(thumb, SQLCP_MAX_THUMBPRINT_BYTES)) return code;
  pthread_mutex_lock(&mock.lock);
  if (is_open_locked(session)) {
    mock_key *key = key_by_thumb_locked(thumb);
    code = key == NULL ? scp_err_NotFound : scp_err_Success;
    if (key != NULL) key->used = false;
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}

/* RSAPublicKey of a modulus that is none: an odd number of 2048 bits. */
static void make_blob(const mock_key *key, uint8_t blob[MODULUS_BYTES + 14]) {
  static const uint8_t start[] = {0x30, 0x82, 0x01, 0x0A, 0x02, 0x82, 0x01, 0x01, 0x00};
  static const uint8_t end[] = {0x02, 0x03, 0x01, 0x00, 0x01};
  memcpy(blob, start, sizeof start);
  for (size_t i = 0; i < MODULUS_BYTES; i++) blob[sizeof start + i] = (uint8_t)(0xC1 ^ (i * key->seed));
  blob[sizeof start] |= 0x80;
  blob[sizeof start + MODULUS_BYTES - 1] |= 1;
  if (FAULT(even_modulus)) blob[sizeof start + MODULUS_BYTES - 1] ^= 1;
  memcpy(blob + sizeof start + MODULUS_BYTES, end, sizeof end);
}

SqlCpError SqlCryptExportKey(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb,
                             const SqlCpKeyThumbprint *encryptorThumb, SqlCpKeyBlobType type, SqlCpKeyBlob *out) {
  SqlCpError code = scp_err_InvalidArgument;
  uint8_t blob[MODULUS_BYTES + 14];
  if (!is_data(thumb, SQLCP_MAX_THUMBPRINT_BYTES) || !IS_ALIGNED(out, SqlCpData) || encryptorThumb != NULL) return code;
  if (type != SQLCP_BLOB_PUBLIC_KEY && !FAULT(any_blob)) return scp_err_NotSupported;
  pthread_mutex_lock(&mock.lock);
  if (is_open_locked(session)) {
    const mock_key *key = key_by_thumb_locked(thumb);
    void *at = out->pb;
    if (key != NULL) make_blob(key, blob);
    code = key == NULL ? scp_err_NotFound : copy_out(&at, &out->cb, blob, sizeof blob);
    if (FAULT(blob_overrun) && code == scp_err_Success) out->pb[sizeof blob] = 0;
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}

SqlCpError SqlCryptImportKey(const SqlCpSession *session, const SqlCpStr *name,
                             const SqlCpKeyThumbprint *decryptorThumb, SqlCpKeyBlobType type, SqlCpKeyFlags flags,
                             const SqlCpKeyBlob *blob) {
  (void)session, (void)name, (void)decryptorThumb, (void)type, (void)flags, (void)blob;
  return FAULT(import_argument) ? scp_err_InvalidArgument : scp_err_NotSupported;
}

/* --- Encrypt and Decrypt ------------------------------------------------------------------------------------------ */

/* [ 'M' 'K' seed length | checksum of 4 bytes | plaintext XOR pad ... ], 256 bytes; behind the plaintext is the pad. */
static uint32_t checksum(const uint8_t *bytes, size_t len) {
  uint32_t sum = 2166136261u;
  for (size_t i = 0; i < len; i++) sum = (sum ^ bytes[i]) * 16777619u;
  return sum;
}

static void xor_pad(uint8_t *bytes, size_t len, uint8_t seed) {
  for (size_t i = 0; i < len; i++) bytes[i] ^= (uint8_t)(seed * 31 + i * 7 + 11);
}

static void wrap(const mock_key *key, const SqlCpData *plain, uint8_t cipher[MODULUS_BYTES]) {
  memset(cipher, 0, MODULUS_BYTES);
  memcpy(cipher + HEADER_BYTES, plain->pb, plain->cb);
  uint32_t sum = checksum(cipher + HEADER_BYTES, MODULUS_BYTES - HEADER_BYTES);
  xor_pad(cipher + HEADER_BYTES, MODULUS_BYTES - HEADER_BYTES, key->seed);
  cipher[0] = 'M';
  cipher[1] = 'K';
  cipher[2] = key->seed;
  cipher[3] = (uint8_t)plain->cb;
  memcpy(cipher + 4, &sum, sizeof sum);
}

static bool unwrap(const mock_key *key, const SqlCpData *cipher, uint8_t body[MODULUS_BYTES], uint32_t *out_len) {
  uint32_t sum;
  if (cipher->cb != MODULUS_BYTES) return false;
  memcpy(body, cipher->pb, MODULUS_BYTES);
  memcpy(&sum, body + 4, sizeof sum);
  xor_pad(body + HEADER_BYTES, MODULUS_BYTES - HEADER_BYTES, key->seed);
  *out_len = body[3];
  return body[0] == 'M' && body[1] == 'K' && body[2] == key->seed && *out_len <= PLAIN_MAX &&
         (FAULT(no_checksum) || sum == checksum(body + HEADER_BYTES, MODULUS_BYTES - HEADER_BYTES));
}

SqlCpError SqlCryptEncrypt(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb, SqlCpBoolean fFinal,
                           const SqlCpEncryptionParam *params, uint32_t nParams, const SqlCpData *plaintext,
                           SqlCpData *ciphertext) {
  SqlCpError code = scp_err_InvalidArgument;
  uint8_t bytes[MODULUS_BYTES];
  (void)fFinal, (void)params;
  if (!is_data(thumb, SQLCP_MAX_THUMBPRINT_BYTES) || !is_data(plaintext, PLAIN_MAX) || plaintext->cb == 0) return code;
  if (!IS_ALIGNED(ciphertext, SqlCpData) || nParams != 0) return code;
  pthread_mutex_lock(&mock.lock);
  if (is_open_locked(session)) {
    const mock_key *key = key_by_thumb_locked(thumb);
    void *at = ciphertext->pb;
    if (FAULT(small_is_argument) && at != NULL && ciphertext->cb > 0 && ciphertext->cb < sizeof bytes) key = NULL;
    if (key != NULL) wrap(key, plaintext, bytes);
    code = key == NULL ? scp_err_NotFound : copy_out(&at, &ciphertext->cb, bytes, sizeof bytes);
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}

static SqlCpError give_plaintext(const uint8_t *plain, uint32_t len, SqlCpData *out) {
  void *at = out->pb;
  if (FAULT(truncates) && at != NULL && out->cb > 0 && out->cb < len) len = out->cb;
  SqlCpError code = copy_out(&at, &out->cb, plain, len);
  if (FAULT(one_byte_wrong) && code == scp_err_Success && len == 1) out->pb[0] ^= 1;
  return code;
}

SqlCpError SqlCryptDecrypt(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb, SqlCpBoolean fFinal,
                           const SqlCpEncryptionParam *params, uint32_t nParams, const SqlCpData *ciphertext,
                           SqlCpData *plaintext) {
  SqlCpError code = scp_err_InvalidArgument;
  uint8_t body[MODULUS_BYTES];
  uint32_t len = 0;
  (void)fFinal, (void)params;
  if (!is_data(thumb, SQLCP_MAX_THUMBPRINT_BYTES) || !is_data(ciphertext, 4096)) return code;
  if (!IS_ALIGNED(plaintext, SqlCpData) || nParams != 0) return code;
  pthread_mutex_lock(&mock.lock);
  if (is_open_locked(session)) {
    const mock_key *key = key_by_thumb_locked(thumb);
    code = key == NULL ? scp_err_NotFound : MOCK_ERR_DAMAGED;
    if (key != NULL && unwrap(key, ciphertext, body, &len)) code = give_plaintext(body + HEADER_BYTES, len, plaintext);
  }
  pthread_mutex_unlock(&mock.lock);
  return code;
}
