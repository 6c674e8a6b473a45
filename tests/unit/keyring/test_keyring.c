/* What a keyring remembers and what it asks: names, thumbprints, enumerations, wrapping. */
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "base/mem.h"
#include "keyring/blob.h"
#include "keyring/foreign.h"
#include "keyring_fixture.h"

/* RFC 7638 section 3.1. */
static void thumb_is_that_of_rfc_7638(void **state) {
  fixture *f = *state;
  static const char n_text[] =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
      "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
      "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"
      "wapJzKnqDKgw";
  static const char digest_text[] = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
  uint8_t thumb[KEYRING_THUMB_BYTES];
  ekm_buf n, digest;

  ekm_buf_init(&n, 512);
  ekm_buf_init(&digest, 64);
  ekm_buf_append_char(&n, 0); /* a leading zero must not matter */
  assert_true(ekm_b64url_decode(n_text, strlen(n_text), &n, "n", &f->err));
  assert_true(ekm_b64url_decode(digest_text, strlen(digest_text), &digest, "digest", &f->err));
  assert_true(keyring_thumb(f->crypto, ekm_buf_view(&n), ekm_view_of("\x01\x00\x01", 3), thumb, &f->err));
  assert_memory_equal(thumb, digest.ptr, KEYRING_THUMB_BYTES);
  ekm_buf_clear(&n);
  ekm_buf_clear(&digest);
}

static void name_without_version_always_asks(void **state) {
  fixture *f = *state;
  keyring_key *first = create(f, "tde");
  keyring_key *again = NULL;

  assert_true(keyring_by_name(f->ring, "TDE", NULL, &f->call, &again, &f->err));
  assert_int_equal(atomic_load(&f->vault->gets), 1);
  assert_true(ekm_view_equal(keyring_key_thumb(first), keyring_key_thumb(again)));
  keyring_key_unref(&again);

  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  assert_true(keyring_by_name(f->ring, "tde", NULL, &f->call, &again, &f->err));
  assert_int_equal(atomic_load(&f->vault->gets), 2);
  assert_false(ekm_view_equal(keyring_key_thumb(first), keyring_key_thumb(again)));
  keyring_key_unref(&again);

  /* The old version is pinned by name and by thumbprint, and costs nothing. */
  assert_true(keyring_by_name(f->ring, "tde", keyring_key_version(first), &f->call, &again, &f->err));
  assert_true(ekm_view_equal(keyring_key_thumb(first), keyring_key_thumb(again)));
  keyring_key_unref(&again);
  assert_true(keyring_by_thumb(f->ring, keyring_key_thumb(first), &f->call, &again, &f->err));
  assert_string_equal(keyring_key_version(first), keyring_key_version(again));
  assert_int_equal(atomic_load(&f->vault->gets), 2);
  keyring_key_unref(&again);
  keyring_key_unref(&first);
}

static void thumb_finds_new_and_old_versions_without_memory(void **state) {
  fixture *f = *state;
  keyring_key *first = create(f, "tde");
  keyring_key *other = create(f, "zz");
  keyring_key *found = NULL;

  assert_true(keyring_memory_add_foreign(f->vault->lower, "curve", &f->err));
  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  keyring *ring = forgetful_ring(f);
  assert_null(keyring_peek(ring, keyring_key_thumb(first)));
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(first), &f->call, &found, &f->err));
  assert_string_equal(keyring_key_version(found), keyring_key_version(first));
  keyring_key_unref(&found);

  int calls = counting_backend_calls(f->vault);
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(other), &f->call, &found, &f->err));
  assert_int_equal(counting_backend_calls(f->vault), calls); /* the first search saw it in passing */
  keyring_key_unref(&found);
  keyring_key_unref(&first);
  keyring_key_unref(&other);
  keyring_unref(&ring);
}

/* SHA-1 of the key's DER, as Microsoft's connector may have it. */
static ekm_view foreign_thumb(fixture *f, const keyring_key *key, uint8_t out[EKM_SHA1_BYTES]) {
  ekm_buf blob;
  ekm_buf_init(&blob, KEYRING_BLOB_MAX_BYTES);
  assert_true(keyring_blob_append(KEYRING_BLOB_SPKI, keyring_key_n(key), keyring_key_e(key), &blob, &f->err));
  assert_true(ekm_crypto_sha1(f->crypto, ekm_buf_view(&blob), out, &f->err));
  ekm_buf_clear(&blob);
  return ekm_view_of(out, EKM_SHA1_BYTES);
}

