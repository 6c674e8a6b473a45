#include "vault/store.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/text.h"
#include "vault/master_key.h"
#include "vault/store_secret.h"
#include "vault/store_state.h"

enum { PATH_MAX_BYTES = 4096, SIGNER_BITS = 2048, SIGNER_EXPONENT = 65537 };

/* Columns of STORE_META_GET. */
enum { META_ID, META_CHECK, META_KID, META_SIGNER };

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

static bool seal_from_file(const vault_store_options *options, const char *path, vault_seal **out_seal, ekm_err *err) {
  ekm_secret key = {0};
  *out_seal = NULL;
  bool ok = vault_master_key_read(path, &key, err) && vault_seal_new(options->crypto, &key, out_seal, err);
  ekm_secret_clear(&key);
  return ok;
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

/* ---- the one row of meta: check value and signing key ------------------------------------------------------------ */

static bool check_value(const vault_seal *seal, const char *database_id, const char *kid,
                        uint8_t out[VAULT_SEAL_MAC_BYTES], ekm_err *err) {
  ekm_buf data;
  ekm_buf_init(&data, 256);
  ekm_buf_append_fmt(&data, "%s %s", database_id, kid);
  bool ok =
      ekm_buf_ok(&data, "a check value", err) && vault_seal_mac(seal, VAULT_SEAL_CHECK, ekm_buf_view(&data), out, err);
  ekm_buf_clear(&data);
  return ok;
}

static bool make_signer(const ekm_crypto *crypto, ekm_buf *out_der, char kid[STORE_KID_BYTES], ekm_err *err) {
  uint8_t id[(STORE_KID_BYTES - 1) / 2];
  ekm_key *key = NULL;
  const ekm_rng *rng = ekm_crypto_rng(crypto);
  bool ok = rng->fill(rng, id, sizeof id, err) &&
            ekm_key_generate_rsa(crypto, SIGNER_BITS, SIGNER_EXPONENT, &key, err) &&
            ekm_key_to_pkcs8(key, out_der, err);
  ekm_hex_text(ekm_view_of(id, sizeof id), kid, STORE_KID_BYTES);
  ekm_key_free(&key);
  return ok;
}

static bool write_meta(store_db *db, const ekm_crypto *crypto, ekm_err *err) {
  bool ok = false;
  char database_id[STORE_GUID_BYTES], kid[STORE_KID_BYTES];
  uint8_t check[VAULT_SEAL_MAC_BYTES];
  const vault_seal *seal = store_db_seal(db);
  ekm_buf der, sealed;

  ekm_buf_init(&der, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&sealed, STORE_SEALED_MAX_BYTES);
  EKM_TRY(store_guid(crypto, database_id, err));
  EKM_TRY(make_signer(crypto, &der, kid, err));
  EKM_TRY(check_value(seal, database_id, kid, check, err));
  EKM_TRY(
      vault_seal_close(seal, ekm_view_text("signer"), ekm_view_text(database_id), ekm_buf_view(&der), &sealed, err));
  const store_value values[] = {store_text(database_id), store_blob(ekm_view_of(check, sizeof check)), store_text(kid),
                                store_blob(ekm_buf_view(&sealed)), store_blob(ekm_view_of(NULL, 0))};
  EKM_TRY(store_db_run(db, STORE_META_PUT, values, sizeof values / sizeof values[0], err));
  ok = true;
done:
  ekm_buf_clear(&der);
  ekm_buf_clear(&sealed);
  return ok;
}

static bool open_signer(vault_store *store, const store_row *meta, ekm_err *err) {
  bool ok = false;
  ekm_buf der;

  ekm_buf_init(&der, STORE_SEALED_MAX_BYTES);
  EKM_TRY(ekm_text_copy(store->signer_kid, sizeof store->signer_kid, store_value_text(&meta->values[META_KID]),
                        "a key id", err));
  EKM_TRY(vault_seal_open(store->seal, ekm_view_text("signer"), meta->values[META_ID].bytes,
                          meta->values[META_SIGNER].bytes, &der, err));
  EKM_TRY(ekm_key_from_pkcs8(store->crypto, ekm_buf_view(&der), &store->signer, err));
  ok = true;
done:
  ekm_buf_clear(&der);
  return ok;
}

static bool read_meta(vault_store *store, const char *master_path, ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_row meta = {0};
  uint8_t check[VAULT_SEAL_MAC_BYTES];

  EKM_TRY(store_db_fetch(store->db, STORE_META_GET, NULL, 0, &meta, &found, err));
  if (!found) EKM_BAIL(err, EKM_E_STORE_TAMPERED, "the row of table 'meta' is missing");
  EKM_TRY(check_value(store->seal, store_value_text(&meta.values[META_ID]), store_value_text(&meta.values[META_KID]),
                      check, err));
  ekm_view stored = meta.values[META_CHECK].bytes;
  if (stored.len != sizeof check || !ekm_mem_equal(stored.ptr, check, sizeof check)) {
    EKM_BAIL(err, EKM_E_MASTER_KEY, "'%s'", master_path);
  }
  EKM_TRY(open_signer(store, &meta, err));
  EKM_TRY(ekm_text_copy(store->database_id, sizeof store->database_id, store_value_text(&meta.values[META_ID]),
                        "a database id", err));
  ok = true;
done:
  store_db_end(store->db, STORE_META_GET);
  return ok;
}

/* ---- create, open, close ----------------------------------------------------------------------------------------- */

bool vault_store_create(const vault_store_options *options, ekm_err *err) {
  bool ok = false;
  vault_seal *seal = NULL;
  store_db *db = NULL;
  ekm_buf path, key_path;

  ekm_buf_init(&path, PATH_MAX_BYTES);
  ekm_buf_init(&key_path, PATH_MAX_BYTES);
  EKM_TRY(ekm_file_make_folder(options->folder, err));
  EKM_TRY(path_in(options, "vault.db", &path, err));
  EKM_TRY(master_key_path(options, &key_path, err));
  if (!ekm_file_exists(ekm_buf_text(&key_path))) {
    /* A database whose master key is gone must not get another one. */
    if (ekm_file_exists(ekm_buf_text(&path))) EKM_BAIL(err, EKM_E_EXISTS, "'%s'", ekm_buf_text(&path));
    EKM_TRY(vault_master_key_make(ekm_buf_text(&key_path), ekm_crypto_rng(options->crypto), err));
  }
  EKM_TRY(seal_from_file(options, ekm_buf_text(&key_path), &seal, err));
  EKM_TRY(store_db_open(ekm_buf_text(&path), true, seal, &db, err));
  EKM_TRY(write_meta(db, options->crypto, err));
  EKM_TRY(store_db_commit(db, err));
  ok = true;
done:
  if (db != NULL) store_db_rollback(db);
  store_db_close(&db);
  vault_seal_free(&seal);
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
  EKM_TRY(seal_from_file(options, ekm_buf_text(&key_path), &store->seal, err));
  EKM_TRY(store_db_open(ekm_buf_text(&path), false, store->seal, &store->db, err));
  EKM_TRY(read_meta(store, ekm_buf_text(&key_path), err));
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
  store_db_close(&own->db);
  ekm_key_free(&own->signer);
  vault_seal_free(&own->seal);
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
  bool ok = store_db_changes(store->db, &seen, err) && store_load_directory(store->db, &set, &dir, err) &&
            store_load_keys(store->db, &set, err) && store_db_check_set(store->db, &set, err);
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

bool store_sync(vault_store *store, ekm_err *err) {
  int64_t now;
  if (!store_db_changes(store->db, &now, err)) return false;
  if (store->is_checked && now == store->seen) return true;
  bool ok = store_db_begin_read(store->db, err) && check_all(store, err);
  store_db_rollback(store->db);
  if (!ok) ekm_log_err(store->log, EKM_LOG_ERROR, "vault.store", err);
  return ok;
}

bool store_write_begin(vault_store *store, ekm_err *err) {
  int64_t now;
  ekm_mutex_lock(&store->lock);
  bool ok = store_db_begin(store->db, err) && store_db_changes(store->db, &now, err) &&
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
    if (!store_secret_hash(store->seal, app->client_id, known->salt, secret, hash, err)) return false;
    if (!ekm_mem_equal(hash, known->hash, sizeof hash)) continue;
    bool is_over = known->expires != 0 && known->expires <= now;
    *out_check = is_over ? VAULT_SECRET_EXPIRED : VAULT_SECRET_RIGHT;
    if (!is_over) return true;
  }
  return true;
}
