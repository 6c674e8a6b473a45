/* A vault in memory, for tests and rehearsals of what is above the keyring.
 *
 * The public part of a key is a random odd number of the right length, so thumbprints, exports and sizes are as in a
 * real vault. There is no private part: wrapping is a reversible toy that anyone can undo, with a check that notices
 * damage. It protects nothing. An AES key has a random n that nobody is shown, and is as much of a toy.
 *
 *   ciphertext (as long as the modulus)   [check, 32 bytes][(length, 2)(plaintext)(zeros) XOR stream]
 *   check   SHA-256(n || padded plaintext)            stream   SHA-256(n || check || block number) ...  */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/text.h"
#include "keyring/key.h"

enum { MEMORY_MAX_KEYS = 1024, CHECK_BYTES = EKM_SHA256_BYTES };

typedef struct memory_key {
  keyring_record record;
  bool deleted;
} memory_key;

typedef struct memory_backend {
  keyring_backend base;
  const ekm_crypto *crypto;
  ekm_mutex lock;
  memory_key *keys[MEMORY_MAX_KEYS]; /* all versions of all names, oldest first */
  size_t count;
} memory_backend;

static memory_backend *of(keyring_backend *self) {
  return (memory_backend *)(void *)self;
}

/* The newest version of a name, or the asked one; deleted keys too. */
static memory_key *find_locked(memory_backend *memory, const char *name, const char *version) {
  for (size_t i = memory->count; i-- > 0;) {
    memory_key *key = memory->keys[i];
    if (!ekm_text_ieq(key->record.name, name)) continue;
    if (version == NULL || strcmp(key->record.version, version) == 0) return key;
  }
  return NULL;
}

static bool copy_record(const keyring_record *from, keyring_record *to, ekm_err *err) {
  memcpy(to->name, from->name, sizeof to->name);
  memcpy(to->version, from->version, sizeof to->version);
  to->is_rsa = from->is_rsa;
  to->is_aes = from->is_aes;
  to->bits = from->bits;
  to->enabled = from->enabled;
  ekm_buf_reset(&to->n);
  ekm_buf_reset(&to->e);
  ekm_buf_append_view(&to->n, ekm_buf_view(&from->n));
  ekm_buf_append_view(&to->e, ekm_buf_view(&from->e));
  return ekm_buf_ok(&to->n, "a modulus", err) && ekm_buf_ok(&to->e, "an exponent", err);
}

static bool memory_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                       keyring_record *out_record, ekm_err *err) {
  memory_backend *memory = of(self);
  (void)call;
  ekm_mutex_lock(&memory->lock);
  memory_key *key = find_locked(memory, name, version);
  bool ok = key != NULL && !key->deleted ? copy_record(&key->record, out_record, err)
                                         : EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  ekm_mutex_unlock(&memory->lock);
  return ok;
}

static bool memory_list_names(keyring_backend *self, const keyring_call *call, keyring_list *out_names, ekm_err *err) {
  memory_backend *memory = of(self);
  bool ok = true;
  (void)call;
  ekm_mutex_lock(&memory->lock);
  for (size_t i = 0; ok && i < memory->count; i++) {
    memory_key *key = memory->keys[i];
    bool newest = find_locked(memory, key->record.name, NULL) == key;
    if (newest && !key->deleted) ok = keyring_list_add(out_names, key->record.name, err);
  }
  ekm_mutex_unlock(&memory->lock);
  return ok;
}

static bool memory_list_versions(keyring_backend *self, const char *name, const keyring_call *call,
                                 keyring_list *out_versions, ekm_err *err) {
  memory_backend *memory = of(self);
  bool ok = true;
  (void)call;
  ekm_mutex_lock(&memory->lock);
  for (size_t i = memory->count; ok && i-- > 0;) { /* the newest first */
    memory_key *key = memory->keys[i];
    if (ekm_text_ieq(key->record.name, name) && !key->deleted)
      ok = keyring_list_add(out_versions, key->record.version, err);
  }
  ekm_mutex_unlock(&memory->lock);
  return ok;
}

static bool fill_rsa(memory_backend *memory, keyring_record *record, unsigned bits, ekm_err *err) {
  const ekm_rng *rng = ekm_crypto_rng(memory->crypto);
  uint8_t *n = ekm_buf_extend(&record->n, bits / 8);
  ekm_buf_append(&record->e, "\x01\x00\x01", 3);
  if (!ekm_buf_ok(&record->n, "a modulus", err) || !ekm_buf_ok(&record->e, "an exponent", err)) return false;
  if (!rng->fill(rng, n, bits / 8, err)) return false;
  n[0] |= 0x80;
  n[bits / 8 - 1] |= 1;
  record->is_rsa = true;
  return true;
}

