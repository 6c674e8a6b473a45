/* Keys, as an administrator makes and looks after them. */
#include <string.h>

#include "base/b64url.h"
#include "base/hex.h"
#include "vault/admin.h"
#include "vault/key_make.h"

enum { RSA_EXPONENT = 65537, THUMB_BYTES = 20 };

static json_t *key_row(const vault_info *vault, const vault_key *key) {
  json_t *row = json_pack("{s:o, s:s, s:s, s:s, s:b, s:o}", "kid",
                          json_sprintf("https://%s/keys/%s/%s", vault->host, key->name, key->version), "name",
                          key->name, "version", key->version, "kty", key->kty, "enabled", (int)key->attributes.enabled,
                          "created", admin_time(key->attributes.created));
  if (key->deleted_at != 0) {
    admin_set(&row, "deleted", admin_time(key->deleted_at));
    admin_set(&row, "kept_until", admin_time(key->purge_at));
  }
  return row;
}

static ekm_view shortest(ekm_view number) {
  while (number.len > 0 && number.ptr[0] == 0) number = ekm_view_of(number.ptr + 1, number.len - 1);
  return number;
}

/* What the connector calls the key: the leftmost 20 bytes of the SHA-256 thumbprint of RFC 7638, section 3. */
static bool thumbprint(const admin *a, const vault_key *key, char out[2 * THUMB_BYTES + 1], ekm_err *err) {
  uint8_t digest[EKM_SHA256_BYTES];
  ekm_buf jwk;

  ekm_buf_init(&jwk, 4 * EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_append_text(&jwk, "{\"e\":\"");
  ekm_b64url_encode(shortest(key->e), &jwk);
  ekm_buf_append_text(&jwk, "\",\"kty\":\"RSA\",\"n\":\"");
  ekm_b64url_encode(shortest(key->n), &jwk);
  ekm_buf_append_text(&jwk, "\"}");
  bool ok =
      ekm_buf_ok(&jwk, "a key's numbers", err) && ekm_crypto_sha256(a->options.crypto, ekm_buf_view(&jwk), digest, err);
  if (ok) ekm_hex_text(ekm_view_of(digest, THUMB_BYTES), out, 2 * THUMB_BYTES + 1);
  ekm_buf_clear(&jwk);
  return ok;
}

/* What every command on keys begins with; end_key_work gives back what it took. */
typedef struct key_work {
  const vault_directory *dir;
  const vault_info *vault;
  const vault_key *key;
} key_work;

static bool begin_key_work(const admin *a, key_work *work, ekm_err *err) {
  memset(work, 0, sizeof *work);
  return vault_store_directory(a->store, &work->dir, err) && admin_vault(a, work->dir, &work->vault, err);
}

static bool end_key_work(const admin *a, key_work *work, bool ok, ekm_err *err) {
  if (ok && work->key != NULL) {
    json_t *doc = key_row(work->vault, work->key);
    ok = admin_print(a, &doc, err);
  }
  vault_key_release(&work->key);
  vault_directory_release(&work->dir);
  return ok;
}

bool admin_key_create(admin *a, ekm_err *err) {
  bool ok = false;
  key_work work;
  vault_material *material = NULL;
  unsigned bits = a->settings->bits == 0 ? 2048 : a->settings->bits;
  vault_key_shape shape = {.family = VAULT_KEY_RSA, .bits = bits, .exponent = RSA_EXPONENT};
  vault_key_spec spec = {
      .name = a->settings->name, .kty = "RSA", .attributes = {.enabled = true}, .ops = VAULT_OP_RSA_DEFAULT};

  EKM_TRY(begin_key_work(a, &work, err));
  shape.in_hsm = work.vault->is_hsm;
  if (shape.in_hsm) spec.kty = "RSA-HSM";
  if (bits != 2048 && bits != 3072 && bits != 4096) EKM_BAIL(err, EKM_E_USAGE, "--bits is 2048, 3072 or 4096");
  EKM_TRY(vault_key_make(&(vault_workshop){a->options.crypto, a->options.token}, &shape, &material, err));
  ok = vault_store_key_add(a->store, work.vault->id, &spec, &material, &work.key, err);
done:
  vault_material_free(&material);
  return end_key_work(a, &work, ok, err);
}

bool admin_key_list(admin *a, ekm_err *err) {
  bool (*list)(vault_store *, int64_t, const char *, size_t, vault_key_page *, ekm_err *) =
      a->settings->deleted ? vault_store_deleted_list : vault_store_key_list;
  key_work work;
  vault_key_page page = {0};
  char after[EKM_LIMIT_KEY_NAME_CHARS + 1] = "";
  json_t *rows = json_array();
  bool ok = begin_key_work(a, &work, err);

  do {
    ok = ok && list(a->store, work.vault->id, after, VAULT_STORE_PAGE_MAX, &page, err);
    for (size_t i = 0; ok && i < page.count; i++) admin_append(&rows, key_row(work.vault, page.items[i]));
    memcpy(after, page.next, sizeof after);
    vault_key_page_clear(&page);
  } while (ok && after[0] != '\0');
  ok = ok && admin_print_list(a, "keys", &rows, err);
  ekm_json_free(&rows);
  return end_key_work(a, &work, ok, err);
}

/* The names of all versions. */
static bool version_names(const admin *a, const key_work *work, json_t **rows, ekm_err *err) {
  vault_key_page page = {0};
  char after[EKM_LIMIT_KEY_NAME_CHARS + 1] = "";
  bool ok;
  do {
    ok = vault_store_key_versions(a->store, work->vault->id, work->key->name, after, VAULT_STORE_PAGE_MAX, &page, err);
    for (size_t i = 0; ok && i < page.count; i++) admin_append(rows, json_string(page.items[i]->version));
    memcpy(after, page.next, sizeof after);
    vault_key_page_clear(&page);
  } while (ok && after[0] != '\0');
  return ok;
}

/* Times that a key may lack, and its thumbprint if the connector could use it. */
static bool describe(const admin *a, const key_work *work, json_t **doc, ekm_err *err) {
  char thumb[2 * THUMB_BYTES + 1];
  const vault_key_attributes *attributes = &work->key->attributes;
  admin_set(doc, "updated", admin_time(attributes->updated));
  if (attributes->has_nbf) admin_set(doc, "not_before", admin_time(attributes->nbf));
  if (attributes->has_exp) admin_set(doc, "expires", admin_time(attributes->exp));
  if (strncmp(work->key->kty, "RSA", 3) != 0) return true;
  if (!thumbprint(a, work->key, thumb, err)) return false;
  admin_set(doc, "thumbprint", json_string(thumb));
  return true;
}

bool admin_key_show(admin *a, ekm_err *err) {
  key_work work;
  json_t *versions = json_array();
  const vault_settings *s = a->settings;
  bool ok = begin_key_work(a, &work, err) &&
            vault_store_key_get(a->store, work.vault->id, s->name, s->key_version, &work.key, err) &&
            version_names(a, &work, &versions, err);
  if (ok) {
    json_t *doc = key_row(work.vault, work.key);
    ok = describe(a, &work, &doc, err);
    admin_set(&doc, "versions", versions);
    versions = NULL;
    ok = ok && admin_print(a, &doc, err);
    ekm_json_free(&doc);
    vault_key_release(&work.key);
  }
  ekm_json_free(&versions);
  return end_key_work(a, &work, ok, err);
}

static bool set_enabled(admin *a, bool enabled, ekm_err *err) {
  key_work work;
  vault_key_change change = {.set = VAULT_SET_ENABLED, .attributes = {.enabled = enabled}};
  bool ok = begin_key_work(a, &work, err) && vault_store_key_update(a->store, work.vault->id, a->settings->name,
                                                                    a->settings->key_version, &change, &work.key, err);
  return end_key_work(a, &work, ok, err);
}

bool admin_key_enable(admin *a, ekm_err *err) {
  return set_enabled(a, true, err);
}

bool admin_key_disable(admin *a, ekm_err *err) {
  return set_enabled(a, false, err);
}

bool admin_key_delete(admin *a, ekm_err *err) {
  key_work work;
  bool ok = begin_key_work(a, &work, err) &&
            vault_store_key_delete(a->store, work.vault->id, a->settings->name, &work.key, err);
  return end_key_work(a, &work, ok, err);
}

bool admin_key_recover(admin *a, ekm_err *err) {
  key_work work;
  bool ok = begin_key_work(a, &work, err) &&
            vault_store_deleted_recover(a->store, work.vault->id, a->settings->name, &work.key, err);
  return end_key_work(a, &work, ok, err);
}

bool admin_key_purge(admin *a, ekm_err *err) {
  key_work work;
  const char *name = a->settings->name;
  bool ok = begin_key_work(a, &work, err);
  if (ok && !a->settings->yes) {
    ok = EKM_FAIL(err, EKM_E_USAGE,
                  "all versions of key '%s' and what they protect will be lost; say --yes if that is meant", name);
  }
  if (ok && work.vault->purge_protection) {
    ok = EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "vault '%s' has purge protection; the key goes when its retention ends",
                  work.vault->name);
  }
  ok = ok && vault_store_deleted_purge(a->store, work.vault->id, name, err);
  if (ok) {
    json_t *doc = json_pack("{s:s, s:s, s:b}", "vault", work.vault->name, "name", name, "purged", 1);
    ok = admin_print(a, &doc, err);
  }
  return end_key_work(a, &work, ok, err);
}
