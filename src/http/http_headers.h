/* Reads an answer's header lines as they arrive and keeps the few that clients of a vault look at.
 *
 *   HTTP/1.1 100 Continue              a status line starts an answer anew: an interim one is forgotten
 *
 *   HTTP/1.1 401 Unauthorized
 *   WWW-Authenticate: Bearer ...       kept, the first that names Bearer
 *   Retry-After: 2                     kept as milliseconds
 *   <empty line>                       the end: what comes later is a trailer and is not looked at */
#ifndef EKM_HTTP_HTTP_HEADERS_H
#define EKM_HTTP_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"

/* All header lines of one exchange together; curl's own limit for one line is 100 kB, and none for their number. */
enum { HTTP_HEADERS_MAX_BYTES = 64 * 1024 };

typedef struct http_headers {
  ekm_http_response *response;
  size_t seen_bytes;
  int retry_rank; /* of the header that gave retry_after; a lower one wins */
  bool open;      /* between a status line and the empty line behind it */
} http_headers;

/* http_headers_begin(headers, response): start to collect into ${response}. */
void http_headers_begin(http_headers *headers, ekm_http_response *response);

/* http_headers_line(headers, line, len, wall_s):
 * Take one line, with or without its line end. ${wall_s} turns a date of Retry-After into a duration. False: the
 * headers are larger than an honest server's, or memory is exhausted (then a buffer of the answer says so). */
EKM_MUST_USE bool http_headers_line(http_headers *headers, const char *line, size_t len, int64_t wall_s);

/* http_headers_lack_memory(headers): was that the reason of a false? */
bool http_headers_lack_memory(const http_headers *headers);

#endif
