#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "vault/store_key.h"
#include "vault/store_material.h"
#include "vault/store_name.h"
#include "vault/store_state.h"

/* Soft delete: a name's row says since when it is deleted and when it may be purged; its versions stay as they are. */

enum { SECONDS_PER_DAY = 86400 };

typedef struct name_change {
  const char *event; /* of the log */
  bool was_deleted;  /* what the name must be before */
  int64_t deleted_at, purge_at;
} name_change;

/* A name in the state that is asked for; KEY_NOT_FOUND. */
static bool find_name(vault_store *store, const store_key_id *id, bool deleted, store_name *out, ekm_err *err) {
  bool found = false;
  if (!store_name_get(store, id, out, &found, err)) return false;
  return (found && (out->deleted_at != 0) == deleted) || EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", id->lower);
}

static bool put_deleted(vault_store *store, const store_key_id *id, const name_change *change, ekm_err *err) {
  store_name old;
  if (!find_name(store, id, change->was_deleted, &old, err)) return false;
  store_name name = old;
  name.deleted_at = change->deleted_at;
  name.purge_at = change->purge_at;
  return store_name_put(store, id, &old, &name, err);
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
  const vault_info *vault = vault_directory_vault_by_id(store->dir, vault_id);
  return vault == NULL ? 0 : (int64_t)vault->retention_days * SECONDS_PER_DAY;
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
  bool ok = store_read_begin(store, err) && store_key_load(store, &id, true, out_key, err);
  store_db_rollback(store->db);
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

/* Private keys in a token go with their versions, but only when those are gone for good: a token knows no rollback. */
typedef struct doomed {
  vault_material **items;
  size_t count;
} doomed;

static bool doom(vault_store *store, const store_key_id *id, const vault_key *key, doomed *list, ekm_err *err) {
  ekm_buf sealed, plain;
  ekm_buf_init(&sealed, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&plain, STORE_SEALED_MAX_BYTES);
  vault_material **grown = ekm_mem_grow(list->items, list->count, list->count + 1, sizeof *grown, err);
  if (grown != NULL) list->items = grown;
  bool ok = grown != NULL && store_material_load(store, id->vault_id, id->lower, key->version, &sealed, err) &&
            store_material_open(store->seal, id->vault_id, id->lower, key, ekm_buf_view(&sealed), &plain, err) &&
            vault_material_read(&store->shop, ekm_buf_view(&plain), &list->items[list->count], err);
  if (ok) list->count++;
  ekm_buf_clear(&sealed);
  ekm_buf_clear(&plain);
  return ok;
}

/* What the token refuses to destroy is logged: it is out of reach anyway. */
static void end_doomed(const vault_store *store, doomed *list, bool destroy) {
  for (size_t i = 0; i < list->count; i++) {
    ekm_err err = {0};
    bool ok = !destroy || vault_material_destroy(list->items[i], &err);
    if (!ok) ekm_log_err(store->log, EKM_LOG_ERROR, "vault.token", &err);
    vault_material_free(&list->items[i]);
  }
  ekm_mem_free(list->items);
}

static bool remove_version(vault_store *store, const store_key_id *id, const char *version, doomed *list,
                           ekm_err *err) {
  const vault_key *key = NULL;
  const store_key_id one = {id->vault_id, id->lower, version};
  const store_value keys[] = {store_int(id->vault_id), store_text(id->lower), store_text(version)};
  bool ok = store_key_load(store, &one, true, &key, err) && (!key->in_token || doom(store, id, key, list, err)) &&
            store_db_remove(store->db, STORE_KEY_VERSION, keys, err) &&
            store_db_run(store->db, STORE_MATERIAL_REMOVE, keys, 3, err);
  vault_key_release(&key);
  return ok;
}

static bool remove_all(vault_store *store, const store_key_id *id, int64_t at, doomed *list, ekm_err *err) {
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1] = "";
  store_name name;
  bool found = true;
  bool ok = find_name(store, id, true, &name, err);
  if (ok && name.purge_at > at) ok = EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s' is kept for longer", id->lower);
  while (ok) {
    ok = first_version(store, id, version, &found, err);
    if (ok && !found) return store_name_remove(store, id, &name, err);
    ok = ok && remove_version(store, id, version, list, err);
  }
  return false;
}

