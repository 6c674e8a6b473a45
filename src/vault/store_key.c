#include "vault/store_key.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* "No time" in a column that cannot be NULL; every time that a request can name is allowed beside it. */
static const int64_t no_time = INT64_MIN;

typedef struct key_object {
  vault_key key; /* first: what callers hold is the object */
  atomic_int refs;
  vault_material *material;
} key_object;

static key_object *object_of(const vault_key *key) {
  return (key_object *)(uintptr_t)key; /* the count is the one member that changes */
}

static void *append(uint8_t **at, const void *bytes, size_t len) {
  uint8_t *start = *at;
  if (len > 0) memcpy(start, bytes, len);
  *at += len;
  return start;
}

bool store_key_new(const vault_key *like, vault_material **material, const vault_key **out_key, ekm_err *err) {
  size_t name_bytes = strlen(like->name) + 1;
  size_t tags_bytes = like->tags == NULL ? 0 : strlen(like->tags) + 1;
  size_t policy_bytes = like->release_policy == NULL ? 0 : strlen(like->release_policy) + 1;

  *out_key = NULL;
  size_t number_bytes = like->n.len + like->e.len + like->x.len + like->y.len;
  key_object *object = ekm_mem_alloc(sizeof *object + name_bytes + tags_bytes + policy_bytes + number_bytes, err);
  if (object == NULL) {
    if (material != NULL) vault_material_free(material);
    return false;
  }
  uint8_t *at = (uint8_t *)(object + 1);
  object->key = *like;
  object->key.name = append(&at, like->name, name_bytes);
  if (like->tags != NULL) object->key.tags = append(&at, like->tags, tags_bytes);
  if (policy_bytes > 0) object->key.release_policy = append(&at, like->release_policy, policy_bytes);
  object->key.n.ptr = append(&at, like->n.ptr, like->n.len);
  object->key.e.ptr = append(&at, like->e.ptr, like->e.len);
  object->key.x.ptr = append(&at, like->x.ptr, like->x.len);
  object->key.y.ptr = append(&at, like->y.ptr, like->y.len);
  atomic_init(&object->refs, 1);
  if (material != NULL) {
    object->material = *material;
    *material = NULL;
  }
  object->key.material = object->material;
  *out_key = &object->key;
  return true;
}

const vault_key *store_key_retain(const vault_key *key) {
  (void)atomic_fetch_add_explicit(&object_of(key)->refs, 1, memory_order_relaxed);
  return key;
}

void vault_key_release(const vault_key **key) {
  key_object *object = *key == NULL ? NULL : object_of(*key);
  *key = NULL;
  if (object == NULL || atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1) return;
  vault_material_free(&object->material);
  ekm_mem_free(object);
}

void vault_key_page_clear(vault_key_page *page) {
  for (size_t i = 0; i < page->count; i++) vault_key_release(&page->items[i]);
  memset(page, 0, sizeof *page);
}

bool store_key_read(const store_row *name, const store_row *version, vault_key *out, ekm_err *err) {
  const store_value *v = version->values;
  const char *tags = store_value_text(&v[13]);
  const char *release_policy = store_value_text(&v[15]);
  bool is_ec = v[4].bytes.len > 0;
  *out = (vault_key){
      .name = store_value_text(&name->values[2]),
      .attributes = {.enabled = v[7].number != 0,
                     .has_nbf = v[8].number != no_time,
                     .has_exp = v[9].number != no_time,
                     .created = v[10].number,
                     .updated = v[11].number},
      .ops = (vault_key_ops)v[12].number,
      .tags = tags[0] == '\0' ? NULL : tags,
      .exportable = v[14].number != 0,
      .release_policy = release_policy[0] == '\0' ? NULL : release_policy,
      .in_token = v[16].number != 0,
      .deleted_at = name->values[5].number,
      .purge_at = name->values[6].number,
  };
  *(is_ec ? &out->x : &out->n) = v[5].bytes;
  *(is_ec ? &out->y : &out->e) = v[6].bytes;
  if (out->attributes.has_nbf) out->attributes.nbf = v[8].number;
  if (out->attributes.has_exp) out->attributes.exp = v[9].number;
  return ekm_text_copy(out->version, sizeof out->version, store_value_text(&v[2]), "a key version", err) &&
         ekm_text_copy(out->kty, sizeof out->kty, store_value_text(&v[3]), "a key type", err) &&
         ekm_text_copy(out->crv, sizeof out->crv, store_value_text(&v[4]), "a curve", err);
}

void store_key_values(int64_t vault_id, const char *lower_name, const vault_key *key,
                      store_value out[STORE_KEY_COLUMNS]) {
  const vault_key_attributes *a = &key->attributes;
  const store_value values[STORE_KEY_COLUMNS] = {
      store_int(vault_id),
      store_text(lower_name),
      store_text(key->version),
      store_text(key->kty),
      store_text(key->crv),
      store_blob(key->crv[0] == '\0' ? key->n : key->x),
      store_blob(key->crv[0] == '\0' ? key->e : key->y),
      store_int(a->enabled ? 1 : 0),
      store_int(a->has_nbf ? a->nbf : no_time),
      store_int(a->has_exp ? a->exp : no_time),
      store_int(a->created),
      store_int(a->updated),
      store_int(key->ops),
      store_text(key->tags == NULL ? "" : key->tags),
      store_int(key->exportable ? 1 : 0),
      store_text(key->release_policy == NULL ? "" : key->release_policy),
      store_int(key->in_token ? 1 : 0),
  };
  memcpy(out, values, sizeof values);
}

void store_key_identity(int64_t vault_id, const char *lower_name, const char *version, ekm_buf *out) {
  ekm_buf_append_fmt(out, "key %lld %s %s", (long long)vault_id, lower_name, version);
}

bool store_key_name_is_valid(const char *name, char out_lower[EKM_LIMIT_KEY_NAME_CHARS + 1], ekm_err *err) {
  size_t len = strlen(name);
  out_lower[0] = '\0';
  if (len > EKM_LIMIT_KEY_NAME_CHARS) return EKM_FAIL(err, EKM_E_KEY_NAME_TOO_LONG, "%zu characters", len);
  if (len == 0 || !ekm_text_is_made_of(name, len, "-")) return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "'%s'", name);
  memcpy(out_lower, name, len + 1);
  ekm_text_lower(out_lower);
  return true;
}
