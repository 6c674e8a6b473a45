/* Lists come in pages:
 *
 *   GET /keys?api-version=7.4&maxresults=25
 *   200 {"value":[{"kid":"https://HOST/keys/NAME"},...],"nextLink":"https://HOST:443/keys?...&$skiptoken=..."}
 *
 * nextLink is absent or null on the last page; a page may be empty and still have one. It is the vault's text, so only
 * its path and query are taken, and only if it names the vault itself. */
#include <string.h>

#include "base/text.h"
#include "base/url.h"
#include "keyvault/exchange.h"

/* At 25 names a page an honest list of EKM_LIMIT_KEYS_PER_VAULT names has 400; the rest is room for short ones. */
enum { PAGES_MAX = 4000 };

typedef struct page_reader {
  akv_client *client;
  const char *doing;
  const char *name; /* whose versions; NULL for a list of names */
  akv_sink sink;
} page_reader;

static bool read_items(const page_reader *reader, const json_t *doc, ekm_err *err) {
  json_t *items = ekm_json_array(doc, "value");
  for (size_t i = 0; i < json_array_size(items); i++) {
    akv_kid kid;
    const json_t *item = json_array_get(items, i);
    if (!akv_kid_parse(ekm_json_text(item, "kid"), reader->client->host, &kid, err)) return false;
    if (reader->name != NULL && !akv_kid_is(&kid, reader->name, NULL)) {
      return EKM_FAIL(err, EKM_E_KEY_ANSWER, "a list of versions of '%s' has '%s' in it", reader->name, kid.name);
    }
    int64_t created_s = ekm_json_int(ekm_json_object(item, "attributes"), "created", 0);
    if (!reader->sink.item(reader->sink.arg, reader->name != NULL ? kid.version : kid.name, created_s, err)) {
      return false;
    }
  }
  return true;
}

/* Where the next page is; an empty ${target} at the end of the list. */
static bool read_next(const page_reader *reader, const json_t *doc, ekm_buf *target, ekm_err *err) {
  ekm_url url;
  ekm_err why = {0};
  json_t *member = json_object_get(doc, "nextLink");
  const char *link = json_string_value(member);

  ekm_buf_reset(target);
  if (member == NULL || json_is_null(member) || (link != NULL && *link == '\0')) return true;
  if (link == NULL || !ekm_url_parse(link, &url, "nextLink", &why)) {
    return EKM_FAIL(err, EKM_E_KEY_ANSWER, "'%s': the link to the next page is no https URL", reader->client->host);
  }
  if (!ekm_text_ieq(url.host, reader->client->host) || !ekm_text_starts_i(url.path, "/keys")) {
    return EKM_FAIL(err, EKM_E_KEY_ANSWER, "'%s': the link to the next page leads elsewhere", reader->client->host);
  }
  ekm_buf_append_text(target, url.path);
  ekm_buf_append_char(target, '?');
  ekm_buf_append_text(target, url.query);
  if (strstr(url.query, "api-version=") == NULL) ekm_buf_append_text(target, "&api-version=" AKV_API_VERSION);
  return ekm_buf_ok(target, "the link to the next page", err);
}

static bool read_page(const page_reader *reader, ekm_buf *target, const akv_call *call, ekm_err *err) {
  bool ok = false;
  json_t *doc = NULL;
  ekm_http_response answer;
  akv_request request = {.method = "GET",
                         .target = ekm_buf_text(target),
                         .doing = reader->doing,
                         .subject = reader->name != NULL ? reader->name : ""};

  ekm_http_response_init(&answer);
  EKM_TRY(akv_exchange(reader->client, &request, call, &answer, err));
  EKM_TRY(akv_parse(reader->client, &answer, reader->doing, &doc, err));
  if (ekm_json_array(doc, "value") == NULL)
    EKM_BAIL(err, EKM_E_KEY_ANSWER, "'%s': a list has no items", reader->client->host);
  EKM_TRY(read_items(reader, doc, err));
  EKM_TRY(read_next(reader, doc, target, err));
  ok = true;
done:
  ekm_json_free(&doc);
  ekm_http_response_clear(&answer);
  return ok;
}

static bool read_pages(const page_reader *reader, ekm_buf *target, const akv_call *call, ekm_err *err) {
  for (int page = 0; page < PAGES_MAX; page++) {
    if (!read_page(reader, target, call, err)) return false;
    if (target->len == 0) return true;
  }
  return EKM_FAIL(err, EKM_E_LIMIT, "a list of '%s' has more than %d pages", reader->client->host, PAGES_MAX);
}

static const char first_page_query[] = "?api-version=" AKV_API_VERSION "&maxresults=25";

bool akv_list_names(akv_client *client, const akv_call *call, akv_sink sink, ekm_err *err) {
  page_reader reader = {client, "list keys", NULL, sink};
  ekm_buf target;
  ekm_buf_init(&target, EKM_LIMIT_URL_BYTES);
  ekm_buf_append_text(&target, "/keys");
  ekm_buf_append_text(&target, first_page_query);
  bool ok = ekm_buf_ok(&target, "a URL", err) && read_pages(&reader, &target, call, err);
  ekm_buf_clear(&target);
  return ok;
}

bool akv_list_versions(akv_client *client, const char *name, const akv_call *call, akv_sink sink, ekm_err *err) {
  page_reader reader = {client, "list versions", name, sink};
  ekm_buf target;
  if (!akv_name_check(name, err)) return false;
  ekm_buf_init(&target, EKM_LIMIT_URL_BYTES);
  ekm_buf_append_fmt(&target, "/keys/%s/versions", name);
  ekm_buf_append_text(&target, first_page_query);
  bool ok = ekm_buf_ok(&target, "a URL", err) && read_pages(&reader, &target, call, err);
  ekm_buf_clear(&target);
  return ok;
}
