/* A vault that is away, and another that holds copies of its keys. */
#include <stdio.h>
#include <string.h>

#include "keyring_fixture.h"
#include "support/memory_gate.h"

typedef struct pair {
  fixture *f; /* the vault itself */
  counting_backend *copies;
  keyring *ring, *replica;
  keyring_key *key;
  ekm_buf wrapped, plain;
  uint8_t dek[32];
} pair;

/* The copy has another name there, as an import may have given it. */
static void copy_key(pair *p, const char *name) {
  keyring_record copy;
  keyring_record_init(&copy);
  (void)snprintf(copy.name, sizeof copy.name, "%s", name);
  (void)snprintf(copy.version, sizeof copy.version, "0123456789abcdef0123456789abcdef");
  copy.is_rsa = copy.enabled = true;
  ekm_buf_append_view(&copy.n, keyring_key_n(p->key));
  ekm_buf_append_view(&copy.e, keyring_key_e(p->key));
  assert_true(keyring_memory_add(p->copies->lower, &copy, &p->f->err));
  keyring_record_clear(&copy);
}

/* A keyring as after a restart, with its replica. */
static int set_up_pair(void **state) {
  pair *p = test_calloc(1, sizeof *p);
  void *base = NULL;
  keyring_backend *memory = NULL;
  assert_int_equal(set_up(&base), 0);
  fixture *f = p->f = base;
  assert_true(keyring_memory_new(f->crypto, &memory, &f->err));
  p->copies = counting_backend_over(memory);
  keyring_options options = {
      .host = "b.vault.localhost", .crypto = f->crypto, .clock = ekm_clock_system(), .wrap_alg = "RSA-OAEP-256"};
  assert_true(keyring_new(&options, &p->copies->base, &p->replica, &f->err));
  p->key = create(f, "tde");
  copy_key(p, "tde-copy");
  memset(p->dek, 7, sizeof p->dek);
  ekm_buf_init(&p->wrapped, 512);
  ekm_buf_init(&p->plain, 512);
  assert_true(keyring_wrap(f->ring, p->key, ekm_view_of(p->dek, sizeof p->dek), &f->call, &p->wrapped, &f->err));
  p->ring = forgetful_ring_with(f, (keyring_options){.host = "a.vault.localhost"});
  assert_true(keyring_add_replica(p->ring, p->replica, &f->err));
  *state = p;
  return 0;
}

static int tear_down_pair(void **state) {
  pair *p = *state;
  void *base = p->f;
  ekm_buf_clear(&p->wrapped);
  ekm_buf_clear(&p->plain);
  keyring_key_unref(&p->key);
  keyring_unref(&p->ring);
  keyring_unref(&p->replica);
  tear_down(&base);
  test_free(p);
  return 0;
}

static bool unwrap(pair *p) {
  ekm_err_clear(&p->f->err);
  ekm_buf_reset(&p->plain);
  return keyring_unwrap_by_thumb(p->ring, keyring_key_thumb(p->key), ekm_buf_view(&p->wrapped), &p->f->call, &p->plain,
                                 &p->f->err);
}

static void expect_unwrapped(pair *p) {
  assert_true(unwrap(p));
  assert_int_equal(p->f->err.id, 0);
  assert_int_equal(p->plain.len, sizeof p->dek);
  assert_memory_equal(p->plain.ptr, p->dek, sizeof p->dek);
}

static void a_vault_that_answers_is_asked_alone(void **state) {
  pair *p = *state;
  expect_unwrapped(p);
  assert_int_equal(counting_backend_calls(p->copies), 0);
}

static void an_outage_leads_to_the_copy(void **state) {
  static const ekm_err_id outages[] = {
      EKM_E_DNS,      EKM_E_CONNECT,   EKM_E_TLS_HANDSHAKE,   EKM_E_HTTP_RECEIVE,
      EKM_E_DEADLINE, EKM_E_HOST_DOWN, EKM_E_VAULT_THROTTLED, EKM_E_VAULT_SERVER_ERROR};
  pair *p = *state;
  for (size_t i = 0; i < sizeof outages / sizeof outages[0]; i++) {
    int before = atomic_load(&p->copies->unwraps);
    atomic_store(&p->f->vault->fail_with, (int)outages[i]);
    expect_unwrapped(p);
    assert_int_equal(atomic_load(&p->copies->unwraps), before + 1);
  }
  atomic_store(&p->f->vault->fail_with, 0);
  int before = counting_backend_calls(p->copies);
  expect_unwrapped(p); /* and back */
  assert_int_equal(counting_backend_calls(p->copies), before);
}

