#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "base/text.h"
#include "vault/store_key.h"
#include "vault/store_state.h"

/* The keys of a vault: reading one, adding, changing. Lists and deleted keys are in store_lists.c and
 * store_deleted.c. */

enum { RECORD_MAX_BYTES = 1024 * 1024, NUMBER_MAX_BYTES = EKM_LIMIT_RSA_MODULUS_BYTES };

/* ---- the seal of a private key ----------------------------------------------------------------------------------- */

/* What the seal of a version is bound to: its identity chooses the AES key, its whole row is associated data. */
static bool seal_context(int64_t vault_id, const char *lower, const vault_key *key, ekm_buf *identity, ekm_buf *aad,
                         ekm_err *err) {
  store_value values[STORE_KEY_COLUMNS];
  store_key_values(vault_id, lower, key, values);
  store_key_identity(vault_id, lower, key->version, identity);
  store_db_record(STORE_KEY_VERSION, values, aad);
  return ekm_buf_ok(identity, "a key's identity", err) && ekm_buf_ok(aad, "a key's row", err);
}

static bool close_material(const vault_store *store, int64_t vault_id, const char *lower, const vault_key *key,
                           ekm_view der, ekm_buf *out_sealed, ekm_err *err) {
  ekm_buf identity, aad;
  ekm_buf_init(&identity, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&aad, RECORD_MAX_BYTES);
  bool ok = seal_context(vault_id, lower, key, &identity, &aad, err) &&
            vault_seal_close(store->seal, ekm_buf_view(&identity), ekm_buf_view(&aad), der, out_sealed, err);
  ekm_buf_clear(&identity);
  ekm_buf_clear(&aad);
  return ok;
}

static bool open_material(const vault_store *store, int64_t vault_id, const char *lower, const vault_key *key,
                          ekm_view sealed, ekm_buf *out_der, ekm_err *err) {
  ekm_buf identity, aad;
  ekm_buf_init(&identity, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&aad, RECORD_MAX_BYTES);
  bool ok = seal_context(vault_id, lower, key, &identity, &aad, err) &&
            vault_seal_open(store->seal, ekm_buf_view(&identity), ekm_buf_view(&aad), sealed, out_der, err);
  ekm_buf_clear(&identity);
  ekm_buf_clear(&aad);
  return ok;
}

/* ---- reading one ------------------------------------------------------------------------------------------------- */

/* The name's cursor stays open until the end: as long as it is, both rows are of one state of the database. */
bool store_key_load(vault_store *store, const store_key_id *id, bool deleted, const vault_key **out_key, ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_row name_row, version_row;
  vault_key borrowed;
  const store_value name_keys[] = {store_int(id->vault_id), store_text(id->lower)};

  *out_key = NULL;
  EKM_TRY(store_db_get(store->db, STORE_KEY_NAME, name_keys, &name_row, &found, err));
  if (!found || (name_row.values[5].number != 0) != deleted) EKM_BAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", id->lower);
  bool newest = id->version == NULL || id->version[0] == '\0';
  const store_value version_keys[] = {name_keys[0], name_keys[1],
                                      newest ? name_row.values[3] : store_text(id->version)};
  EKM_TRY(store_db_get(store->db, STORE_KEY_VERSION, version_keys, &version_row, &found, err));
  if (!found && newest) EKM_BAIL(err, EKM_E_STORE_TAMPERED, "the newest version of '%s' is missing", id->lower);
  if (!found) EKM_BAIL(err, EKM_E_KEY_NOT_FOUND, "'%s/%s'", id->lower, id->version);
  EKM_TRY(store_key_read(&name_row, &version_row, &borrowed, err));
  EKM_TRY(store_key_new(&borrowed, NULL, out_key, err));
  ok = true;
done:
  store_db_end(store->db, STORE_GET(STORE_KEY_NAME));
  store_db_end(store->db, STORE_GET(STORE_KEY_VERSION));
  return ok;
}

