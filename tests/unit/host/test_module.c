/* The host over the mock module: loading, sessions, keys, hooks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "host/decor_log.h"
#include "host/host_algorithm.h"
#include "host/host_key.h"
#include "host/public_key.h"

typedef struct fixture {
  host_module *module;
  host_session *session;
} fixture;

static void set_secret(ekm_secret *secret, const char *text) {
  ekm_err err = {0};
  assert_true(ekm_secret_set(secret, ekm_view_text(text), &err));
}

static int open_mock(void **state) {
  static fixture f;
  ekm_err err = {0};
  ekm_secret secret = {0};
  set_secret(&secret, "mock-secret");
  assert_true(host_module_load(MOCK_NONE_PATH, NULL, &f.module, NULL, &err));
  assert_true(host_session_open(f.module, "mock", &secret, &f.session, NULL, &err));
  ekm_secret_clear(&secret);
  *state = &f;
  return 0;
}

static int close_mock(void **state) {
  fixture *f = *state;
  host_session_close(&f->session);
  host_module_unload(&f->module);
  return 0;
}

static void the_description_is_read(void **state) {
  const fixture *f = *state;
  const host_provider *provider = host_module_provider(f->module);
  assert_string_equal(provider->name, "Mock EKM provider");
  assert_string_equal(provider->guid, "00ddba11-0001-0002-0304-05060708090a");
  assert_int_equal(provider->auth, SQLCP_AUTH_BASIC);
  assert_int_equal(provider->thumb_bytes, 20);
  assert_true(provider->accepts_key_name);
}

static void algorithms_are_listed(void **state) {
  const fixture *f = *state;
  host_algorithm_list list;
  ekm_err err = {0};
  assert_true(host_algorithm_enumerate(f->module, &list, NULL, &err));
  assert_int_equal(list.count, 1);
  assert_non_null(host_algorithm_find(&list, "rsa_2048"));
  assert_int_equal(host_algorithm_by_id(&list, list.rows[0].id)->bits, 2048);
  assert_null(host_algorithm_find(&list, "RSA_4096"));
}

static void a_key_is_found_by_name_thumbprint_and_id(void **state) {
  const fixture *f = *state;
  host_key by_name, by_thumb, by_id;
  SqlCpKeyId id = 0;
  bool more = false;
  ekm_err err = {0};
  assert_true(host_key_by_name(f->session, "mock-two", &by_name, NULL, &err));
  assert_true(host_key_by_thumb(f->session, host_key_thumb(&by_name), &by_thumb, NULL, &err));
  assert_string_equal(by_thumb.name, "mock-two");
  assert_true(host_key_next(f->session, &id, &more, NULL, &err) && more);
  assert_true(host_key_next(f->session, &id, &more, NULL, &err) && more);
  assert_true(host_key_by_id(f->session, id, &by_id, NULL, &err));
  assert_true(ekm_view_equal(host_key_thumb(&by_id), host_key_thumb(&by_name)));
  assert_true(host_key_next(f->session, &id, &more, NULL, &err));
  assert_false(more);
}

static void a_missing_key_is_an_error_that_names_it(void **state) {
  const fixture *f = *state;
  host_key key;
  host_result result = {0};
  ekm_err err = {0};
  assert_false(host_key_by_name(f->session, "nobody", &key, &result, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  assert_int_equal(result.code, scp_err_NotFound);
  assert_int_equal(result.fn, HOST_FN_GetKeyInfoByName);
  assert_non_null(strstr(err.detail, "SqlCryptGetKeyInfoByName answered 4 (NotFound) for key 'nobody'"));
}

static void a_key_wraps_and_unwraps(void **state) {
  const fixture *f = *state;
  host_key key;
  ekm_buf cipher;
  ekm_secret plain = {0};
  host_result result = {0};
  ekm_err err = {0};
  ekm_buf_init(&cipher, 4096);
  assert_true(host_key_by_name(f->session, "mock-one", &key, NULL, &err));
  assert_true(host_key_encrypt(f->session, host_key_thumb(&key), ekm_view_text("a key"), &cipher, NULL, &err));
  assert_true(host_key_decrypt(f->session, host_key_thumb(&key), ekm_buf_view(&cipher), &plain, NULL, &err));
  assert_int_equal(plain.len, 5);
  assert_memory_equal(ekm_secret_reveal(&plain).ptr, "a key", 5);

  cipher.ptr[100] ^= 1; /* a code of the provider's own is kept */
  assert_false(host_key_decrypt(f->session, host_key_thumb(&key), ekm_buf_view(&cipher), &plain, &result, &err));
  assert_int_equal(err.id, EKM_E_PROVIDER_CODE);
  assert_int_equal(result.code, 9001);
  assert_int_equal(plain.len, 0);
  ekm_buf_clear(&cipher);
}

