#include "provider_fixture.h"

static void handles_cannot_be_forged_or_used_after_close(void **state) {
  SqlCpByte thumb[20];
  engine_key_info room;
  (void)state;

  create_key("tde", thumb);
  SqlCpKeyThumbprint t = {20, thumb};
  uintptr_t real = (uintptr_t)session;
  const uintptr_t forged[] = {0, 1, real + 1, real - 1, real ^ (1u << 16), (uintptr_t)&session, UINTPTR_MAX};
  for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
    SqlCpSession fake = (SqlCpSession)forged[i];
    assert_int_equal(SqlCryptGetKeyInfoByThumb(&fake, &t, engine_key_info_room(&room)), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptCloseSession(&fake, 1), scp_err_InvalidArgument);
  }
  assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &t, engine_key_info_room(&room)), scp_err_Success);
  assert_int_equal(SqlCryptCloseSession(&session, 0), scp_err_Success);
  assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &t, engine_key_info_room(&room)), scp_err_InvalidArgument);
  assert_int_equal(SqlCryptCloseSession(&session, 0), scp_err_InvalidArgument);
}

static void a_closed_handle_is_never_handed_out_again(void **state) {
  SqlCpSession first = session, other;
  (void)state;
  assert_int_equal(SqlCryptCloseSession(&first, 0), scp_err_Success);
  for (int i = 0; i < 10000; i++) {
    assert_int_equal(engine_open("memory", ENGINE_GOOD_SECRET, &other), scp_err_Success);
    assert_ptr_not_equal(other, first);
    assert_int_equal(SqlCryptCloseSession(&other, 0), scp_err_Success);
  }
}

static void sessions_have_a_limit_with_an_error_of_its_own(void **state) {
  static SqlCpSession open[4096];
  size_t count = 0;
  SqlCpError code;
  (void)state;
  while ((code = engine_open("memory", ENGINE_GOOD_SECRET, &open[count])) == scp_err_Success) count++;
  assert_int_equal(code, 5003);
  assert_int_equal(count, 4095); /* and the fixture's */
  for (size_t i = 0; i < count; i++) assert_int_equal(SqlCryptCloseSession(&open[i], 0), scp_err_Success);
  assert_int_equal(engine_open("memory", ENGINE_GOOD_SECRET, &open[0]), scp_err_Success);
}

static void bad_credentials_have_errors_of_their_own(void **state) {
  SqlCpSession other = NULL;
  (void)state;
  assert_int_equal(engine_open("elsewhere", ENGINE_GOOD_SECRET, &other), 5020);
  assert_int_equal(engine_open("memory", "short", &other), 2050);
  assert_int_equal(engine_open("memory", "", &other), 2050);
  assert_int_equal(engine_open("", ENGINE_GOOD_SECRET, &other), scp_err_InvalidArgument);
  assert_int_equal(engine_open("memory", "0123456789abcdef0123456789abcdefwrong", &other), scp_err_AuthFailure);
  assert_null(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(handles_cannot_be_forged_or_used_after_close, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_closed_handle_is_never_handed_out_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(sessions_have_a_limit_with_an_error_of_its_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bad_credentials_have_errors_of_their_own, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