static void thumbs_of_another_connector_find_the_key(void **state) {
  fixture *f = *state;
  uint8_t bytes[EKM_SHA1_BYTES];
  keyring_key *found = NULL;
  keyring_key *key = create(f, "moved");
  keyring_key_unref(&(keyring_key *){create(f, "another")});
  ekm_view thumb = foreign_thumb(f, key, bytes);
  for (int cold = 0; cold < 2; cold++) { /* what the keyring knows already, and what it has to search */
    keyring *ring = cold == 1 ? forgetful_ring(f) : keyring_ref(f->ring);
    assert_null(keyring_peek(ring, thumb));
    assert_true(keyring_by_thumb(ring, thumb, &f->call, &found, &f->err));
    assert_string_equal(keyring_key_version(found), keyring_key_version(key));
    keyring_key_unref(&found);
    int before = counting_backend_calls(f->vault);
    found = keyring_peek(ring, thumb); /* and from then on it costs nothing */
    assert_non_null(found);
    keyring_key_unref(&found);
    assert_true(keyring_by_thumb(ring, thumb, &f->call, &found, &f->err));
    assert_int_equal(counting_backend_calls(f->vault), before);
    keyring_key_unref(&found);
    keyring_unref(&ring);
  }
  keyring_key_unref(&key);
}

typedef struct learning {
  fixture *f;
  keyring *ring;
  const char *version;
} learning;

static void learn_version(void *arg) {
  learning *l = arg;
  keyring_key *key = NULL;
  ekm_err err = {0};
  assert_true(keyring_by_name(l->ring, "moved", l->version, &l->f->call, &key, &err));
  keyring_key_unref(&key);
}

/* A version that another thread has read since the search began is none that the search may pass by. */
static void a_search_passes_by_nothing_that_it_did_not_look_at(void **state) {
  fixture *f = *state;
  uint8_t bytes[EKM_SHA1_BYTES];
  keyring_key *found = NULL;
  keyring_key *key = create(f, "moved");
  ekm_view thumb = foreign_thumb(f, key, bytes);
  assert_true(keyring_memory_rotate(f->vault->lower, "moved", &f->err));
  learning elsewhere = {f, forgetful_ring(f), keyring_key_version(key)};
  f->vault->meanwhile = learn_version;
  f->vault->meanwhile_arg = &elsewhere;
  if (!keyring_by_thumb(elsewhere.ring, thumb, &f->call, &found, &f->err)) fail_msg("%s", f->err.detail);
  assert_string_equal(keyring_key_version(found), keyring_key_version(key));
  keyring_key_unref(&found);
  keyring_key_unref(&key);
  keyring_unref(&elsewhere.ring);
}

static void check_opens(fixture *f, keyring *ring, ekm_view thumb, const ekm_buf *wrapped) {
  ekm_buf plain;
  ekm_buf_init(&plain, EKM_LIMIT_RSA_MODULUS_BYTES);
  if (!keyring_unwrap_by_thumb(ring, thumb, ekm_buf_view(wrapped), &f->call, &plain, &f->err))
    fail_msg("%s", f->err.detail);
  assert_string_equal(ekm_buf_text(&plain), "a DEK of old");
  ekm_buf_clear(&plain);
}

