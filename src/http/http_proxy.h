/* Which hosts a proxy is for, and its password.
 *
 *   exceptions: "myvault.vault.azure.net, privatelink.example 10.0.0.4"
 *
 *   Names and IPv4 addresses, between commas or blanks. A name stands for itself and all below it, with or without a
 *   dot in front; an address for itself. What counts is the host in the URL, not what it resolves to. */
#ifndef EKM_HTTP_HTTP_PROXY_H
#define EKM_HTTP_HTTP_PROXY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/secret.h"
#include "http/http.h"

/* http_proxy_exceptions_are_valid(list): is every word of it a host? */
bool http_proxy_exceptions_are_valid(const char *list);

/* http_proxy_serves(proxy, host): is ${host} asked through it? Not without a proxy (NULL, or no URL). */
bool http_proxy_serves(const ekm_http_proxy *proxy, ekm_view host);

/* http_proxy_password(path, out, err): the first line of the file. FILE_READ, LIMIT. */
EKM_MUST_USE bool http_proxy_password(const char *path, ekm_secret *out, ekm_err *err);

#endif