static bool fill_aes(memory_backend *memory, keyring_record *record, unsigned bits, ekm_err *err) {
  const ekm_rng *rng = ekm_crypto_rng(memory->crypto);
  uint8_t *n = ekm_buf_extend(&record->n, bits / 8);
  if (n == NULL) return ekm_buf_ok(&record->n, "a key", err);
  record->is_aes = true;
  record->bits = bits;
  return rng->fill(rng, n, bits / 8, err);
}

static void free_key(memory_key **key) {
  if (*key != NULL) keyring_record_clear(&(*key)->record);
  ekm_mem_free(*key);
  *key = NULL;
}

/* Take over ${*key}, unless its name is taken and must not be. */
static bool add_key(memory_backend *memory, memory_key **key, bool new_name, ekm_err *err) {
  const char *name = (*key)->record.name;
  bool ok = false;
  ekm_mutex_lock(&memory->lock);
  memory_key *there = find_locked(memory, name, NULL);
  if (new_name && there != NULL) {
    (void)EKM_FAIL(err, there->deleted ? EKM_E_KEY_DELETED : EKM_E_KEY_EXISTS, "'%s'", name);
  } else if (memory->count == MEMORY_MAX_KEYS) {
    (void)EKM_FAIL(err, EKM_E_LIMIT, "more than %d keys", MEMORY_MAX_KEYS);
  } else {
    memory->keys[memory->count++] = *key;
    *key = NULL;
    ok = true;
  }
  ekm_mutex_unlock(&memory->lock);
  return ok;
}

static bool make_key(memory_backend *memory, const char *name, keyring_kind kind, unsigned bits, memory_key **out_key,
                     ekm_err *err) {
  const ekm_rng *rng = ekm_crypto_rng(memory->crypto);
  uint8_t version[EKM_LIMIT_KEY_VERSION_CHARS / 2];
  memory_key *key = ekm_mem_alloc(sizeof *key, err);
  *out_key = key;
  if (key == NULL) return false;
  keyring_record *record = &key->record;
  keyring_record_init(record);
  if (!rng->fill(rng, version, sizeof version, err)) return false;
  ekm_hex_text(ekm_view_of(version, sizeof version), record->version, sizeof record->version);
  record->enabled = true;
  return ekm_text_copy(record->name, sizeof record->name, name, "a key name", err) &&
         (kind == KEYRING_AES ? fill_aes : fill_rsa)(memory, record, bits, err);
}

static bool memory_create(keyring_backend *self, const char *name, keyring_kind kind, unsigned bits,
                          const keyring_call *call, keyring_record *out_record, ekm_err *err) {
  memory_key *key = NULL;
  (void)call;
  bool ok = make_key(of(self), name, kind, bits, &key, err) && copy_record(&key->record, out_record, err) &&
            add_key(of(self), &key, true, err);
  free_key(&key);
  return ok;
}

bool keyring_memory_add(keyring_backend *backend, const keyring_record *record, ekm_err *err) {
  memory_key *key = ekm_mem_alloc(sizeof *key, err);
  if (key == NULL) return false;
  keyring_record_init(&key->record);
  bool ok = copy_record(record, &key->record, err) && add_key(of(backend), &key, true, err);
  free_key(&key);
  return ok;
}

bool keyring_memory_rotate(keyring_backend *backend, const char *name, ekm_err *err) {
  memory_key *key = NULL;
  bool ok = make_key(of(backend), name, KEYRING_RSA, 2048, &key, err) && add_key(of(backend), &key, false, err);
  free_key(&key);
  return ok;
}

bool keyring_memory_add_foreign(keyring_backend *backend, const char *name, ekm_err *err) {
  memory_key *key = NULL;
  bool ok = make_key(of(backend), name, KEYRING_RSA, 2048, &key, err);
  if (ok) key->record.is_rsa = false;
  ok = ok && add_key(of(backend), &key, false, err);
  free_key(&key);
  return ok;
}

bool keyring_memory_enable(keyring_backend *backend, const char *name, bool enabled, ekm_err *err) {
  memory_backend *memory = of(backend);
  ekm_mutex_lock(&memory->lock);
  memory_key *key = find_locked(memory, name, NULL);
  if (key != NULL) key->record.enabled = enabled;
  ekm_mutex_unlock(&memory->lock);
  return key != NULL || EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
}

static bool memory_drop(keyring_backend *self, const char *name, const keyring_call *call, ekm_err *err) {
  memory_backend *memory = of(self);
  bool found = false;
  (void)call;
  ekm_mutex_lock(&memory->lock);
  for (size_t i = 0; i < memory->count; i++) {
    memory_key *key = memory->keys[i];
    if (!ekm_text_ieq(key->record.name, name) || key->deleted) continue;
    key->deleted = true;
    found = true;
  }
  ekm_mutex_unlock(&memory->lock);
  return found || EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
}