static void a_key_is_found_at_the_copy_too(void **state) {
  pair *p = *state;
  keyring_key *found = NULL;
  atomic_store(&p->f->vault->fail_with, EKM_E_CONNECT);
  assert_true(keyring_by_thumb(p->ring, keyring_key_thumb(p->key), &p->f->call, &found, &p->f->err));
  assert_string_equal(keyring_key_name(found), "tde-copy");
  keyring_key_unref(&found);
}

/* Who revoked a key in a vault that answers has revoked it. */
static void a_no_is_not_asked_elsewhere(void **state) {
  static const ekm_err_id noes[] = {
      EKM_E_VAULT_FORBIDDEN, EKM_E_KEY_DISABLED,       EKM_E_KEY_NOT_FOUND, EKM_E_TOKEN_REFUSED,  EKM_E_TOKEN_REJECTED,
      EKM_E_UNWRAP_REFUSED,  EKM_E_TLS_UNTRUSTED,      EKM_E_CANCELLED,     EKM_E_VAULT_FIREWALL, EKM_E_KEY_NOT_IN_TIME,
      EKM_E_VAULT_ROLE,      EKM_E_VAULT_PRIVATE_LINK, EKM_E_VAULT_DENIED};
  pair *p = *state;
  expect_unwrapped(p);
  for (size_t i = 0; i < sizeof noes / sizeof noes[0]; i++) {
    atomic_store(&p->f->vault->fail_with, (int)noes[i]);
    assert_false(unwrap(p));
    assert_int_equal(counting_backend_calls(p->copies), 0);
  }
}

static void the_first_vault_has_the_word_when_none_answers(void **state) {
  pair *p = *state;
  atomic_store(&p->f->vault->fail_with, EKM_E_CONNECT);
  atomic_store(&p->copies->fail_with, EKM_E_VAULT_FORBIDDEN);
  assert_false(unwrap(p));
  assert_int_equal(p->f->err.id, EKM_E_CONNECT);
}

/* The time of a call is divided: a vault that is silent leaves half of it to its replica. */
static atomic_llong granted_ms;

static bool silent_list(keyring_backend *self, const keyring_call *call, keyring_list *out, ekm_err *err) {
  (void)self;
  (void)out;
  atomic_store(&granted_ms, (long long)ekm_deadline_left_ms(call->deadline, ekm_clock_system()));
  return EKM_FAIL(err, EKM_E_DEADLINE, "silent");
}

static void a_silent_vault_gets_half_of_the_time(void **state) {
  pair *p = *state;
  p->f->vault->base.list_names = silent_list;
  p->f->call.deadline = ekm_deadline_in(ekm_clock_system(), 60000);
  expect_unwrapped(p);
  assert_in_range(atomic_load(&granted_ms), 25000, 30000);
}

/* A vault with many keys, in which the search is not over in time, and the key is deleted: that is no outage. */
static atomic_int requests_left;

static bool hurried_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                        keyring_record *out, ekm_err *err) {
  counting_backend *b = (counting_backend *)(void *)self;
  if (atomic_fetch_sub(&requests_left, 1) <= 0) return EKM_FAIL(err, EKM_E_DEADLINE, "'%s'", name);
  return b->lower->get(b->lower, name, version, call, out, err);
}

static void a_search_that_is_not_over_is_no_outage(void **state) {
  pair *p = *state;
  fixture *f = p->f;
  for (int i = 0; i < 4; i++) {
    keyring_key *other = create(f, (const char *[]){"a", "b", "c", "d"}[i]);
    keyring_key_unref(&other);
  }
  assert_true(keyring_drop(f->ring, p->key, &f->call, &f->err));
  f->vault->base.get = hurried_get;
  atomic_store(&requests_left, 2);
  assert_false(unwrap(p));
  assert_int_equal(f->err.id, EKM_E_SEARCH_UNFINISHED);
  atomic_store(&requests_left, 100);
  assert_false(unwrap(p));
  assert_int_equal(f->err.id, EKM_E_KEY_NOT_FOUND);
  assert_int_equal(counting_backend_calls(p->copies), 0);
}

