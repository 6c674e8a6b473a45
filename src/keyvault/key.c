#include "keyvault/key.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "base/url.h"

/* An imported modulus may carry a leading zero byte. */
enum { NUMBER_MAX_BYTES = EKM_LIMIT_RSA_MODULUS_BYTES + 8 };

static const char kid_prefix[] = "/keys/";

void akv_key_init(akv_key *key) {
  memset(key, 0, sizeof *key);
  ekm_buf_init(&key->n, NUMBER_MAX_BYTES);
  ekm_buf_init(&key->e, NUMBER_MAX_BYTES);
}

void akv_key_clear(akv_key *key) {
  ekm_buf_clear(&key->n);
  ekm_buf_clear(&key->e);
  akv_key_init(key);
}

bool akv_name_check(const char *name, ekm_err *err) {
  size_t len = strlen(name);
  if (len > EKM_LIMIT_KEY_NAME_CHARS) return EKM_FAIL(err, EKM_E_KEY_NAME_TOO_LONG, "it has %zu characters", len);
  if (len == 0) return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "it is empty");
  if (!ekm_text_is_made_of(name, len, "-")) return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "'%s'", name);
  return true;
}

static bool is_version(const char *text) {
  size_t len = strlen(text);
  return len == EKM_LIMIT_KEY_VERSION_CHARS && ekm_hex_is(text, len);
}

bool akv_version_check(const char *version, ekm_err *err) {
  if (is_version(version)) return true;
  return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "the version is not %d hexadecimal digits", EKM_LIMIT_KEY_VERSION_CHARS);
}

static bool bad_kid(const char *why, ekm_err *err) {
  return EKM_FAIL(err, EKM_E_KEY_ANSWER, "a key id %s", why);
}

bool akv_kid_parse(const char *text, const char *host, akv_kid *out, ekm_err *err) {
  ekm_url url;
  ekm_err why = {0};
  memset(out, 0, sizeof *out);
  if (text == NULL) return bad_kid("is missing", err);
  if (!ekm_url_parse(text, &url, "it", &why)) return bad_kid("is not an https URL", err);
  if (!ekm_text_ieq(url.host, host)) return bad_kid("is of another host", err);
  if (!ekm_text_starts_i(url.path, kid_prefix) || url.query[0] != '\0') return bad_kid("is not one of a key", err);

  const char *name = url.path + sizeof kid_prefix - 1;
  size_t name_len = strcspn(name, "/");
  const char *version = name[name_len] == '/' ? name + name_len + 1 : "";
  if (name_len == 0 || name_len > EKM_LIMIT_KEY_NAME_CHARS || !ekm_text_is_made_of(name, name_len, "-")) {
    return bad_kid("has a bad name", err);
  }
  if (*version != '\0' && !is_version(version)) return bad_kid("has a bad version", err);
  memcpy(out->name, name, name_len);
  memcpy(out->version, version, strlen(version));
  return true;
}

bool akv_kid_is(const akv_kid *kid, const char *name, const char *version) {
  return ekm_text_ieq(kid->name, name) && kid->version[0] != '\0' &&
         (version == NULL || ekm_text_ieq(kid->version, version));
}

static bool read_numbers(const json_t *jwk, akv_key *out, ekm_err *err) {
  ekm_err why = {0};
  if (!ekm_json_bytes(jwk, "n", &out->n, &why) || !ekm_json_bytes(jwk, "e", &out->e, &why)) {
    if (why.id == EKM_E_OUT_OF_MEMORY) return EKM_FAIL(err, why.id, "%s", why.detail);
    return EKM_FAIL(err, EKM_E_KEY_ANSWER, "the numbers of '%s' cannot be read: %s", out->name, why.detail);
  }
  if (out->n.len == 0 || out->e.len == 0)
    return EKM_FAIL(err, EKM_E_KEY_ANSWER, "the numbers of '%s' are empty", out->name);
  return true;
}

bool akv_key_read(const json_t *bundle, const char *host, const char *name, const char *version, akv_key *out,
                  ekm_err *err) {
  akv_kid kid;
  json_t *jwk = ekm_json_object(bundle, "key");
  const char *type = ekm_json_text(jwk, "kty");
  json_t *attributes = ekm_json_object(bundle, "attributes");

  akv_key_clear(out);
  if (jwk == NULL || type == NULL) return EKM_FAIL(err, EKM_E_KEY_ANSWER, "there is no key in it");
  if (!akv_kid_parse(ekm_json_text(jwk, "kid"), host, &kid, err)) return false;
  if (!akv_kid_is(&kid, name, version)) {
    return EKM_FAIL(err, EKM_E_KEY_ANSWER, "'%s' was asked and '%s/%s' was answered", name, kid.name, kid.version);
  }
  memcpy(out->name, kid.name, sizeof out->name);
  memcpy(out->version, kid.version, sizeof out->version);
  out->enabled = ekm_json_bool(attributes, "enabled", true);
  out->expires_s = ekm_json_int(attributes, "exp", 0);
  const char *level = ekm_json_text(attributes, "recoveryLevel");
  (void)snprintf(out->recovery_level, sizeof out->recovery_level, "%s", level == NULL ? "" : level);
  out->is_rsa = strcmp(type, "RSA") == 0 || strcmp(type, "RSA-HSM") == 0;
  out->is_aes = strcmp(type, "oct-HSM") == 0;
  int64_t bits = out->is_aes ? ekm_json_int(attributes, "key_size", 0) : 0;
  out->bits = bits == 128 || bits == 192 || bits == 256 ? (unsigned)bits : 0;
  return !out->is_rsa || read_numbers(jwk, out, err);
}
