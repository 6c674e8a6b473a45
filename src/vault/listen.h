/* The socket that the server listens on. */
#ifndef EKM_VAULT_LISTEN_H
#define EKM_VAULT_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* vault_listen(address, port, out_socket, out_port, err):
 * Listen on a numeric IPv4 or IPv6 address; port 0 takes a free one, *${out_port} says which. The socket does not
 * block and is not inherited by children; the caller closes it. SERVE with the system's reason. */
EKM_MUST_USE bool vault_listen(const char *address, uint16_t port, int *out_socket, uint16_t *out_port, ekm_err *err);

#endif
