/* The two-call rule at every output, and bad pointers at every entry point. */
#include "provider_fixture.h"

static void provider_name_is_copied_into_the_callers_buffer(void **state) {
  SqlCpWchar name[64];
  SqlCpProviderInfo info = {0};
  (void)state;

  assert_int_equal(SqlCryptGetProviderInfo(&info), scp_err_InsufficientBuffer);
  assert_null(info.name.ws);
  uint32_t need = info.name.cb;
  assert_true(need > 0 && need <= sizeof name);
  memset(name, 0x7F, sizeof name);
  info.name = (SqlCpStr){need - 1, name};
  assert_int_equal(SqlCryptGetProviderInfo(&info), scp_err_InsufficientBuffer);
  assert_int_equal(info.name.cb, need);
  assert_int_equal(name[0], 0x7F7F);
  info.name = (SqlCpStr){need, name};
  assert_int_equal(SqlCryptGetProviderInfo(&info), scp_err_Success);
  assert_ptr_equal(info.name.ws, name);
  assert_int_equal(info.name.cb, need);
  assert_int_equal(name[need / 2], 0x7F7F);
}

static void key_info_tells_both_sizes_at_once(void **state) {
  SqlCpByte thumb[20];
  engine_text name;
  engine_key_info room;
  SqlCpKeyInfo info = {0};
  (void)state;

  create_key("TdeKey", thumb);
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, engine_text_set(&name, "tdekey"), &info),
                   scp_err_InsufficientBuffer);
  assert_int_equal(info.name.cb, 12);
  assert_int_equal(info.thumb.cb, 20);
  /* One buffer is enough and the other is not: still InsufficientBuffer, and nothing is written. */
  (void)engine_key_info_room(&room);
  room.info.thumb.cb = 19;
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, engine_text_set(&name, "tdekey"), &room.info),
                   scp_err_InsufficientBuffer);
  assert_int_equal(room.info.thumb.cb, 20);
  assert_int_equal(room.name[0], 0);
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, engine_text_set(&name, "tdekey"), engine_key_info_room(&room)),
                   scp_err_Success);
  assert_ptr_equal(room.info.name.ws, room.name);
  assert_ptr_equal(room.info.thumb.pb, room.thumb);
  assert_memory_equal(room.thumb, thumb, 20);
  assert_int_equal(room.info.algId, 1);
  assert_int_equal(room.info.flags, SQLCP_KEY_SUPPORTED);
  assert_int_equal(room.name[0], 'T'); /* spelt as it was created */
}

static void create_key_probe_creates_nothing(void **state) {
  SqlCpByte thumb[20];
  engine_text name;
  SqlCpKeyThumbprint out = {0, NULL};
  engine_key_info room;
  (void)state;

  assert_int_equal(SqlCryptCreateKey(&session, engine_text_set(&name, "new"), 1, 0, &out), scp_err_InsufficientBuffer);
  assert_int_equal(out.cb, 20);
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, engine_text_set(&name, "new"), engine_key_info_room(&room)),
                   scp_err_NotFound);
  create_key("new", thumb);
}

static void export_and_crypt_follow_the_rule(void **state) {
  SqlCpByte thumb[20], blob[600], sealed[256], opened[256];
  SqlCpByte dek[32] = {1, 2, 3};
  SqlCpKeyBlob out = {0, NULL};
  (void)state;

  create_key("tde", thumb);
  SqlCpKeyThumbprint t = {20, thumb};
  assert_int_equal(SqlCryptExportKey(&session, &t, NULL, SQLCP_BLOB_PUBLIC_KEY, &out), scp_err_InsufficientBuffer);
  uint32_t need = out.cb;
  assert_int_equal(need, 270); /* PKCS#1 of a 2048-bit key with exponent 65537 */
  out = (SqlCpKeyBlob){need - 1, blob};
  assert_int_equal(SqlCryptExportKey(&session, &t, NULL, SQLCP_BLOB_PUBLIC_KEY, &out), scp_err_InsufficientBuffer);
  out = (SqlCpKeyBlob){sizeof blob, blob};
  assert_int_equal(SqlCryptExportKey(&session, &t, NULL, SQLCP_BLOB_PUBLIC_KEY, &out), scp_err_Success);
  assert_int_equal(out.cb, need);
  assert_int_equal(blob[0], 0x30);

  SqlCpData plain = {32, dek};
  SqlCpData cipher = {0, NULL};
  assert_int_equal(SqlCryptEncrypt(&session, &t, 1, NULL, 0, &plain, &cipher), scp_err_InsufficientBuffer);
  assert_int_equal(cipher.cb, 256);
  cipher = (SqlCpData){255, sealed};
  assert_int_equal(SqlCryptEncrypt(&session, &t, 1, NULL, 0, &plain, &cipher), scp_err_InsufficientBuffer);
  cipher = (SqlCpData){256, sealed};
  assert_int_equal(SqlCryptEncrypt(&session, &t, 1, NULL, 0, &plain, &cipher), scp_err_Success);

  SqlCpData back = {0, NULL};
  assert_int_equal(SqlCryptDecrypt(&session, &t, 1, NULL, 0, &cipher, &back), scp_err_InsufficientBuffer);
  assert_true(back.cb >= 32);
  back = (SqlCpData){31, opened};
  assert_int_equal(SqlCryptDecrypt(&session, &t, 1, NULL, 0, &cipher, &back), scp_err_InsufficientBuffer);
  assert_int_equal(back.cb, 32);
  back = (SqlCpData){sizeof opened, opened};
  assert_int_equal(SqlCryptDecrypt(&session, &t, 1, NULL, 0, &cipher, &back), scp_err_Success);
  assert_int_equal(back.cb, 32);
  assert_ptr_equal(back.pb, opened);
  assert_memory_equal(opened, dek, 32);
}

