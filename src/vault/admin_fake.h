/* akvd serve --fake-identity: the options, and the life of what they ask for. */
#ifndef EKM_VAULT_ADMIN_FAKE_H
#define EKM_VAULT_ADMIN_FAKE_H

#include "vault/admin.h"
#include "vault/fake_server.h"

/* Zero-initialise. */
typedef struct admin_fake {
  fake_identity *identity;
  fake_server *server;
  char where[ADMIN_WHERE_BYTES]; /* "127.0.0.1:40342"; "" if nothing was asked for */
} admin_fake;

/* admin_fake_start(a, out, err): start what the settings ask for, if they do. USAGE for options that are none. */
EKM_MUST_USE bool admin_fake_start(const admin *a, admin_fake *out, ekm_err *err);

/* admin_fake_stop(fake): after a failure of the start too. */
void admin_fake_stop(admin_fake *fake);

#endif