/* XOR the stream of (n, check) over ${bytes}. */
static bool apply_stream(memory_backend *memory, ekm_view n, const uint8_t *check, uint8_t *bytes, size_t len,
                         ekm_err *err) {
  bool ok = false;
  uint8_t block[EKM_SHA256_BYTES];
  ekm_buf seed;

  ekm_buf_init(&seed, EKM_LIMIT_RSA_MODULUS_BYTES + CHECK_BYTES + 2);
  for (size_t done = 0; done < len; done++) {
    if (done % sizeof block == 0) {
      ekm_buf_reset(&seed);
      ekm_buf_append_view(&seed, n);
      ekm_buf_append(&seed, check, CHECK_BYTES);
      ekm_buf_append_char(&seed, (char)(done / sizeof block));
      EKM_TRY(ekm_buf_ok(&seed, "a seed", err));
      EKM_TRY(ekm_crypto_sha256(memory->crypto, ekm_buf_view(&seed), block, err));
    }
    bytes[done] ^= block[done % sizeof block];
  }
  ok = true;
done:
  ekm_buf_clear(&seed);
  return ok;
}

static bool check_of(memory_backend *memory, ekm_view n, const uint8_t *padded, size_t len, uint8_t *out,
                     ekm_err *err) {
  ekm_buf text;
  ekm_buf_init(&text, 2 * EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_append_view(&text, n);
  ekm_buf_append(&text, padded, len);
  bool ok = ekm_buf_ok(&text, "a check", err) && ekm_crypto_sha256(memory->crypto, ekm_buf_view(&text), out, err);
  ekm_buf_clear(&text);
  return ok;
}

static bool usable_key(memory_backend *memory, const char *name, const char *version, keyring_record *out,
                       ekm_err *err) {
  if (!memory_get(&memory->base, name, version, NULL, out, err)) return false;
  return out->enabled || EKM_FAIL(err, EKM_E_KEY_DISABLED, "'%s'", name);
}

/* One whose n has room for what is wrapped. */
static bool usable_rsa_key(memory_backend *memory, const char *name, const char *version, keyring_record *out,
                           ekm_err *err) {
  if (!usable_key(memory, name, version, out, err)) return false;
  return out->is_rsa || EKM_FAIL(err, EKM_E_KEY_OPERATION, "'%s' is no RSA key", name);
}

static bool memory_wrap(keyring_backend *self, const char *name, const char *version, const char *alg,
                        ekm_view plaintext, const keyring_call *call, ekm_buf *out_ciphertext, ekm_err *err) {
  bool ok = false;
  memory_backend *memory = of(self);
  uint8_t check[CHECK_BYTES];
  keyring_record record;

  (void)alg;
  (void)call;
  keyring_record_init(&record);
  EKM_TRY(usable_rsa_key(memory, name, version, &record, err));
  uint8_t *out = ekm_buf_extend(out_ciphertext, record.n.len);
  EKM_TRY(ekm_buf_ok(out_ciphertext, "a ciphertext", err));
  uint8_t *padded = out + CHECK_BYTES;
  size_t padded_len = record.n.len - CHECK_BYTES;
  if (plaintext.len + 2 > padded_len) EKM_BAIL(err, EKM_E_DATA_TOO_LONG, "%zu bytes", plaintext.len);
  padded[0] = (uint8_t)(plaintext.len >> 8);
  padded[1] = (uint8_t)plaintext.len;
  memcpy(padded + 2, plaintext.ptr, plaintext.len);
  EKM_TRY(check_of(memory, ekm_buf_view(&record.n), padded, padded_len, check, err));
  memcpy(out, check, CHECK_BYTES);
  EKM_TRY(apply_stream(memory, ekm_buf_view(&record.n), check, padded, padded_len, err));
  ok = true;
done:
  if (!ok) ekm_buf_truncate(out_ciphertext, 0);
  keyring_record_clear(&record);
  return ok;
}

static bool memory_unwrap(keyring_backend *self, const char *name, const char *version, const char *alg,
                          ekm_view ciphertext, const keyring_call *call, ekm_buf *out_plaintext, ekm_err *err) {
  bool ok = false;
  memory_backend *memory = of(self);
  uint8_t check[CHECK_BYTES];
  keyring_record record;
  ekm_buf padded;

  (void)alg;
  (void)call;
  keyring_record_init(&record);
  ekm_buf_init(&padded, EKM_LIMIT_RSA_MODULUS_BYTES);
  EKM_TRY(usable_rsa_key(memory, name, version, &record, err));
  if (ciphertext.len != record.n.len) EKM_BAIL(err, EKM_E_UNWRAP_REFUSED, "a ciphertext of another length");
  ekm_buf_append(&padded, ciphertext.ptr + CHECK_BYTES, ciphertext.len - CHECK_BYTES);
  EKM_TRY(ekm_buf_ok(&padded, "a plaintext", err));
  EKM_TRY(apply_stream(memory, ekm_buf_view(&record.n), ciphertext.ptr, padded.ptr, padded.len, err));
  EKM_TRY(check_of(memory, ekm_buf_view(&record.n), padded.ptr, padded.len, check, err));
  size_t len = (size_t)padded.ptr[0] << 8 | padded.ptr[1];
  if (!ekm_mem_equal(check, ciphertext.ptr, CHECK_BYTES) || len + 2 > padded.len) {
    EKM_BAIL(err, EKM_E_UNWRAP_REFUSED, "the ciphertext is damaged");
  }
  ekm_buf_append(out_plaintext, padded.ptr + 2, len);
  ok = ekm_buf_ok(out_plaintext, "a plaintext", err);
done:
  ekm_buf_clear(&padded);
  keyring_record_clear(&record);
  return ok;
}

/* The stream of an iv over the padded plaintext. */
static bool crypt_blocks(memory_backend *memory, const keyring_cipher *cipher, ekm_buf *blocks, ekm_err *err) {
  uint8_t seed[CHECK_BYTES];
  char alg[16];
  keyring_record record;
  keyring_record_init(&record);
  bool ok = usable_key(memory, cipher->name, cipher->version, &record, err);
  (void)snprintf(alg, sizeof alg, "A%uCBCPAD", record.bits);
  if (ok && (!record.is_aes || strcmp(alg, cipher->alg) != 0)) {
    ok = EKM_FAIL(err, EKM_E_VAULT_BAD_REQUEST, "'%s' is no algorithm of '%s'", cipher->alg, cipher->name);
  }
  ok = ok && ekm_crypto_sha256(memory->crypto, cipher->iv, seed, err) &&
       apply_stream(memory, ekm_buf_view(&record.n), seed, blocks->ptr, blocks->len, err);
  keyring_record_clear(&record);
  return ok;
}

static bool memory_encrypt(keyring_backend *self, const keyring_cipher *cipher, ekm_view plaintext,
                           const keyring_call *call, ekm_buf *out_ciphertext, ekm_err *err) {
  (void)call;
  size_t padding = KEYRING_IV_BYTES - plaintext.len % KEYRING_IV_BYTES;
  ekm_buf_append_view(out_ciphertext, plaintext);
  for (size_t i = 0; i < padding; i++) ekm_buf_append_char(out_ciphertext, (char)padding);
  return ekm_buf_ok(out_ciphertext, "a ciphertext", err) && crypt_blocks(of(self), cipher, out_ciphertext, err);
}

static bool memory_decrypt(keyring_backend *self, const keyring_cipher *cipher, ekm_view ciphertext,
                           const keyring_call *call, ekm_buf *out_plaintext, ekm_err *err) {
  (void)call;
  ekm_buf_append_view(out_plaintext, ciphertext);
  if (!ekm_buf_ok(out_plaintext, "a plaintext", err) || !crypt_blocks(of(self), cipher, out_plaintext, err)) {
    return false;
  }
  uint8_t padding = out_plaintext->ptr[out_plaintext->len - 1];
  if (padding == 0 || padding > KEYRING_IV_BYTES) {
    return EKM_FAIL(err, EKM_E_UNWRAP_REFUSED, "the ciphertext is damaged");
  }
  ekm_buf_truncate(out_plaintext, out_plaintext->len - padding);
  return true;
}

static void memory_destroy(keyring_backend *self) {
  memory_backend *memory = of(self);
  for (size_t i = 0; i < memory->count; i++) free_key(&memory->keys[i]);
  ekm_mem_free(memory);
}

bool keyring_memory_new(const ekm_crypto *crypto, keyring_backend **out_backend, ekm_err *err) {
  memory_backend *memory = ekm_mem_alloc(sizeof *memory, err);
  *out_backend = NULL;
  if (memory == NULL) return false;
  memory->base = (keyring_backend){.get = memory_get,
                                   .list_names = memory_list_names,
                                   .list_versions = memory_list_versions,
                                   .create = memory_create,
                                   .drop = memory_drop,
                                   .wrap = memory_wrap,
                                   .unwrap = memory_unwrap,
                                   .encrypt = memory_encrypt,
                                   .decrypt = memory_decrypt,
                                   .destroy = memory_destroy};
  memory->crypto = crypto;
  ekm_mutex_init(&memory->lock);
  *out_backend = &memory->base;
  return true;
}
