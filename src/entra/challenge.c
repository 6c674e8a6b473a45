#include "entra/challenge.h"

#include <string.h>

#include "base/text.h"
#include "base/url.h"

enum { VALUE_MAX_CHARS = 1023 };

/* One name=value of the challenge. */
typedef struct parameter {
  char name[32];
  char value[VALUE_MAX_CHARS + 1];
} parameter;

static bool bad(ekm_err *err, const char *why) {
  return EKM_FAIL(err, EKM_E_CHALLENGE_BAD, "%s", why);
}

static const char *skip_separators(const char *at) {
  return at + strspn(at, " \t,");
}

static bool take_value(const char **at, char *out, size_t out_bytes, ekm_err *err) {
  const char *start = *at;
  bool quoted = *start == '"';
  if (quoted) start++;
  size_t len = strcspn(start, quoted ? "\"" : " \t,");
  if (quoted && start[len] != '"') return bad(err, "a quotation mark is missing");
  if (len >= out_bytes) return bad(err, "a value is too long");
  memcpy(out, start, len);
  out[len] = '\0';
  if (strchr(out, '\\') != NULL) return bad(err, "a value has a backslash");
  *at = start + len + (quoted ? 1 : 0);
  return true;
}

static bool take_parameter(const char **at, parameter *out, ekm_err *err) {
  size_t len = strcspn(*at, "=, \t\"");
  if (len == 0 || (*at)[len] != '=' || len >= sizeof out->name) return bad(err, "it is not a list of name=value");
  memcpy(out->name, *at, len);
  out->name[len] = '\0';
  *at += len + 1;
  return take_value(at, out->value, sizeof out->value, err);
}

bool entra_tenant_is_valid(const char *tenant) {
  return ekm_url_host_is_valid(tenant);
}

static bool set_authority(entra_challenge *out, const char *text, ekm_err *err) {
  ekm_url url;
  ekm_err why = {0};
  if (out->authority_host[0] != '\0') return bad(err, "it names two authorities");
  if (!ekm_url_parse(text, &url, "its authorization", &why)) return bad(err, why.detail);
  size_t len = strcspn(url.path + 1, "/");
  if (len == 0 || len > ENTRA_TENANT_MAX_CHARS) return bad(err, "its authorization names no tenant");
  memcpy(out->tenant, url.path + 1, len);
  out->tenant[len] = '\0';
  if (!entra_tenant_is_valid(out->tenant)) return bad(err, "its tenant is neither a GUID nor a domain");
  memcpy(out->authority_host, url.host, sizeof url.host);
  out->authority_port = url.port;
  return true;
}

static void cut_end(char *text, const char *end) {
  if (ekm_text_ends_i(text, end)) text[strlen(text) - strlen(end)] = '\0';
}

static bool set_resource(entra_challenge *out, char *text, bool is_scope, ekm_err *err) {
  ekm_url url;
  ekm_err why = {0};
  if (is_scope) cut_end(text, "/.default");
  while (ekm_text_ends_i(text, "/")) cut_end(text, "/");
  if (out->resource[0] != '\0' && strcmp(out->resource, text) != 0) return bad(err, "it names two resources");
  if (!ekm_url_parse(text, &url, "its resource", &why)) return bad(err, why.detail);
  if (strlen(text) > ENTRA_RESOURCE_MAX_CHARS) return bad(err, "its resource is too long");
  memcpy(out->resource, text, strlen(text) + 1);
  memcpy(out->resource_host, url.host, sizeof url.host);
  return true;
}

static bool use_parameter(entra_challenge *out, parameter *p, ekm_err *err) {
  if (ekm_text_ieq(p->name, "authorization") || ekm_text_ieq(p->name, "authorization_uri")) {
    return set_authority(out, p->value, err);
  }
  if (ekm_text_ieq(p->name, "resource")) return set_resource(out, p->value, false, err);
  if (ekm_text_ieq(p->name, "scope")) return set_resource(out, p->value, true, err);
  return true; /* error=, claims= and whatever comes later */
}

bool entra_challenge_parse(const char *header, entra_challenge *out, ekm_err *err) {
  static const char scheme[] = "Bearer";
  parameter p;

  memset(out, 0, sizeof *out);
  if (header[0] == '\0') return bad(err, "the header WWW-Authenticate: Bearer is missing");
  if (!ekm_text_starts_i(header, "Bearer ")) return bad(err, "it is not of the Bearer scheme");
  for (const char *at = skip_separators(header + sizeof scheme); *at != '\0'; at = skip_separators(at)) {
    if (!take_parameter(&at, &p, err) || !use_parameter(out, &p, err)) return false;
  }
  if (out->authority_host[0] == '\0') return bad(err, "it names no authorization");
  if (out->resource[0] == '\0') return bad(err, "it names no resource");
  return true;
}
