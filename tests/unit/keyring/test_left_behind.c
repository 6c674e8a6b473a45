/* What another connector wrote down on this machine. */
#include <stdio.h>
#include <string.h>

#include "keyring_fixture.h"

/* What another connector wrote down for a thumbprint of its own making. */
static char left_uri[300];

static bool left_one(ekm_view thumb, ekm_buf *out_uri) {
  if (thumb.len != 20 || thumb.ptr[0] != 0x37) return false;
  ekm_buf_append_text(out_uri, left_uri);
  return true;
}

static void a_thumbprint_that_was_written_down_finds_its_key(void **state) {
  static const uint8_t noted[20] = {0x37, 0x3B, 0x31}, other[20] = {0x38};
  fixture *f = *state;
  keyring_key *found = NULL;
  keyring_key *key = create(f, "tde");
  (void)snprintf(left_uri, sizeof left_uri, "https://V.vault.localhost/keys/tde/%s", keyring_key_version(key));
  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  keyring *ring = forgetful_ring_with(f, (keyring_options){.host = "v.vault.localhost", .left_behind = left_one});
  assert_true(keyring_by_thumb(ring, ekm_view_of(noted, sizeof noted), &f->call, &found, &f->err));
  assert_string_equal(keyring_key_version(found), keyring_key_version(key));
  keyring_key_unref(&found);
  int calls = counting_backend_calls(f->vault);
  assert_true(keyring_by_thumb(ring, ekm_view_of(noted, sizeof noted), &f->call, &found, &f->err)); /* once is enough */
  assert_int_equal(counting_backend_calls(f->vault), calls);
  keyring_key_unref(&found);
  assert_false(keyring_by_thumb(ring, ekm_view_of(other, sizeof other), &f->call, &found, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_NOT_FOUND);
  keyring_unref(&ring);
  keyring_key_unref(&key);
}

/* A key of another vault, no URI, and a key that is no more are not found, and hide nothing. */
static void what_was_written_down_wrongly_is_passed_by(void **state) {
  static const char *const uris[] = {"https://w.vault.localhost/keys/tde", "tde", "",
                                     "https://v.vault.localhost/keys/gone", "https://v.vault.localhost/secrets/tde"};
  static const uint8_t noted[20] = {0x37, 0x3B, 0x31};
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
    keyring_key *found = NULL;
    (void)snprintf(left_uri, sizeof left_uri, "%s", uris[i]);
    keyring *ring = forgetful_ring_with(f, (keyring_options){.host = "v.vault.localhost", .left_behind = left_one});
    ekm_err_clear(&f->err);
    assert_false(keyring_by_thumb(ring, ekm_view_of(noted, sizeof noted), &f->call, &found, &f->err));
    assert_int_equal(f->err.id, EKM_E_KEY_NOT_FOUND);
    keyring_unref(&ring);
  }
  keyring_key_unref(&key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_thumbprint_that_was_written_down_finds_its_key, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_was_written_down_wrongly_is_passed_by, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("left_behind", tests, NULL, NULL);
}