/* What a replica answered in an outage is not used any more once the vault itself has said no. */
static void a_no_ends_what_copies_answered(void **state) {
  static const ekm_err_id noes[] = {EKM_E_TOKEN_REFUSED, EKM_E_VAULT_ROLE, EKM_E_KEY_DISABLED, EKM_E_KEY_NOT_FOUND};
  pair *p = *state;
  fixture *f = p->f;
  keyring *ring = NULL, *replica = NULL;
  counting_backend *copies = counting_backend_over(&p->copies->base);
  copies->borrowed = true;
  const keyring_options options = {.host = "b.vault.localhost",
                                   .crypto = f->crypto,
                                   .clock = ekm_clock_system(),
                                   .wrap_alg = "RSA-OAEP-256",
                                   .keep_ms = 3600000,
                                   .grace_ms = 3600000};
  assert_true(keyring_new(&options, &copies->base, &replica, &f->err));
  ring = forgetful_ring_with(f, (keyring_options){.host = "a.vault.localhost"});
  assert_true(keyring_add_replica(ring, replica, &f->err));
  keyring_unref(&p->ring);
  p->ring = ring;
  expect_unwrapped(p); /* from now on its thumbprint is known in the vault itself */
  for (size_t i = 0; i < sizeof noes / sizeof noes[0]; i++) {
    atomic_store(&f->vault->fail_with, EKM_E_CONNECT);
    atomic_store(&p->copies->fail_with, 0);
    expect_unwrapped(p);
    int unwraps = atomic_load(&p->copies->unwraps);
    expect_unwrapped(p);
    assert_int_equal(atomic_load(&p->copies->unwraps), unwraps); /* it is kept */
    if (noes[i] == EKM_E_TOKEN_REFUSED) {                        /* as at the next session */
      keyring_note_refusal(p->ring, &(ekm_err){.id = noes[i]});
    } else {
      atomic_store(&f->vault->fail_with, (int)noes[i]);
      assert_false(unwrap(p));
      assert_int_equal(f->err.id, noes[i]);
    }
    atomic_store(&f->vault->fail_with, EKM_E_CONNECT);
    atomic_store(&p->copies->fail_with, EKM_E_CONNECT);
    assert_false(unwrap(p));
    assert_int_equal(f->err.id, EKM_E_CONNECT);
  }
  keyring_unref(&replica);
}

static void there_are_not_too_many(void **state) {
  pair *p = *state;
  for (int i = 1; i < KEYRING_REPLICAS_MAX; i++) assert_true(keyring_add_replica(p->ring, p->replica, &p->f->err));
  assert_false(keyring_add_replica(p->ring, p->replica, &p->f->err));
  assert_int_equal(p->f->err.id, EKM_E_LIMIT);
}

/* The vault's own trouble is what is told; but want of memory before anybody was asked is said, too. */
static void copies_without_memory(void **state) {
  pair *p = *state;
  memory_gate gate = {0};
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    memory_gate_rest(&gate);
    keyring *replica = NULL;
    counting_backend *copies = counting_backend_over(&p->copies->base);
    copies->borrowed = true;
    keyring_options options = {
        .host = "b.vault.localhost", .crypto = p->f->crypto, .clock = ekm_clock_system(), .wrap_alg = "RSA-OAEP-256"};
    assert_true(keyring_new(&options, &copies->base, &replica, &p->f->err));
    keyring_unref(&p->ring);
    p->ring = forgetful_ring_with(p->f, (keyring_options){.host = "a.vault.localhost"});
    assert_true(keyring_add_replica(p->ring, replica, &p->f->err));
    keyring_unref(&replica);
    atomic_store(&p->f->vault->fail_with, EKM_E_CONNECT);
    memory_gate_go_on(&gate);
    bool ok = unwrap(p);
    memory_gate_rest(&gate);
    gate.done = !gate.failed;
    bool is_right = ok || p->f->err.id == EKM_E_OUT_OF_MEMORY || p->f->err.id == EKM_E_CONNECT;
    if (!is_right || (!ok && !gate.failed)) fail_msg("%zu: %s", n, p->f->err.detail);
    expect_unwrapped(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_vault_that_answers_is_asked_alone, set_up_pair, tear_down_pair),
      cmocka_unit_test_setup_teardown(an_outage_leads_to_the_copy, set_up_pair, tear_down_pair),
      cmocka_unit_test_setup_teardown(a_key_is_found_at_the_copy_too, set_up_pair, tear_down_pair),
      cmocka_unit_test_setup_teardown(a_no_is_not_asked_elsewhere, set_up_pair, tear_down_pair),
      cmocka_unit_test_setup_teardown(the_first_vault_has_the_word_when_none_answers, set_up_pair, tear_down_pair),
      cmocka_unit_test_setup_teardown(a_silent_vault_gets_half_of_the_time, set_up_pair, tear_down_pair),
      cmocka_unit_test_setup_teardown(a_search_that_is_not_over_is_no_outage, set_up_pair, tear_down_pair),
      cmocka_unit_test_setup_teardown(a_no_ends_what_copies_answered, set_up_pair, tear_down_pair),
      cmocka_unit_test_setup_teardown(there_are_not_too_many, set_up_pair, tear_down_pair),
      cmocka_unit_test_setup_teardown(copies_without_memory, set_up_pair, tear_down_pair),
  };
  return cmocka_run_group_tests_name("replicas", tests, NULL, NULL);
}
