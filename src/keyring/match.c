#include "keyring/match.h"

#include "base/text.h"
#include "keyring/foreign.h"
#include "keyring/key.h"

static bool match(const ekm_crypto *crypto, const keyring_key *key, ekm_view thumb, keyring_match *out, ekm_err *err) {
  char name[KEYRING_FOREIGN_NAME_CHARS + 1];
  bool is = ekm_view_equal(keyring_key_thumb(key), thumb);
  bool may_be_foreign = keyring_key_kind(key) == KEYRING_RSA; /* Microsoft's connector had no AES keys */
  if (!is && may_be_foreign && !keyring_foreign_is(crypto, key, thumb, &is, err)) return false;
  if (is) {
    *out = KEYRING_MATCH_KEY;
  } else if (may_be_foreign && keyring_foreign_unpack(thumb, name) && ekm_text_ieq(name, keyring_key_name(key))) {
    *out = KEYRING_MATCH_NAME;
  }
  return true;
}

bool keyring_match_thumbs(const ekm_crypto *crypto, const keyring_record *record, const ekm_view *thumbs, size_t count,
                          keyring_match *out_each, ekm_err *err) {
  bool ok = true;
  keyring_key *key = NULL;
  for (size_t i = 0; i < count; i++) out_each[i] = KEYRING_MATCH_NONE;
  if (!keyring_key_new(crypto, record, &key, err)) {
    if (err->id != EKM_E_KEY_TYPE) return false;
    ekm_err_clear(err);
    return true;
  }
  for (size_t i = 0; ok && i < count; i++) ok = match(crypto, key, thumbs[i], &out_each[i], err);
  keyring_key_unref(&key);
  return ok;
}
