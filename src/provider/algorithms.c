#include "provider/algorithms.h"

#include <string.h>

#include "base/utf16.h"
#include "provider/argument.h"
#include "provider/product.h"

/* Tags are the engine's names; ids are ours, and stay. */
static const struct {
  SqlCpAlgId id;
  const char *tag;
  keyring_kind kind;
  unsigned bits;
} algorithms[] = {{1, "RSA_2048", KEYRING_RSA, 2048}, {2, "RSA_3072", KEYRING_RSA, 3072},
                  {3, "RSA_4096", KEYRING_RSA, 4096}, {4, "AES_128", KEYRING_AES, 128},
                  {5, "AES_192", KEYRING_AES, 192},   {6, "AES_256", KEYRING_AES, 256}};

enum { ALGORITHM_COUNT = sizeof algorithms / sizeof algorithms[0] };

/* Put a text of ours into the caller's string. */
static bool put_text(SqlCpStr *str, const char *text, ekm_err *err) {
  ekm_buf utf16;
  ekm_buf_init(&utf16, SQLCP_MAX_NAME_BYTES);
  bool ok = ekm_utf16_from_utf8(text, &utf16, err) && argument_put_text(str, ekm_buf_view(&utf16), err);
  ekm_buf_clear(&utf16);
  return ok;
}

bool algorithms_provider_info(SqlCpProviderInfo *info, ekm_err *err) {
  static const SqlCpGuid guid = PROVIDER_GUID;
  static const SqlCpVersion version = PROVIDER_VERSION;
  static const SqlCpVersion api_version = PROVIDER_SQLCRYPT_VERSION;

  if (!argument_pointer(info, _Alignof(SqlCpProviderInfo), "the provider info", err)) return false;
  if (!put_text(&info->name, PROVIDER_NAME, err)) return false;
  info->guid = guid;
  info->version = version;
  info->scpVersion = api_version;
  info->authType = SQLCP_AUTH_BASIC;
  info->symmKeySupport = SQLCP_KEY_SUPPORTED;
  info->asymmKeySupport = SQLCP_KEY_SUPPORTED;
  info->cbKeyThumbLen = PROVIDER_THUMB_BYTES;
  info->fAcceptsKeyName = 1;
  return true;
}

static size_t index_of(SqlCpAlgId id) {
  size_t i = 0;
  while (i < ALGORITHM_COUNT && algorithms[i].id != id) i++;
  return i;
}

bool algorithms_next(SqlCpAlgId *id, ekm_err *err) {
  if (!argument_pointer(id, _Alignof(SqlCpAlgId), "the algorithm id", err)) return false;
  size_t next = *id == 0 ? 0 : index_of(*id) + 1;
  if (next >= ALGORITHM_COUNT) return EKM_FAIL(err, EKM_E_END_OF_LIST, "no more algorithms");
  *id = algorithms[next].id;
  return true;
}

bool algorithms_info(SqlCpAlgId id, SqlCpAlgorithmInfo *info, ekm_err *err) {
  size_t i = index_of(id);
  if (!argument_pointer(info, _Alignof(SqlCpAlgorithmInfo), "the algorithm info", err)) return false;
  if (i == ALGORITHM_COUNT) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "no algorithm has the id %u", (unsigned)id);
  if (!put_text(&info->algTag, algorithms[i].tag, err)) return false;
  info->algId = id;
  bool is_aes = algorithms[i].kind == KEYRING_AES;
  info->type = is_aes ? SQLCP_KEY_SYMMETRIC : SQLCP_KEY_ASYMMETRIC;
  info->bitLen = algorithms[i].bits;
  info->ivLen = is_aes ? KEYRING_IV_BYTES : 0;
  return true;
}

bool algorithms_key(SqlCpAlgId id, keyring_kind *out_kind, unsigned *out_bits) {
  size_t i = index_of(id);
  if (i == ALGORITHM_COUNT) return false;
  *out_kind = algorithms[i].kind;
  *out_bits = algorithms[i].bits;
  return true;
}

SqlCpAlgId algorithms_of_key(keyring_kind kind, unsigned bits) {
  for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
    if (algorithms[i].kind == kind && algorithms[i].bits == bits) return algorithms[i].id;
  }
  return 0;
}
