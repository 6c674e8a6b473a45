/* Get, list and list versions, of keys and of deleted keys. A page of a list ends with a link to the next one:
 *
 *   {"value":[...],"nextLink":"https://local.vault.localhost:443/keys?api-version=7.4&$skiptoken=...&maxresults=25"}
 *
 * $skiptoken is base64url of {"NextMarker":"<last name>","TargetLocation":0}, as the real service's; the last page has
 * "nextLink":null. */
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "vault/key_body.h"
#include "vault/keys_api.h"
#include "vault/service.h"

enum { SKIP_TOKEN_MAX_BYTES = 1024, LINK_MAX_BYTES = 2048 };

/* What a list is of. */
typedef struct list_kind {
  const char *path;
  bool (*read)(vault_exchange *x, const char *after, size_t max, vault_key_page *out_page);
  json_t *(*item)(const vault_exchange *x, const vault_key *key);
} list_kind;

bool vault_keys_failed(vault_exchange *x) {
  char id[EKM_LIMIT_KEY_NAME_CHARS + EKM_LIMIT_KEY_VERSION_CHARS + 2];
  const char *slash = x->key_version[0] == '\0' ? "" : "/";
  (void)snprintf(id, sizeof id, "%s%s%s", x->key_name, slash, x->key_version);
  switch (x->err.id) {
    case EKM_E_KEY_NOT_FOUND: return vault_refuse(x, VAULT_FAULT_KEY_NOT_FOUND, id);
    case EKM_E_KEY_DELETED: return vault_refuse(x, VAULT_FAULT_KEY_IS_DELETED, x->key_name);
    case EKM_E_EXISTS: return vault_refuse(x, VAULT_FAULT_CONFLICT, x->key_name);
    case EKM_E_LIMIT: return vault_refuse(x, VAULT_FAULT_LIMIT, x->err.detail);
    case EKM_E_KEY_NAME_BAD:
    case EKM_E_KEY_NAME_TOO_LONG: return vault_refuse(x, VAULT_FAULT_NAME, x->key_name);
    default: return false;
  }
}

bool vault_deleted_failed(vault_exchange *x) {
  if (x->err.id == EKM_E_KEY_NOT_FOUND) return vault_refuse(x, VAULT_FAULT_DELETED_NOT_FOUND, x->key_name);
  return vault_keys_failed(x);
}

bool vault_keys_get(vault_exchange *x) {
  const vault_key *key = NULL;
  if (!vault_store_key_get(x->service->store, x->vault->id, x->key_name, x->key_version, &key, &x->err)) {
    return vault_keys_failed(x);
  }
  vault_exchange_uses(x, key);
  bool ok = vault_answer_json(&x->answer, 200, vault_key_bundle(x, key), &x->err);
  vault_key_release(&key);
  return ok;
}

static bool take_max_results(vault_exchange *x, size_t *out) {
  const char *text = x->request.max_results;
  *out = VAULT_STORE_PAGE_MAX;
  if (text == NULL) return true;
  size_t len = strlen(text);
  size_t value = 0;
  if (len == 0 || len > 2 || strspn(text, "0123456789") != len) return vault_refuse(x, VAULT_FAULT_MAX_RESULTS, "");
  for (size_t i = 0; i < len; i++) value = value * 10 + (size_t)(text[i] - '0');
  if (value < 1 || value > VAULT_STORE_PAGE_MAX) return vault_refuse(x, VAULT_FAULT_MAX_RESULTS, "");
  *out = value;
  return true;
}

static bool take_marker(vault_exchange *x, char out[EKM_LIMIT_KEY_NAME_CHARS + 1]) {
  const char *token = x->request.skip_token;
  json_t *doc = NULL;
  ekm_err ignored = {0};
  ekm_buf text;

  out[0] = '\0';
  if (token == NULL || token[0] == '\0') return true;
  ekm_buf_init(&text, SKIP_TOKEN_MAX_BYTES);
  bool ok = ekm_b64url_decode(token, strlen(token), &text, "a skip token", &ignored) &&
            ekm_json_parse(ekm_buf_view(&text), &doc, &ignored);
  const char *marker = ok ? ekm_json_text(doc, "NextMarker") : NULL;
  ok = marker != NULL && strlen(marker) <= EKM_LIMIT_KEY_NAME_CHARS;
  if (ok) memcpy(out, marker, strlen(marker) + 1);
  ekm_json_free(&doc);
  ekm_buf_clear(&text);
  return ok || vault_refuse(x, VAULT_FAULT_SKIP_TOKEN, "");
}

