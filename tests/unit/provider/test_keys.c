#include "provider/call.h"
#include "provider/keys.h"
#include "provider_fixture.h"

static SqlCpError info_by_name(const char *name, engine_key_info *room) {
  engine_text text;
  return SqlCryptGetKeyInfoByName(&session, engine_text_set(&text, name), engine_key_info_room(room));
}

static void names_ids_and_thumbprints_lead_to_the_same_key(void **state) {
  SqlCpByte thumb[20];
  engine_key_info by_name, by_thumb, by_id;
  SqlCpKeyId id = 0;
  (void)state;

  create_key("tde", thumb);
  SqlCpKeyThumbprint t = {20, thumb};
  assert_int_equal(info_by_name("tde", &by_name), scp_err_Success);
  assert_int_equal(SqlCryptGetKeyInfoByThumb(&session, &t, engine_key_info_room(&by_thumb)), scp_err_Success);
  assert_int_equal(SqlCryptGetNextKeyId(&session, &id), scp_err_Success);
  assert_int_equal(SqlCryptGetKeyInfoByKeyId(&session, id, engine_key_info_room(&by_id)), scp_err_Success);
  assert_memory_equal(by_name.thumb, thumb, 20);
  assert_memory_equal(by_thumb.thumb, thumb, 20);
  assert_memory_equal(by_id.thumb, thumb, 20);
  assert_int_equal(SqlCryptGetNextKeyId(&session, &id), scp_err_NotFound);
}

static void ids_that_nobody_gave_are_not_found(void **state) {
  engine_key_info room;
  (void)state;
  assert_int_equal(SqlCryptGetKeyInfoByKeyId(&session, 0, engine_key_info_room(&room)), scp_err_NotFound);
  assert_int_equal(SqlCryptGetKeyInfoByKeyId(&session, 4711, engine_key_info_room(&room)), scp_err_NotFound);
}

static void empty_vault_enumerates_to_the_end_at_once(void **state) {
  SqlCpKeyId id = 0;
  (void)state;
  assert_int_equal(SqlCryptGetNextKeyId(&session, &id), scp_err_NotFound);
  assert_int_equal(id, 0);
}

static void bad_names_have_errors_of_their_own(void **state) {
  engine_key_info room;
  static const struct {
    const char *name;
    SqlCpError code;
  } cases[] = {
      {"absent", scp_err_NotFound},
      {"under_score", 5040},
      {"slash/", 5040},
      {"/", 5040},
      {"name/0123456789abcdef0123456789abcde", 5040},
      {"name/0123456789abcdef0123456789abcdeg", 5040},
      {"name/0123456789abcdef0123456789abcdef", scp_err_NotFound},
      {"../keys", 5040},
      {"a b", 5040},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(info_by_name(cases[i].name, &room), cases[i].code);
  }
}

/* A key may be named by its URL, which has to be one of the credential's vault. */
static void a_key_has_a_url(void **state) {
  static const struct {
    const char *name;
    SqlCpError code;
  } cases[] = {
      {"https://local.vault.localhost/keys/by-url", scp_err_Success},
      {"HTTPS://Local.Vault.Localhost:443/Keys/BY-URL/", scp_err_Success},
      {"https://local.vault.localhost/keys/by-url/0123456789abcdef0123456789abcdef", scp_err_NotFound},
      {"https://other.vault.localhost/keys/by-url", 5040},
      {"https://local.vault.localhost/secrets/by-url", 5040},
      {"https://local.vault.localhost/keys/", 5040},
      {"https://local.vault.localhost/keys/by-url/short", 5040},
      {"https://local.vault.localhost/keys/by-url?api-version=7.4", 5040},
      {"http://local.vault.localhost/keys/by-url", 5040},
      {"https://user@local.vault.localhost/keys/by-url", 5040},
      {"https://", 5040},
  };
  engine_key_info room;
  SqlCpByte thumb[20];
  (void)state;
  create_key("by-url", thumb);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    if (info_by_name(cases[i].name, &room) != cases[i].code) fail_msg("'%s'", cases[i].name);
  }
}

/* GetKeyInfoByName without buffers, as if it were called at ${now_ms}. */
static SqlCpError probe_name_at(const char *text, int64_t now_ms) {
  engine_text name;
  SqlCpKeyInfo info = {0};
  provider_call call;
  bool ok = call_begin_session(&call, "SqlCryptGetKeyInfoByName", &session);
  call.started_ms = now_ms;
  ok = ok && keys_info_by_name(&call, engine_text_set(&name, text), &info);
  return call_end(&call, ok);
}

