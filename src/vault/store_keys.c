#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "base/text.h"
#include "vault/store_key.h"
#include "vault/store_material.h"
#include "vault/store_name.h"
#include "vault/store_state.h"

/* The keys of a vault: reading one, adding, changing. Lists and deleted keys are in store_lists.c and
 * store_deleted.c. */

enum { NUMBER_MAX_BYTES = EKM_LIMIT_RSA_MODULUS_BYTES };

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

/* Row and private key are of one state of the database, whoever else changes both meanwhile. */
static bool load_whole(vault_store *store, const store_key_id *id, const vault_key **out_bare, ekm_buf *out_sealed,
                       ekm_err *err) {
  bool ok = store_read_begin(store, err) && store_key_load(store, id, false, out_bare, err) &&
            store_material_load(store, id->vault_id, id->lower, (*out_bare)->version, out_sealed, err);
  store_db_rollback(store->db);
  return ok;
}

/* Unsealing and parsing take no lock. */
static bool unseal(const vault_store *store, const vault_seal *seal, const store_key_id *id, const vault_key *bare,
                   ekm_view sealed, const vault_key **out_key, ekm_err *err) {
  bool ok = false;
  vault_material *material = NULL;
  ekm_buf der;

  ekm_buf_init(&der, STORE_SEALED_MAX_BYTES);
  EKM_TRY(store_material_open(seal, id->vault_id, id->lower, bare, sealed, &der, err));
  EKM_TRY(vault_material_read(&store->shop, ekm_buf_view(&der), &material, err));
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
  const vault_seal *seal = store->seal; /* the one that fits what was loaded */
  ekm_mutex_unlock(&store->lock);
  EKM_TRY(loaded);
  if (*out_key == NULL) {
    EKM_TRY(unseal(store, seal, &id, bare, ekm_buf_view(&sealed), out_key, err));
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
  const char *follows;                         /* as in vault_key_spec */
  vault_material *material;
  ekm_view plain; /* of the material, to be sealed */
} new_key;

static bool count(vault_store *store, store_query query, const store_key_id *id, size_t *out, ekm_err *err) {
  bool found = false;
  store_row row = {0};
  const store_value args[] = {store_int(id->vault_id), store_text(id->lower)};
  bool ok = store_db_fetch(store->db, query, args, query == STORE_COUNT_KEYS ? 1 : 2, &row, &found, err);
  *out = ok && found ? (size_t)row.values[0].number : 0;
  store_db_end(store->db, query);
  return ok;
}

static bool count_names(vault_store *store, const store_key_id *id, size_t *out, ekm_err *err) {
  if (store->counted_vault != id->vault_id) {
    if (!count(store, STORE_COUNT_KEYS, id, &store->counted, err)) return false;
    store->counted_vault = id->vault_id;
  }
  *out = store->counted;
  return true;
}

bool store_check_room(vault_store *store, const store_key_id *id, bool is_new_name, bool is_hsm, ekm_err *err) {
  size_t has = 0;
  size_t max = is_new_name ? store->max_keys : store->max_versions;
  if (!is_new_name && is_hsm && max > VAULT_STORE_HSM_VERSIONS_MAX) max = VAULT_STORE_HSM_VERSIONS_MAX;
  bool ok = is_new_name ? count_names(store, id, &has, err) : count(store, STORE_COUNT_VERSIONS, id, &has, err);
  if (!ok || has < max) return ok;
  return EKM_FAIL(err, EKM_E_LIMIT, "%zu %s", has, is_new_name ? "keys in the vault" : "versions of the key");
}

/* May ${old}, the name's row, get a new version? */
static bool check_name(const new_key *new, const store_name *old, bool found, ekm_err *err) {
  if (found && old->deleted_at != 0) return EKM_FAIL(err, EKM_E_KEY_DELETED, "'%s'", new->key.name);
  if (new->follows == NULL) return true;
  if (!found) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", new->id.lower);
  return strcmp(old->newest, new->follows) == 0 ||
         EKM_FAIL(err, EKM_E_EXISTS, "a newer version of '%s'", new->id.lower);
}

/* The name's row as it is after a new version. The spelling of the first version stays. */
static bool put_name(vault_store *store, new_key *new, bool is_hsm, ekm_err *err) {
  bool found = false;
  store_name old;
  const vault_key_attributes *a = &new->key.attributes;

  if (!store_name_get(store, &new->id, &old, &found, err) || !check_name(new, &old, found, err) ||
      !store_check_room(store, &new->id, !found, is_hsm, err)) {
    return false;
  }
  store_name name = old;
  if (found) {
    memcpy(new->spelling, old.spelling, sizeof new->spelling);
    new->key.name = new->spelling;
  } else {
    name.created = a->created;
    if (!ekm_text_copy(name.spelling, sizeof name.spelling, new->key.name, "a key name", err)) return false;
  }
  memcpy(name.newest, new->key.version, sizeof name.newest);
  name.rotate_at = vault_rotation_due(name.policy, a->created, a->has_exp, a->exp);
  return store_name_put(store, &new->id, found ? &old : NULL, &name, err);
}

/* Sealed when it is known by which master key. */
static bool put_new_version(vault_store *store, const new_key *new, ekm_err *err) {
  const store_key_id *id = &new->id;
  ekm_buf sealed;
  ekm_buf_init(&sealed, STORE_SEALED_MAX_BYTES);
  bool ok = store_material_close(store->seal, id->vault_id, id->lower, &new->key, new->plain, &sealed, err) &&
            store_version_put(store, id->vault_id, id->lower, &new->key, ekm_buf_view(&sealed), err);
  ekm_buf_clear(&sealed);
  return ok;
}

static bool store_new(vault_store *store, new_key *new, const vault_key **out_key, ekm_err *err) {
  const store_key_id *id = &new->id;
  if (!store_write_begin(store, err)) return false;
  const vault_info *vault = vault_directory_vault_by_id(store->dir, id->vault_id);
  bool ok = vault != NULL || EKM_FAIL(err, EKM_E_ABSENT, "the vault is not known");
  ok = ok && put_name(store, new, vault->is_hsm, err) && put_new_version(store, new, err) &&
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
  *out = (vault_key){.name = spec->name,
                     .attributes = spec->attributes,
                     .ops = spec->ops,
                     .tags = spec->tags,
                     .exportable = spec->exportable,
                     .release_policy = spec->release_policy};
  out->attributes.created = out->attributes.updated = ekm_clock_wall_s(store->clock);
  if (!rng->fill(rng, id, sizeof id, err)) return false;
  ekm_hex_text(ekm_view_of(id, sizeof id), out->version, sizeof out->version);
  return ekm_text_copy(out->kty, sizeof out->kty, spec->kty, "a key type", err);
}

/* The public numbers of the material into ${key}, which borrows them from ${a} and ${b}. */
static bool take_numbers(const vault_material *material, const vault_key_spec *spec, ekm_buf *a, ekm_buf *b,
                         vault_key *key, ekm_err *err) {
  const char *curve = vault_material_curve(material);
  if (!vault_material_public(material, a, b, err)) return false;
  if (curve != NULL) {
    key->x = ekm_buf_view(a);
    key->y = ekm_buf_view(b);
    return ekm_text_copy(key->crv, sizeof key->crv, curve, "a curve", err);
  }
  key->n = spec->n.len == 0 ? ekm_buf_view(a) : spec->n;
  key->e = ekm_buf_view(b);
  return true;
}

/* What nobody has come to know must not stay in a token. */
static void drop_material(const vault_store *store, vault_material **material, bool added) {
  ekm_err err = {0};
  bool orphan = !added && *material != NULL;
  if (orphan && !vault_material_destroy(*material, &err)) ekm_log_err(store->log, EKM_LOG_ERROR, "vault.token", &err);
  vault_material_free(material);
}

bool vault_store_key_add(vault_store *store, int64_t vault_id, const vault_key_spec *spec, vault_material **material,
                         const vault_key **out_key, ekm_err *err) {
  bool ok = false;
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  new_key new = {.id = {vault_id, lower, ""}, .follows = spec->follows, .material = *material};
  ekm_buf a, b, der;

  *out_key = NULL;
  *material = NULL;
  ekm_buf_init(&a, NUMBER_MAX_BYTES);
  ekm_buf_init(&b, NUMBER_MAX_BYTES);
  ekm_buf_init(&der, STORE_SEALED_MAX_BYTES);
  EKM_TRY(store_key_name_is_valid(spec->name, lower, err));
  EKM_TRY(new_version(store, spec, &new.key, err));
  new.key.in_token = vault_material_in_token(new.material);
  EKM_TRY(take_numbers(new.material, spec, &a, &b, &new.key, err));
  EKM_TRY(vault_material_write(new.material, &der, err));
  new.plain = ekm_buf_view(&der);
  EKM_TRY(store_new(store, &new, out_key, err));
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.key.add", EKM_LOG_TEXT("name", new.key.name),
          EKM_LOG_TEXT("version", new.key.version), EKM_LOG_TEXT("kty", new.key.kty));
  ok = true;
done:
  drop_material(store, &new.material, ok);
  ekm_buf_clear(&a);
  ekm_buf_clear(&b);
  ekm_buf_clear(&der);
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
  if ((change->set & VAULT_SET_RELEASE) != 0) key->release_policy = change->release_policy;
  to->updated = now;
}

