/* What akvd offers, as a table: method, path, permission, handler. A new operation is a new row.
 *
 * Threads: the table is constant. */
#ifndef EKM_VAULT_ROUTES_H
#define EKM_VAULT_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "vault/exchange.h"
#include "vault/path.h"

typedef enum vault_face { VAULT_FACE_KEYS, VAULT_FACE_SIGN_IN } vault_face;

typedef struct vault_route {
  const char *operation; /* one word, for logs and metrics */
  vault_face face;
  const char *method;
  const char *pattern;          /* path.h */
  vault_permissions permission; /* one bit that the caller needs; 0 at the sign-in host */
  bool (*handle)(vault_exchange *x);
  size_t body_bytes; /* how long a body may be; 0: EKM_LIMIT_HTTP_REQUEST_BYTES */
} vault_route;

/* vault_route_find(face, method, path, out_match, out_path_known):
 * The first row that matches, or NULL; *${out_path_known} then says whether the path is there for another method. */
const vault_route *vault_route_find(vault_face face, const char *method, const vault_path *path,
                                    vault_path_match *out_match, bool *out_path_known);

/* vault_route_table(out_count): all rows, for tests and documentation. */
const vault_route *vault_route_table(size_t *out_count);

#endif