/* A packed name says nothing of the version: whichever has wrapped it is found, disabled ones are passed by. */
static void packed_names_mean_any_version(void **state) {
  enum { VERSIONS = 4 };
  fixture *f = *state;
  ekm_buf wrapped[VERSIONS], thumb, plain;
  ekm_buf_init(&thumb, KEYRING_FOREIGN_NAME_BYTES);
  ekm_buf_init(&plain, EKM_LIMIT_RSA_MODULUS_BYTES);
  assert_true(keyring_foreign_pack("tde-2016", &thumb));
  for (int i = 0; i < VERSIONS; i++) {
    keyring_key *key = NULL;
    if (i == 0) keyring_key_unref(&(keyring_key *){create(f, "tde-2016")});
    if (i > 0) assert_true(keyring_memory_rotate(f->vault->lower, "tde-2016", &f->err));
    assert_true(keyring_by_name(f->ring, "tde-2016", NULL, &f->call, &key, &f->err));
    ekm_buf_init(&wrapped[i], EKM_LIMIT_RSA_MODULUS_BYTES);
    assert_true(keyring_wrap(f->ring, key, ekm_view_text("a DEK of old"), &f->call, &wrapped[i], &f->err));
    keyring_key_unref(&key);
  }
  keyring *ring = forgetful_ring(f);
  for (int i = 0; i < VERSIONS; i++) check_opens(f, ring, ekm_buf_view(&thumb), &wrapped[i]);
  for (int i = 0; i < VERSIONS; i++) check_opens(f, ring, ekm_buf_view(&thumb), &wrapped[i]);
  keyring_unref(&ring);

  assert_true(keyring_memory_enable(f->vault->lower, "tde-2016", false, &f->err)); /* the newest */
  ring = forgetful_ring(f);
  check_opens(f, ring, ekm_buf_view(&thumb), &wrapped[0]);
  assert_false(keyring_unwrap_by_thumb(ring, ekm_buf_view(&thumb), ekm_buf_view(&wrapped[VERSIONS - 1]), &f->call,
                                       &plain, &f->err));
  assert_int_equal(f->err.id, EKM_E_UNWRAP_REFUSED);
  keyring_unref(&ring);

  assert_true(keyring_memory_add_foreign(f->vault->lower, "tde-2016", &f->err)); /* a version of another type */
  ring = forgetful_ring(f);
  for (int i = 0; i < VERSIONS - 1; i++) check_opens(f, ring, ekm_buf_view(&thumb), &wrapped[i]);
  keyring_unref(&ring);
  for (int i = 0; i < VERSIONS; i++) ekm_buf_clear(&wrapped[i]);
  ekm_buf_clear(&thumb);
  ekm_buf_clear(&plain);
}

static keyring *reporting_ring(fixture *f, keyring_thumb_kind kind) {
  keyring *ring = NULL;
  keyring_options options = {
      .crypto = f->crypto, .clock = ekm_clock_system(), .wrap_alg = "RSA-OAEP-256", .report = kind};
  counting_backend *again = counting_backend_over(&f->vault->base);
  again->borrowed = true;
  assert_true(keyring_new(&options, &again->base, &ring, &f->err));
  return ring;
}

/* What is reported finds the key, in the ring that reported it without a request, and in every other. */
static void each_kind_of_thumb_can_be_reported(void **state) {
  fixture *f = *state;
  keyring_key *key = create(f, "reported");
  for (int kind = 0; kind < KEYRING_THUMB_SHA1 + KEYRING_BLOB_FORMS; kind++) {
    keyring *ring = reporting_ring(f, (keyring_thumb_kind)kind);
    keyring_key *mine = NULL, *found = NULL;
    ekm_buf thumb;
    ekm_buf_init(&thumb, 32);
    assert_true(keyring_by_name(ring, "reported", NULL, &f->call, &mine, &f->err));
    assert_true(keyring_thumb_of(ring, mine, &thumb, &f->err));
    assert_int_equal(thumb.len, kind == KEYRING_THUMB_NAME ? 6 : 20);
    found = keyring_peek(ring, ekm_buf_view(&thumb));
    assert_ptr_equal(found, mine);
    keyring_key_unref(&found);
    assert_true(keyring_by_thumb(f->ring, ekm_buf_view(&thumb), &f->call, &found, &f->err));
    assert_string_equal(keyring_key_version(found), keyring_key_version(key));
    keyring_key_unref(&found);
    keyring_key_unref(&mine);
    ekm_buf_clear(&thumb);
    keyring_unref(&ring);
  }
  keyring_key_unref(&key);
}

