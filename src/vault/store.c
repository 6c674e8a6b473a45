#include "vault/store.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/text.h"
#include "vault/master_key.h"
#include "vault/store_master.h"
#include "vault/store_secret.h"
#include "vault/store_state.h"

enum { PATH_MAX_BYTES = 4096 };

static bool path_in(const vault_store_options *options, const char *name, ekm_buf *out, ekm_err *err) {
  ekm_buf_init(out, PATH_MAX_BYTES);
  ekm_buf_append_fmt(out, "%s/%s", options->folder, name);
  return ekm_buf_ok(out, "a path", err);
}

static bool master_key_path(const vault_store_options *options, ekm_buf *out, ekm_err *err) {
  if (options->master_key_file == NULL) return path_in(options, "master.key", out, err);
  ekm_buf_init(out, PATH_MAX_BYTES);
  ekm_buf_append_text(out, options->master_key_file);
  return ekm_buf_ok(out, "a path", err);
}

bool store_guid(const ekm_crypto *crypto, char out[STORE_GUID_BYTES], ekm_err *err) {
  static const uint8_t hyphen_before[16] = {[4] = 1, [6] = 1, [8] = 1, [10] = 1};
  const ekm_rng *rng = ekm_crypto_rng(crypto);
  uint8_t bytes[16];
  out[0] = '\0';
  if (!rng->fill(rng, bytes, sizeof bytes, err)) return false;
  bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
  bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
  char *at = out;
  for (size_t i = 0; i < sizeof bytes; i++) {
    if (hyphen_before[i] != 0) *at++ = '-';
    ekm_hex_text(ekm_view_of(&bytes[i], 1), at, 3);
    at += 2;
  }
  return true;
}

/* ---- create, open, close ----------------------------------------------------------------------------------------- */

bool vault_store_create(const vault_store_options *options, ekm_err *err) {
  bool ok = false;
  vault_seal *seal = NULL;
  store_db *db = NULL;
  ekm_secret key = {0};
  ekm_buf path, key_path;

  ekm_buf_init(&path, PATH_MAX_BYTES);
  ekm_buf_init(&key_path, PATH_MAX_BYTES);
  EKM_TRY(ekm_file_make_folder(options->folder, err));
  EKM_TRY(path_in(options, "vault.db", &path, err));
  EKM_TRY(master_key_path(options, &key_path, err));
  bool is_file = vault_master_key_is_file(ekm_buf_text(&key_path), &(ekm_err){0});
  if (is_file && !ekm_file_exists(ekm_buf_text(&key_path))) {
    /* A database whose master key is gone must not get another one. */
    if (ekm_file_exists(ekm_buf_text(&path))) EKM_BAIL(err, EKM_E_EXISTS, "'%s'", ekm_buf_text(&path));
    EKM_TRY(vault_master_key_make(ekm_buf_text(&key_path), options->master_key_in_token ? options->token : NULL,
                                  ekm_crypto_rng(options->crypto), err));
  }
  EKM_TRY(vault_master_key_read(ekm_buf_text(&key_path), options->token, &key, err));
  EKM_TRY(vault_seal_new(options->crypto, &key, &seal, err));
  EKM_TRY(store_db_open(ekm_buf_text(&path), true, seal, &db, err));
  EKM_TRY(store_master_write(db, options->crypto, err));
  EKM_TRY(store_db_commit(db, err));
  ok = true;
done:
  if (db != NULL) store_db_rollback(db);
  store_db_close(&db);
  vault_seal_free(&seal);
  ekm_secret_clear(&key);
  ekm_buf_clear(&path);
  ekm_buf_clear(&key_path);
  return ok;
}

static bool open_parts(vault_store *store, const vault_store_options *options, ekm_err *err) {
  bool ok = false;
  ekm_buf path, key_path;

  ekm_buf_init(&path, PATH_MAX_BYTES);
  ekm_buf_init(&key_path, PATH_MAX_BYTES);
  EKM_TRY(path_in(options, "vault.db", &path, err));
  EKM_TRY(master_key_path(options, &key_path, err));
  if (!ekm_file_exists(ekm_buf_text(&path))) {
    EKM_BAIL(err, EKM_E_ABSENT, "no vault in '%s'; run: akvd init --data '%s'", options->folder, options->folder);
  }
  store->path = ekm_text_dup(ekm_buf_text(&path), err);
  store->master_key = ekm_text_dup(ekm_buf_text(&key_path), err);
  EKM_TRY(store->path != NULL && store->master_key != NULL);
  EKM_TRY(store_master_open(store, ekm_buf_text(&path), err));
  EKM_TRY(
      store_cache_new(options->cached_keys == 0 ? VAULT_STORE_CACHED_KEYS : options->cached_keys, &store->cache, err));
  EKM_TRY(store_sync(store, err));
  ok = true;
done:
  ekm_buf_clear(&path);
  ekm_buf_clear(&key_path);
  return ok;
}

