#include "support/paper_vault.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"

#define BASE "https://" PAPER_VAULT_HOST
#define OTHER "33333333333333333333333333333333"
#define LIST "?api-version=7.4&maxresults=25"
#define CHALLENGE "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\""
#define TOKEN "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"paper.token\"}"
#define NOT_FOUND "{\"error\":{\"code\":\"KeyNotFound\",\"message\":\"A key with (name/id) new was not found\"}}"
#define REFUSED \
  "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: it has expired.\",\"error_codes\":[7000222]}"
#define FORBIDDEN "{\"error\":{\"code\":\"Forbidden\",\"innererror\":{\"code\":\"ForbiddenByRbac\"}}}"
#define PAGE "<html><head><title>Sign in to the network</title></head></html>"
#define KID(name, version) BASE "/keys/" name "/" version
#define ITEM(id, created) "{\"kid\":\"" id "\",\"attributes\":{\"enabled\":true,\"created\":" created "}}"

enum { NUMBER_CHARS = 342, ANSWER_BYTES = 1024 };

/* 256 bytes in base64url: the top bit set, every other character ${fill}, and a last one of two bits. */
static void number_text(char fill, char out[NUMBER_CHARS + 1]) {
  memset(out, fill, NUMBER_CHARS);
  out[0] = 'w';
  out[NUMBER_CHARS - 1] = 'A';
  out[NUMBER_CHARS] = '\0';
}

static unsigned sextet(char c) {
  return c == 'w' ? 48 : (unsigned)(c - 'A');
}

