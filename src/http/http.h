/* HTTP: one request, one answer, over https only.
 *
 * Everything above speaks to this interface; what stands behind it is http_curl.c, or a decorator that holds
 * another ekm_http (http_log.c, http_fault.c), or a test's script.
 *
 * Rules of every implementation: certificates and host names are verified, TLS 1.2 or later, no redirects, no
 * cookies, no netrc, no proxy but the one that is configured, the deadline holds, limits hold, and neither
 * request nor answer bodies nor the authorization header are ever logged.
 *
 * Threads: an ekm_http may be used by all threads at once. */
#ifndef EKM_HTTP_HTTP_H
#define EKM_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"

/* The proxy of a route: CONNECT through it, with Basic where there is a user. All texts are borrowed for the call. */
typedef struct ekm_http_proxy {
  const char *url;           /* "http://host:port"; NULL: there is no proxy */
  const char *user;          /* NULL: it wants none */
  const char *password_file; /* its first line is the password; read again for each new connection. NULL: none */
  const char *exceptions;    /* hosts that are asked without it, see http_proxy.h; NULL: none */
} ekm_http_proxy;

/* Where the bytes really go: a route belongs to one host and is given by whoever knows the configuration. All texts
 * are borrowed for the call. NULL or 0 means: what the host name says, the system's authorities, no proxy. */
typedef struct ekm_http_route {
  const char *address;          /* host or IP address to connect to instead of resolving the URL's host */
  uint16_t port;                /* TCP port to connect to instead of the URL's */
  const char *ca_file;          /* PEM file of the only authorities to trust */
  const char *certificate_sha1; /* 40 hexadecimal digits: the server's certificate must be exactly this one; that is
                                   checked instead of authority, name and dates. For servers that sign their own */
  const ekm_http_proxy *proxy;  /* borrowed for the call */
  bool local_http; /* the URL is http, and its host this machine or its metadata service: 127.x.x.x, localhost,
                          169.254.169.254; LIMIT otherwise. Managed identities are asked so, and nothing else is */
} ekm_http_route;

enum { EKM_HTTP_FIELDS = 2 };

typedef struct ekm_http_request {
  const char *method;          /* "GET", "POST", "PUT", "PATCH", "DELETE" */
  const char *url;             /* https only, but for a route of local_http */
  const ekm_http_route *route; /* may be NULL */
  const ekm_secret *bearer;    /* access token for the Authorization header; NULL for none */
  const char *content_type;    /* of the body; NULL where there is none */
  ekm_view body;
  const char *fields[EKM_HTTP_FIELDS]; /* more headers, "Name: value" each; NULL for none */
  const char *client_request_id;       /* x-ms-client-request-id, "" or NULL for none */
  bool send_once;   /* never on a kept connection, which may be found dead and the request be sent again:
                                    for requests that must not be repeated */
  bool is_metadata; /* asked of the metadata service of a virtual machine, which is away for up to 70 seconds when its
                       host is updated: 404 and 410 pass there */
  ekm_deadline deadline;
  bool (*is_cancelled)(void *arg); /* polled during the exchange from the calling thread; may be NULL */
  void *cancel_arg;
} ekm_http_request;

/* The parts of an answer that a client of Key Vault or Entra ever looks at. ekm_http_response_init before use;
 * ekm_http_response_clear wipes. A header that was absent is an empty buffer. */
typedef struct ekm_http_response {
  int status;
  int64_t
      silent_ms; /* so long a connection that was kept said nothing, before this answer came over a new one; else 0 */
  ekm_buf body;  /* wiped: it may hold a token or a plaintext key */
  ekm_buf content_type;
  ekm_buf www_authenticate; /* the first one that names Bearer */
  ekm_buf www_basic;        /* the first one that names Basic */
  ekm_buf request_id;       /* x-ms-request-id */
  ekm_buf retry_after;      /* in milliseconds, digits: from retry-after-ms, x-ms-retry-after-ms or Retry-After */
  ekm_buf date;
} ekm_http_response;