bool vault_store_open(const vault_store_options *options, vault_store **out_store, ekm_err *err) {
  *out_store = NULL;
  vault_store *store = ekm_mem_alloc(sizeof *store, err);
  if (store == NULL) return false;
  store->crypto = options->crypto;
  store->shop = (vault_workshop){options->crypto, options->token};
  store->master_key_in_token = options->master_key_in_token;
  store->clock = options->clock;
  store->log = options->log;
  store->max_keys = options->max_keys == 0 ? VAULT_STORE_KEYS_MAX : options->max_keys;
  store->max_versions = options->max_versions == 0 ? VAULT_STORE_VERSIONS_MAX : options->max_versions;
  store->due_epoch = UINT64_MAX; /* not read yet */
  ekm_mutex_init(&store->lock);
  if (!open_parts(store, options, err)) {
    ekm_log_err(store->log, EKM_LOG_ERROR, "vault.store", err);
    vault_store_close(&store);
    return false;
  }
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.store", EKM_LOG_TEXT("folder", options->folder),
          EKM_LOG_INT("vaults", store->dir->vault_count), EKM_LOG_INT("apps", store->dir->app_count));
  *out_store = store;
  return true;
}

void vault_store_use_clock(vault_store *store, const ekm_clock *clock) {
  store->clock = clock;
}

void vault_store_close(vault_store **store) {
  vault_store *own = *store;
  if (own == NULL) return;
  const vault_directory *dir = own->dir;
  vault_directory_release(&dir);
  store_cache_free(&own->cache);
  store_master_close(own);
  ekm_mem_free(own->path);
  ekm_mem_free(own);
  *store = NULL;
}

/* ---- what all calls share ---------------------------------------------------------------------------------------- */

/* In a transaction: read and check everything. */
static bool check_all(vault_store *store, ekm_err *err) {
  vault_seal_set set = {0};
  vault_directory *dir = NULL;
  int64_t seen;

  store->is_checked = false;
  store->counted_vault = 0;
  bool ok = store_master_follow(store, err) && store_db_changes(store->db, &seen, err) &&
            store_load_directory(store->db, &set, &dir, err) && store_load_keys(store->db, &set, err) &&
            store_db_check_set(store->db, &set, err);
  const vault_directory *old = ok ? store->dir : dir;
  if (ok) {
    store->dir = dir;
    store->seen = seen;
    store->is_checked = true;
    store_cache_clear(store->cache);
    store->epoch++;
  }
  vault_directory_release(&old);
  return ok;
}

static bool check_trust(const vault_store *store, ekm_err *err) {
  return !store->is_tampered || EKM_FAIL(err, EKM_E_STORE_TAMPERED, "a row does not fit its MAC; see the log");
}

bool store_sync(vault_store *store, ekm_err *err) {
  int64_t now;
  if (!check_trust(store, err)) return false;
  if (!store_db_changes(store->db, &now, err)) return false;
  if (store->is_checked && now == store->seen) return true;
  bool ok = store_db_begin_read(store->db, err) && check_all(store, err);
  store_db_rollback(store->db);
  if (!ok) ekm_log_err(store->log, EKM_LOG_ERROR, "vault.store", err);
  return ok;
}

bool store_read_begin(vault_store *store, ekm_err *err) {
  int64_t now;
  bool ok = check_trust(store, err) && store_db_begin_read(store->db, err) && store_db_changes(store->db, &now, err) &&
            ((store->is_checked && now == store->seen) || check_all(store, err));
  if (!ok) store_db_rollback(store->db);
  return ok;
}

bool store_write_begin(vault_store *store, ekm_err *err) {
  int64_t now;
  ekm_mutex_lock(&store->lock);
  bool ok = check_trust(store, err) && store_db_begin(store->db, err) && store_db_changes(store->db, &now, err) &&
            ((store->is_checked && now == store->seen) || check_all(store, err));
  if (ok) return true;
  store_db_rollback(store->db);
  ekm_log_err(store->log, EKM_LOG_ERROR, "vault.store", err);
  ekm_mutex_unlock(&store->lock);
  return false;
}