static bool load_sealed(vault_store *store, int64_t vault_id, const char *lower, const char *version, ekm_buf *out,
                        ekm_err *err) {
  bool found = false;
  store_row row = {0};
  const store_value keys[] = {store_int(vault_id), store_text(lower), store_text(version)};
  bool ok = store_db_fetch(store->db, STORE_MATERIAL_GET, keys, 3, &row, &found, err);
  if (ok && found) ekm_buf_append_view(out, row.values[0].bytes);
  if (ok && !found) ok = EKM_FAIL(err, EKM_E_STORE_TAMPERED, "the private key of '%s/%s' is missing", lower, version);
  store_db_end(store->db, STORE_MATERIAL_GET);
  return ok && ekm_buf_ok(out, "a sealed key", err);
}

/* Row and private key are of one state of the database, whoever else changes both meanwhile. */
static bool load_whole(vault_store *store, const store_key_id *id, const vault_key **out_bare, ekm_buf *out_sealed,
                       ekm_err *err) {
  bool ok = store_db_begin_read(store->db, err) && store_key_load(store, id, false, out_bare, err) &&
            load_sealed(store, id->vault_id, id->lower, (*out_bare)->version, out_sealed, err);
  store_db_rollback(store->db);
  return ok;
}

/* Unsealing and parsing take no lock. */
static bool unseal(const vault_store *store, const store_key_id *id, const vault_key *bare, ekm_view sealed,
                   const vault_key **out_key, ekm_err *err) {
  bool ok = false;
  ekm_key *material = NULL;
  ekm_buf der;

  ekm_buf_init(&der, STORE_SEALED_MAX_BYTES);
  EKM_TRY(open_material(store, id->vault_id, id->lower, bare, sealed, &der, err));
  EKM_TRY(ekm_key_from_pkcs8(store->crypto, ekm_buf_view(&der), &material, err));
  EKM_TRY(store_key_new(bare, &material, out_key, err));
  ok = true;
done:
  ekm_buf_clear(&der);
  return ok;
}

static void remember(vault_store *store, const store_key_id *id, const vault_key *key, uint64_t epoch) {
  ekm_mutex_lock(&store->lock);
  if (store->epoch == epoch) {
    store_cache_put(store->cache, id->vault_id, id->lower, id->version, key);
  }
  ekm_mutex_unlock(&store->lock);
}

bool vault_store_key_get(vault_store *store, int64_t vault_id, const char *name, const char *version,
                         const vault_key **out_key, ekm_err *err) {
  bool ok = false;
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const vault_key *bare = NULL;
  store_key_id id = {vault_id, lower, version == NULL ? "" : version};
  ekm_buf sealed;

  *out_key = NULL;
  ekm_buf_init(&sealed, STORE_SEALED_MAX_BYTES);
  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  ekm_mutex_lock(&store->lock);
  uint64_t epoch = store->epoch;
  *out_key = store_cache_find(store->cache, vault_id, lower, id.version);
  bool loaded = *out_key != NULL || load_whole(store, &id, &bare, &sealed, err);
  ekm_mutex_unlock(&store->lock);
  EKM_TRY(loaded);
  if (*out_key == NULL) {
    EKM_TRY(unseal(store, &id, bare, ekm_buf_view(&sealed), out_key, err));
    remember(store, &id, *out_key, epoch);
  }
  ok = true;
done:
  if (!ok && err->id == EKM_E_STORE_TAMPERED) ekm_log_err(store->log, EKM_LOG_ERROR, "vault.store", err);
  vault_key_release(&bare);
  ekm_buf_clear(&sealed);
  return ok;
}

/* ---- adding ------------------------------------------------------------------------------------------------------ */

typedef struct new_key {
  store_key_id id;
  vault_key key;                               /* borrows */
  char spelling[EKM_LIMIT_KEY_NAME_CHARS + 1]; /* what key.name is when the name exists */
  ekm_key *material;
  ekm_view sealed;
} new_key;

