#include "provider_fixture.h"

static SqlCpByte thumb[20];
static SqlCpKeyThumbprint key = {20, thumb};

static int set_up_key(void **state) {
  if (set_up(state) != 0) return 1;
  create_key("tde", thumb);
  return 0;
}

static void what_was_wrapped_comes_back(void **state) {
  static const uint32_t lengths[] = {1, 16, 24, 32, 64, 190};
  SqlCpByte plain[190], sealed[256], opened[256];
  (void)state;
  for (size_t i = 0; i < sizeof plain; i++) plain[i] = (SqlCpByte)(i * 7);
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    SqlCpData in = {lengths[i], plain}, wrapped = {sizeof sealed, sealed}, out = {sizeof opened, opened};
    assert_int_equal(SqlCryptEncrypt(&session, &key, 1, NULL, 0, &in, &wrapped), scp_err_Success);
    assert_int_equal(wrapped.cb, 256);
    assert_int_equal(SqlCryptDecrypt(&session, &key, 1, NULL, 0, &wrapped, &out), scp_err_Success);
    assert_int_equal(out.cb, lengths[i]);
    assert_memory_equal(opened, plain, lengths[i]);
  }
}

static void damage_is_refused(void **state) {
  SqlCpByte plain[32] = {1}, sealed[256], opened[256];
  SqlCpData in = {32, plain}, wrapped = {sizeof sealed, sealed};
  (void)state;
  assert_int_equal(SqlCryptEncrypt(&session, &key, 1, NULL, 0, &in, &wrapped), scp_err_Success);
  for (size_t i = 0; i < 256; i += 15) {
    SqlCpData out = {sizeof opened, opened};
    sealed[i] ^= 1;
    assert_int_equal(SqlCryptDecrypt(&session, &key, 1, NULL, 0, &wrapped, &out), 5051);
    sealed[i] ^= 1;
  }
}

static void symmetric_habits_are_refused(void **state) {
  SqlCpByte plain[32] = {1}, sealed[256], iv[16] = {0};
  SqlCpData in = {32, plain}, out = {sizeof sealed, sealed};
  SqlCpEncryptionParam param = {SQLCP_PARAM_IV, 16, iv};
  (void)state;
  assert_int_equal(SqlCryptEncrypt(&session, &key, 0, NULL, 0, &in, &out), scp_err_NotSupported);
  assert_int_equal(SqlCryptEncrypt(&session, &key, 1, &param, 1, &in, &out), scp_err_NotSupported);
}

static void unknown_thumbprints_are_not_found(void **state) {
  SqlCpByte bytes[256] = {1}, opened[256];
  SqlCpKeyThumbprint unknown = {20, (SqlCpByte[20]){3}}, other_length = {16, bytes};
  SqlCpData in = {256, bytes}, out = {sizeof opened, opened};
  (void)state;
  assert_int_equal(SqlCryptDecrypt(&session, &unknown, 1, NULL, 0, &in, &out), scp_err_NotFound);
  out.cb = sizeof opened;
  assert_int_equal(SqlCryptDecrypt(&session, &other_length, 1, NULL, 0, &in, &out), scp_err_NotFound);
  /* A probe with a thumbprint that nobody has asked for yet is answered without the vault: the longest there is. */
  SqlCpData probe = {0, NULL};
  assert_int_equal(SqlCryptDecrypt(&session, &unknown, 1, NULL, 0, &in, &probe), scp_err_InsufficientBuffer);
  assert_int_equal(probe.cb, 512);
  probe = (SqlCpData){0, opened}; /* a buffer of no bytes asks the same */
  assert_int_equal(SqlCryptDecrypt(&session, &unknown, 1, NULL, 0, &in, &probe), scp_err_InsufficientBuffer);
  assert_int_equal(probe.cb, 512);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_wrapped_comes_back, set_up_key, tear_down),
      cmocka_unit_test_setup_teardown(damage_is_refused, set_up_key, tear_down),
      cmocka_unit_test_setup_teardown(symmetric_habits_are_refused, set_up_key, tear_down),
      cmocka_unit_test_setup_teardown(unknown_thumbprints_are_not_found, set_up_key, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
