/* Constants of the product line: SQL Server has them in its catalog. Do not change this test to make it pass. */
#include "support/cmocka_all.h"
#include "support/engine.h"

static void constants_are_what_catalogs_have(void **state) {
  static const SqlCpGuid guid = {0xd310a4ebu, 0xbb1eu, 0x4798u, {0x89, 0x45, 0x2a, 0x8f, 0xbb, 0xa6, 0x1d, 0x68}};
  SqlCpWchar name[64] = {0};
  SqlCpProviderInfo info = {0};
  (void)state;

  assert_int_equal(SqlCryptInitializeProvider(), scp_err_Success);
  info.name = (SqlCpStr){sizeof name, name};
  assert_int_equal(SqlCryptGetProviderInfo(&info), scp_err_Success);
  assert_memory_equal(&info.guid, &guid, sizeof guid);
  assert_int_equal(info.version.major, 1);
  assert_int_equal(info.version.minor, 0);
  assert_int_equal(info.version.build, 0);
  assert_int_equal(info.version.revision, 0);
  assert_int_equal(info.scpVersion.major, 1);
  assert_int_equal(info.scpVersion.minor, 1);
  assert_int_equal(info.authType, SQLCP_AUTH_BASIC);
  assert_int_equal(info.symmKeySupport, SQLCP_KEY_SUPPORTED);
  assert_int_equal(info.asymmKeySupport, SQLCP_KEY_SUPPORTED);
  assert_int_equal(info.cbKeyThumbLen, 20);
  assert_int_equal(info.fAcceptsKeyName, 1);
  static const char expected[] = "OpenEKM for Azure Key Vault";
  assert_int_equal(info.name.cb, 2 * (sizeof expected - 1));
  for (size_t i = 0; i < sizeof expected - 1; i++) assert_int_equal(name[i], expected[i]);
  assert_int_equal(SqlCryptFreeProvider(), scp_err_Success);
}

static void algorithms_are_the_six(void **state) {
  static const unsigned bits[] = {2048, 3072, 4096, 128, 192, 256};
  static const char *const tags[] = {"RSA_2048", "RSA_3072", "RSA_4096", "AES_128", "AES_192", "AES_256"};
  SqlCpAlgId id = 0;
  size_t seen = 0;
  (void)state;

  assert_int_equal(SqlCryptInitializeProvider(), scp_err_Success);
  SqlCpError code;
  while ((code = SqlCryptGetNextAlgorithmId(&id)) == scp_err_Success) {
    SqlCpWchar tag[60] = {0};
    SqlCpAlgorithmInfo info = {.algTag = {0, NULL}};
    assert_true(seen < 6);
    assert_int_equal(SqlCryptGetAlgorithmInfo(id, &info), scp_err_InsufficientBuffer);
    int is_aes = tags[seen][0] == 'A';
    assert_int_equal(info.algTag.cb, 2 * strlen(tags[seen]));
    info.algTag = (SqlCpStr){sizeof tag, tag};
    assert_int_equal(SqlCryptGetAlgorithmInfo(id, &info), scp_err_Success);
    assert_int_equal(info.bitLen, bits[seen]);
    assert_int_equal(info.type, is_aes ? SQLCP_KEY_SYMMETRIC : SQLCP_KEY_ASYMMETRIC);
    assert_int_equal(info.ivLen, is_aes ? 16 : 0);
    for (size_t i = 0; i < strlen(tags[seen]); i++) assert_int_equal(tag[i], tags[seen][i]);
    seen++;
  }
  assert_int_equal(code, scp_err_NotFound);
  assert_int_equal(seen, 6);
  SqlCpAlgorithmInfo info = {.algTag = {0, NULL}};
  assert_int_equal(SqlCryptGetAlgorithmInfo(77, &info), scp_err_NotFound);
  assert_int_equal(SqlCryptFreeProvider(), scp_err_Success);
}

static void little_works_before_initialize_or_after_free(void **state) {
  SqlCpProviderInfo info = {0};
  SqlCpSession session = NULL;
  SqlCpAlgId id = 0;
  (void)state;
  assert_int_equal(SqlCryptGetProviderInfo(&info), scp_err_InsufficientBuffer); /* a constant, for whoever asks */
  assert_int_equal(SqlCryptGetNextAlgorithmId(&id), 5002);
  assert_int_equal(engine_open("memory", ENGINE_GOOD_SECRET, &session), 5002);
  assert_int_equal(SqlCryptFreeProvider(), 5002);
  assert_int_equal(SqlCryptInitializeProvider(), scp_err_Success);
  assert_int_equal(SqlCryptInitializeProvider(), scp_err_Success);
  assert_int_equal(SqlCryptFreeProvider(), scp_err_Success);
  assert_int_equal(engine_open("memory", ENGINE_GOOD_SECRET, &session), scp_err_Success);
  assert_int_equal(SqlCryptFreeProvider(), scp_err_Success); /* with a session open */
  assert_int_equal(SqlCryptCloseSession(&session, 0), 5002);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(constants_are_what_catalogs_have),
      cmocka_unit_test(algorithms_are_the_six),
      cmocka_unit_test(little_works_before_initialize_or_after_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
