/* wrapKey and unwrapKey, encrypt and decrypt:
 *
 *   POST /keys/NAME/VERSION/unwrapkey    {"alg":"RSA-OAEP-256","value":"<ciphertext>"}
 *   200                                  {"kid":"https://HOST/keys/NAME/VERSION","value":"<plaintext>"}
 *
 *   POST /keys/NAME/VERSION/decrypt      {"alg":"A256CBCPAD","value":"<ciphertext>","iv":"<16 bytes>"}
 *
 * The one path that is walked for every database key: its request is written without a JSON document in between, and
 * the usual answer is read without one. */
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "base/text.h"
#include "keyvault/exchange.h"

enum { TARGET_BYTES = 320, BODY_MAX_BYTES = 2 * EKM_LIMIT_AES_DATA_BYTES };

typedef struct wrap_operation {
  const char *path; /* last segment of the URL */
  const char *doing;
  bool is_unwrap;
  ekm_err_id answer_error; /* for an answer that cannot be understood */
} wrap_operation;

static const wrap_operation wrap_operations[] = {
    {"wrapkey", "wrapKey", false, EKM_E_WRAP_ANSWER},
    {"unwrapkey", "unwrapKey", true, EKM_E_UNWRAP_ANSWER},
    {"encrypt", "encrypt", false, EKM_E_WRAP_ANSWER},
    {"decrypt", "decrypt", true, EKM_E_UNWRAP_ANSWER},
};
enum { WRAP, UNWRAP, ENCRYPT, DECRYPT };

/* What goes in; only AES has an iv. */
typedef struct wrap_input {
  ekm_view value, iv;
} wrap_input;

static void write_body(const akv_wrap_key *key, const wrap_input *in, ekm_buf *body) {
  ekm_buf_append_text(body, "{\"alg\":\"");
  ekm_buf_append_text(body, key->alg);
  ekm_buf_append_text(body, "\",\"value\":\"");
  ekm_b64url_encode(in->value, body);
  if (in->iv.len > 0) {
    ekm_buf_append_text(body, "\",\"iv\":\"");
    ekm_b64url_encode(in->iv, body);
  }
  ekm_buf_append_text(body, "\"}");
}

/* If ${rest} starts with ${text}: go behind it. */
static bool skip(ekm_view *rest, const char *text) {
  size_t len = strlen(text);
  if (rest->len < len || !ekm_view_equal(ekm_view_of(rest->ptr, len), ekm_view_of((const uint8_t *)text, len))) {
    return false;
  }
  *rest = ekm_view_of(rest->ptr + len, rest->len - len);
  return true;
}

/* The service's answers are the line above to the byte, and reading any JSON would be half of what a call costs beside
 * its HTTP. Nothing but base64url can stand in the value, so whatever differs goes to the parser, which also knows what
 * is wrong with it. */
static bool take_usual_value(const akv_client *client, const akv_wrap_key *key, ekm_view rest, ekm_buf *out) {
  ekm_err ignored = {0};
  bool is_usual = skip(&rest, "{\"kid\":\"https://") && skip(&rest, client->host) && skip(&rest, "/keys/") &&
                  skip(&rest, key->name) && skip(&rest, "/") && skip(&rest, key->version) &&
                  skip(&rest, "\",\"value\":\"");
  if (!is_usual || rest.len <= 2) return false;
  ekm_view end = ekm_view_of(rest.ptr + rest.len - 2, 2);
  return skip(&end, "\"}") && ekm_b64url_decode((const char *)rest.ptr, rest.len - 2, out, "the value", &ignored);
}

/* Append the value of the answer to ${out}; nothing is appended if it is not what it must be. */
static bool read_value(const akv_client *client, const wrap_operation *operation, const akv_wrap_key *key,
                       const json_t *doc, ekm_buf *out, ekm_err *err) {
  akv_kid kid;
  ekm_err why = {0};
  size_t before = out->len;
  if (!akv_kid_parse(ekm_json_text(doc, "kid"), client->host, &kid, &why)) {
    return EKM_FAIL(err, operation->answer_error, "'%s': %s", client->host, why.detail);
  }
  if (!akv_kid_is(&kid, key->name, key->version)) {
    return EKM_FAIL(err, operation->answer_error, "'%s' used '%s/%s' where '%s/%s' was asked", client->host, kid.name,
                    kid.version, key->name, key->version);
  }
  if (!ekm_json_bytes(doc, "value", out, &why)) {
    ekm_buf_truncate(out, before);
    if (why.id == EKM_E_OUT_OF_MEMORY) return EKM_FAIL(err, why.id, "%s", why.detail);
    return EKM_FAIL(err, operation->answer_error, "'%s': %s", client->host, why.detail);
  }
  if (out->len > before || operation->is_unwrap) return true;
  return EKM_FAIL(err, operation->answer_error, "'%s': the value is empty", client->host);
}

static bool operate(akv_client *client, int which, const akv_wrap_key *key, const wrap_input *in, const akv_call *call,
                    ekm_buf *out, ekm_err *err) {
  const wrap_operation *operation = &wrap_operations[which];
  bool ok = false;
  char target[TARGET_BYTES];
  json_t *doc = NULL;
  ekm_buf body;
  ekm_http_response answer;

  if (!akv_name_check(key->name, err) || !akv_version_check(key->version, err)) return false;
  ekm_buf_init(&body, BODY_MAX_BYTES);
  ekm_http_response_init(&answer);
  write_body(key, in, &body);
  EKM_TRY(ekm_buf_ok(&body, "a request to the vault", err));
  (void)snprintf(target, sizeof target, "/keys/%s/%s/%s?api-version=" AKV_API_VERSION, key->name, key->version,
                 operation->path);
  akv_request request = {.method = "POST",
                         .target = target,
                         .body = ekm_buf_view(&body),
                         .doing = operation->doing,
                         .subject = key->name,
                         .is_unwrap = operation->is_unwrap};
  EKM_TRY(akv_exchange(client, &request, call, &answer, err));
  if (!take_usual_value(client, key, ekm_buf_view(&answer.body), out)) {
    EKM_TRY(akv_parse(client, &answer, operation->doing, &doc, err));
    EKM_TRY(read_value(client, operation, key, doc, out, err));
  }
  ok = true;
done:
  ekm_json_free(&doc);
  ekm_http_response_clear(&answer);
  ekm_buf_clear(&body);
  return ok;
}

bool akv_wrap(akv_client *client, const akv_wrap_key *key, ekm_view plaintext, const akv_call *call,
              ekm_buf *out_ciphertext, ekm_err *err) {
  return operate(client, WRAP, key, &(wrap_input){.value = plaintext}, call, out_ciphertext, err);
}

bool akv_unwrap(akv_client *client, const akv_wrap_key *key, ekm_view ciphertext, const akv_call *call,
                ekm_buf *out_plaintext, ekm_err *err) {
  return operate(client, UNWRAP, key, &(wrap_input){.value = ciphertext}, call, out_plaintext, err);
}

bool akv_encrypt(akv_client *client, const akv_wrap_key *key, ekm_view iv, ekm_view plaintext, const akv_call *call,
                 ekm_buf *out_ciphertext, ekm_err *err) {
  return operate(client, ENCRYPT, key, &(wrap_input){plaintext, iv}, call, out_ciphertext, err);
}

bool akv_decrypt(akv_client *client, const akv_wrap_key *key, ekm_view iv, ekm_view ciphertext, const akv_call *call,
                 ekm_buf *out_plaintext, ekm_err *err) {
  return operate(client, DECRYPT, key, &(wrap_input){ciphertext, iv}, call, out_plaintext, err);
}