static void a_name_without_a_packed_form_is_not_created(void **state) {
  fixture *f = *state;
  keyring *ring = reporting_ring(f, KEYRING_THUMB_NAME);
  keyring_key *key = NULL;
  assert_false(keyring_create(ring, "this-name-is-longer-than-it-may-be", KEYRING_RSA, 2048, &f->call, &key, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_NAME_BAD);
  assert_int_equal(atomic_load(&f->vault->creates), 0);
  keyring_unref(&ring);
}

static void packed_names_of_nothing(void **state) {
  fixture *f = *state;
  keyring_key *key = NULL;
  ekm_buf thumb;
  ekm_buf_init(&thumb, KEYRING_FOREIGN_NAME_BYTES);
  assert_true(keyring_foreign_pack("never-was", &thumb));
  assert_false(keyring_by_thumb(f->ring, ekm_buf_view(&thumb), &f->call, &key, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_NOT_FOUND);
  assert_int_equal(counting_backend_calls(f->vault), 1); /* the vault was not searched for it */
  ekm_buf_clear(&thumb);
}

static void thumb_of_nothing_is_not_found(void **state) {
  fixture *f = *state;
  keyring_key *found = NULL;
  uint8_t none[KEYRING_THUMB_BYTES] = {1};

  assert_false(keyring_by_thumb(f->ring, ekm_view_of(none, sizeof none), &f->call, &found, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_NOT_FOUND);
  assert_int_equal(atomic_load(&f->vault->name_lists), 1);
  /* A thumbprint of another length is none of ours: the vault is not searched for it. */
  assert_false(keyring_by_thumb(f->ring, ekm_view_of(none, 8), &f->call, &found, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_NOT_FOUND);
  assert_int_equal(atomic_load(&f->vault->name_lists), 1);
  assert_null(found);
}

static void cold_thumb_in_a_one_key_vault_costs_two_requests(void **state) {
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  keyring_key *found = NULL;
  keyring *ring = forgetful_ring(f);
  int before = counting_backend_calls(f->vault);

  assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_int_equal(counting_backend_calls(f->vault) - before, 2);
  keyring_key_unref(&found);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

/* A version that was disabled when it was first seen, by its name and version. */
static void an_enabled_version_is_not_refused_for_its_past(void **state) {
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  keyring_key *found = NULL;
  keyring *ring = forgetful_ring(f);
  const char *version = keyring_key_version(key);

  assert_true(keyring_memory_enable(f->vault->lower, "tde", false, &f->err));
  assert_false(keyring_by_name(ring, "tde", version, &f->call, &found, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_DISABLED);
  assert_true(keyring_memory_enable(f->vault->lower, "tde", true, &f->err));
  assert_true(keyring_by_name(ring, "tde", version, &f->call, &found, &f->err));
  keyring_key_unref(&found);
  int calls = counting_backend_calls(f->vault);
  assert_true(keyring_by_name(ring, "tde", version, &f->call, &found, &f->err));
  assert_int_equal(counting_backend_calls(f->vault), calls);
  keyring_key_unref(&found);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

/* The same key, spelt in one way in the list and in another in the key itself. */
static bool shouting_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                         keyring_record *out, ekm_err *err) {
  counting_backend *b = (counting_backend *)(void *)self;
  bool ok = b->lower->get(b->lower, name, version, call, out, err);
  for (char *c = out->name; *c != '\0'; c++) *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
  return ok;
}

static void enumeration_ends_whatever_the_spelling(void **state) {
  fixture *f = *state;
  uint32_t id = 0;
  int seen = 0;
  for (int i = 0; i < 3; i++) {
    static const char *const names[] = {"a", "b", "c"};
    keyring_key *key = create(f, names[i]);
    keyring_key_unref(&key);
  }
  keyring *ring = forgetful_ring(f);
  f->vault->base.get = shouting_get;
  while (seen <= 3 && keyring_next_id(ring, id, &f->call, &id, &f->err)) seen++;
  assert_int_equal(seen, 3);
  assert_int_equal(f->err.id, EKM_E_END_OF_LIST);
  keyring_unref(&ring);
}

static void enumeration_gives_usable_keys_and_ends(void **state) {
  fixture *f = *state;
  static const char *const names[] = {"alpha", "beta", "gamma"};
  uint32_t id = 0;
  size_t seen = 0;

  for (size_t i = 0; i < 3; i++) {
    keyring_key *key = create(f, names[2 - i]);
    keyring_key_unref(&key);
  }
  assert_true(keyring_memory_add_foreign(f->vault->lower, "curve", &f->err));
  assert_true(keyring_memory_enable(f->vault->lower, "beta", false, &f->err));
  while (keyring_next_id(f->ring, id, &f->call, &id, &f->err)) {
    keyring_key *key = NULL;
    assert_true(keyring_by_id(f->ring, id, &key, &f->err));
    assert_string_equal(keyring_key_name(key), seen == 0 ? "alpha" : "gamma");
    keyring_key_unref(&key);
    seen++;
  }
  assert_int_equal(f->err.id, EKM_E_END_OF_LIST);
  assert_int_equal(seen, 2);
  assert_false(keyring_next_id(f->ring, 999, &f->call, &id, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_NOT_FOUND);
}

static void disabled_and_foreign_keys_have_errors_of_their_own(void **state) {
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  keyring_key_unref(&key);
  assert_true(keyring_memory_enable(f->vault->lower, "tde", false, &f->err));
  assert_false(keyring_by_name(f->ring, "tde", NULL, &f->call, &key, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_DISABLED);
  assert_true(keyring_memory_enable(f->vault->lower, "tde", true, &f->err));
  assert_true(keyring_by_name(f->ring, "tde", NULL, &f->call, &key, &f->err));
  keyring_key_unref(&key);
  assert_true(keyring_memory_add_foreign(f->vault->lower, "curve", &f->err));
  assert_false(keyring_by_name(f->ring, "curve", NULL, &f->call, &key, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_TYPE);
}

static void create_never_adds_a_version(void **state) {
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  keyring_key *again = NULL;
  assert_false(keyring_create(f->ring, "tde", KEYRING_RSA, 2048, &f->call, &again, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_EXISTS);
  assert_true(keyring_drop(f->ring, key, &f->call, &f->err));
  assert_false(keyring_create(f->ring, "tde", KEYRING_RSA, 2048, &f->call, &again, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_DELETED);
  assert_null(keyring_peek(f->ring, keyring_key_thumb(key)));
  keyring_key_unref(&key);
}

static void drop_spares_keys_with_several_versions(void **state) {
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  assert_false(keyring_drop(f->ring, key, &f->call, &f->err));
  assert_int_equal(f->err.id, EKM_E_DROP_VERSIONS);
  assert_int_equal(atomic_load(&f->vault->drops), 0);
  keyring_key_unref(&key);
}

static void wrap_and_unwrap_pin_the_version_and_check_lengths(void **state) {
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  uint8_t dek[191];
  ekm_buf wrapped, plain;

  memset(dek, 0x5A, sizeof dek);
  ekm_buf_init(&wrapped, 512);
  ekm_buf_init(&plain, 512);
  assert_int_equal(keyring_wrap_limit(f->ring, key), 190);
  assert_true(keyring_wrap(f->ring, key, ekm_view_of(dek, 190), &f->call, &wrapped, &f->err));
  assert_int_equal(wrapped.len, 256);
  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  assert_true(keyring_unwrap(f->ring, key, ekm_buf_view(&wrapped), &f->call, &plain, &f->err));
  assert_int_equal(plain.len, 190);
  assert_memory_equal(plain.ptr, dek, 190);

  int calls = counting_backend_calls(f->vault);
  assert_false(keyring_wrap(f->ring, key, ekm_view_of(dek, 191), &f->call, &plain, &f->err));
  assert_int_equal(f->err.id, EKM_E_DATA_TOO_LONG);
  assert_false(keyring_unwrap(f->ring, key, ekm_view_of(dek, 191), &f->call, &plain, &f->err));
  assert_int_equal(f->err.id, EKM_E_CIPHERTEXT_LENGTH);
  assert_int_equal(counting_backend_calls(f->vault), calls);
  ekm_buf_clear(&wrapped);
  ekm_buf_clear(&plain);
  keyring_key_unref(&key);
}

static void faults_of_the_vault_come_through_unchanged(void **state) {
  static const ekm_err_id faults[] = {EKM_E_DNS, EKM_E_VAULT_FORBIDDEN, EKM_E_VAULT_THROTTLED, EKM_E_TOKEN_REFUSED};
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  keyring_key *found = NULL;
  uint8_t none[KEYRING_THUMB_BYTES] = {1};
  uint32_t id;

  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    atomic_store(&f->vault->fail_with, (int)faults[i]);
    assert_false(keyring_by_name(f->ring, "tde", NULL, &f->call, &found, &f->err));
    assert_int_equal(f->err.id, faults[i]);
    assert_false(keyring_by_thumb(f->ring, ekm_view_of(none, sizeof none), &f->call, &found, &f->err));
    assert_int_equal(f->err.id, faults[i]);
    assert_false(keyring_next_id(f->ring, 0, &f->call, &id, &f->err));
    assert_int_equal(f->err.id, faults[i]);
    atomic_store(&f->vault->fail_with, 0);
    assert_true(keyring_by_name(f->ring, "tde", NULL, &f->call, &found, &f->err));
    keyring_key_unref(&found);
  }
  keyring_key_unref(&key);
}

static bool let_n_pass(void *left) {
  return (*(int *)left)-- > 0;
}

/* Fail the 1st, 2nd, 3rd ... allocation until a round needs no more: the right error, and the keyring still works. */
static void every_allocation_may_fail(void **state) {
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  bool untouched = false;

  for (int n = 0; !untouched; n++) {
    keyring *ring = forgetful_ring(f);
    keyring_key *found = NULL;
    uint32_t id = 0;
    int left = n;
    ekm_err_clear(&f->err);
    ekm_mem_set_gate(let_n_pass, &left);
    bool ok = keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err) &&
              keyring_next_id(ring, 0, &f->call, &id, &f->err);
    ekm_mem_set_gate(NULL, NULL);
    if (!ok) assert_int_equal(f->err.id, EKM_E_OUT_OF_MEMORY);
    untouched = left >= 0;
    assert_true(ok == untouched);
    keyring_key_unref(&found);
    assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
    keyring_key_unref(&found);
    keyring_unref(&ring);
  }
  keyring_key_unref(&key);
}

static void a_thousand_keys_stay_findable(void **state) {
  fixture *f = *state;
  keyring_key *keys[1000];
  char name[16];
  for (size_t i = 0; i < 1000; i++) {
    (void)snprintf(name, sizeof name, "key-%zu", i);
    keys[i] = create(f, name);
  }
  for (size_t i = 0; i < 1000; i++) {
    keyring_key *found = keyring_peek(f->ring, keyring_key_thumb(keys[i]));
    assert_ptr_equal(found, keys[i]);
    keyring_key_unref(&found);
    keyring_key_unref(&keys[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(thumb_is_that_of_rfc_7638, set_up, tear_down),
      cmocka_unit_test_setup_teardown(name_without_version_always_asks, set_up, tear_down),
      cmocka_unit_test_setup_teardown(thumb_finds_new_and_old_versions_without_memory, set_up, tear_down),
      cmocka_unit_test_setup_teardown(thumbs_of_another_connector_find_the_key, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_search_passes_by_nothing_that_it_did_not_look_at, set_up, tear_down),
      cmocka_unit_test_setup_teardown(packed_names_mean_any_version, set_up, tear_down),
      cmocka_unit_test_setup_teardown(each_kind_of_thumb_can_be_reported, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_name_without_a_packed_form_is_not_created, set_up, tear_down),
      cmocka_unit_test_setup_teardown(packed_names_of_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(thumb_of_nothing_is_not_found, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cold_thumb_in_a_one_key_vault_costs_two_requests, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_enabled_version_is_not_refused_for_its_past, set_up, tear_down),
      cmocka_unit_test_setup_teardown(enumeration_ends_whatever_the_spelling, set_up, tear_down),
      cmocka_unit_test_setup_teardown(enumeration_gives_usable_keys_and_ends, set_up, tear_down),
      cmocka_unit_test_setup_teardown(disabled_and_foreign_keys_have_errors_of_their_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(create_never_adds_a_version, set_up, tear_down),
      cmocka_unit_test_setup_teardown(drop_spares_keys_with_several_versions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(wrap_and_unwrap_pin_the_version_and_check_lengths, set_up, tear_down),
      cmocka_unit_test_setup_teardown(faults_of_the_vault_come_through_unchanged, set_up, tear_down),
      cmocka_unit_test_setup_teardown(every_allocation_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_thousand_keys_stay_findable, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