static void a_key_is_made_exported_and_dropped(void **state) {
  const fixture *f = *state;
  host_key key, again;
  ekm_buf blob;
  host_public_key public_key;
  ekm_err err = {0};
  const host_key_wish wish = {"made-here", 7, SQLCP_KEY_SUPPORTED};
  ekm_buf_init(&blob, SQLCP_MAX_KEY_BLOB_BYTES);
  assert_true(host_key_create(f->session, &wish, &key, NULL, &err));
  assert_string_equal(key.name, "made-here");
  assert_true(host_key_export(f->session, host_key_thumb(&key), &blob, NULL, &err));
  assert_true(host_public_key_parse(ekm_buf_view(&blob), &public_key, &err));
  assert_int_equal(public_key.bits, 2048);
  assert_false(host_key_create(f->session, &wish, &again, NULL, &err));
  assert_true(host_key_drop(f->session, host_key_thumb(&key), NULL, &err));
  assert_false(host_key_by_name(f->session, "made-here", &key, NULL, &err));
  ekm_buf_clear(&blob);
}

static void a_wrong_secret_is_refused(void **state) {
  const fixture *f = *state;
  host_session *session = NULL;
  host_result result = {0};
  ekm_secret secret = {0};
  ekm_err err = {0};
  set_secret(&secret, "not-the-secret");
  assert_false(host_session_open(f->module, "mock", &secret, &session, &result, &err));
  assert_null(session);
  assert_int_equal(err.id, EKM_E_AUTH_FAILURE);
  assert_int_equal(result.code, scp_err_AuthFailure);
  assert_null(strstr(err.detail, "not-the-secret"));
  ekm_secret_clear(&secret);
}

static void text_that_is_no_utf8_is_refused_here(void **state) {
  const fixture *f = *state;
  host_key key;
  ekm_err err = {0};
  assert_false(host_key_by_name(f->session, "\xff\xfe", &key, NULL, &err));
  assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
}

static void bad_libraries_are_refused(void **state) {
  (void)state;
  host_module *module = NULL;
  ekm_err err = {0};
  assert_false(host_module_load("relative.so", NULL, &module, NULL, &err));
  assert_int_equal(err.id, EKM_E_MODULE_LOAD);
  assert_false(host_module_load("/nonexistent/provider.so", NULL, &module, NULL, &err));
  assert_int_equal(err.id, EKM_E_MODULE_LOAD);
  assert_false(host_module_load(MOCK_NO_EXPORT_PATH, NULL, &module, NULL, &err));
  assert_int_equal(err.id, EKM_E_MODULE_ABI);
  assert_non_null(strstr(err.detail, "SqlCryptDropKey (SQL Server: error 33085, state 9)"));
  assert_false(host_module_load(MOCK_OWN_POINTER_PATH, NULL, &module, NULL, &err));
  assert_int_equal(err.id, EKM_E_CONFORMANCE);
  assert_null(module);
}

static void a_list_that_ends_wrongly_is_an_error(void **state) {
  (void)state;
  host_module *module = NULL;
  host_algorithm_list list;
  ekm_err err = {0};
  assert_true(host_module_load(MOCK_LIST_END_PATH, NULL, &module, NULL, &err));
  assert_false(host_algorithm_enumerate(module, &list, NULL, &err));
  assert_int_equal(err.id, EKM_E_CONFORMANCE);
  assert_non_null(strstr(err.detail, "3 (NotSupported)"));
  host_module_unload(&module);
}

