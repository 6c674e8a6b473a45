#include "support/hostile_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64url.h"
#include "base/json.h"
#include "base/limits.h"
#include "support/cmocka_all.h"

enum {
  BIG_BYTES = 10 * 1024 * 1024,
  LONG_HEADER_BYTES = 100 * 1000,
  DEEP_LEVELS = 100 * 1000,
  DRIP_MS = 20,
  CUT_BYTES = 10,
  PAGE_KEYS = 25,
  MANY_PAGES = 440, /* of 25 names: 11,000 */
  ANSWER_MAX_BYTES = 16 * 1024 * 1024
};

static const hostile_play honest[HOSTILE_STEPS] = {
    [HOSTILE_CHALLENGE] = {.status = 401,
                           .headers = "WWW-Authenticate: Bearer authorization=\"https://" HOSTILE_AUTHORITY_HOST
                                      "/" HOSTILE_TENANT "\", resource=\"https://vault.localhost\"\r\n",
                           .body = "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AKV10000: Request is missing a "
                                   "Bearer or PoP token.\"}}"},
    [HOSTILE_TOKEN] = {.body = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"ext_expires_in\":3599,"
                               "\"access_token\":\"" HOSTILE_ACCESS_TOKEN "\"}"},
    [HOSTILE_LIST] = {.body = "{\"value\":[{\"kid\":\"https://$host/keys/$name\",\"attributes\":{\"enabled\":true}}],"
                              "\"nextLink\":null}"},
    [HOSTILE_VERSIONS] = {.body = "{\"value\":[{\"kid\":\"$kid\",\"attributes\":{\"enabled\":true}}],"
                                  "\"nextLink\":null}"},
    [HOSTILE_KEY] = {.body = "{\"key\":{\"kid\":\"$kid\",\"kty\":\"RSA\",\"key_ops\":[\"wrapKey\",\"unwrapKey\"],"
                             "\"n\":\"$n\",\"e\":\"$e\"},\"attributes\":{\"enabled\":true,\"created\":1700000000,"
                             "\"updated\":1700000000}}"},
    [HOSTILE_WRAP] = {.body = "{\"kid\":\"$kid\",\"value\":\"$value\"}"},
    [HOSTILE_UNWRAP] = {.body = "{\"kid\":\"$kid\",\"value\":\"$value\"}"},
    [HOSTILE_OTHER] = {.status = 404, .body = "{\"error\":{\"code\":\"NotFound\",\"message\":\"no such thing\"}}"},
};

void hostile_keys_make(hostile_keys *keys) {
  ekm_err err = {0};
  ekm_buf n, e;
  memset(keys, 0, sizeof *keys);
  ekm_buf_init(&n, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&e, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&keys->n, 1024);
  ekm_buf_init(&keys->e, 1024);
  assert_true(ekm_crypto_new(&keys->crypto, &err));
  assert_true(ekm_key_generate_rsa(keys->crypto, 2048, 65537, &keys->key, &err));
  assert_true(ekm_key_public(keys->key, &n, &e, &err));
  ekm_b64url_encode(ekm_buf_view(&n), &keys->n);
  ekm_b64url_encode(ekm_buf_view(&e), &keys->e);
  ekm_buf_clear(&n);
  ekm_buf_clear(&e);
}

void hostile_keys_clear(hostile_keys *keys) {
  ekm_key_free(&keys->key);
  ekm_crypto_free(&keys->crypto);
  ekm_buf_clear(&keys->n);
  ekm_buf_clear(&keys->e);
}

/* --- templates ---------------------------------------------------------------------------------------------------- */

/* The "value" that an honest wrapKey or unwrapKey would answer; nothing if the request has none that can be used. */
static void append_value(const hostile_keys *keys, const hostile_request *request, ekm_buf *out) {
  ekm_err err = {0};
  ekm_buf in, result;
  json_t *doc = NULL;
  ekm_view body = ekm_view_of(request->raw.ptr + request->head_len, request->raw.len - request->head_len);
  ekm_buf_init(&in, 64 * 1024);
  ekm_buf_init(&result, 64 * 1024);
  bool wraps = request->step == HOSTILE_WRAP;
  if (ekm_json_parse(body, &doc, &err) && ekm_json_bytes(doc, "value", &in, &err) &&
      (wraps ? ekm_key_encrypt(keys->key, "RSA-OAEP-256", ekm_buf_view(&in), &result, &err)
             : ekm_key_decrypt(keys->key, "RSA-OAEP-256", ekm_buf_view(&in), &result, &err))) {
    ekm_b64url_encode(ekm_buf_view(&result), out);
  }
  ekm_json_free(&doc);
  ekm_buf_clear(&in);
  ekm_buf_clear(&result);
}