bool store_write_end(vault_store *store, bool ok, ekm_err *err) {
  if (ok)
    ok = store_db_commit(store->db, err);
  else
    store_db_rollback(store->db);
  if (!ok) store->counted_vault = 0;
  bool is_ours = !ok && (err->id == EKM_E_STORE || err->id == EKM_E_STORE_BUSY || err->id == EKM_E_STORE_BROKEN ||
                         err->id == EKM_E_STORE_TAMPERED);
  if (is_ours) ekm_log_err(store->log, EKM_LOG_ERROR, "vault.store", err);
  ekm_mutex_unlock(&store->lock);
  return ok;
}

bool vault_store_directory(vault_store *store, const vault_directory **out_dir, ekm_err *err) {
  *out_dir = NULL;
  ekm_mutex_lock(&store->lock);
  bool ok = store_sync(store, err);
  if (ok) *out_dir = vault_directory_retain(store->dir);
  ekm_mutex_unlock(&store->lock);
  return ok;
}

const ekm_key *vault_store_signer(const vault_store *store) {
  return store->signer;
}

const char *vault_store_signer_kid(const vault_store *store) {
  return store->signer_kid;
}

bool vault_store_check_secret(const vault_store *store, const vault_app *app, ekm_view secret,
                              vault_secret_check *out_check, ekm_err *err) {
  int64_t now = ekm_clock_wall_s(store->clock);
  *out_check = VAULT_SECRET_WRONG;
  for (size_t i = 0; i < app->secret_count; i++) {
    const vault_secret *known = &app->secrets[i];
    uint8_t hash[VAULT_SECRET_HASH_BYTES];
    if (!store_secret_hash(store->lasting, app->client_id, known->salt, secret, hash, err)) return false;
    if (!ekm_mem_equal(hash, known->hash, sizeof hash)) continue;
    bool is_over = known->expires != 0 && known->expires <= now;
    *out_check = is_over ? VAULT_SECRET_EXPIRED : VAULT_SECRET_RIGHT;
    if (!is_over) return true;
  }
  return true;
}

bool vault_store_copy(vault_store *store, const char *path, ekm_err *err) {
  const store_value to = store_text(path);
  ekm_mutex_lock(&store->lock);
  bool ok = store_sync(store, err) && store_db_run(store->db, STORE_COPY, &to, 1, err);
  ekm_mutex_unlock(&store->lock);
  return ok;
}

bool vault_store_count_keys(vault_store *store, size_t *out, ekm_err *err) {
  bool ok = true;
  *out = 0;
  ekm_mutex_lock(&store->lock);
  for (size_t i = 0; ok && i < store->dir->vault_count; i++) {
    bool found = false;
    store_row row = {0};
    const store_value vault = store_int(store->dir->vaults[i].id);
    ok = store_db_fetch(store->db, STORE_COUNT_KEYS, &vault, 1, &row, &found, err);
    if (ok && found) *out += (size_t)row.values[0].number;
    store_db_end(store->db, STORE_COUNT_KEYS);
  }
  ekm_mutex_unlock(&store->lock);
  return ok;
}

static bool verify(vault_store *store, const vault_seal *seal, ekm_err *err) {
  store_db *db = NULL;
  bool ok = store_db_open(store->path, false, seal, &db, err) && store_db_begin_read(db, err);
  for (int table = 0; ok && table < STORE_TABLES; table++) ok = store_load_rows(db, (store_table)table, NULL, err);
  if (db != NULL) store_db_rollback(db);
  store_db_close(&db);
  return ok;
}

bool vault_store_verify(vault_store *store, ekm_err *err) {
  for (;;) {
    ekm_mutex_lock(&store->lock);
    const vault_seal *seal = store->seal;
    bool ok = store_sync(store, err);
    ekm_mutex_unlock(&store->lock);
    if (!ok || verify(store, seal, err)) return ok;
    ekm_mutex_lock(&store->lock);
    ekm_err ignored = {0};
    bool is_current = !store_sync(store, &ignored) || seal == store->seal; /* else the master key is a new one */
    if (is_current && err->id == EKM_E_STORE_TAMPERED) {
      store->is_tampered = true;
      ekm_log_err(store->log, EKM_LOG_ERROR, "vault.store", err);
    }
    ekm_mutex_unlock(&store->lock);
    if (is_current) return false;
    ekm_err_clear(err);
  }
}
