#include "vault/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"

enum { ARG_SHOWN_BYTES = 512, ERROR_MAX_BYTES = 8192, CLIENT_ID_MAX_BYTES = 128 };

static const vault_fault_info faults[] = {
    [VAULT_FAULT_NONE] = {500, "InternalServerError", NULL, "An internal error occurred."},
#define VAULT_FAULT(name, status, code, inner, text) [VAULT_FAULT_##name] = {(status), (code), (inner), (text)},
#include "vault/fault_table.def"
#undef VAULT_FAULT
};

/* Headers of every answer, as recorded from the real services (facts/azure-key-vault.md section 1.6); the first one
 * only where there is a body. */
static const vault_header vault_headers[] = {
    {"Content-Type", "application/json; charset=utf-8"},
    {"Cache-Control", "no-cache"},
    {"Pragma", "no-cache"},
    {"Expires", "-1"},
    {"x-ms-keyvault-region", "local"},
    {"x-ms-keyvault-service-version", "1.9.0.0"},
    {"Strict-Transport-Security", "max-age=31536000;includeSubDomains"},
    {"X-Content-Type-Options", "nosniff"},
};
static const vault_header hsm_headers[] = {
    {"Content-Type", "application/json; charset=utf-8"},
    {"Cache-Control", "no-cache"},
    {"x-ms-keyvault-region", "local"},
    {"x-ms-build-version", "1.0.0.0"},
    {"Content-Security-Policy", "default-src 'self'"},
    {"X-Frame-Options", "SAMEORIGIN"},
    {"Strict-Transport-Security", "max-age=31536000; includeSubDomains"},
    {"X-Content-Type-Options", "nosniff"},
};
static const vault_header sign_in_headers[] = {
    {"Content-Type", "application/json; charset=utf-8"},
    {"Cache-Control", "no-store, no-cache"},
    {"Pragma", "no-cache"},
    {"Expires", "-1"},
    {"Strict-Transport-Security", "max-age=31536000; includeSubDomains"},
    {"X-Content-Type-Options", "nosniff"},
};

void vault_answer_init(vault_answer *answer) {
  memset(answer, 0, sizeof *answer);
  ekm_buf_init(&answer->body, VAULT_ANSWER_MAX_BYTES);
}

void vault_answer_clear(vault_answer *answer) {
  ekm_buf_clear(&answer->body);
}

const vault_fault_info *vault_fault_info_of(vault_fault fault) {
  return &faults[(unsigned)fault < VAULT_FAULT_COUNT ? fault : VAULT_FAULT_NONE];
}

bool vault_answer_json(vault_answer *answer, int status, json_t *doc, ekm_err *err) {
  bool ok = false;
  ekm_buf_reset(&answer->body);
  if (doc == NULL) EKM_BAIL(err, EKM_E_OUT_OF_MEMORY, "for an answer");
  EKM_TRY(ekm_json_write(doc, &answer->body, err));
  answer->status = status;
  ok = true;
done:
  ekm_json_free(&doc);
  return ok;
}

void vault_answer_empty(vault_answer *answer, int status) {
  ekm_buf_reset(&answer->body);
  answer->status = status;
}

static void append_shown(const char *text, ekm_buf *out) {
  size_t len = strnlen(text, ARG_SHOWN_BYTES);
  for (size_t i = 0; i < len; i++) {
    bool printable = text[i] >= ' ' && text[i] < 0x7F;
    ekm_buf_append_char(out, printable ? text[i] : '?');
  }
}

void vault_answer_append_filled(const char *text, const char *const args[VAULT_FAULT_ARGS], ekm_buf *out) {
  for (; *text != '\0'; text++) {
    bool is_place = *text == '%' && text[1] >= '1' && text[1] < '1' + VAULT_FAULT_ARGS;
    if (!is_place) {
      ekm_buf_append_char(out, *text);
      continue;
    }
    const char *arg = args == NULL ? NULL : args[text[1] - '1'];
    append_shown(arg == NULL ? "" : arg, out);
    text++;
  }
}

