#include "vault/store_master.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/text.h"
#include "vault/master_key.h"
#include "vault/store_key.h"
#include "vault/store_material.h"
#include "vault/store_schema.h"

enum { SIGNER_BITS = 2048, SIGNER_EXPONENT = 65537, PATH_MAX_BYTES = 4096, PROGRESS_EVERY = 25000 };

/* Columns of STORE_META_GET. */
enum { META_ID, META_CHECK, META_KID, META_SIGNER, META_LASTING };

/* ---- the row of meta --------------------------------------------------------------------------------------------- */

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

static bool make_lasting(const ekm_crypto *crypto, ekm_buf *out, ekm_err *err) {
  const ekm_rng *rng = ekm_crypto_rng(crypto);
  uint8_t *bytes = ekm_buf_extend(out, VAULT_MASTER_KEY_BYTES);
  return ekm_buf_ok(out, "a key", err) && rng->fill(rng, bytes, VAULT_MASTER_KEY_BYTES, err);
}

/* The three columns that hang on the master key. */
typedef struct meta_seals {
  uint8_t check[VAULT_SEAL_MAC_BYTES];
  ekm_buf signer, lasting;
} meta_seals;

static void seals_init(meta_seals *seals) {
  ekm_buf_init(&seals->signer, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&seals->lasting, STORE_SEALED_MAX_BYTES);
}

static void seals_clear(meta_seals *seals) {
  ekm_buf_clear(&seals->signer);
  ekm_buf_clear(&seals->lasting);
}

static bool make_seals(const vault_seal *seal, const char *database_id, const char *kid, ekm_view signer,
                       ekm_view lasting, meta_seals *out, ekm_err *err) {
  ekm_view id = ekm_view_text(database_id);
  return check_value(seal, database_id, kid, out->check, err) &&
         vault_seal_close(seal, ekm_view_text("signer"), id, signer, &out->signer, err) &&
         vault_seal_close(seal, ekm_view_text("lasting"), id, lasting, &out->lasting, err);
}

bool store_master_write(store_db *db, const ekm_crypto *crypto, ekm_err *err) {
  bool ok = false;
  char database_id[STORE_GUID_BYTES], kid[STORE_KID_BYTES];
  meta_seals seals;
  ekm_buf signer, lasting;

  seals_init(&seals);
  ekm_buf_init(&signer, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&lasting, VAULT_MASTER_KEY_BYTES);
  EKM_TRY(store_guid(crypto, database_id, err));
  EKM_TRY(make_signer(crypto, &signer, kid, err));
  EKM_TRY(make_lasting(crypto, &lasting, err));
  EKM_TRY(make_seals(store_db_seal(db), database_id, kid, ekm_buf_view(&signer), ekm_buf_view(&lasting), &seals, err));
  const store_value values[] = {store_text(database_id),
                                store_blob(ekm_view_of(seals.check, sizeof seals.check)),
                                store_text(kid),
                                store_blob(ekm_buf_view(&seals.signer)),
                                store_blob(ekm_buf_view(&seals.lasting)),
                                store_blob(ekm_view_of(NULL, 0))};
  EKM_TRY(store_db_run(db, STORE_META_PUT, values, sizeof values / sizeof values[0], err));
  ok = true;
done:
  seals_clear(&seals);
  ekm_buf_clear(&signer);
  ekm_buf_clear(&lasting);
  return ok;
}

static bool unseal(const vault_seal *seal, const char *what, const store_row *meta, int column, ekm_buf *out,
                   ekm_err *err) {
  return vault_seal_open(seal, ekm_view_text(what), meta->values[META_ID].bytes, meta->values[column].bytes, out, err);
}

/* What is in the row, by the seal that fits it. */
static bool take_meta(vault_store *store, const store_row *meta, ekm_err *err) {
  bool ok = false;
  ekm_secret key = {0};
  ekm_buf signer, lasting;

  ekm_buf_init(&signer, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&lasting, VAULT_MASTER_KEY_BYTES);
  EKM_TRY(ekm_text_copy(store->signer_kid, sizeof store->signer_kid, store_value_text(&meta->values[META_KID]),
                        "a key id", err));
  EKM_TRY(ekm_text_copy(store->database_id, sizeof store->database_id, store_value_text(&meta->values[META_ID]),
                        "a database id", err));
  EKM_TRY(unseal(store->seal, "signer", meta, META_SIGNER, &signer, err));
  EKM_TRY(ekm_key_from_pkcs8(store->crypto, ekm_buf_view(&signer), &store->signer, err));
  EKM_TRY(unseal(store->seal, "lasting", meta, META_LASTING, &lasting, err));
  EKM_TRY(ekm_secret_set(&key, ekm_buf_view(&lasting), err));
  EKM_TRY(vault_seal_new(store->crypto, &key, &store->lasting, err));
  ok = true;
done:
  ekm_secret_clear(&key);
  ekm_buf_clear(&signer);
  ekm_buf_clear(&lasting);
  return ok;
}

