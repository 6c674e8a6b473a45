#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "keyvault/exchange.h"

enum { TARGET_BYTES = 320, BODY_BYTES = 256 };

/* Ask for something that is answered by a KeyBundle. */
static bool ask_key(akv_client *client, const akv_request *request, const char *version, const akv_call *call,
                    akv_key *out_key, ekm_err *err) {
  bool ok = false;
  json_t *doc = NULL;
  ekm_http_response answer;

  ekm_http_response_init(&answer);
  EKM_TRY(akv_exchange(client, request, call, &answer, err));
  EKM_TRY(akv_parse(client, &answer, request->doing, &doc, err));
  EKM_TRY(akv_key_read(doc, client->host, request->subject, version, out_key, err));
  ok = true;
done:
  if (!ok) akv_key_clear(out_key); /* it may have been read by half */
  ekm_json_free(&doc);
  ekm_http_response_clear(&answer);
  return ok;
}

bool akv_get_key(akv_client *client, const char *name, const char *version, const akv_call *call, akv_key *out_key,
                 ekm_err *err) {
  char target[TARGET_BYTES];
  akv_key_clear(out_key);
  if (!akv_name_check(name, err) || (version != NULL && !akv_version_check(version, err))) return false;
  (void)snprintf(target, sizeof target, "/keys/%s/%s?api-version=" AKV_API_VERSION, name,
                 version == NULL ? "" : version);
  akv_request request = {.method = "GET", .target = target, .doing = "get", .subject = name};
  return ask_key(client, &request, version, call, out_key, err);
}

/* Is the name free? */
static bool check_free(akv_client *client, const char *name, const akv_call *call, ekm_err *err) {
  akv_key key;
  ekm_err why = {0};
  akv_key_init(&key);
  bool exists = akv_get_key(client, name, NULL, call, &key, &why);
  akv_key_clear(&key);
  if (exists) return EKM_FAIL(err, EKM_E_KEY_EXISTS, "'%s' in '%s'", name, client->host);
  if (why.id == EKM_E_KEY_NOT_FOUND) return true;
  *err = why;
  return false;
}

static bool count_version(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  int *count = arg;
  (void)text;
  (void)created_s;
  (void)err;
  (*count)++;
  return true;
}

/* The API cannot create "only if absent", so somebody else may have created the name after we looked. Then there are
 * two versions. Neither can be taken back (a vault deletes a name with all its versions, and the other one may be in
 * use by now), so both stay, and the caller is told instead of being given a key that he did not get alone. An identity
 * that may not list gets its key without this check. */
static bool check_alone(akv_client *client, const akv_key *key, const akv_call *call, ekm_err *err) {
  int count = 0;
  ekm_err why = {0};
  if (!akv_list_versions(client, key->name, call, (akv_sink){count_version, &count}, &why)) {
    ekm_log_err(client->log, EKM_LOG_WARN, "keyvault.create_unchecked", &why);
    return true;
  }
  if (count <= 1) return true;
  return EKM_FAIL(err, EKM_E_KEY_EXISTS, "somebody else created '%s' in '%s' at the same moment; version %s is ours",
                  key->name, client->host, key->version);
}

/* The request left, and what came back is no definite answer. */
static bool fail_unsure(const akv_client *client, const char *name, ekm_err *err) {
  const ekm_err why = *err;
  return EKM_FAIL(err, EKM_E_CREATION_UNSURE, "'%s' in '%s': %s; %s", name, client->host, ekm_err_info_of(why.id)->text,
                  why.detail);
}

bool akv_create_key(akv_client *client, const char *name, akv_key_kind kind, unsigned bits, const akv_call *call,
                    akv_key *out_key, ekm_err *err) {
  static const char *const types[] = {[AKV_RSA] = "RSA", [AKV_AES] = "oct-HSM"};
  static const char *const ops[] = {[AKV_RSA] = "\"wrapKey\",\"unwrapKey\"", [AKV_AES] = "\"encrypt\",\"decrypt\""};
  char target[TARGET_BYTES];
  char body[BODY_BYTES];
  bool sent = false;
  akv_key_clear(out_key);
  if (!akv_name_check(name, err) || !check_free(client, name, call, err)) return false;

  (void)snprintf(target, sizeof target, "/keys/%s/create?api-version=" AKV_API_VERSION, name);
  (void)snprintf(body, sizeof body, "{\"kty\":\"%s\",\"key_size\":%u,\"key_ops\":[%s]}", types[kind], bits, ops[kind]);
  akv_request request = {.method = "POST",
                         .target = target,
                         .body = ekm_view_text(body),
                         .doing = "create",
                         .subject = name,
                         .send_once = true,
                         .out_sent = &sent};
  if (!ask_key(client, &request, NULL, call, out_key, err)) return sent ? fail_unsure(client, name, err) : false;
  if (check_alone(client, out_key, call, err)) return true;
  akv_key_clear(out_key);
  return false;
}

bool akv_delete_key(akv_client *client, const char *name, const akv_call *call, ekm_err *err) {
  char target[TARGET_BYTES];
  ekm_http_response answer;
  if (!akv_name_check(name, err)) return false;
  (void)snprintf(target, sizeof target, "/keys/%s?api-version=" AKV_API_VERSION, name);
  akv_request request = {.method = "DELETE", .target = target, .doing = "delete", .subject = name, .send_once = true};
  ekm_http_response_init(&answer);
  bool ok = akv_exchange(client, &request, call, &answer, err);
  ekm_http_response_clear(&answer);
  return ok;
}