void vault_answer_fault(vault_answer *answer, vault_fault fault, const char *const args[VAULT_FAULT_ARGS]) {
  const vault_fault_info *info = vault_fault_info_of(fault);
  ekm_err ignored = {0};
  ekm_buf text;

  ekm_buf_init(&text, ERROR_MAX_BYTES);
  vault_answer_append_filled(info->text, args, &text);
  json_t *doc = info->inner == NULL
                    ? json_pack("{s:{s:s, s:s}}", "error", "code", info->code, "message", ekm_buf_text(&text))
                    : json_pack("{s:{s:s, s:s, s:{s:s}}}", "error", "code", info->code, "message", ekm_buf_text(&text),
                                "innererror", "code", info->inner);
  if (!vault_answer_json(answer, info->status, doc, &ignored)) ekm_buf_reset(&answer->body);
  answer->status = info->status;
  ekm_buf_clear(&text);
}

static bool is_harmless(const char *text) {
  size_t len = strlen(text);
  if (len == 0 || len > CLIENT_ID_MAX_BYTES) return false;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < ' ' || text[i] >= 0x7F) return false;
  }
  return true;
}

void vault_answer_stamp(vault_answer *answer, int64_t wall_s, int64_t us) {
  ekm_buf date;
  ekm_buf_init(&date, sizeof answer->date);
  ekm_clock_append_http_date(wall_s, &date);
  (void)snprintf(answer->date, sizeof answer->date, "%s", ekm_buf_text(&date));
  (void)snprintf(answer->latency, sizeof answer->latency, "%lld", (long long)(us / 1000));
  ekm_buf_clear(&date);
}

void vault_answer_network(vault_answer *answer, const char *peer) {
  if (peer == NULL || peer[0] == '\0') return;
  bool is_v6 = strchr(peer, ':') != NULL;
  (void)snprintf(answer->network, sizeof answer->network, "conn_type=%s;addr=%s;act_addr_fam=%s;",
                 is_v6 ? "Ipv6" : "Ipv4", peer, is_v6 ? "InterNetworkV6" : "InterNetwork");
}

typedef struct header_list {
  const vault_header *headers;
  size_t count;
} header_list;

static header_list fixed_headers(const vault_answer *answer) {
#define LIST(headers) \
  { headers, sizeof headers / sizeof headers[0] }
  static const header_list lists[] = {LIST(vault_headers), LIST(hsm_headers), LIST(sign_in_headers)};
#undef LIST
  header_list list = lists[answer->from_sign_in ? 2 : answer->from_hsm ? 1 : 0];
  if (answer->body.len == 0) {
    list.headers++;
    list.count--;
  }
  return list;
}

size_t vault_answer_headers(const vault_answer *answer, const char *client_request_id,
                            vault_header out[VAULT_ANSWER_HEADERS]) {
  const header_list fixed = fixed_headers(answer);
  const vault_header others[] = {
      {"x-ms-request-id", answer->request_id},
      {"Date", answer->from_hsm ? "" : answer->date},
      {"x-ms-server-latency", answer->from_hsm ? answer->latency : ""},
      {"x-ms-keyvault-network-info", answer->from_sign_in ? "" : answer->network},
      {"Retry-After", answer->retry_after},
      {"WWW-Authenticate", answer->challenge},
  };
  size_t count = fixed.count;
  memcpy(out, fixed.headers, count * sizeof *out);
  if (answer->content_type != NULL) out[0].value = answer->content_type;
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    if (others[i].value[0] != '\0') out[count++] = others[i];
  }
  if (client_request_id != NULL && is_harmless(client_request_id)) {
    const char *name = answer->from_sign_in ? "client-request-id" : "x-ms-client-request-id";
    out[count++] = (vault_header){name, client_request_id};
  }
  return count;
}

bool vault_guid_new(const ekm_rng *rng, char out[VAULT_ID_BYTES], ekm_err *err) {
  uint8_t bytes[16];
  char digits[33];

  out[0] = '\0';
  if (!rng->fill(rng, bytes, sizeof bytes, err)) return false;
  bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
  bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
  ekm_hex_text(ekm_view_of(bytes, sizeof bytes), digits, sizeof digits);
  size_t at = 0;
  for (size_t i = 0; i < 32; i++) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out[at++] = '-';
    out[at++] = digits[i];
  }
  out[at] = '\0';
  return true;
}

bool vault_guid_is(const char *text, size_t len) {
  if (len != VAULT_ID_BYTES - 1) return false;
  for (size_t i = 0; i < len; i++) {
    bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_hyphen ? text[i] != '-' : !ekm_hex_is(text + i, 1)) return false;
  }
  return true;
}