/* ---- which seal fits --------------------------------------------------------------------------------------------- */

static bool fits(const vault_seal *seal, const store_row *meta, bool *out_fits, ekm_err *err) {
  uint8_t check[VAULT_SEAL_MAC_BYTES];
  if (!check_value(seal, store_value_text(&meta->values[META_ID]), store_value_text(&meta->values[META_KID]), check,
                   err)) {
    return false;
  }
  ekm_view stored = meta->values[META_CHECK].bytes;
  *out_fits = stored.len == sizeof check && ekm_mem_equal(stored.ptr, check, sizeof check);
  return true;
}

static bool seal_of(const vault_workshop *shop, const char *path, vault_seal **out_seal, ekm_err *err) {
  ekm_secret key = {0};
  *out_seal = NULL;
  bool ok = vault_master_key_read(path, shop->token, &key, err) && vault_seal_new(shop->crypto, &key, out_seal, err);
  ekm_secret_clear(&key);
  return ok;
}

static bool path_of_new(const vault_store *store, ekm_buf *out, ekm_err *err) {
  ekm_buf_init(out, PATH_MAX_BYTES);
  ekm_buf_append_fmt(out, "%s.new", store->master_key);
  return ekm_buf_ok(out, "a path", err);
}

/* Steps 3 and 4 of the header. */
static bool put_in_place(const vault_store *store, const char *new_path, ekm_err *err) {
  ekm_buf text;
  ekm_buf_init(&text, PATH_MAX_BYTES);
  bool ok = ekm_file_read(new_path, &text, err) && ekm_file_write_private(store->master_key, ekm_buf_view(&text), err);
  if (ok) (void)remove(new_path);
  ekm_buf_clear(&text);
  return ok;
}

static bool try_seal(const vault_store *store, const char *path, const store_row *meta, vault_seal **out_seal,
                     bool *out_right, ekm_err *err) {
  *out_right = false;
  bool ok = seal_of(&store->shop, path, out_seal, err) && fits(*out_seal, meta, out_right, err);
  if (!ok || !*out_right) vault_seal_free(out_seal);
  return ok;
}

/* The seal of the master key that fits the row of meta: that of its file, or the one of a rotation that was cut short
 * (*${out_pending}). The file is looked at again behind the other, which a rotation may just have put in its place. */
static bool find_seal(const vault_store *store, const store_row *meta, vault_seal **out_seal, bool *out_pending,
                      ekm_err *err) {
  bool ok = false;
  bool right = false;
  ekm_err ignored = {0};
  ekm_buf new_path;

  *out_seal = NULL;
  *out_pending = false;
  EKM_TRY(path_of_new(store, &new_path, err));
  EKM_TRY(try_seal(store, store->master_key, meta, out_seal, &right, err));
  if (!right) *out_pending = try_seal(store, ekm_buf_text(&new_path), meta, out_seal, &right, &ignored) && right;
  if (!right) EKM_TRY(try_seal(store, store->master_key, meta, out_seal, &right, err));
  if (!right) EKM_BAIL(err, EKM_E_MASTER_KEY, "'%s'", store->master_key);
  ok = true;
done:
  ekm_buf_clear(&new_path);
  return ok;
}

static bool finish_rotation(const vault_store *store, ekm_err *err) {
  ekm_buf new_path;
  bool ok = path_of_new(store, &new_path, err) && put_in_place(store, ekm_buf_text(&new_path), err);
  ekm_buf_clear(&new_path);
  return ok;
}

static bool read_meta(vault_store *store, store_row *out, ekm_err *err) {
  bool found = false;
  *out = (store_row){0};
  if (!store_db_fetch(store->db, STORE_META_GET, NULL, 0, out, &found, err)) return false;
  return found || EKM_FAIL(err, EKM_E_STORE_TAMPERED, "the row of table 'meta' is missing");
}

bool store_master_open(vault_store *store, const char *db_path, ekm_err *err) {
  bool ok = false;
  bool pending = false;
  vault_seal *right = NULL;
  store_row meta;

  EKM_TRY(seal_of(&store->shop, store->master_key, &store->seal, err));
  EKM_TRY(store_db_open(db_path, false, store->seal, &store->db, err));
  EKM_TRY(read_meta(store, &meta, err));
  EKM_TRY(find_seal(store, &meta, &right, &pending, err));
  vault_seal_free(&store->seal);
  store->seal = right;
  EKM_TRY(store_db_use_seal(store->db, store->seal, err));
  EKM_TRY(take_meta(store, &meta, err));
  if (pending) EKM_TRY(finish_rotation(store, err));
  ok = true;
done:
  if (store->db != NULL) store_db_end(store->db, STORE_META_GET);
  return ok;
}