static void expand(const hostile_keys *keys, const hostile_request *request, const char *text, ekm_buf *out) {
  while (text != NULL && *text != '\0') {
    size_t plain = strcspn(text, "$");
    ekm_buf_append(out, text, plain);
    text += plain;
    if (strncmp(text, "$host", 5) == 0) {
      ekm_buf_append_text(out, request->host);
      text += 5;
    } else if (strncmp(text, "$name", 5) == 0) {
      ekm_buf_append_text(out, HOSTILE_KEY_NAME);
      text += 5;
    } else if (strncmp(text, "$kid", 4) == 0) {
      ekm_buf_append_fmt(out, "https://%s/keys/" HOSTILE_KEY_NAME "/" HOSTILE_KEY_VERSION, request->host);
      text += 4;
    } else if (strncmp(text, "$value", 6) == 0) {
      append_value(keys, request, out);
      text += 6;
    } else if (strncmp(text, "$n", 2) == 0) {
      ekm_buf_append_view(out, ekm_buf_view(&keys->n));
      text += 2;
    } else if (strncmp(text, "$e", 2) == 0) {
      ekm_buf_append_view(out, ekm_buf_view(&keys->e));
      text += 2;
    } else if (*text == '$') {
      ekm_buf_append_char(out, *text++);
    }
  }
}

/* --- tricks ------------------------------------------------------------------------------------------------------- */

static bool send_buf(const hostile_wire *wire, const ekm_buf *buf) {
  return wire->send(wire->arg, buf->ptr, buf->len);
}

static void append_head(const hostile_play *play, ekm_buf *out) {
  int status = play->status == 0 ? 200 : play->status;
  ekm_buf_append_fmt(out, "HTTP/1.1 %d Something\r\nContent-Type: application/json; charset=utf-8\r\n", status);
}

/* ${missing} bytes less than Content-Length says. */
static bool say(const hostile_keys *keys, const hostile_request *request, const hostile_play *play,
                const hostile_wire *wire, size_t missing) {
  ekm_buf head, body;
  ekm_buf_init(&head, ANSWER_MAX_BYTES);
  ekm_buf_init(&body, ANSWER_MAX_BYTES);
  expand(keys, request, play->body, &body);
  append_head(play, &head);
  expand(keys, request, play->headers, &head);
  ekm_buf_append_fmt(&head, "Content-Length: %zu\r\n\r\n", body.len);
  ekm_buf_truncate(&body, missing < body.len ? body.len - missing : 0);
  ekm_buf_append_view(&head, ekm_buf_view(&body));
  bool ok = send_buf(wire, &head) && missing == 0;
  ekm_buf_clear(&head);
  ekm_buf_clear(&body);
  return ok;
}

/* A head whose body never ends: one byte and then nothing (ms < 0), or byte after byte. */
static bool say_slowly(const hostile_play *play, const hostile_wire *wire, int ms) {
  ekm_buf head;
  ekm_buf_init(&head, 1024);
  append_head(play, &head);
  ekm_buf_append_text(&head, "Content-Length: 1000\r\n\r\n{");
  bool ok = send_buf(wire, &head);
  ekm_buf_clear(&head);
  while (ok && wire->pass(wire->arg, ms)) ok = wire->send(wire->arg, " ", 1);
  return false;
}

static bool say_without_end(const hostile_play *play, const hostile_wire *wire) {
  ekm_buf head, chunk;
  ekm_buf_init(&head, 1024);
  ekm_buf_init(&chunk, 64 * 1024);
  append_head(play, &head);
  ekm_buf_append_text(&head, "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n");
  bool ok = send_buf(wire, &head);
  ekm_buf_append_fmt(&chunk, "1000\r\n%4096s\r\n", "");
  while (ok) ok = send_buf(wire, &chunk);
  ekm_buf_clear(&head);
  ekm_buf_clear(&chunk);
  return false;
}

/* ${first}, then ${again} until the client has enough. */
static bool repeat(const hostile_wire *wire, const char *first, const char *again) {
  bool ok = wire->send(wire->arg, first, strlen(first));
  while (ok) ok = wire->send(wire->arg, again, strlen(again));
  return false;
}

