/* https URLs and host names, no more of RFC 3986 than vaults and token endpoints use.
 *
 *   https://myvault.vault.azure.net:443/keys/name/version?api-version=7.4
 *           \_______ host ________/ \_/\______ path ____/ \____ query ___/
 *                                   port */
#ifndef EKM_BASE_URL_H
#define EKM_BASE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

typedef struct ekm_url {
  char host[EKM_LIMIT_HOST_BYTES + 1]; /* lower-case */
  uint16_t port;                       /* 443 where the URL has none */
  char path[EKM_LIMIT_URL_BYTES + 1];  /* begins with '/'; as written, not decoded */
  char query[EKM_LIMIT_URL_BYTES + 1]; /* behind '?', else "" */
} ekm_url;

/* ekm_url_parse(text, out, what, err):
 * Only https, no user information, no fragment, a host by ekm_url_host_is_valid. TEXT_ENCODING otherwise. */
EKM_MUST_USE bool ekm_url_parse(const char *text, ekm_url *out, const char *what, ekm_err *err);

/* ekm_url_host_is_valid(host): labels of 1 to 63 letters, digits and inner hyphens, or an IPv4 address. */
bool ekm_url_host_is_valid(const char *host);

/* ekm_url_host_is_under(host, parent):
 * Is ${host} a name below ${parent}: "." parent at its end, and something in front? Case ignored. This is the rule by
 * which the Azure SDKs accept a challenge's resource; comparing without the dot would accept evilvault.azure.net. */
bool ekm_url_host_is_under(const char *host, const char *parent);

/* ekm_url_append_encoded(text, out): append ${text}, percent-encoded but for RFC 3986 unreserved characters. */
void ekm_url_append_encoded(ekm_view text, ekm_buf *out);

/* ekm_url_decode(text, len, plus_is_space, out, err):
 * Append the bytes of a percent-encoded text. '%00' and broken sequences are TEXT_ENCODING. */
EKM_MUST_USE bool ekm_url_decode(const char *text, size_t len, bool plus_is_space, ekm_buf *out, ekm_err *err);

#endif
