#include "vault/key_params.h"

#include <string.h>

#include "base/text.h"

static const int64_t last_time = 253402300799; /* the end of the year 9999 */

void vault_key_params_init(vault_key_params *params) {
  memset(params, 0, sizeof *params);
  params->attributes.enabled = true;
  ekm_buf_init(&params->tags, VAULT_TAGS_TEXT_BYTES);
  ekm_buf_init(&params->release, VAULT_RELEASE_TEXT_BYTES);
}

void vault_key_params_clear(vault_key_params *params) {
  ekm_buf_clear(&params->tags);
  ekm_buf_clear(&params->release);
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
  if (exportable != NULL && !json_is_boolean(exportable)) return vault_refuse(x, VAULT_FAULT_PROPERTY, "exportable");
  out->exportable = json_is_true(exportable);
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

/* Its data is a JSON object in base64url. */
static bool is_policy_data(const json_t *policy) {
  ekm_err ignored = {0};
  json_t *doc = NULL;
  ekm_buf text;
  ekm_buf_init(&text, VAULT_RELEASE_TEXT_BYTES);
  bool ok = ekm_json_bytes(policy, "data", &text, &ignored) && ekm_json_parse(ekm_buf_view(&text), &doc, &ignored);
  ekm_json_free(&doc);
  ekm_buf_clear(&text);
  return ok;
}

static bool read_release(vault_exchange *x, const json_t *policy, vault_key_params *out) {
  if (policy == NULL) return true;
  const json_t *type = vault_member(policy, "contentType");
  const json_t *immutable = vault_member(policy, "immutable");
  bool shaped = json_is_object(policy) && (type == NULL || json_is_string(type)) &&
                (immutable == NULL || json_is_boolean(immutable)) && is_policy_data(policy);
  if (!shaped) return vault_refuse(x, VAULT_FAULT_PROPERTY, "release_policy");
  json_t *doc = json_pack("{s:s, s:s, s:b}", "contentType",
                          type == NULL ? "application/json; charset=utf-8" : json_string_value(type), "data",
                          ekm_json_text(policy, "data"), "immutable", json_is_true(immutable));
  bool ok = doc == NULL ? EKM_FAIL(&x->err, EKM_E_OUT_OF_MEMORY, "for a release policy")
                        : ekm_json_write(doc, &out->release, &x->err);
  ekm_json_free(&doc);
  out->set |= VAULT_SET_RELEASE;
  return ok;
}

bool vault_key_params_read(vault_exchange *x, const json_t *body, const json_t *ops_holder, vault_key_params *out) {
  return read_release(x, vault_member(body, "release_policy"), out) &&
         read_attributes(x, vault_member(body, "attributes"), out) &&
         read_ops(x, vault_member(ops_holder, "key_ops"), out) && read_tags(x, vault_member(body, "tags"), out);
}
