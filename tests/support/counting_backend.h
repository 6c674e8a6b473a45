/* A keyring_backend that counts what it passes on, and can refuse it. */
#ifndef EKM_TESTS_SUPPORT_COUNTING_BACKEND_H
#define EKM_TESTS_SUPPORT_COUNTING_BACKEND_H

#include <stdatomic.h>

#include "keyring/keyring.h"

typedef struct counting_backend {
  keyring_backend base;
  keyring_backend *lower; /* taken over, unless borrowed */
  bool borrowed;
  atomic_int gets, name_lists, version_lists, creates, drops, wraps, unwraps, encrypts, decrypts;
  void (*meanwhile)(void *arg); /* what happens elsewhere while names are listed; may be NULL */
  void *meanwhile_arg;
  atomic_int fail_with; /* an ekm_err_id: the next calls raise it; 0 for none */
} counting_backend;

/* counting_backend_over(lower): in memory of its own; destroyed through the keyring that takes it over. */
counting_backend *counting_backend_over(keyring_backend *lower);

/* counting_backend_calls(backend): all calls so far. */
int counting_backend_calls(counting_backend *backend);

#endif
