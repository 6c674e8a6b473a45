#include "vault/key_params.h"

#include <string.h>

#include "base/text.h"

static const int64_t last_time = 253402300799; /* the end of the year 9999 */

void vault_key_params_init(vault_key_params *params) {
  memset(params, 0, sizeof *params);
  params->attributes.enabled = true;
  ekm_buf_init(&params->tags, VAULT_TAGS_TEXT_BYTES);
}

void vault_key_params_clear(vault_key_params *params) {
  ekm_buf_clear(&params->tags);
}

json_t *vault_member(const json_t *object, const char *name) {
  json_t *member = json_object_get(object, name);
  return json_is_null(member) ? NULL : member;
}

static bool read_time(vault_exchange *x, const json_t *attributes, const char *name, bool *out_has, int64_t *out) {
  const json_t *member = vault_member(attributes, name);
  if (member == NULL) return true;
  if (!json_is_integer(member) || json_integer_value(member) < 0 || json_integer_value(member) > last_time) {
    return vault_refuse(x, VAULT_FAULT_PROPERTY, name);
  }
  *out_has = true;
  *out = json_integer_value(member);
  return true;
}

static bool read_attributes(vault_exchange *x, const json_t *attributes, vault_key_params *out) {
  if (attributes == NULL) return true;
  if (!json_is_object(attributes)) return vault_refuse(x, VAULT_FAULT_PROPERTY, "attributes");
  const json_t *enabled = vault_member(attributes, "enabled");
  const json_t *exportable = vault_member(attributes, "exportable");
  vault_key_attributes *to = &out->attributes;
  if (enabled != NULL && !json_is_boolean(enabled)) return vault_refuse(x, VAULT_FAULT_PROPERTY, "enabled");
  if (exportable != NULL && !json_is_false(exportable)) return vault_refuse(x, VAULT_FAULT_NOT_OFFERED, "exportable");
  if (!read_time(x, attributes, "nbf", &to->has_nbf, &to->nbf)) return false;
  if (!read_time(x, attributes, "exp", &to->has_exp, &to->exp)) return false;
  if (enabled != NULL) to->enabled = json_is_true(enabled);
  out->set |= (enabled != NULL ? VAULT_SET_ENABLED : 0u) | (to->has_nbf ? VAULT_SET_NBF : 0u) |
              (to->has_exp ? VAULT_SET_EXP : 0u);
  return true;
}

static bool read_ops(vault_exchange *x, const json_t *list, vault_key_params *out) {
  size_t i;
  json_t *each;

  if (list == NULL) return true;
  if (!json_is_array(list)) return vault_refuse(x, VAULT_FAULT_PROPERTY, "key_ops");
  json_array_foreach(list, i, each) {
    vault_key_ops op = json_is_string(each) ? vault_key_op_of(json_string_value(each), json_string_length(each)) : 0;
    if (op == 0) return vault_refuse(x, VAULT_FAULT_KEY_OPS, json_is_string(each) ? json_string_value(each) : "");
    out->ops |= op;
  }
  out->set |= VAULT_SET_OPS;
  return true;
}

/* Characters, not bytes: every byte of UTF-8 that does not continue one. */
static size_t count_chars(const char *text) {
  size_t count = 0;
  for (; *text != '\0'; text++) count += ((unsigned char)*text & 0xC0) != 0x80;
  return count;
}

static bool read_tags(vault_exchange *x, json_t *tags, vault_key_params *out) {
  const char *name;
  json_t *value;

  if (tags == NULL) return true;
  if (!json_is_object(tags)) return vault_refuse(x, VAULT_FAULT_PROPERTY, "tags");
  if (json_object_size(tags) > VAULT_TAGS_MAX) return vault_refuse(x, VAULT_FAULT_TAGS, "");
  json_object_foreach(tags, name, value) {
    if (!json_is_string(value)) return vault_refuse(x, VAULT_FAULT_PROPERTY, "tags");
    if (count_chars(name) > VAULT_TAG_MAX_CHARS || count_chars(json_string_value(value)) > VAULT_TAG_MAX_CHARS) {
      return vault_refuse(x, VAULT_FAULT_TAGS, "");
    }
  }
  if (!ekm_json_write(tags, &out->tags, &x->err)) return false;
  out->set |= VAULT_SET_TAGS;
  return true;
}

bool vault_key_params_read(vault_exchange *x, const json_t *body, const json_t *ops_holder, vault_key_params *out) {
  if (vault_member(body, "release_policy") != NULL) return vault_refuse(x, VAULT_FAULT_NOT_OFFERED, "release_policy");
  return read_attributes(x, vault_member(body, "attributes"), out) &&
         read_ops(x, vault_member(ops_holder, "key_ops"), out) && read_tags(x, vault_member(body, "tags"), out);
}
