/* The backup of one key, as the service hands it to whoever has the permission: a blob that only this folder opens.
 *
 *   "akvd key backup 1" NUL | database id, 36 characters | nonce, ciphertext and tag of seal.h
 *
 *   sealed with identity "key backup", associated data = the head with tenant and kind of the vault; inside:
 *
 *   name      spelling, newest, created, rotation policy
 *   version   the 17 columns of key_version, then the private key as PKCS#8; as often as there are versions
 *
 *   value     'i' and 8 bytes big-endian | 't' or 'b', 8 bytes of length, bytes, a NUL behind 't'
 *
 * Whose backup it is, is in clear in its head, so that a foreign one is told from a damaged one. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "vault/store_key.h"
#include "vault/store_material.h"
#include "vault/store_name.h"

static const char magic[] = "akvd key backup 1";
enum { HEAD_BYTES = sizeof magic + VAULT_GUID_CHARS, NAME_VALUES = 4, LENGTH_BYTES = 8, AAD_MAX_BYTES = 512 };

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void write_values(const store_value *values, size_t count, ekm_buf *out) {
  for (size_t i = 0; i < count; i++) {
    bool is_int = values[i].type == STORE_INT;
    uint64_t number = is_int ? (uint64_t)values[i].number : values[i].bytes.len;
    ekm_buf_append_char(out, "itb"[values[i].type]);
    for (int shift = 56; shift >= 0; shift -= 8) ekm_buf_append_char(out, (char)(number >> shift & 0xFF));
    if (!is_int) ekm_buf_append_view(out, values[i].bytes);
    if (values[i].type == STORE_TEXT) ekm_buf_append_char(out, '\0');
  }
}

static bool take(ekm_view *from, size_t len, ekm_view *out) {
  if (from->len < len) return false;
  *out = ekm_view_of(from->ptr, len);
  *from = ekm_view_of(from->ptr + len, from->len - len);
  return true;
}

/* A text has its NUL behind it, where store_value_text wants it. */
static bool read_value(ekm_view *from, store_value *out) {
  ekm_view head, bytes, end;
  uint64_t number = 0;
  if (!take(from, 1 + LENGTH_BYTES, &head)) return false;
  for (size_t i = 1; i < head.len; i++) number = number << 8 | head.ptr[i];
  if (head.ptr[0] == 'i') {
    *out = store_int((int64_t)number);
    return true;
  }
  if (number > from->len || !take(from, (size_t)number, &bytes)) return false;
  *out = store_blob(bytes);
  if (head.ptr[0] == 'b') return true;
  out->type = STORE_TEXT;
  return head.ptr[0] == 't' && take(from, 1, &end) && end.ptr[0] == 0 && memchr(bytes.ptr, 0, bytes.len) == NULL;
}

static bool read_values(ekm_view *from, size_t count, store_value *out) {
  bool ok = true;
  for (size_t i = 0; i < count && ok; i++) ok = read_value(from, &out[i]);
  return ok;
}

/* ---- the seal ---------------------------------------------------------------------------------------------------- */

/* For which vaults a backup is: those of the tenant and kind. */
static void context_of(const vault_store *store, const vault_info *vault, ekm_buf *aad) {
  ekm_buf_append(aad, magic, sizeof magic);
  ekm_buf_append_fmt(aad, "%s %s %s", store->database_id, vault->tenant, vault->is_hsm ? "hsm" : "vault");
}

static bool close_backup(const vault_store *store, const vault_info *vault, ekm_view inside, ekm_buf *out_blob,
                         ekm_err *err) {
  ekm_buf aad;
  ekm_buf_init(&aad, AAD_MAX_BYTES);
  context_of(store, vault, &aad);
  ekm_buf_append(out_blob, magic, sizeof magic);
  ekm_buf_append_text(out_blob, store->database_id);
  bool ok = ekm_buf_ok(&aad, "a backup's head", err) &&
            vault_seal_close(store->lasting, ekm_view_text("key backup"), ekm_buf_view(&aad), inside, out_blob, err);
  ekm_buf_clear(&aad);
  return ok;
}