/* Others may be using the old seal outside of the lock: it is kept. */
static bool retire(vault_store *store, vault_seal *new, ekm_err *err) {
  if (store->retired_count == STORE_RETIRED_MAX) {
    return EKM_FAIL(err, EKM_E_MASTER_KEY, "the master key changed %d times under this server; start it anew",
                    STORE_RETIRED_MAX);
  }
  if (!store_db_use_seal(store->db, new, err)) return false;
  store->retired[store->retired_count++] = store->seal;
  store->seal = new;
  return true;
}

bool store_master_follow(vault_store *store, ekm_err *err) {
  bool ok = false;
  bool right = false;
  bool pending = false;
  vault_seal *new = NULL;
  store_row meta;

  EKM_TRY(read_meta(store, &meta, err));
  EKM_TRY(fits(store->seal, &meta, &right, err));
  if (!right) {
    EKM_TRY(find_seal(store, &meta, &new, &pending, err)); /* who rotates puts the file in its place */
    EKM_TRY(retire(store, new, err));
    new = NULL;
    EKM_LOG(store->log, EKM_LOG_INFO, "vault.master", EKM_LOG_TEXT("text", "the master key is a new one"));
  }
  ok = true;
done:
  store_db_end(store->db, STORE_META_GET);
  vault_seal_free(&new);
  return ok;
}

void store_master_close(vault_store *store) {
  store_db_close(&store->db);
  ekm_key_free(&store->signer);
  vault_seal_free(&store->seal);
  vault_seal_free(&store->lasting);
  for (size_t i = 0; i < store->retired_count; i++) vault_seal_free(&store->retired[i]);
  ekm_mem_free(store->master_key);
}

/* ---- rotation ---------------------------------------------------------------------------------------------------- */

typedef struct rotation {
  vault_store *store; /* reads, by the old seal */
  vault_seal *seal;   /* the new one */
  store_db *db;       /* writes, by the new one */
  const vault_progress *progress;
  size_t rows;
} rotation;

static bool move_material(rotation *r, const store_row *row, ekm_err *err) {
  bool ok = false;
  const store_value *v = row->values;
  vault_store *store = r->store;
  store_row name = {0};
  vault_key key;
  ekm_buf sealed, plain, resealed;

  ekm_buf_init(&sealed, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&plain, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&resealed, STORE_SEALED_MAX_BYTES);
  name.values[2] = v[1];
  const char *lower = store_value_text(&v[1]);
  EKM_TRY(store_key_read(&name, row, &key, err));
  EKM_TRY(store_material_load(store, v[0].number, lower, key.version, &sealed, err));
  EKM_TRY(store_material_open(store->seal, v[0].number, lower, &key, ekm_buf_view(&sealed), &plain, err));
  EKM_TRY(store_material_close(r->seal, v[0].number, lower, &key, ekm_buf_view(&plain), &resealed, err));
  const store_value material[] = {v[0], v[1], v[2], store_blob(ekm_buf_view(&resealed))};
  EKM_TRY(store_db_run(r->db, STORE_MATERIAL_PUT, material, 4, err));
  ok = true;
done:
  ekm_buf_clear(&sealed);
  ekm_buf_clear(&plain);
  ekm_buf_clear(&resealed);
  return ok;
}

static bool move_table(rotation *r, store_table table, ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_row row;
  store_query scan = STORE_SCAN(table);

  EKM_TRY(store_db_query(r->store->db, scan, NULL, 0, err));
  for (;;) {
    EKM_TRY(store_db_next(r->store->db, scan, table, &row, &found, err));
    if (!found) break;
    EKM_TRY(store_db_put_anew(r->db, table, row.values, err));
    if (table == STORE_KEY_VERSION) EKM_TRY(move_material(r, &row, err));
    if (r->progress != NULL && ++r->rows % PROGRESS_EVERY == 0) r->progress->say(r->progress->arg, r->rows);
  }
  ok = true;
done:
  store_db_end(r->store->db, scan);
  return ok;
}