static void *crooked(void *ptr) {
  return (char *)ptr + 1;
}

static void null_and_misaligned_arguments_are_refused_everywhere(void **state) {
  SqlCpByte thumb[20];
  engine_text name;
  engine_key_info room;
  SqlCpByte bytes[300] = {7};
  uint64_t space[32] = {0};
  SqlCpData data = {32, bytes}, out = {sizeof bytes, bytes};
  SqlCpKeyId id = 0;
  (void)state;

  create_key("tde", thumb);
  SqlCpKeyThumbprint t = {20, thumb};
  SqlCpStr *n = engine_text_set(&name, "tde");
  SqlCpKeyInfo *i = engine_key_info_room(&room);
  void *bad[] = {NULL, crooked(space)};
  for (size_t k = 0; k < 2; k++) {
    void *b = bad[k];
    assert_int_equal(SqlCryptOpenSession(b, &session), scp_err_InvalidArgument);
    assert_int_equal(engine_open("memory", ENGINE_GOOD_SECRET, b), scp_err_InvalidArgument);
    assert_int_equal(engine_open("memory", ENGINE_GOOD_SECRET, &session), scp_err_Success);
    assert_int_equal(SqlCryptCloseSession(b, 0), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetProviderInfo(b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetNextAlgorithmId(b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetAlgorithmInfo(1, b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptCreateKey(b, n, 1, 0, &t), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptCreateKey(&session, b, 1, 0, &t), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptCreateKey(&session, n, 1, 0, b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptDropKey(b, &t), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptDropKey(&session, b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetNextKeyId(b, &id), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetNextKeyId(&session, b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetKeyInfoByKeyId(b, 1, i), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetKeyInfoByKeyId(&session, 1, b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetKeyInfoByThumb(b, &t, i), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, b, i), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &t, b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetKeyInfoByName(b, n, i), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetKeyInfoByName(&session, b, i), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptGetKeyInfoByName(&session, n, b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptExportKey(b, &t, NULL, 1, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptExportKey(&session, b, NULL, 1, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptExportKey(&session, &t, NULL, 1, b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptImportKey(b, n, NULL, 1, 0, &data), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptEncrypt(b, &t, 1, NULL, 0, &data, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptEncrypt(&session, b, 1, NULL, 0, &data, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptEncrypt(&session, &t, 1, b, 1, &data, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptEncrypt(&session, &t, 1, NULL, 0, b, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptEncrypt(&session, &t, 1, NULL, 0, &data, b), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptDecrypt(b, &t, 1, NULL, 0, &data, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptDecrypt(&session, b, 1, NULL, 0, &data, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptDecrypt(&session, &t, 1, b, 1, &data, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptDecrypt(&session, &t, 1, NULL, 0, b, &out), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptDecrypt(&session, &t, 1, NULL, 0, &data, b), scp_err_InvalidArgument);
  }
}

static void oversized_and_empty_arguments_are_refused(void **state) {
  static SqlCpByte huge[100000];
  static SqlCpWchar wide[50000];
  SqlCpByte thumb[20], bytes[600];
  engine_key_info room;
  SqlCpData out = {sizeof bytes, bytes};
  (void)state;

  create_key("tde", thumb);
  SqlCpKeyThumbprint t = {20, thumb}, long_thumb = {33, huge}, empty = {0, huge}, null = {20, NULL};
  SqlCpKeyInfo *i = engine_key_info_room(&room);
  assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &long_thumb, i), scp_err_InvalidArgument);
  assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &empty, i), scp_err_InvalidArgument);
  assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &null, i), scp_err_InvalidArgument);

  for (size_t k = 0; k < 50000; k++) wide[k] = 'a';
  SqlCpStr long_name = {2 * 128, wide}, longer = {513, wide}, odd = {5, wide}, none = {0, wide}, null_name = {8, NULL};
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, &long_name, i), 2049);
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, &longer, i), scp_err_InvalidArgument);
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, &odd, i), scp_err_InvalidArgument);
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, &none, i), scp_err_InvalidArgument);
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, &null_name, i), scp_err_InvalidArgument);
  SqlCpWchar lone_surrogate[] = {'a', 0xD800};
  SqlCpStr broken = {4, lone_surrogate};
  assert_int_equal(SqlCryptGetKeyInfoByName(&session, &broken, i), scp_err_InvalidArgument);

  SqlCpData too_long = {sizeof huge, huge}, just_too_long = {191, huge}, most = {190, huge};
  assert_int_equal(SqlCryptEncrypt(&session, &t, 1, NULL, 0, &too_long, &out), 5049);
  out.cb = sizeof bytes;
  assert_int_equal(SqlCryptEncrypt(&session, &t, 1, NULL, 0, &just_too_long, &out), 5049);
  out.cb = sizeof bytes;
  assert_int_equal(SqlCryptEncrypt(&session, &t, 1, NULL, 0, &most, &out), scp_err_Success);
  out.cb = sizeof bytes;
  assert_int_equal(SqlCryptDecrypt(&session, &t, 1, NULL, 0, &too_long, &out), 5050);

  SqlCpSession other;
  SqlCpCredential credential = {{2 * 4097, wide}, {2, wide}};
  assert_int_equal(SqlCryptOpenSession(&credential, &other), scp_err_InvalidArgument);
  assert_null(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(provider_name_is_copied_into_the_callers_buffer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(key_info_tells_both_sizes_at_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(create_key_probe_creates_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(export_and_crypt_follow_the_rule, set_up, tear_down),
      cmocka_unit_test_setup_teardown(null_and_misaligned_arguments_are_refused_everywhere, set_up, tear_down),
      cmocka_unit_test_setup_teardown(oversized_and_empty_arguments_are_refused, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
