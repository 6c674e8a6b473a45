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

/* --- AES ---------------------------------------------------------------------------------------------------------- */

static void create_aes(SqlCpAlgId algorithm, SqlCpByte bytes[20]) {
  char text[] = "aes-0";
  engine_text name;
  SqlCpKeyThumbprint t = {20, bytes};
  text[4] = (char)('0' + algorithm);
  assert_int_equal(SqlCryptCreateKey(&session, engine_text_set(&name, text), algorithm, 0, &t), scp_err_Success);
}

/* Both calls of the engine, as ENCRYPTBYKEY makes them. */
static void data_under_an_aes_key_comes_back(void **state) {
  static const uint32_t lengths[] = {1, 15, 16, 17, 100, 8000, 16384};
  static SqlCpByte plain[16384], sealed[16400], opened[16400];
  SqlCpByte iv[16] = {1, 2, 3};
  SqlCpEncryptionParam param = {SQLCP_PARAM_IV, sizeof iv, iv};
  (void)state;
  memset(plain, 0x5A, sizeof plain);
  for (SqlCpAlgId algorithm = 4; algorithm <= 6; algorithm++) {
    SqlCpByte bytes[20];
    SqlCpKeyThumbprint aes = {20, bytes};
    create_aes(algorithm, bytes);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
      SqlCpData in = {lengths[i], plain}, wrapped = {0, NULL}, out = {sizeof opened, opened};
      assert_int_equal(SqlCryptEncrypt(&session, &aes, 1, &param, 1, &in, &wrapped), scp_err_InsufficientBuffer);
      assert_int_equal(wrapped.cb, lengths[i] / 16 * 16 + 16);
      wrapped.pb = sealed;
      assert_int_equal(SqlCryptEncrypt(&session, &aes, 1, &param, 1, &in, &wrapped), scp_err_Success);
      assert_int_equal(wrapped.cb, lengths[i] / 16 * 16 + 16);
      assert_int_equal(SqlCryptDecrypt(&session, &aes, 1, &param, 1, &wrapped, &out), scp_err_Success);
      assert_int_equal(out.cb, lengths[i]);
      assert_memory_equal(opened, plain, lengths[i]);
    }
  }
}

static void an_aes_key_is_described_and_found_again(void **state) {
  SqlCpByte bytes[20], again[20];
  SqlCpWchar name[128];
  SqlCpKeyThumbprint aes = {20, bytes};
  SqlCpKeyInfo info = {.name = {sizeof name, name}, .thumb = {sizeof again, again}};
  (void)state;
  create_aes(6, bytes);
  assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &aes, &info), scp_err_Success);
  assert_int_equal(info.algId, 6);
  assert_int_equal(info.name.cb, 2 * strlen("aes-6"));
  assert_memory_equal(again, bytes, 20);
  SqlCpKeyBlob blob = {sizeof again, again};
  assert_int_equal(SqlCryptExportKey(&session, &aes, NULL, SQLCP_BLOB_PUBLIC_KEY, &blob), scp_err_NotSupported);
}

static void an_aes_key_wants_one_iv_of_its_length(void **state) {
  SqlCpByte bytes[20], plain[32] = {1}, room[64], iv[32] = {0};
  SqlCpKeyThumbprint aes = {20, bytes};
  SqlCpData in = {32, plain};
  SqlCpEncryptionParam params[2] = {{SQLCP_PARAM_IV, 16, iv}, {SQLCP_PARAM_IV, 16, iv}};
  SqlCpEncryptionParam other_type = {7, 16, iv}, no_bytes = {SQLCP_PARAM_IV, 16, NULL}, empty = {SQLCP_PARAM_IV, 0, iv},
                       short_iv = {SQLCP_PARAM_IV, 15, iv}, long_iv = {SQLCP_PARAM_IV, 32, iv};
  const struct {
    const SqlCpEncryptionParam *params;
    uint32_t count;
    SqlCpError code;
  } rows[] = {{NULL, 0, scp_err_NotSupported},         {params, 2, scp_err_NotSupported},
              {&other_type, 1, scp_err_NotSupported},  {NULL, 1, scp_err_InvalidArgument},
              {&no_bytes, 1, scp_err_InvalidArgument}, {&empty, 1, scp_err_InvalidArgument},
              {&short_iv, 1, scp_err_InvalidArgument}, {&long_iv, 1, scp_err_InvalidArgument}};
  (void)state;
  create_aes(4, bytes);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    SqlCpData out = {sizeof room, room};
    SqlCpError code = SqlCryptEncrypt(&session, &aes, 1, rows[i].params, rows[i].count, &in, &out);
    if (code != rows[i].code) fail_msg("row %zu: %u", i, code);
  }
}

static void damaged_and_odd_ciphertexts_are_refused(void **state) {
  SqlCpByte bytes[20], sealed[16416] = {0}, room[16416], iv[16] = {0};
  SqlCpKeyThumbprint aes = {20, bytes};
  SqlCpEncryptionParam param = {SQLCP_PARAM_IV, sizeof iv, iv};
  SqlCpData out = {sizeof room, room};
  (void)state;
  create_aes(5, bytes);
  SqlCpData odd = {17, sealed}, huge = {16416, sealed}, long_text = {16385, sealed};
  assert_int_equal(SqlCryptDecrypt(&session, &aes, 1, &param, 1, &odd, &out), 5050);
  assert_int_equal(SqlCryptDecrypt(&session, &aes, 1, &param, 1, &huge, &out), 5050);
  assert_int_equal(SqlCryptEncrypt(&session, &aes, 1, &param, 1, &long_text, &out), 5049);
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
      cmocka_unit_test_setup_teardown(data_under_an_aes_key_comes_back, set_up_key, tear_down),
      cmocka_unit_test_setup_teardown(an_aes_key_is_described_and_found_again, set_up_key, tear_down),
      cmocka_unit_test_setup_teardown(an_aes_key_wants_one_iv_of_its_length, set_up_key, tear_down),
      cmocka_unit_test_setup_teardown(damaged_and_odd_ciphertexts_are_refused, set_up_key, tear_down),
      cmocka_unit_test_setup_teardown(unknown_thumbprints_are_not_found, set_up_key, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