static bool move_meta(rotation *r, ekm_err *err) {
  bool ok = false;
  vault_store *store = r->store;
  store_row meta;
  meta_seals seals;
  ekm_buf signer, lasting;

  seals_init(&seals);
  ekm_buf_init(&signer, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&lasting, STORE_SEALED_MAX_BYTES);
  EKM_TRY(read_meta(store, &meta, err));
  EKM_TRY(unseal(store->seal, "signer", &meta, META_SIGNER, &signer, err));
  EKM_TRY(unseal(store->seal, "lasting", &meta, META_LASTING, &lasting, err));
  EKM_TRY(make_seals(r->seal, store->database_id, store->signer_kid, ekm_buf_view(&signer), ekm_buf_view(&lasting),
                     &seals, err));
  const store_value values[] = {store_blob(ekm_view_of(seals.check, sizeof seals.check)),
                                store_blob(ekm_buf_view(&seals.signer)), store_blob(ekm_buf_view(&seals.lasting))};
  EKM_TRY(store_db_run(r->db, STORE_META_RESEAL, values, sizeof values / sizeof values[0], err));
  ok = true;
done:
  store_db_end(store->db, STORE_META_GET);
  seals_clear(&seals);
  ekm_buf_clear(&signer);
  ekm_buf_clear(&lasting);
  return ok;
}

/* Nobody else writes while this runs; it reads what was there before. */
static bool move_all(rotation *r, ekm_err *err) {
  bool ok = store_db_begin_anew(r->db, err) && store_read_begin(r->store, err);
  for (int table = 0; ok && table < STORE_TABLES; table++) ok = move_table(r, (store_table)table, err);
  ok = ok && move_meta(r, err);
  store_db_rollback(r->store->db); /* the end of reading */
  ok = ok && store_db_commit(r->db, err);
  if (!ok) store_db_rollback(r->db);
  return ok;
}

/* A master key that was wrapped stays wrapped. */
static bool make_new(const vault_store *store, const char *path, ekm_err *err) {
  ekm_token_key wrapper;
  bool wrapped = false;
  if (!vault_master_key_wrapped_by(store->master_key, &wrapper, &wrapped, err)) return false;
  ekm_token *token = wrapped || store->master_key_in_token ? store->shop.token : NULL;
  return vault_master_key_make(path, token, ekm_crypto_rng(store->crypto), err);
}

/* What wraps a file that is not there any more has no use; nothing breaks if it stays in the token. */
static void drop_wrapper(const vault_store *store, const ekm_token_key *wrapper) {
  if (store->shop.token != NULL) (void)!ekm_token_destroy(store->shop.token, wrapper, &(ekm_err){0});
}

static void drop_new(const vault_store *store, const char *path) {
  ekm_token_key wrapper;
  bool wrapped = false;
  if (vault_master_key_wrapped_by(path, &wrapper, &wrapped, &(ekm_err){0}) && wrapped) drop_wrapper(store, &wrapper);
  (void)remove(path);
}

static bool replace(const vault_store *store, const char *new_path, ekm_err *err) {
  ekm_token_key old;
  bool wrapped = false;
  if (!vault_master_key_wrapped_by(store->master_key, &old, &wrapped, err)) return false;
  if (!put_in_place(store, new_path, err)) return false;
  if (wrapped) drop_wrapper(store, &old);
  return true;
}

bool vault_store_master_rotate(vault_store *store, const vault_progress *progress, ekm_err *err) {
  bool ok = false;
  rotation r = {.store = store, .progress = progress};
  ekm_buf new_path, db_path;

  ekm_mutex_lock(&store->lock);
  ekm_buf_init(&db_path, PATH_MAX_BYTES);
  EKM_TRY(path_of_new(store, &new_path, err));
  EKM_TRY(vault_master_key_is_file(store->master_key, err));
  ekm_buf_append_text(&db_path, store->path);
  EKM_TRY(ekm_buf_ok(&db_path, "a path", err));
  EKM_TRY(store_sync(store, err)); /* what is left of a rotation that was cut short was settled when this was opened */
  drop_new(store, ekm_buf_text(&new_path));
  EKM_TRY(make_new(store, ekm_buf_text(&new_path), err));
  EKM_TRY(seal_of(&store->shop, ekm_buf_text(&new_path), &r.seal, err));
  EKM_TRY(store_db_open(ekm_buf_text(&db_path), false, r.seal, &r.db, err));
  if (!move_all(&r, err)) {
    drop_new(store, ekm_buf_text(&new_path));
    goto done;
  }
  EKM_TRY(replace(store, ekm_buf_text(&new_path), err));
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.master.rotate", EKM_LOG_INT("rows", r.rows));
  ok = true;
done:
  store_db_close(&r.db);
  vault_seal_free(&r.seal);
  ekm_buf_clear(&new_path);
  ekm_buf_clear(&db_path);
  ekm_mutex_unlock(&store->lock);
  return ok;
}