/* An answer around ${count} times ${unit}: in a header if ${in_header}, else in its JSON body. */
static bool say_much(const hostile_play *play, const hostile_wire *wire, const char *around[2], const char *unit,
                     size_t count) {
  ekm_buf head, body;
  ekm_buf_init(&head, ANSWER_MAX_BYTES);
  ekm_buf_init(&body, ANSWER_MAX_BYTES);
  ekm_buf_append_text(&body, around[0]);
  for (size_t i = 0; i < count; i++) ekm_buf_append_text(&body, unit);
  ekm_buf_append_text(&body, around[1]);
  append_head(play, &head);
  ekm_buf_append_fmt(&head, "Content-Length: %zu\r\n\r\n", body.len);
  bool ok = send_buf(wire, &head) && send_buf(wire, &body);
  ekm_buf_clear(&head);
  ekm_buf_clear(&body);
  return ok;
}

static bool say_long_header(const hostile_keys *keys, const hostile_request *request, const hostile_play *play,
                            const hostile_wire *wire) {
  ekm_buf line;
  ekm_buf_init(&line, ANSWER_MAX_BYTES);
  ekm_buf_append_fmt(&line, "x-ms-request-id: %0*d\r\n", LONG_HEADER_BYTES, 1);
  hostile_play long_play = *play;
  long_play.headers = ekm_buf_text(&line);
  if (long_play.body == NULL) long_play.body = honest[request->step].body;
  bool ok = say(keys, request, &long_play, wire, 0);
  ekm_buf_clear(&line);
  return ok;
}

/* Page number N of the list is asked for with "page=N". */
static bool say_page(const hostile_keys *keys, const hostile_request *request, const hostile_wire *wire, bool ends) {
  ekm_buf body;
  ekm_buf_init(&body, ANSWER_MAX_BYTES);
  const char *at = strstr(request->target, "page=");
  long page = at == NULL ? 0 : strtol(at + 5, NULL, 10);
  ekm_buf_append_text(&body, "{\"value\":[");
  for (int i = 0; i < PAGE_KEYS; i++) {
    ekm_buf_append_fmt(&body, "%s{\"kid\":\"https://$host/keys/key-%ld-%d\",\"attributes\":{\"enabled\":true}}",
                       i == 0 ? "" : ",", ends ? page : 0, i);
  }
  ekm_buf_append_text(&body, "],\"nextLink\":");
  if (ends && page + 1 >= MANY_PAGES) {
    ekm_buf_append_text(&body, "null}");
  } else {
    ekm_buf_append_fmt(&body, "\"https://$host:443/keys?api-version=7.4&page=%ld&maxresults=25\"}",
                       ends ? page + 1 : 0);
  }
  hostile_play play = {.body = ekm_buf_text(&body)};
  bool ok = say(keys, request, &play, wire, 0);
  ekm_buf_clear(&body);
  return ok;
}

bool hostile_answer_send(const hostile_keys *keys, const hostile_request *request, const hostile_wire *wire) {
  const hostile_play *play = &request->play;
  if (!request->plays) return say(keys, request, &honest[request->step], wire, 0);
  switch (play->trick) {
    case HOSTILE_SAY: return say(keys, request, play, wire, 0);
    case HOSTILE_CUT: return say(keys, request, play->body == NULL ? &honest[request->step] : play, wire, CUT_BYTES);
    case HOSTILE_CLOSE: return false;
    case HOSTILE_SILENT: return wire->pass(wire->arg, -1) && false;
    case HOSTILE_STALL: return say_slowly(play, wire, -1);
    case HOSTILE_DRIP: return say_slowly(play, wire, DRIP_MS);
    case HOSTILE_ENDLESS: return say_without_end(play, wire);
    case HOSTILE_BIG: return say_much(play, wire, (const char *[]){"{\"value\":\"", "\"}"}, "AAAAAAAA", BIG_BYTES / 8);
    case HOSTILE_DEEP: return say_much(play, wire, (const char *[]){"{\"value\":", "}"}, "[", DEEP_LEVELS);
    case HOSTILE_LONG_HEADER: return say_long_header(keys, request, play, wire);
    case HOSTILE_HEADERS: return repeat(wire, "HTTP/1.1 200 OK\r\n", "X-More: and more\r\n");
    case HOSTILE_CONTINUE: return repeat(wire, "", "HTTP/1.1 100 Continue\r\n\r\n");
    case HOSTILE_MANY_KEYS: return say_page(keys, request, wire, true);
    case HOSTILE_LOOP: return say_page(keys, request, wire, false);
  }
  return false;
}
