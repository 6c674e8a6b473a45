/* A keyring over a vault in memory that counts what it is asked. */
#ifndef EKM_TESTS_UNIT_KEYRING_KEYRING_FIXTURE_H
#define EKM_TESTS_UNIT_KEYRING_KEYRING_FIXTURE_H

#include <stdatomic.h>
#include <stdio.h>

#include "base/thread.h"
#include "keyring/keyring.h"
#include "support/cmocka_all.h"
#include "support/counting_backend.h"

typedef struct fixture {
  ekm_crypto *crypto;
  keyring *ring;
  counting_backend *vault;
  keyring_call call;
  ekm_err err;
} fixture;

static inline int set_up(void **state) {
  fixture *f = test_calloc(1, sizeof *f);
  keyring_backend *memory = NULL;
  assert_true(ekm_crypto_new(&f->crypto, &f->err));
  assert_true(keyring_memory_new(f->crypto, &memory, &f->err));
  f->vault = counting_backend_over(memory);
  keyring_options options = {.crypto = f->crypto, .clock = ekm_clock_system(), .wrap_alg = "RSA-OAEP-256"};
  assert_true(keyring_new(&options, &f->vault->base, &f->ring, &f->err));
  f->call.deadline = ekm_deadline_in(ekm_clock_system(), 60000);
  *state = f;
  return 0;
}

static inline int tear_down(void **state) {
  fixture *f = *state;
  keyring_unref(&f->ring);
  ekm_crypto_free(&f->crypto);
  test_free(f);
  return 0;
}

/* A second keyring over nothing but the vault: what another process, or this one after a restart, knows. ${more} sets
 * what the test wants otherwise; crypto, clock and algorithm are set here. */
static inline keyring *forgetful_ring_with(fixture *f, keyring_options more) {
  keyring *ring = NULL;
  counting_backend *again = counting_backend_over(&f->vault->base);
  again->borrowed = true;
  more.crypto = f->crypto;
  if (more.clock == NULL) more.clock = ekm_clock_system();
  more.wrap_alg = "RSA-OAEP-256";
  assert_true(keyring_new(&more, &again->base, &ring, &f->err));
  return ring;
}

static inline keyring *forgetful_ring(fixture *f) {
  return forgetful_ring_with(f, (keyring_options){0});
}

static inline keyring_key *create(fixture *f, const char *name) {
  keyring_key *key = NULL;
  assert_true(keyring_create(f->ring, name, KEYRING_RSA, 2048, &f->call, &key, &f->err));
  return key;
}

static inline void fill(fixture *f, int count) {
  char name[16];
  for (int i = 0; i < count; i++) {
    (void)snprintf(name, sizeof name, "key-%d", i);
    keyring_key *key = create(f, name);
    keyring_key_unref(&key);
  }
}

static inline void expect_missing(fixture *f, keyring *ring, ekm_err_id expected) {
  static const uint8_t none[KEYRING_THUMB_BYTES] = {1};
  keyring_key *key = NULL;
  ekm_err_clear(&f->err);
  assert_false(keyring_by_thumb(ring, ekm_view_of(none, sizeof none), &f->call, &key, &f->err));
  assert_int_equal(f->err.id, expected);
}

static inline void wait_until(const atomic_bool *happened) {
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), 5000);
  while (!atomic_load(happened) && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) ekm_thread_yield();
}

#endif
