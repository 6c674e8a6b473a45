/* The initialised provider of this process: what its configuration built, and its sessions.
 *
 * SqlCryptInitializeProvider makes it, SqlCryptFreeProvider gives it up; calls that are running then keep it until
 * they end. Initialize may be called again before Free: the library may serve several hosts of one process, and each
 * of them frees once. This is the only mutable state of the module.
 *
 * Threads: everything here may be called from all threads. */
#ifndef EKM_PROVIDER_INSTANCE_H
#define EKM_PROVIDER_INSTANCE_H

#include <stdatomic.h>

#include "provider/session.h"
#include "provider/wire.h"

typedef struct provider_instance {
  atomic_uint refs;
  provider_wiring wiring;
  session_table sessions;
} provider_instance;

/* instance_initialize(err): make the instance, or count one more user of it. */
EKM_MUST_USE bool instance_initialize(ekm_err *err);

/* instance_give_up(err): one user less; the last one closes all sessions. NOT_INITIALIZED without a user. */
EKM_MUST_USE bool instance_give_up(ekm_err *err);

/* instance_acquire(err): the instance with a reference for the caller, or NULL with NOT_INITIALIZED. */
provider_instance *instance_acquire(ekm_err *err);

/* instance_release(instance): the last reference frees everything; sets the caller's pointer to NULL. */
void instance_release(provider_instance **instance);

#endif
