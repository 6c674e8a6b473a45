#include "base/text.h"
#include "vault/store_key.h"
#include "vault/store_state.h"

/* Soft delete: a name's row says since when it is deleted and when it may be purged; its versions stay as they are. */

enum { SECONDS_PER_DAY = 86400 };

typedef struct name_change {
  const char *event; /* of the log */
  bool was_deleted;  /* what the name must be before */
  int64_t deleted_at, purge_at;
} name_change;

static bool put_deleted(vault_store *store, const store_key_id *id, const name_change *change, ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_row row;
  char spelling[EKM_LIMIT_KEY_NAME_CHARS + 1], newest[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  const store_value keys[] = {store_int(id->vault_id), store_text(id->lower)};

  EKM_TRY(store_db_get(store->db, STORE_KEY_NAME, keys, &row, &found, err));
  if (!found || (row.values[5].number != 0) != change->was_deleted)
    EKM_BAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", id->lower);
  EKM_TRY(ekm_text_copy(spelling, sizeof spelling, store_value_text(&row.values[2]), "a key name", err));
  EKM_TRY(ekm_text_copy(newest, sizeof newest, store_value_text(&row.values[3]), "a key version", err));
  const store_value values[] = {keys[0],
                                keys[1],
                                store_text(spelling),
                                store_text(newest),
                                row.values[4],
                                store_int(change->deleted_at),
                                store_int(change->purge_at)};
  EKM_TRY(store_db_put(store->db, STORE_KEY_NAME, values, err));
  ok = true;
done:
  store_db_end(store->db, STORE_GET(STORE_KEY_NAME));
  return ok;
}

/* With the write begun: change the name, give the newest version as it is then, and end. */
static bool change_name(vault_store *store, const store_key_id *id, const name_change *change,
                        const vault_key **out_key, ekm_err *err) {
  bool ok = put_deleted(store, id, change, err) && store_key_load(store, id, change->deleted_at != 0, out_key, err);
  store_cache_forget(store->cache, id->vault_id, id->lower);
  store->epoch++;
  ok = store_write_end(store, ok, err);
  if (ok)
    EKM_LOG(store->log, EKM_LOG_INFO, change->event, EKM_LOG_TEXT("name", id->lower));
  else
    vault_key_release(out_key);
  return ok;
}

static int64_t retention_of(const vault_store *store, int64_t vault_id) {
  for (size_t i = 0; i < store->dir->vault_count; i++) {
    if (store->dir->vaults[i].id == vault_id) return (int64_t)store->dir->vaults[i].retention_days * SECONDS_PER_DAY;
  }
  return 0;
}

bool vault_store_key_delete(vault_store *store, int64_t vault_id, const char *name, const vault_key **out_key,
                            ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const store_key_id id = {vault_id, lower, ""};
  int64_t now = ekm_clock_wall_s(store->clock);

  *out_key = NULL;
  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  if (!store_write_begin(store, err)) return false;
  const name_change change = {"vault.key.delete", false, now, now + retention_of(store, vault_id)};
  return change_name(store, &id, &change, out_key, err);
}

bool vault_store_deleted_recover(vault_store *store, int64_t vault_id, const char *name, const vault_key **out_key,
                                 ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const store_key_id id = {vault_id, lower, ""};
  static const name_change change = {"vault.key.recover", true, 0, 0};

  *out_key = NULL;
  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  return store_write_begin(store, err) && change_name(store, &id, &change, out_key, err);
}

bool vault_store_deleted_get(vault_store *store, int64_t vault_id, const char *name, const vault_key **out_key,
                             ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const store_key_id id = {vault_id, lower, ""};

  *out_key = NULL;
  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  ekm_mutex_lock(&store->lock);
  bool ok = store_key_load(store, &id, true, out_key, err);
  ekm_mutex_unlock(&store->lock);
  return ok;
}

static bool first_version(vault_store *store, const store_key_id *id, char out[EKM_LIMIT_KEY_VERSION_CHARS + 1],
                          bool *out_found, ekm_err *err) {
  store_row row;
  const store_value args[] = {store_int(id->vault_id), store_text(id->lower), store_text(""), store_int(1)};
  bool ok = store_db_query(store->db, STORE_VERSIONS, args, 4, err) &&
            store_db_next(store->db, STORE_VERSIONS, STORE_KEY_VERSION, &row, out_found, err) &&
            (!*out_found || ekm_text_copy(out, EKM_LIMIT_KEY_VERSION_CHARS + 1, store_value_text(&row.values[2]),
                                          "a key version", err));
  store_db_end(store->db, STORE_VERSIONS);
  return ok;
}

static bool destroy(vault_store *store, const store_key_id *id, ekm_err *err) {
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1] = "";
  const vault_key *key = NULL;
  bool found = true;
  bool ok = store_key_load(store, id, true, &key, err);
  vault_key_release(&key);
  while (ok) {
    ok = first_version(store, id, version, &found, err);
    const store_value keys[] = {store_int(id->vault_id), store_text(id->lower), store_text(version)};
    if (ok && !found) return store_db_remove(store->db, STORE_KEY_NAME, keys, err);
    ok = ok && store_db_remove(store->db, STORE_KEY_VERSION, keys, err) &&
         store_db_run(store->db, STORE_MATERIAL_REMOVE, keys, 3, err);
  }
  return false;
}

bool vault_store_deleted_purge(vault_store *store, int64_t vault_id, const char *name, ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const store_key_id id = {vault_id, lower, ""};

  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  if (!store_write_begin(store, err)) return false;
  if (!store_write_end(store, destroy(store, &id, err), err)) return false;
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.key.purge", EKM_LOG_TEXT("name", lower));
  return true;
}