static bool purge(vault_store *store, const store_key_id *id, int64_t at, ekm_err *err) {
  doomed list = {NULL, 0};
  if (!store_write_begin(store, err)) return false;
  bool ok = remove_all(store, id, at, &list, err);
  store->epoch++;
  ok = store_write_end(store, ok, err);
  end_doomed(store, &list, ok);
  if (ok) EKM_LOG(store->log, EKM_LOG_INFO, "vault.key.purge", EKM_LOG_TEXT("name", id->lower));
  return ok;
}

bool vault_store_deleted_purge(vault_store *store, int64_t vault_id, const char *name, ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const store_key_id id = {vault_id, lower, ""};
  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  return purge(store, &id, INT64_MAX, err);
}

/* ---- what is due ------------------------------------------------------------------------------------------------- */

static bool read_due(vault_store *store, vault_due *out, ekm_err *err) {
  bool found = false;
  store_row row;
  memset(out, 0, sizeof *out);
  bool ok = store_db_query(store->db, STORE_NEXT_DUE, NULL, 0, err) &&
            store_db_next(store->db, STORE_NEXT_DUE, STORE_DUE, &row, &found, err);
  out->at = INT64_MAX;
  if (ok && found) {
    out->at = row.values[0].number;
    out->vault_id = row.values[1].number;
    out->is_purge = row.values[3].number == STORE_DUE_PURGE;
    ok = ekm_text_copy(out->name, sizeof out->name, store_value_text(&row.values[2]), "a key name", err);
  }
  store_db_end(store->db, STORE_NEXT_DUE);
  return ok;
}

bool vault_store_next_due(vault_store *store, vault_due *out, ekm_err *err) {
  ekm_mutex_lock(&store->lock);
  bool ok = store_read_begin(store, err) && read_due(store, &store->due, err);
  store_db_rollback(store->db);
  store->due_epoch = store->epoch;
  *out = store->due;
  ekm_mutex_unlock(&store->lock);
  return ok;
}

bool vault_store_is_due(vault_store *store, int64_t now, bool *out_due, ekm_err *err) {
  bool ok = true;
  ekm_mutex_lock(&store->lock);
  if (store->due_epoch != store->epoch) {
    ok = store_read_begin(store, err) && read_due(store, &store->due, err);
    store_db_rollback(store->db);
  }
  if (ok) store->due_epoch = store->epoch;
  *out_due = ok && store->due.at <= now;
  ekm_mutex_unlock(&store->lock);
  return ok;
}

bool vault_store_due_of(vault_store *store, int64_t vault_id, const char *name, int64_t now, vault_due *out,
                        bool *out_due, ekm_err *err) {
  bool found = false;
  store_name row;
  const store_key_id id = {vault_id, out->name, ""};
  memset(out, 0, sizeof *out);
  *out_due = false;
  if (!store_key_name_is_valid(name, out->name, err)) return false;
  ekm_mutex_lock(&store->lock);
  bool ok = store_read_begin(store, err) && store_name_get(store, &id, &row, &found, err);
  store_db_rollback(store->db);
  ekm_mutex_unlock(&store->lock);
  if (!ok || !found) return ok;
  out->vault_id = vault_id;
  out->is_purge = row.deleted_at != 0;
  out->at = out->is_purge ? row.purge_at : row.rotate_at;
  *out_due = out->at != 0 && out->at <= now;
  return true;
}

bool vault_store_purge_due(vault_store *store, const vault_due *due, int64_t now, ekm_err *err) {
  const store_key_id id = {due->vault_id, due->name, ""};
  return purge(store, &id, now, err);
}