static bool open_backup(const vault_store *store, const vault_info *vault, ekm_view blob, ekm_buf *out_inside,
                        ekm_err *err) {
  ekm_buf aad;
  ekm_view head;
  bool is_one = take(&blob, sizeof magic, &head) && ekm_view_equal(head, ekm_view_of(magic, sizeof magic)) &&
                take(&blob, VAULT_GUID_CHARS, &head);
  if (!is_one) return EKM_FAIL(err, EKM_E_MISMATCH, "it is no backup of a key");
  if (!ekm_view_equal(head, ekm_view_text(store->database_id))) {
    return EKM_FAIL(err, EKM_E_MISMATCH, "it was made by another akvd");
  }
  ekm_buf_init(&aad, AAD_MAX_BYTES);
  context_of(store, vault, &aad);
  bool ok = ekm_buf_ok(&aad, "a backup's head", err) &&
            vault_seal_open(store->lasting, ekm_view_text("key backup"), ekm_buf_view(&aad), blob, out_inside, err);
  ekm_buf_clear(&aad);
  if (ok || err->id != EKM_E_STORE_TAMPERED) return ok;
  ekm_err_clear(err);
  return EKM_FAIL(err, EKM_E_MISMATCH, "it was changed, or is of another tenant or kind of vault");
}

/* ---- backup ------------------------------------------------------------------------------------------------------ */

static bool append_version(vault_store *store, const store_key_id *id, const store_row *row, const store_name *name,
                           ekm_buf *out, ekm_err *err) {
  bool ok = false;
  store_row name_row = {0};
  vault_key key;
  ekm_buf sealed, der;

  ekm_buf_init(&sealed, STORE_SEALED_MAX_BYTES);
  ekm_buf_init(&der, STORE_SEALED_MAX_BYTES);
  name_row.values[2] = store_text(name->spelling);
  EKM_TRY(store_key_read(&name_row, row, &key, err));
  if (key.in_token) EKM_BAIL(err, EKM_E_NOT_SUPPORTED, "the key is in a token, which it never leaves");
  EKM_TRY(store_material_load(store, id->vault_id, id->lower, key.version, &sealed, err));
  EKM_TRY(store_material_open(store->seal, id->vault_id, id->lower, &key, ekm_buf_view(&sealed), &der, err));
  const store_value material = store_blob(ekm_buf_view(&der));
  write_values(row->values, STORE_KEY_COLUMNS, out);
  write_values(&material, 1, out);
  ok = true;
done:
  ekm_buf_clear(&sealed);
  ekm_buf_clear(&der);
  return ok;
}

/* In a transaction. */
static bool append_all(vault_store *store, const store_key_id *id, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_name name;
  store_row row;
  const store_value args[] = {store_int(id->vault_id), store_text(id->lower), store_text(""), store_int(INT32_MAX)};

  EKM_TRY(store_name_get(store, id, &name, &found, err));
  if (!found || name.deleted_at != 0) EKM_BAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", id->lower);
  const store_value values[NAME_VALUES] = {store_text(name.spelling), store_text(name.newest), store_int(name.created),
                                           store_text(name.policy)};
  write_values(values, NAME_VALUES, out);
  EKM_TRY(store_db_query(store->db, STORE_VERSIONS, args, 4, err));
  for (;;) {
    EKM_TRY(store_db_next(store->db, STORE_VERSIONS, STORE_KEY_VERSION, &row, &found, err));
    if (!found) break;
    EKM_TRY(append_version(store, id, &row, &name, out, err));
  }
  EKM_TRY(ekm_buf_ok(out, "a backup of a key", err));
  ok = true;
done:
  store_db_end(store->db, STORE_VERSIONS);
  return ok;
}

bool vault_store_key_backup(vault_store *store, int64_t vault_id, const char *name, ekm_buf *out_blob, ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const store_key_id id = {vault_id, lower, ""};
  ekm_buf inside;

  if (!store_key_name_is_valid(name, lower, err)) return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "'%s'", name);
  ekm_buf_init(&inside, EKM_LIMIT_KEY_BACKUP_BYTES - AAD_MAX_BYTES);
  ekm_mutex_lock(&store->lock);
  const vault_info *vault = vault_directory_vault_by_id(store->dir, vault_id);
  bool ok = vault != NULL || EKM_FAIL(err, EKM_E_ABSENT, "the vault is not known");
  ok = ok && store_read_begin(store, err) && append_all(store, &id, &inside, err);
  store_db_rollback(store->db);
  ok = ok && close_backup(store, vault, ekm_buf_view(&inside), out_blob, err) && ekm_buf_ok(out_blob, "a backup", err);
  ekm_mutex_unlock(&store->lock);
  ekm_buf_clear(&inside);
  if (ok) EKM_LOG(store->log, EKM_LOG_INFO, "vault.key.backup", EKM_LOG_TEXT("name", lower));
  return ok;
}