static void number_bytes(char fill, uint8_t out[PAPER_VAULT_KEY_BYTES]) {
  char text[NUMBER_CHARS + 1];
  number_text(fill, text);
  memset(out, 0, PAPER_VAULT_KEY_BYTES);
  for (size_t bit = 0; bit < 8 * (size_t)PAPER_VAULT_KEY_BYTES; bit++) {
    if ((sextet(text[bit / 6]) >> (5 - bit % 6) & 1) != 0) out[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
  }
}

enum { FILL_NEWEST = 'B', FILL_OLDEST = 'C', FILL_OTHER = 'D', FILL_SEALED = 'E' };

void paper_vault_n(const char *version, uint8_t out[PAPER_VAULT_KEY_BYTES]) {
  if (version == NULL) {
    number_bytes(FILL_OTHER, out);
  } else {
    number_bytes(strcmp(version, PAPER_VAULT_NEWEST) == 0 ? FILL_NEWEST : FILL_OLDEST, out);
  }
}

void paper_vault_sealed(uint8_t out[PAPER_VAULT_KEY_BYTES]) {
  number_bytes(FILL_SEALED, out);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

typedef struct page {
  const char *method, *url;
  int status;
  const char *answer; /* NULL: the description of ${kid} */
  const char *kid;
  char fill; /* of the number in it */
} page;

/* "%s" in an answer is a number. */
static const page pages[] = {
    {"GET", BASE "/keys" LIST, 200,
     "{\"value\":[{\"kid\":\"" BASE "/keys/old\"}],\"nextLink\":\"" BASE ":443/keys?api-version=7.4&$skiptoken=2\"}",
     "", 0},
    {"GET", BASE "/keys?api-version=7.4&$skiptoken=2", 200,
     "{\"value\":[{\"kid\":\"" BASE "/keys/tde\"}],\"nextLink\":null}", "", 0},
    {"GET", BASE "/keys/tde/?api-version=7.4", 200, NULL, KID("tde", PAPER_VAULT_NEWEST), FILL_NEWEST},
    {"GET", BASE "/keys/tde/" PAPER_VAULT_NEWEST "?api-version=7.4", 200, NULL, KID("tde", PAPER_VAULT_NEWEST),
     FILL_NEWEST},
    {"GET", BASE "/keys/tde/" PAPER_VAULT_OLDEST "?api-version=7.4", 200, NULL, KID("tde", PAPER_VAULT_OLDEST),
     FILL_OLDEST},
    {"GET", BASE "/keys/tde/versions" LIST, 200,
     "{\"value\":[" ITEM(KID("tde", PAPER_VAULT_OLDEST), "1") "," ITEM(KID("tde", PAPER_VAULT_NEWEST), "2") "]}", "",
     0},
    {"GET", BASE "/keys/old/?api-version=7.4", 200, NULL, KID("old", OTHER), FILL_OTHER},
    {"GET", BASE "/keys/old/" OTHER "?api-version=7.4", 200, NULL, KID("old", OTHER), FILL_OTHER},
    {"GET", BASE "/keys/old/versions" LIST, 200, "{\"value\":[" ITEM(KID("old", OTHER), "1") "]}", "", 0},
    {"DELETE", BASE "/keys/old?api-version=7.4", 200, NULL, KID("old", OTHER), FILL_OTHER},
    {"GET", BASE "/keys/new/?api-version=7.4", 404, NOT_FOUND, "", 0},
    {"POST", BASE "/keys/new/create?api-version=7.4", 200, NULL, KID("new", OTHER), FILL_OTHER},
    {"GET", BASE "/keys/new/versions" LIST, 200, "{\"value\":[" ITEM(KID("new", OTHER), "1") "]}", "", 0},
    {"POST", BASE "/keys/tde/" PAPER_VAULT_NEWEST "/wrapkey?api-version=7.4", 200,
     "{\"kid\":\"" KID("tde", PAPER_VAULT_NEWEST) "\",\"value\":\"%s\"}", "", FILL_SEALED},
    {"POST", BASE "/keys/tde/" PAPER_VAULT_OLDEST "/wrapkey?api-version=7.4", 200,
     "{\"kid\":\"" KID("tde", PAPER_VAULT_OLDEST) "\",\"value\":\"%s\"}", "", FILL_SEALED},
    {"GET", BASE "/keys/aes/" OTHER "?api-version=7.4", 200,
     "{\"key\":{\"kid\":\"" KID("aes", OTHER) "\",\"kty\":\"oct-HSM\",\"key_ops\":[\"encrypt\",\"decrypt\"]},"
                                              "\"attributes\":{\"enabled\":true}}",
     "", 0},
    {"POST", BASE "/keys/aes/" OTHER "/encrypt?api-version=7.4", 200,
     "{\"kid\":\"" KID("aes",
                       OTHER) "\",\"value\":\"EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE\"}",
     "", 0},
    {"POST", BASE "/keys/aes/" OTHER "/decrypt?api-version=7.4", 200,
     "{\"kid\":\"" KID("aes", OTHER) "\",\"value\":\"YSBERUsgdGhhdCBoYXMgMzIgYnl0ZXMgb2YgdGV4dC4u\"}", "", 0},
    {"GET", BASE "/keys/tde/rotationpolicy?api-version=7.4", 200,
     "{\"id\":\"" BASE "/keys/tde/rotationpolicy\",\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P90D\"},"
     "\"action\":{\"type\":\"Rotate\"}}],\"attributes\":{\"expiryTime\":\"P2Y\"}}",
     "", 0},
    {"POST", BASE "/keys/tde/" PAPER_VAULT_NEWEST "/encrypt?api-version=7.4", 200,
     "{\"kid\":\"" KID("tde", PAPER_VAULT_NEWEST) "\",\"value\":\"%s\"}", "", FILL_SEALED},
    {"POST", BASE "/keys/tde/" PAPER_VAULT_NEWEST "/decrypt?api-version=7.4", 200,
     "{\"kid\":\"" KID("tde", PAPER_VAULT_NEWEST) "\",\"value\":\"YSBERUsgdGhhdCBoYXMgMzIgYnl0ZXMgb2YgdGV4dC4u\"}", "",
     0},
    {"POST", BASE "/keys/tde/" PAPER_VAULT_NEWEST "/unwrapkey?api-version=7.4", 200,
     "{\"kid\":\"" KID("tde", PAPER_VAULT_NEWEST) "\",\"value\":\"YSBERUsgdGhhdCBoYXMgMzIgYnl0ZXMgb2YgdGV4dC4u\"}", "",
     0},
    {"POST", BASE "/keys/tde/" PAPER_VAULT_OLDEST "/unwrapkey?api-version=7.4", 200,
     "{\"kid\":\"" KID("tde", PAPER_VAULT_OLDEST) "\",\"value\":\"YSBERUsgdGhhdCBoYXMgMzIgYnl0ZXMgb2YgdGV4dC4u\"}", "",
     0},
};

static const page *find_page(const ekm_http_request *request) {
  static const page token = {"POST", "", 200, TOKEN, "", 0};
  static const page challenge = {"GET", "", 401, "", "", 0};
  if (strstr(request->url, "https://login.microsoftonline.com/t/") == request->url) return &token;
  if (request->bearer == NULL) return &challenge;
  for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
    if (strcmp(pages[i].method, request->method) == 0 && strcmp(pages[i].url, request->url) == 0) return &pages[i];
  }
  return NULL;
}

static bool write_page(const page *p, ekm_http_response *response, ekm_err *err) {
  char number[NUMBER_CHARS + 1];
  number_text(p->fill, number);
  response->status = p->status;
  if (p->answer != NULL && strstr(p->answer, "%s") == NULL) {
    ekm_buf_append_text(&response->body, p->answer);
  } else if (p->answer != NULL) {
    const char *at = strstr(p->answer, "%s");
    ekm_buf_append(&response->body, p->answer, (size_t)(at - p->answer));
    ekm_buf_append_text(&response->body, number);
    ekm_buf_append_text(&response->body, at + 2);
  } else {
    ekm_buf_append_fmt(&response->body,
                       "{\"key\":{\"kid\":\"%s\",\"kty\":\"RSA\",\"key_ops\":[\"wrapKey\",\"unwrapKey\"],\"n\":\"%s\","
                       "\"e\":\"AQAB\"},\"attributes\":{\"enabled\":true}}",
                       p->kid, number);
  }
  if (p->status == 401) ekm_buf_append_text(&response->www_authenticate, CHALLENGE);
  return ekm_buf_ok(&response->body, "an answer", err) && ekm_buf_ok(&response->www_authenticate, "an answer", err);
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

static bool is_to(const ekm_http_request *request, const char *method, const char *end) {
  return strcmp(request->method, method) == 0 && strstr(request->url, end) != NULL;
}

static bool answer_badly(paper_fault fault, const page *p, ekm_http_response *response, ekm_err *err) {
  static const int statuses[PAPER_FAULTS] = {[PAPER_FAILURE] = 500, [PAPER_THROTTLED] = 429, [PAPER_REJECTED] = 401};
  if (fault == PAPER_CONNECT) return EKM_FAIL(err, EKM_E_CONNECT, "on paper");
  if (fault == PAPER_RESET) return EKM_FAIL(err, EKM_E_HTTP_RECEIVE, "on paper");
  if (fault == PAPER_REFUSED) {
    bool is_sign_in = p->answer != NULL && strcmp(p->answer, TOKEN) == 0;
    response->status = is_sign_in ? 401 : 403;
    ekm_buf_append_text(&response->body, is_sign_in ? REFUSED : FORBIDDEN);
    return ekm_buf_ok(&response->body, "an answer", err);
  }
  response->status = statuses[fault] != 0 ? statuses[fault] : 200;
  if (statuses[fault] != 0) return true;
  if (fault == PAPER_PORTAL) {
    ekm_buf_append_text(&response->body, PAGE);
    return ekm_buf_ok(&response->body, "an answer", err);
  }
  if (!write_page(p, response, err)) return false;
  response->status = 200;
  ekm_buf_reset(&response->www_authenticate);
  ekm_buf_truncate(&response->body, response->body.len / 2);
  return true;
}

static bool perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  paper_vault *vault = (paper_vault *)(void *)self;
  const page *p = find_page(request);
  bool fails = vault->asked++ == vault->fail_at;
  bool arrives = !fails || vault->fault != PAPER_CONNECT;
  ekm_http_response_clear(response);
  if (p == NULL) fail_msg("not on paper: %s %s", request->method, request->url);
  if (arrives && is_to(request, "POST", "/create?")) vault->creates++;
  if (arrives && is_to(request, "DELETE", "")) vault->deletes++;
  if (fails) vault->failed = true;
  bool ok = fails ? answer_badly(vault->fault, p, response, err) : write_page(p, response, err);
  if (!ok) ekm_http_response_clear(response);
  return ok;
}

static void destroy(ekm_http *self) {
  (void)self;
}

void paper_vault_init(paper_vault *vault) {
  *vault = (paper_vault){.base = {perform, destroy}, .fail_at = SIZE_MAX};
}

void paper_vault_fail(paper_vault *vault, size_t at, paper_fault fault) {
  vault->asked = 0;
  vault->fail_at = at;
  vault->fault = fault;
  vault->failed = false;
  vault->creates = vault->deletes = 0;
}