/* --- hooks -------------------------------------------------------------------------------------------------------- */

static bool refuse_sessions(const host_hook *self, host_call *call) {
  (void)self;
  if (call->fn != HOST_FN_OpenSession) return true;
  call->code = 7777;
  return false;
}

static void keep_line(void *arg, const char *line, size_t len) {
  ekm_buf_append(arg, line, len);
}

static void hooks_see_and_replace_calls(void **state) {
  (void)state;
  ekm_buf lines;
  ekm_log *log = NULL;
  host_module *module = NULL;
  host_session *session = NULL;
  host_result result = {0};
  ekm_secret secret = {0};
  ekm_err err = {0};
  ekm_buf_init(&lines, 65536);
  set_secret(&secret, "mock-secret");
  assert_true(ekm_log_open_sink(keep_line, &lines, EKM_LOG_TRACE, ekm_clock_system(), &log, &err));
  const host_hook fault = {.before = refuse_sessions};
  const decor_log decor = decor_log_make(log, &fault);

  assert_true(host_module_load(MOCK_NONE_PATH, &decor.hook, &module, NULL, &err));
  assert_false(host_session_open(module, "mock", &secret, &session, &result, &err));
  assert_int_equal(result.code, 7777);
  host_module_unload(&module);
  assert_non_null(strstr(ekm_buf_text(&lines), "\"function\":\"SqlCryptGetProviderInfo\",\"code\":2"));
  assert_non_null(strstr(ekm_buf_text(&lines), "\"function\":\"SqlCryptOpenSession\",\"code\":7777"));
  assert_null(strstr(ekm_buf_text(&lines), "mock-secret"));
  ekm_log_close(&log);
  ekm_secret_clear(&secret);
  ekm_buf_clear(&lines);
}

static void codes_become_rows_of_the_table(void **state) {
  (void)state;
  static const struct {
    SqlCpError code;
    bool openekm;
    ekm_err_id id;
  } rows[] = {{1, true, EKM_E_PROVIDER_FAILURE},  {2, true, EKM_E_CONFORMANCE},     {3, true, EKM_E_NOT_SUPPORTED},
              {4, true, EKM_E_KEY_NOT_FOUND},     {5, true, EKM_E_AUTH_FAILURE},    {6, true, EKM_E_BAD_ARGUMENT},
              {7, true, EKM_E_CONFORMANCE},       {2048, true, EKM_E_CONFORMANCE},  {5047, true, EKM_E_DROP_REFUSED},
              {5047, false, EKM_E_PROVIDER_CODE}, {4999, true, EKM_E_PROVIDER_CODE}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    host_result result = {0};
    ekm_err err = {0};
    const host_question question = {.fn = HOST_FN_DropKey, .openekm = rows[i].openekm, .subject = ""};
    assert_false(host_result_take(&question, rows[i].code, &result, &err));
    assert_int_equal(err.id, rows[i].id);
    assert_int_equal(result.code, rows[i].code);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_description_is_read),
      cmocka_unit_test(algorithms_are_listed),
      cmocka_unit_test(a_key_is_found_by_name_thumbprint_and_id),
      cmocka_unit_test(a_missing_key_is_an_error_that_names_it),
      cmocka_unit_test(a_key_wraps_and_unwraps),
      cmocka_unit_test(a_key_is_made_exported_and_dropped),
      cmocka_unit_test(a_wrong_secret_is_refused),
      cmocka_unit_test(text_that_is_no_utf8_is_refused_here),
      cmocka_unit_test(bad_libraries_are_refused),
      cmocka_unit_test(a_list_that_ends_wrongly_is_an_error),
      cmocka_unit_test(hooks_see_and_replace_calls),
      cmocka_unit_test(codes_become_rows_of_the_table),
  };
  return cmocka_run_group_tests(tests, open_mock, close_mock);
}