/* The name's row as it is after a new version. The spelling of the first version stays. */
static bool put_name(vault_store *store, new_key *new, ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_row old;
  store_value values[7] = {store_int(new->id.vault_id),
                           store_text(new->id.lower),
                           store_text(new->key.name),
                           store_text(new->key.version),
                           store_int(new->key.attributes.created),
                           store_int(0),
                           store_int(0)};

  EKM_TRY(store_db_get(store->db, STORE_KEY_NAME, values, &old, &found, err));
  if (found && old.values[5].number != 0) EKM_BAIL(err, EKM_E_KEY_DELETED, "'%s'", new->key.name);
  if (found) {
    EKM_TRY(ekm_text_copy(new->spelling, sizeof new->spelling, store_value_text(&old.values[2]), "a key name", err));
    new->key.name = new->spelling;
    values[2] = store_text(new->spelling);
    values[4] = old.values[4];
  }
  EKM_TRY(store_db_put(store->db, STORE_KEY_NAME, values, err));
  ok = true;
done:
  store_db_end(store->db, STORE_GET(STORE_KEY_NAME));
  return ok;
}

static bool put_version(vault_store *store, int64_t vault_id, const char *lower, const vault_key *key, ekm_view sealed,
                        ekm_err *err) {
  store_value values[STORE_KEY_COLUMNS];
  store_key_values(vault_id, lower, key, values);
  const store_value material[] = {values[0], values[1], values[2], store_blob(sealed)};
  return store_db_put(store->db, STORE_KEY_VERSION, values, err) &&
         store_db_run(store->db, STORE_MATERIAL_PUT, material, 4, err);
}

static bool has_vault(const vault_directory *dir, int64_t vault_id) {
  for (size_t i = 0; i < dir->vault_count; i++) {
    if (dir->vaults[i].id == vault_id) return true;
  }
  return false;
}

static bool store_new(vault_store *store, new_key *new, const vault_key **out_key, ekm_err *err) {
  const store_key_id *id = &new->id;
  if (!store_write_begin(store, err)) return false;
  bool ok = has_vault(store->dir, id->vault_id) || EKM_FAIL(err, EKM_E_ABSENT, "the vault is not known");
  ok = ok && put_name(store, new, err) && put_version(store, id->vault_id, id->lower, &new->key, new->sealed, err) &&
       store_key_new(&new->key, &new->material, out_key, err);
  store_cache_forget(store->cache, id->vault_id, id->lower);
  store->epoch++;
  ok = store_write_end(store, ok, err);
  if (!ok) vault_key_release(out_key);
  return ok;
}

static bool new_version(const vault_store *store, const vault_key_spec *spec, vault_key *out, ekm_err *err) {
  uint8_t id[EKM_LIMIT_KEY_VERSION_CHARS / 2];
  const ekm_rng *rng = ekm_crypto_rng(store->crypto);
  *out = (vault_key){.name = spec->name, .attributes = spec->attributes, .ops = spec->ops, .tags = spec->tags};
  out->attributes.created = out->attributes.updated = ekm_clock_wall_s(store->clock);
  if (!rng->fill(rng, id, sizeof id, err)) return false;
  ekm_hex_text(ekm_view_of(id, sizeof id), out->version, sizeof out->version);
  return ekm_text_copy(out->kty, sizeof out->kty, spec->kty, "a key type", err);
}

/* The public numbers of the material into ${key}, which borrows them from ${a} and ${b}. */
static bool take_numbers(const ekm_key *material, const vault_key_spec *spec, ekm_buf *a, ekm_buf *b, vault_key *key,
                         ekm_err *err) {
  const char *curve = ekm_key_curve(material);
  if (curve != NULL) {
    bool ok = ekm_text_copy(key->crv, sizeof key->crv, curve, "a curve", err) && ekm_key_public_ec(material, a, b, err);
    key->x = ekm_buf_view(a);
    key->y = ekm_buf_view(b);
    return ok;
  }
  bool ok = ekm_key_public(material, a, b, err);
  key->n = spec->n.len == 0 ? ekm_buf_view(a) : spec->n;
  key->e = ekm_buf_view(b);
  return ok;
}