/* A probe and its fill share an answer of the vault; probes without end do not. */
static void an_answer_for_a_name_does_not_live_on_by_being_probed(void **state) {
  SqlCpByte thumb[20];
  SqlCpKeyThumbprint t = {20, thumb};
  (void)state;
  create_key("tde", thumb);
  assert_int_equal(probe_name_at("tde", 1000), scp_err_InsufficientBuffer);
  assert_int_equal(SqlCryptDropKey(&session, &t), scp_err_Success);
  assert_int_equal(probe_name_at("tde", 7000), scp_err_InsufficientBuffer);
  assert_int_equal(probe_name_at("tde", 13000), scp_err_NotFound);
}

static void create_fails_on_a_taken_or_deleted_name(void **state) {
  SqlCpByte thumb[20];
  engine_text name;
  SqlCpKeyThumbprint t = {20, thumb}, other = {20, (SqlCpByte[20]){0}};
  (void)state;

  create_key("tde", thumb);
  assert_int_equal(SqlCryptCreateKey(&session, engine_text_set(&name, "tde"), 1, 0, &other), 5045);
  assert_int_equal(SqlCryptDropKey(&session, &t), scp_err_Success);
  assert_int_equal(SqlCryptCreateKey(&session, engine_text_set(&name, "tde"), 1, 0, &other), 5046);
  assert_int_equal(SqlCryptDropKey(&session, &t), scp_err_NotFound);
}

static void create_knows_its_algorithms_and_no_more(void **state) {
  static const struct {
    SqlCpAlgId id;
    SqlCpKeyFlags flags;
    SqlCpError code;
  } cases[] = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}, {0, 0, 3}, {7, 0, 3}, {1, SQLCP_KEY_VOLATILE, 3}};
  static const uint32_t ciphertext_bytes[] = {256, 384, 512};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    SqlCpByte thumb[20], dek[32] = {9};
    char text[] = "key-0";
    engine_text name;
    SqlCpKeyThumbprint t = {20, thumb};
    text[4] = (char)('0' + i);
    assert_int_equal(SqlCryptCreateKey(&session, engine_text_set(&name, text), cases[i].id, cases[i].flags, &t),
                     cases[i].code);
    if (cases[i].code != 0) continue;
    SqlCpData plain = {32, dek}, cipher = {0, NULL};
    assert_int_equal(SqlCryptEncrypt(&session, &t, 1, NULL, 0, &plain, &cipher), scp_err_InsufficientBuffer);
    assert_int_equal(cipher.cb, ciphertext_bytes[i]);
  }
}

static void export_and_import_say_what_they_do_not_offer(void **state) {
  SqlCpByte thumb[20], bytes[600];
  engine_text name;
  (void)state;
  create_key("tde", thumb);
  SqlCpKeyThumbprint t = {20, thumb}, unknown = {20, (SqlCpByte[20]){1}};
  SqlCpKeyBlob blob = {sizeof bytes, bytes};
  assert_int_equal(SqlCryptExportKey(&session, &t, NULL, SQLCP_BLOB_SIMPLE, &blob), scp_err_NotSupported);
  assert_int_equal(SqlCryptExportKey(&session, &t, &t, SQLCP_BLOB_PUBLIC_KEY, &blob), scp_err_NotSupported);
  assert_int_equal(SqlCryptExportKey(&session, &unknown, NULL, SQLCP_BLOB_PUBLIC_KEY, &blob), scp_err_NotFound);
  assert_int_equal(SqlCryptImportKey(&session, engine_text_set(&name, "x"), NULL, 1, 0, &blob), scp_err_NotSupported);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(names_ids_and_thumbprints_lead_to_the_same_key, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ids_that_nobody_gave_are_not_found, set_up, tear_down),
      cmocka_unit_test_setup_teardown(empty_vault_enumerates_to_the_end_at_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bad_names_have_errors_of_their_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_key_has_a_url, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answer_for_a_name_does_not_live_on_by_being_probed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(create_fails_on_a_taken_or_deleted_name, set_up, tear_down),
      cmocka_unit_test_setup_teardown(create_knows_its_algorithms_and_no_more, set_up, tear_down),
      cmocka_unit_test_setup_teardown(export_and_import_say_what_they_do_not_offer, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
