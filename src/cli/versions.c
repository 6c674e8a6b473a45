#include "cli/versions.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { FIRST_VERSIONS = 16 };

void versions_clear(version_list *list) {
  for (size_t i = 0; i < list->count; i++) ekm_mem_free(list->items[i].means);
  ekm_mem_free(list->items);
  *list = (version_list){.inv = list->inv};
}

keyring_match versions_row_match(const key_version *version, const inventory_row *row) {
  return version->means[row->thumb];
}

keyring_match versions_need(const version_list *list, const key_version *version) {
  keyring_match most = KEYRING_MATCH_NONE;
  for (size_t i = 0; i < list->inv->count; i++) {
    const inventory_row *row = &list->inv->rows[i];
    keyring_match match = row->kind == INVENTORY_KEY ? KEYRING_MATCH_NONE : versions_row_match(version, row);
    if (match > most) most = match;
  }
  return most;
}

const inventory_row *versions_first_need(const version_list *list, const key_version *version) {
  for (size_t i = 0; i < list->inv->count; i++) {
    const inventory_row *row = &list->inv->rows[i];
    if (row->kind != INVENTORY_KEY && versions_row_match(version, row) == KEYRING_MATCH_KEY) return row;
  }
  return NULL;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static key_version *add(version_list *list, ekm_err *err) {
  size_t thumbs = list->inv->thumb_count;
  if (list->count >= EKM_LIMIT_KEYS_PER_VAULT) {
    (void)EKM_FAIL(err, EKM_E_LIMIT, "too many key versions");
    return NULL;
  }
  if (list->count == list->cap) {
    size_t cap = list->cap == 0 ? FIRST_VERSIONS : 2 * list->cap;
    key_version *grown = ekm_mem_grow(list->items, list->cap, cap, sizeof *grown, err);
    if (grown == NULL) return NULL;
    list->items = grown;
    list->cap = cap;
  }
  key_version *item = &list->items[list->count];
  item->means = ekm_mem_array(thumbs == 0 ? 1 : thumbs, sizeof item->means[0], err);
  if (item->means == NULL) return NULL;
  list->count++;
  return item;
}

/* A page of the list says which versions there are, and when they were made. */
typedef struct listing {
  version_list *list;
  const char *name;
} listing;

static bool add_listed(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  const listing *l = arg;
  key_version *item = add(l->list, err);
  if (item == NULL) return false;
  item->created_s = created_s;
  return ekm_text_copy(item->name, sizeof item->name, l->name, "a key name", err) &&
         ekm_text_copy(item->version, sizeof item->version, text, "a version", err);
}

static bool match(const reach *r, const version_list *list, akv_key *key, key_version *out, ekm_err *err) {
  const inventory *inv = list->inv;
  keyring_record record;
  ekm_view *thumbs = ekm_mem_array(inv->thumb_count + 1, sizeof *thumbs, err);
  if (thumbs == NULL) return false;
  for (size_t i = 0; i < inv->thumb_count; i++) thumbs[i] = inventory_thumb_view(inv, i);
  keyring_record_init(&record);
  memcpy(record.name, key->name, sizeof record.name);
  memcpy(record.version, key->version, sizeof record.version);
  record.is_rsa = key->is_rsa;
  record.is_aes = key->is_aes;
  record.bits = key->bits;
  ekm_buf_append_view(&record.n, ekm_buf_view(&key->n));
  ekm_buf_append_view(&record.e, ekm_buf_view(&key->e));
  bool ok = ekm_buf_ok(&record.n, "a modulus", err) && ekm_buf_ok(&record.e, "an exponent", err) &&
            keyring_match_thumbs(r->crypto, &record, thumbs, inv->thumb_count, out->means, err);
  keyring_record_clear(&record);
  ekm_mem_free(thumbs);
  return ok;
}

static bool look_at(reach *r, const version_list *list, key_version *item, ekm_err *err) {
  akv_key key;
  const akv_call call = reach_call();
  akv_key_init(&key);
  bool ok = akv_get_key(r->client, item->name, item->version, &call, &key, err);
  item->enabled = key.enabled;
  item->expires_s = key.expires_s;
  ok = ok && match(r, list, &key, item, err);
  akv_key_clear(&key);
  return ok;
}

static int by_age(const void *a, const void *b) {
  const key_version *x = a, *y = b;
  if (x->is_newest != y->is_newest) return x->is_newest ? -1 : 1;
  if (x->created_s != y->created_s) return x->created_s > y->created_s ? -1 : 1;
  return strcmp(x->version, y->version);
}

bool versions_of_key(reach *r, const char *name, version_list *list, ekm_err *err) {
  bool ok = false;
  akv_key newest;
  const akv_call call = reach_call();
  size_t first = list->count;
  akv_key_init(&newest);
  EKM_TRY(akv_get_key(r->client, name, NULL, &call, &newest, err));
  listing l = {list, newest.name};
  EKM_TRY(akv_list_versions(r->client, name, &call, (akv_sink){add_listed, &l}, err));
  for (size_t i = first; i < list->count; i++) {
    key_version *item = &list->items[i];
    item->is_newest = ekm_text_ieq(item->version, newest.version);
    EKM_TRY(look_at(r, list, item, err));
  }
  if (list->count > first) qsort(list->items + first, list->count - first, sizeof list->items[0], by_age);
  ok = true;
done:
  akv_key_clear(&newest);
  return ok;
}
