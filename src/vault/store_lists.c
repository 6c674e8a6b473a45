#include <string.h>

#include "base/text.h"
#include "vault/store_key.h"
#include "vault/store_state.h"

/* Pages of lists. One row more than the page is asked for tells whether there is a next page. */

static bool add_item(vault_store *store, const store_row *name, const char *version, vault_key_page *page,
                     ekm_err *err) {
  bool found = false;
  store_row version_row;
  vault_key borrowed;
  const store_value keys[] = {name->values[0], name->values[1], store_text(version)};
  bool ok = store_db_get(store->db, STORE_KEY_VERSION, keys, &version_row, &found, err);
  if (ok && !found) ok = EKM_FAIL(err, EKM_E_STORE_TAMPERED, "the newest version of a key is missing");
  ok = ok && store_key_read(name, &version_row, &borrowed, err) &&
       store_key_new(&borrowed, NULL, &page->items[page->count], err);
  if (ok) page->count++;
  store_db_end(store->db, STORE_GET(STORE_KEY_VERSION));
  return ok;
}

static bool list_names(vault_store *store, bool deleted, const store_value *args, size_t max, vault_key_page *page,
                       ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_row row;

  EKM_TRY(store_db_query(store->db, STORE_NAMES, args, 2, err));
  for (;;) {
    EKM_TRY(store_db_next(store->db, STORE_NAMES, STORE_KEY_NAME, &row, &found, err));
    if (found && (row.values[5].number != 0) != deleted) continue;
    if (!found || page->count == max) break;
    EKM_TRY(add_item(store, &row, store_value_text(&row.values[3]), page, err));
    EKM_TRY(ekm_text_copy(page->next, sizeof page->next, store_value_text(&row.values[1]), "a marker", err));
  }
  if (!found) page->next[0] = '\0';
  ok = true;
done:
  store_db_end(store->db, STORE_NAMES);
  return ok;
}

/* A list ends early or is empty for what cannot be a marker. */
static bool lower_marker(const char *after, char out[EKM_LIMIT_KEY_NAME_CHARS + 1]) {
  out[0] = '\0';
  if (after == NULL) return true;
  size_t len = strlen(after);
  if (len > EKM_LIMIT_KEY_NAME_CHARS) return false;
  memcpy(out, after, len + 1);
  ekm_text_lower(out);
  return true;
}

static bool list(vault_store *store, bool deleted, int64_t vault_id, const char *after, size_t max,
                 vault_key_page *out_page, ekm_err *err) {
  char marker[EKM_LIMIT_KEY_NAME_CHARS + 1];
  memset(out_page, 0, sizeof *out_page);
  if (max == 0 || max > VAULT_STORE_PAGE_MAX) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a page of %zu items", max);
  if (!lower_marker(after, marker)) return true;
  const store_value args[] = {store_int(vault_id), store_text(marker)};
  ekm_mutex_lock(&store->lock);
  bool ok = store_read_begin(store, err) && list_names(store, deleted, args, max, out_page, err);
  store_db_rollback(store->db);
  ekm_mutex_unlock(&store->lock);
  if (!ok) vault_key_page_clear(out_page);
  return ok;
}

bool vault_store_key_list(vault_store *store, int64_t vault_id, const char *after, size_t max, vault_key_page *out_page,
                          ekm_err *err) {
  return list(store, false, vault_id, after, max, out_page, err);
}

bool vault_store_deleted_list(vault_store *store, int64_t vault_id, const char *after, size_t max,
                              vault_key_page *out_page, ekm_err *err) {
  return list(store, true, vault_id, after, max, out_page, err);
}

static bool list_versions(vault_store *store, const store_value *args, vault_key_page *page, ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_row name, version;
  vault_key borrowed;
  size_t max = (size_t)args[3].number - 1;

  EKM_TRY(store_db_get(store->db, STORE_KEY_NAME, args, &name, &found, err));
  if (found && name.values[5].number == 0) {
    EKM_TRY(store_db_query(store->db, STORE_VERSIONS, args, 4, err));
    for (;;) {
      EKM_TRY(store_db_next(store->db, STORE_VERSIONS, STORE_KEY_VERSION, &version, &found, err));
      if (!found || page->count == max) break;
      EKM_TRY(store_key_read(&name, &version, &borrowed, err));
      EKM_TRY(store_key_new(&borrowed, NULL, &page->items[page->count], err));
      page->count++;
      EKM_TRY(ekm_text_copy(page->next, sizeof page->next, borrowed.version, "a marker", err));
    }
    if (!found) page->next[0] = '\0';
  }
  ok = true;
done:
  store_db_end(store->db, STORE_VERSIONS);
  store_db_end(store->db, STORE_GET(STORE_KEY_NAME));
  return ok;
}

bool vault_store_key_versions(vault_store *store, int64_t vault_id, const char *name, const char *after, size_t max,
                              vault_key_page *out_page, ekm_err *err) {
  ekm_err ignored = {0};
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1], marker[EKM_LIMIT_KEY_NAME_CHARS + 1];
  memset(out_page, 0, sizeof *out_page);
  if (max == 0 || max > VAULT_STORE_PAGE_MAX) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a page of %zu items", max);
  if (!store_key_name_is_valid(name, lower, &ignored) || !lower_marker(after, marker)) return true;
  const store_value args[] = {store_int(vault_id), store_text(lower), store_text(marker), store_int((int64_t)max + 1)};
  ekm_mutex_lock(&store->lock);
  bool ok = store_read_begin(store, err) && list_versions(store, args, out_page, err);
  store_db_rollback(store->db);
  ekm_mutex_unlock(&store->lock);
  if (!ok) vault_key_page_clear(out_page);
  return ok;
}