static json_t *next_link(const vault_exchange *x, const list_kind *kind, const char *marker, size_t max_results) {
  json_t *link = NULL;
  ekm_buf token;
  ekm_buf url;

  if (marker[0] == '\0') return json_null();
  /* The port is the one that the client used, so that it can follow the link; the real service writes its own, 443. */
  const char *port = vault_exchange_port(x)[0] == '\0' ? ":443" : vault_exchange_port(x);
  ekm_buf_init(&token, SKIP_TOKEN_MAX_BYTES);
  ekm_buf_init(&url, LINK_MAX_BYTES);
  ekm_buf_append_fmt(&token, "{\"NextMarker\":\"%s\",\"TargetLocation\":0}", marker);
  ekm_buf_append_fmt(&url, "https://%s%s/%s", x->vault->host, port, kind->path);
  if (x->key_name != NULL) ekm_buf_append_fmt(&url, "/%s/versions", x->key_name);
  ekm_buf_append_text(&url, "?");
  /* A Managed HSM leaves it to the client to add the version (facts/azure-key-vault.md section 1.6). */
  if (!x->vault->is_hsm) ekm_buf_append_fmt(&url, "api-version=%s&", x->request.api_version);
  ekm_buf_append_text(&url, "$skiptoken=");
  ekm_b64url_encode(ekm_buf_view(&token), &url);
  if (x->request.max_results != NULL) ekm_buf_append_fmt(&url, "&maxresults=%zu", max_results);
  if (!token.no_memory && !token.too_long && !url.no_memory && !url.too_long) link = json_string(ekm_buf_text(&url));
  ekm_buf_clear(&token);
  ekm_buf_clear(&url);
  return link;
}

/* A vault says null at the end; a Managed HSM says nothing. */
static bool add_link(const vault_exchange *x, json_t *doc, json_t *link) {
  if (x->vault->is_hsm && json_is_null(link)) return true;
  return json_object_set_new(doc, "nextLink", link) == 0;
}

static bool answer_page(vault_exchange *x, const list_kind *kind, const vault_key_page *page, size_t max_results) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < page->count; i++) {
    ok = json_array_append_new(list, kind->item(x, page->items[i])) == 0;
  }
  json_t *doc = ok ? json_pack("{s:O}", "value", list) : NULL;
  if (doc != NULL && !add_link(x, doc, next_link(x, kind, page->next, max_results))) ekm_json_free(&doc);
  json_decref(list);
  return vault_answer_json(&x->answer, 200, doc, &x->err);
}

static bool answer_list(vault_exchange *x, const list_kind *kind) {
  vault_key_page page = {0};
  char after[EKM_LIMIT_KEY_NAME_CHARS + 1];
  size_t max_results;

  bool ok = take_max_results(x, &max_results) && take_marker(x, after) && kind->read(x, after, max_results, &page) &&
            answer_page(x, kind, &page, max_results);
  vault_key_page_clear(&page);
  return ok;
}

static bool read_keys(vault_exchange *x, const char *after, size_t max, vault_key_page *out_page) {
  return vault_store_key_list(x->service->store, x->vault->id, after, max, out_page, &x->err);
}

static bool read_versions(vault_exchange *x, const char *after, size_t max, vault_key_page *out_page) {
  return vault_store_key_versions(x->service->store, x->vault->id, x->key_name, after, max, out_page, &x->err);
}

static bool read_deleted(vault_exchange *x, const char *after, size_t max, vault_key_page *out_page) {
  return vault_store_deleted_list(x->service->store, x->vault->id, after, max, out_page, &x->err);
}

bool vault_keys_list(vault_exchange *x) {
  static const list_kind kind = {"keys", read_keys, vault_key_item};
  return answer_list(x, &kind);
}

bool vault_keys_versions(vault_exchange *x) {
  static const list_kind kind = {"keys", read_versions, vault_version_item};
  return answer_list(x, &kind);
}

bool vault_deleted_list(vault_exchange *x) {
  static const list_kind kind = {"deletedkeys", read_deleted, vault_deleted_key_item};
  return answer_list(x, &kind);
}

bool vault_deleted_get(vault_exchange *x) {
  const vault_key *key = NULL;
  if (!vault_store_deleted_get(x->service->store, x->vault->id, x->key_name, &key, &x->err)) {
    return vault_deleted_failed(x);
  }
  vault_exchange_uses(x, key);
  bool ok = vault_answer_json(&x->answer, 200, vault_deleted_key_bundle(x, key), &x->err);
  vault_key_release(&key);
  return ok;
}
