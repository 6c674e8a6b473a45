#include "vault/store_name.h"

#include <string.h>

#include "base/text.h"

/* Columns behind the primary key. */
enum { SPELLING = 2, NEWEST, CREATED, DELETED_AT, PURGE_AT, ROTATE_AT, POLICY };

bool store_name_get(vault_store *store, const store_key_id *id, store_name *out, bool *out_found, ekm_err *err) {
  bool ok = false;
  store_row row;
  const store_value keys[] = {store_int(id->vault_id), store_text(id->lower)};

  memset(out, 0, sizeof *out);
  EKM_TRY(store_db_get(store->db, STORE_KEY_NAME, keys, &row, out_found, err));
  if (*out_found) {
    const store_value *v = row.values;
    out->created = v[CREATED].number;
    out->deleted_at = v[DELETED_AT].number;
    out->purge_at = v[PURGE_AT].number;
    out->rotate_at = v[ROTATE_AT].number;
    EKM_TRY(ekm_text_copy(out->spelling, sizeof out->spelling, store_value_text(&v[SPELLING]), "a key name", err));
    EKM_TRY(ekm_text_copy(out->newest, sizeof out->newest, store_value_text(&v[NEWEST]), "a key version", err));
    EKM_TRY(ekm_text_copy(out->policy, sizeof out->policy, store_value_text(&v[POLICY]), "a policy", err));
  }
  ok = true;
done:
  store_db_end(store->db, STORE_GET(STORE_KEY_NAME));
  return ok;
}

/* The row of 'due' that belongs to a name; false if there is none. */
static bool due_of(const store_key_id *id, const store_name *name, store_value out[4]) {
  bool is_deleted = name->deleted_at != 0;
  int64_t at = is_deleted ? name->purge_at : name->rotate_at;
  out[0] = store_int(at);
  out[1] = store_int(id->vault_id);
  out[2] = store_text(id->lower);
  out[3] = store_int(is_deleted ? STORE_DUE_PURGE : STORE_DUE_ROTATION);
  return at != 0;
}

bool store_name_put(vault_store *store, const store_key_id *id, const store_name *old, const store_name *new,
                    ekm_err *err) {
  store_value due[4];
  if (old != NULL && due_of(id, old, due) && !store_db_remove(store->db, STORE_DUE, due, err)) return false;
  if (due_of(id, new, due) && !store_db_put(store->db, STORE_DUE, due, err)) return false;
  const store_value values[] = {
      store_int(id->vault_id),  store_text(id->lower),     store_text(new->spelling),
      store_text(new->newest),  store_int(new->created),   store_int(new->deleted_at),
      store_int(new->purge_at), store_int(new->rotate_at), store_text(new->policy),
  };
  if (old == NULL && store->counted_vault == id->vault_id) store->counted++;
  return store_db_put(store->db, STORE_KEY_NAME, values, err);
}

bool store_name_remove(vault_store *store, const store_key_id *id, const store_name *old, ekm_err *err) {
  store_value due[4];
  const store_value keys[] = {store_int(id->vault_id), store_text(id->lower)};
  if (due_of(id, old, due) && !store_db_remove(store->db, STORE_DUE, due, err)) return false;
  if (store->counted_vault == id->vault_id) store->counted--;
  return store_db_remove(store->db, STORE_KEY_NAME, keys, err);
}
