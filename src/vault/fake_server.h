/* Plain HTTP for fake_identity.h, as in Azure: on the loopback only, since whoever asks gets a token.
 *
 * Threads: start and stop from one thread. */
#ifndef EKM_VAULT_FAKE_SERVER_H
#define EKM_VAULT_FAKE_SERVER_H

#include <stdint.h>

#include "vault/fake_identity.h"

typedef struct fake_server fake_server;

/* fake_server_start(address, port, identity, out_server, err):
 * Listen on a numeric address of the loopback and answer; ${identity} is borrowed until fake_server_stop. Port 0 is a
 * free one. SERVE if the address cannot be bound, or is another machine's to reach. */
EKM_MUST_USE bool fake_server_start(const char *address, uint16_t port, fake_identity *identity,
                                    fake_server **out_server, ekm_err *err);

/* fake_server_port(server): the port that is listened on. */
uint16_t fake_server_port(const fake_server *server);

/* fake_server_stop(server): NULL is fine; sets the caller's pointer to NULL. */
void fake_server_stop(fake_server **server);

#endif