/* ---- restore ----------------------------------------------------------------------------------------------------- */

static bool broken(ekm_err *err) {
  return EKM_FAIL(err, EKM_E_MISMATCH, "it is damaged");
}

/* With the write begun: one version, sealed anew for its place. */
static bool put_version(vault_store *store, const store_key_id *id, const store_row *name_row, ekm_view *from,
                        ekm_err *err) {
  bool ok = false;
  store_row row = {0};
  store_value material;
  vault_key key;
  ekm_buf sealed;

  ekm_buf_init(&sealed, STORE_SEALED_MAX_BYTES);
  if (!read_values(from, STORE_KEY_COLUMNS, row.values) || !read_values(from, 1, &material)) EKM_TRY(broken(err));
  EKM_TRY(store_key_read(name_row, &row, &key, err));
  EKM_TRY(store_material_close(store->seal, id->vault_id, id->lower, &key, material.bytes, &sealed, err));
  EKM_TRY(store_version_put(store, id->vault_id, id->lower, &key, ekm_buf_view(&sealed), err));
  ok = true;
done:
  ekm_buf_clear(&sealed);
  return ok;
}

static bool check_free(vault_store *store, const store_key_id *id, const char *spelling, ekm_err *err) {
  bool found = false;
  store_name old;
  if (!store_name_get(store, id, &old, &found, err)) return false;
  if (found) return EKM_FAIL(err, old.deleted_at == 0 ? EKM_E_EXISTS : EKM_E_KEY_DELETED, "%s", spelling);
  return store_check_room(store, id, true, false, err);
}

static bool put_name(vault_store *store, const store_key_id *id, const store_value values[NAME_VALUES], ekm_err *err) {
  store_name name = {.created = values[2].number};
  return check_free(store, id, store_value_text(&values[0]), err) &&
         ekm_text_copy(name.spelling, sizeof name.spelling, store_value_text(&values[0]), "a key name", err) &&
         ekm_text_copy(name.newest, sizeof name.newest, store_value_text(&values[1]), "a key version", err) &&
         ekm_text_copy(name.policy, sizeof name.policy, store_value_text(&values[3]), "a policy", err) &&
         store_name_put(store, id, NULL, &name, err);
}

static bool put_all(vault_store *store, int64_t vault_id, ekm_view inside, const vault_key **out_key, ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const store_key_id id = {vault_id, lower, ""};
  store_value values[NAME_VALUES];
  store_row name_row = {0};

  if (!read_values(&inside, NAME_VALUES, values)) return broken(err);
  if (!store_key_name_is_valid(store_value_text(&values[0]), lower, err) || !put_name(store, &id, values, err)) {
    return false;
  }
  name_row.values[2] = values[0];
  while (inside.len > 0) {
    if (!put_version(store, &id, &name_row, &inside, err)) return false;
  }
  store_cache_forget(store->cache, vault_id, lower);
  return store_key_load(store, &id, false, out_key, err) && store_reckon_rotation(store, &id, *out_key, err);
}

bool vault_store_key_restore(vault_store *store, int64_t vault_id, ekm_view blob, const vault_key **out_key,
                             ekm_err *err) {
  ekm_buf inside;
  *out_key = NULL;
  ekm_buf_init(&inside, EKM_LIMIT_KEY_BACKUP_BYTES);
  if (!store_write_begin(store, err)) return false;
  const vault_info *vault = vault_directory_vault_by_id(store->dir, vault_id);
  bool ok = vault != NULL || EKM_FAIL(err, EKM_E_ABSENT, "the vault is not known");
  ok = ok && open_backup(store, vault, blob, &inside, err) &&
       put_all(store, vault_id, ekm_buf_view(&inside), out_key, err);
  store->epoch++;
  ok = store_write_end(store, ok, err);
  ekm_buf_clear(&inside);
  if (!ok) vault_key_release(out_key);
  if (ok && *out_key != NULL)
    EKM_LOG(store->log, EKM_LOG_INFO, "vault.key.restore", EKM_LOG_TEXT("name", (*out_key)->name));
  return ok;
}