bool store_reckon_rotation(vault_store *store, const store_key_id *id, const vault_key *key, ekm_err *err) {
  bool found = false;
  store_name old;
  const vault_key_attributes *a = &key->attributes;
  if (!store_name_get(store, id, &old, &found, err)) return false;
  store_name name = old;
  name.rotate_at = vault_rotation_due(name.policy, a->created, a->has_exp, a->exp);
  bool concerns = found && strcmp(name.newest, key->version) == 0 && name.rotate_at != old.rotate_at;
  return !concerns || store_name_put(store, id, &old, &name, err);
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
  EKM_TRY(store_material_load(store, id->vault_id, id->lower, old->version, &sealed, err));
  EKM_TRY(store_material_open(store->seal, id->vault_id, id->lower, old, ekm_buf_view(&sealed), &der, err));
  vault_key changed = *old;
  apply(change, ekm_clock_wall_s(store->clock), &changed);
  EKM_TRY(store_material_close(store->seal, id->vault_id, id->lower, &changed, ekm_buf_view(&der), &resealed, err));
  EKM_TRY(store_version_put(store, id->vault_id, id->lower, &changed, ekm_buf_view(&resealed), err));
  EKM_TRY(store_reckon_rotation(store, id, &changed, err));
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

/* ---- rotation policies ------------------------------------------------------------------------------------------- */

bool vault_store_policy_get(vault_store *store, int64_t vault_id, const char *name,
                            char out_text[VAULT_ROTATION_TEXT_BYTES], ekm_err *err) {
  bool found = false;
  store_name row;
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const store_key_id id = {vault_id, lower, ""};

  out_text[0] = '\0';
  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  ekm_mutex_lock(&store->lock);
  bool ok = store_read_begin(store, err) && store_name_get(store, &id, &row, &found, err);
  store_db_rollback(store->db);
  ekm_mutex_unlock(&store->lock);
  if (!ok) return false;
  if (!found || row.deleted_at != 0) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", lower);
  memcpy(out_text, row.policy, sizeof row.policy);
  return true;
}

static bool put_policy(vault_store *store, const store_key_id *id, const char *text, ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_name old;
  const vault_key *newest = NULL;

  EKM_TRY(store_key_load(store, id, false, &newest, err));
  EKM_TRY(store_name_get(store, id, &old, &found, err));
  store_name name = old;
  EKM_TRY(ekm_text_copy(name.policy, sizeof name.policy, text, "a rotation policy", err));
  const vault_key_attributes *a = &newest->attributes;
  name.rotate_at = vault_rotation_due(name.policy, a->created, a->has_exp, a->exp);
  EKM_TRY(store_name_put(store, id, &old, &name, err));
  ok = true;
done:
  vault_key_release(&newest);
  return ok;
}

bool vault_store_policy_set(vault_store *store, int64_t vault_id, const char *name, const char *text, ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const store_key_id id = {vault_id, lower, ""};

  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  if (!store_write_begin(store, err)) return false;
  bool ok = put_policy(store, &id, text, err);
  store->epoch++;
  if (!store_write_end(store, ok, err)) return false;
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.key.policy", EKM_LOG_TEXT("name", lower));
  return true;
}

bool vault_store_put_off(vault_store *store, const vault_due *due, int64_t until, ekm_err *err) {
  bool found = false;
  store_name old;
  const store_key_id id = {due->vault_id, due->name, ""};
  if (!store_write_begin(store, err)) return false;
  bool ok = store_name_get(store, &id, &old, &found, err);
  store_name name = old;
  name.rotate_at = until;
  if (ok && found && old.rotate_at == due->at) ok = store_name_put(store, &id, &old, &name, err);
  store->epoch++;
  return store_write_end(store, ok, err);
}