/* ekm_http_response_init(response), ekm_http_response_clear(response): see above; nothing is allocated by init. */
void ekm_http_response_init(ekm_http_response *response);
void ekm_http_response_clear(ekm_http_response *response);

typedef struct ekm_http ekm_http;
struct ekm_http {
  /* Perform one exchange. true: an answer with some status arrived whole. false: DNS, CONNECT, TLS_UNTRUSTED,
   * TLS_HANDSHAKE, HTTP_SEND, HTTP_RECEIVE, PROXY, PROXY_AUTH, DEADLINE, CANCELLED, ANSWER_TOO_BIG, LIMIT or
   * OUT_OF_MEMORY; FILE_READ for the proxy's password; INTERNAL for a URL that is not https.
   * ${response} is empty then. */
  bool (*perform)(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err);
  void (*destroy)(ekm_http *self);
};

/* ekm_http_perform(http, request, response, err): the function of the table; ${response} must be initialised. */
EKM_MUST_USE bool ekm_http_perform(ekm_http *http, const ekm_http_request *request, ekm_http_response *response,
                                   ekm_err *err);

/* ekm_http_free(http): destroy it and whatever it decorates; NULL is fine; sets the caller's pointer to NULL. */
void ekm_http_free(ekm_http **http);

/* How old a connection may get that is still used: then DNS is asked again, for a vault may have moved. */
enum { EKM_HTTP_MAX_AGE_S = 240 };

/* ekm_http_curl_new(clock, user_agent, max_age_s, out_http, err):
 * The real thing, on libcurl. ${max_age_s} > 0 of connections, EKM_HTTP_MAX_AGE_S where nobody says otherwise. */
EKM_MUST_USE bool ekm_http_curl_new(const ekm_clock *clock, const char *user_agent, int64_t max_age_s,
                                    ekm_http **out_http, ekm_err *err);

/* ekm_http_log_new(lower, log, clock, out_http, err):
 * Log method, host, path, status, duration and request id of each exchange; takes over ${lower}. */
EKM_MUST_USE bool ekm_http_log_new(ekm_http *lower, ekm_log *log, const ekm_clock *clock, ekm_http **out_http,
                                   ekm_err *err);

typedef struct ekm_http_retry_options {
  const ekm_clock *clock; /* borrowed, as are rng and log */
  const ekm_rng *rng;
  ekm_log *log;                        /* may be NULL */
  unsigned retries;                    /* beyond the first try */
  int64_t delay_ms, max_delay_ms;      /* before the first one; at most */
  void (*wait)(void *arg, int64_t ms); /* for tests; NULL: really wait. May return early */
  void *wait_arg;
} ekm_http_retry_options;

/* ekm_http_retry_new(lower, options, out_http, err): see http_retry.c; takes over ${lower}. */
EKM_MUST_USE bool ekm_http_retry_new(ekm_http *lower, const ekm_http_retry_options *options, ekm_http **out_http,
                                     ekm_err *err);

typedef struct ekm_http_breaker_options {
  const ekm_clock *clock; /* borrowed, as is log */
  ekm_log *log;           /* may be NULL */
  unsigned failures;      /* in a row, after which a host counts as down; not 0 */
  int64_t open_ms;        /* how long it is not asked then */
} ekm_http_breaker_options;

/* ekm_http_breaker_new(lower, options, out_http, err):
 * See http_breaker.c; takes over ${lower}. HOST_DOWN for a host that is not asked. */
EKM_MUST_USE bool ekm_http_breaker_new(ekm_http *lower, const ekm_http_breaker_options *options, ekm_http **out_http,
                                       ekm_err *err);

/* ekm_http_fault_new(lower, fault, arg, out_http, err):
 * For tests: ask ${fault} before each exchange; if it raises an error the exchange fails with it. Takes over ${lower}.
 */
EKM_MUST_USE bool ekm_http_fault_new(ekm_http *lower,
                                     bool (*fault)(void *arg, const ekm_http_request *request, ekm_err *err), void *arg,
                                     ekm_http **out_http, ekm_err *err);

#endif