bool vault_store_key_add(vault_store *store, int64_t vault_id, const vault_key_spec *spec, ekm_key **material,
                         const vault_key **out_key, ekm_err *err) {
  bool ok = false;
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  new_key new = {.id = {vault_id, lower, ""}, .material = *material};
  ekm_buf a, b, der, sealed;

  *out_key = NULL;
  *material = NULL;
  ekm_buf_init(&a, NUMBER_MAX_BYTES);
  ekm_buf_init(&b, NUMBER_MAX_BYTES);
  ekm_buf_init(&der, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&sealed, STORE_SEALED_MAX_BYTES);
  EKM_TRY(store_key_name_is_valid(spec->name, lower, err));
  EKM_TRY(new_version(store, spec, &new.key, err));
  EKM_TRY(take_numbers(new.material, spec, &a, &b, &new.key, err));
  EKM_TRY(ekm_key_to_pkcs8(new.material, &der, err));
  EKM_TRY(close_material(store, vault_id, lower, &new.key, ekm_buf_view(&der), &sealed, err));
  new.sealed = ekm_buf_view(&sealed);
  EKM_TRY(store_new(store, &new, out_key, err));
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.key.add", EKM_LOG_TEXT("name", new.key.name),
          EKM_LOG_TEXT("version", new.key.version), EKM_LOG_TEXT("kty", new.key.kty));
  ok = true;
done:
  ekm_key_free(&new.material);
  ekm_buf_clear(&a);
  ekm_buf_clear(&b);
  ekm_buf_clear(&der);
  ekm_buf_clear(&sealed);
  return ok;
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */

static void apply(const vault_key_change *change, int64_t now, vault_key *key) {
  vault_key_attributes *to = &key->attributes;
  const vault_key_attributes *from = &change->attributes;
  if ((change->set & VAULT_SET_ENABLED) != 0) to->enabled = from->enabled;
  if ((change->set & VAULT_SET_NBF) != 0) {
    to->has_nbf = from->has_nbf;
    to->nbf = from->nbf;
  }
  if ((change->set & VAULT_SET_EXP) != 0) {
    to->has_exp = from->has_exp;
    to->exp = from->exp;
  }
  if ((change->set & VAULT_SET_OPS) != 0) key->ops = change->ops;
  if ((change->set & VAULT_SET_TAGS) != 0) key->tags = change->tags;
  to->updated = now;
}

/* The row is associated data of the private key's seal, so a change of one is a new seal of the other. */
static bool change_version(vault_store *store, const store_key_id *id, const vault_key_change *change,
                           const vault_key **out_key, ekm_err *err) {
  bool ok = false;
  const vault_key *old = NULL;
  ekm_buf sealed, der, resealed;

  ekm_buf_init(&sealed, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&der, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&resealed, STORE_SEALED_MAX_BYTES);
  EKM_TRY(store_key_load(store, id, false, &old, err));
  EKM_TRY(load_sealed(store, id->vault_id, id->lower, old->version, &sealed, err));
  EKM_TRY(open_material(store, id->vault_id, id->lower, old, ekm_buf_view(&sealed), &der, err));
  vault_key changed = *old;
  apply(change, ekm_clock_wall_s(store->clock), &changed);
  EKM_TRY(close_material(store, id->vault_id, id->lower, &changed, ekm_buf_view(&der), &resealed, err));
  EKM_TRY(put_version(store, id->vault_id, id->lower, &changed, ekm_buf_view(&resealed), err));
  EKM_TRY(store_key_new(&changed, NULL, out_key, err));
  ok = true;
done:
  vault_key_release(&old);
  ekm_buf_clear(&sealed);
  ekm_buf_clear(&der);
  ekm_buf_clear(&resealed);
  return ok;
}

bool vault_store_key_update(vault_store *store, int64_t vault_id, const char *name, const char *version,
                            const vault_key_change *change, const vault_key **out_key, ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  store_key_id id = {vault_id, lower, version == NULL ? "" : version};

  *out_key = NULL;
  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  if (!store_write_begin(store, err)) return false;
  bool ok = change_version(store, &id, change, out_key, err);
  store_cache_forget(store->cache, vault_id, lower);
  store->epoch++;
  ok = store_write_end(store, ok, err);
  if (!ok) vault_key_release(out_key);
  if (ok && *out_key != NULL) {
    EKM_LOG(store->log, EKM_LOG_INFO, "vault.key.update", EKM_LOG_TEXT("name", (*out_key)->name),
            EKM_LOG_TEXT("version", (*out_key)->version));
  }
  return ok;
}
