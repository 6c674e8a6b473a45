/* SQL Server's way through the provider to a real vault: what works, what each mistake is called, and that the vault's
 * word on permissions and keys counts at the very next call. */
#include <stdio.h>
#include <string.h>

#include "end_to_end_fixture.h"
#include "support/cmocka_all.h"

typedef struct opened {
  host_session *session;
  host_key key;
  ekm_buf wrapped; /* END_TO_END_DEK under the key */
} opened;

static opened open_key(end_to_end_fixture *f, const akvd_app *app) {
  opened o = {0};
  ekm_buf_init(&o.wrapped, 4096);
  connector_assert(end_to_end_open(f, app, &o.session), EKM_E_OK);
  connector_assert(connector_by_name(o.session, END_TO_END_KEY, &o.key), EKM_E_OK);
  connector_assert(connector_wrap(o.session, &o.key, ekm_view_text(END_TO_END_DEK), &o.wrapped), EKM_E_OK);
  connector_assert(end_to_end_unwrap(o.session, &o.key, ekm_buf_view(&o.wrapped)), EKM_E_OK);
  return o;
}

static void close_key(opened *o) {
  host_session_close(&o->session);
  ekm_buf_clear(&o->wrapped);
}

static uint32_t unwrap(const opened *o) {
  return end_to_end_unwrap(o->session, &o->key, ekm_buf_view(&o->wrapped));
}

static uint32_t wrap(const opened *o) {
  ekm_buf out;
  ekm_buf_init(&out, 4096);
  uint32_t code = connector_wrap(o->session, &o->key, ekm_view_text(END_TO_END_DEK), &out);
  ekm_buf_clear(&out);
  return code;
}

/* --- what works --------------------------------------------------------------------------------------------------- */

static void a_wrapped_key_comes_back_from_its_thumbprint(void **state) {
  end_to_end_fixture *f = *state;
  host_key again;
  opened o = open_key(f, &f->app);
  assert_int_equal(o.key.thumb_len, 20);
  host_session_close(&o.session);
  end_to_end_reload(f, "");
  connector_assert(end_to_end_open(f, &f->app, &o.session), EKM_E_OK);
  connector_assert(connector_by_thumb(o.session, host_key_thumb(&o.key), &again), EKM_E_OK);
  assert_string_equal(again.name, o.key.name);
  connector_assert(unwrap(&o), EKM_E_OK);
  close_key(&o);
}

/* "Cold" is from a load of the library to the first unwrapped key; the wrap of a by-name test is one request more. */
static void cold_requests_are_few(void **state) {
  end_to_end_fixture *f = *state;
  host_key again;
  opened o = open_key(f, &f->app);
  host_session_close(&o.session);
  for (int by_thumb = 0; by_thumb < 2; by_thumb++) {
    end_to_end_reload(f, "");
    uint16_t port = f->akvd.port;
    akvd_process_stop(&f->akvd);
    int before = akvd_process_requests(&f->akvd);
    akvd_process_start(&f->akvd, port);
    connector_assert(end_to_end_open(f, &f->app, &o.session), EKM_E_OK);
    connector_assert(by_thumb ? connector_by_thumb(o.session, host_key_thumb(&o.key), &again)
                              : connector_by_name(o.session, END_TO_END_KEY, &again),
                     EKM_E_OK);
    connector_assert(unwrap(&o), EKM_E_OK);
    host_session_close(&o.session);
    akvd_process_stop(&f->akvd);
    assert_in_range(akvd_process_requests(&f->akvd) - before, 1, by_thumb ? 5 : 4);
    akvd_process_start(&f->akvd, port);
  }
  close_key(&o);
}

static void a_rotated_key_is_seen_and_the_old_one_still_unwraps(void **state) {
  end_to_end_fixture *f = *state;
  host_key newer, older;
  opened o = open_key(f, &f->app);
  akvd_process_key(&f->akvd, "create", END_TO_END_KEY);
  connector_assert(connector_by_name(o.session, END_TO_END_KEY, &newer), EKM_E_OK);
  assert_false(ekm_view_equal(host_key_thumb(&newer), host_key_thumb(&o.key)));
  connector_assert(unwrap(&o), EKM_E_OK);
  connector_assert(end_to_end_unwrap(o.session, &newer, ekm_buf_view(&o.wrapped)), EKM_E_UNWRAP_REFUSED);
  host_session_close(&o.session);
  end_to_end_reload(f, "");
  connector_assert(end_to_end_open(f, &f->app, &o.session), EKM_E_OK);
  connector_assert(connector_by_thumb(o.session, host_key_thumb(&o.key), &older), EKM_E_OK);
  connector_assert(unwrap(&o), EKM_E_OK);
  close_key(&o);
}

/* --- credentials -------------------------------------------------------------------------------------------------- */

static void bad_credentials_have_their_codes(void **state) {
  end_to_end_fixture *f = *state;
  char hyphens[400], other_client[400], short_secret[33], other_secret[400];
  (void)snprintf(hyphens, sizeof hyphens, "%s%s", f->app.client_id, f->app.secret);
  (void)snprintf(other_client, sizeof other_client, "00000000000000000000000000000000%s", f->app.secret);
  (void)snprintf(short_secret, sizeof short_secret, "%.32s", f->app.credential);
  (void)snprintf(other_secret, sizeof other_secret, "%.32s%sx", f->app.credential, f->app.secret);
  const struct {
    const char *what, *identity, *secret;
    ekm_err_id expected;
  } rows[] = {
      {"wrong secret", END_TO_END_HOST, other_secret, EKM_E_AUTH_FAILURE},
      {"unknown client", END_TO_END_HOST, other_client, EKM_E_AUTH_FAILURE},
      {"only a client id", END_TO_END_HOST, short_secret, EKM_E_SECRET_SHORT},
      {"31 characters", END_TO_END_HOST, "0123456789abcdef0123456789abcde", EKM_E_SECRET_SHORT},
      {"no secret", END_TO_END_HOST, "", EKM_E_SECRET_SHORT},
      {"hyphens left in: understood", END_TO_END_HOST, hyphens, EKM_E_OK},
      {"a hyphen in the wrong place", END_TO_END_HOST, "0123456-789ab-cdef-0123-456789abcdef-and-a-secret",
       EKM_E_SECRET_CLIENT_ID},
      {"no hexadecimal digits", END_TO_END_HOST, "this is the secret, but where is the client id",
       EKM_E_SECRET_CLIENT_ID},
      {"unknown vault", "nosuch.vault.localhost", f->app.credential, EKM_E_CLOUD_UNKNOWN},
      {"unknown domain", "vault.example.com", f->app.credential, EKM_E_CLOUD_UNKNOWN},
      {"a domain that ends like Azure's", "evilvault.azure.net", f->app.credential, EKM_E_CLOUD_UNKNOWN},
      {"a blank", "lo cal", f->app.credential, EKM_E_IDENTITY_BAD},
      {"a user name", "https://x@" END_TO_END_HOST, f->app.credential, EKM_E_IDENTITY_BAD},
      {"two dots", "local..vault.localhost", f->app.credential, EKM_E_IDENTITY_BAD},
      {"no TLS", "http://" END_TO_END_HOST, f->app.credential, EKM_E_IDENTITY_BAD},
      {"another spelling", "https://LOCAL.vault.localhost/", f->app.credential, EKM_E_OK},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    host_session *session = NULL;
    uint32_t code = connector_open(&f->connector, rows[i].identity, rows[i].secret, &session);
    connector_assert_at(code, rows[i].expected, rows[i].what, __FILE__, __LINE__);
    host_session_close(&session);
  }
}

/* A token belongs to a credential: not to the vault, and not to a client id. */
static void credentials_share_nothing(void **state) {
  end_to_end_fixture *f = *state;
  akvd_app reader;
  akvd_app impostor = f->app;
  host_session *session = NULL;
  opened o = open_key(f, &f->app);
  akvd_process_app(&f->akvd, "reader", NULL, &reader);
  akvd_process_permit(&f->akvd, &reader, "get,list");
  opened other = {.key = o.key, .wrapped = o.wrapped};
  connector_assert(end_to_end_open(f, &reader, &other.session), EKM_E_OK);
  connector_assert(unwrap(&other), EKM_E_VAULT_FORBIDDEN);
  connector_assert(wrap(&other), EKM_E_VAULT_FORBIDDEN);
  connector_assert(unwrap(&o), EKM_E_OK);
  impostor.credential[strlen(impostor.credential) - 1] ^= 1;
  connector_assert(end_to_end_open(f, &impostor, &session), EKM_E_AUTH_FAILURE);
  connector_assert(unwrap(&o), EKM_E_OK);
  host_session_close(&other.session);
  close_key(&o);
}

/* --- the vault's word counts -------------------------------------------------------------------------------------- */

static void a_permission_counts_at_the_very_next_call(void **state) {
  end_to_end_fixture *f = *state;
  host_key key;
  opened o = open_key(f, &f->app);
  uint8_t unknown[20] = {1};
  akvd_process_permit(&f->akvd, &f->app, "list,wrapKey,unwrapKey");
  connector_assert(connector_by_name(o.session, END_TO_END_KEY, &key), EKM_E_VAULT_FORBIDDEN);
  connector_assert(unwrap(&o), EKM_E_OK);
  akvd_process_permit(&f->akvd, &f->app, "get,wrapKey,unwrapKey");
  connector_assert(connector_by_name(o.session, END_TO_END_KEY, &key), EKM_E_OK);
  connector_assert(connector_by_thumb(o.session, ekm_view_of(unknown, sizeof unknown), &key), EKM_E_VAULT_FORBIDDEN);
  akvd_process_permit(&f->akvd, &f->app, "get,list,wrapKey");
  connector_assert(unwrap(&o), EKM_E_VAULT_FORBIDDEN);
  connector_assert(wrap(&o), EKM_E_OK);
  akvd_process_permit(&f->akvd, &f->app, "get,list,unwrapKey");
  connector_assert(wrap(&o), EKM_E_VAULT_FORBIDDEN);
  connector_assert(unwrap(&o), EKM_E_OK);
  akvd_process_permit(&f->akvd, &f->app, END_TO_END_RIGHTS);
  connector_assert(wrap(&o), EKM_E_OK);
  close_key(&o);
}

static void a_disabled_key_is_refused_at_the_very_next_call(void **state) {
  end_to_end_fixture *f = *state;
  host_key key;
  opened o = open_key(f, &f->app);
  akvd_process_key(&f->akvd, "disable", END_TO_END_KEY);
  connector_assert(unwrap(&o), EKM_E_KEY_DISABLED);
  connector_assert(wrap(&o), EKM_E_KEY_DISABLED);
  connector_assert(connector_by_name(o.session, END_TO_END_KEY, &key), EKM_E_KEY_DISABLED);
  akvd_process_key(&f->akvd, "enable", END_TO_END_KEY);
  connector_assert(connector_by_name(o.session, END_TO_END_KEY, &key), EKM_E_OK);
  connector_assert(unwrap(&o), EKM_E_OK);
  close_key(&o);
}

static void a_deleted_key_is_missed_at_the_very_next_call(void **state) {
  end_to_end_fixture *f = *state;
  host_key key;
  ekm_buf wrapped;
  host_session *session = NULL;
  ekm_buf_init(&wrapped, 4096);
  akvd_process_key(&f->akvd, "create", "short-lived");
  connector_assert(end_to_end_open(f, &f->app, &session), EKM_E_OK);
  connector_assert(connector_by_name(session, "short-lived", &key), EKM_E_OK);
  connector_assert(connector_wrap(session, &key, ekm_view_text(END_TO_END_DEK), &wrapped), EKM_E_OK);
  akvd_process_key(&f->akvd, "delete", "short-lived");
  connector_assert(end_to_end_unwrap(session, &key, ekm_buf_view(&wrapped)), EKM_E_KEY_NOT_FOUND);
  host_key again;
  connector_assert(connector_by_name(session, "short-lived", &again), EKM_E_KEY_NOT_FOUND);
  host_session_close(&session);
  ekm_buf_clear(&wrapped);
}

static void a_vault_that_is_down_is_no_AuthFailure(void **state) {
  end_to_end_fixture *f = *state;
  host_session *session = NULL;
  host_key key;
  opened o = open_key(f, &f->app);
  uint16_t port = f->akvd.port;
  akvd_process_stop(&f->akvd);
  connector_assert(unwrap(&o), EKM_E_CONNECT);
  connector_assert(connector_by_name(o.session, END_TO_END_KEY, &key), EKM_E_CONNECT);
  host_session_close(&o.session);
  end_to_end_reload(f, "");
  connector_assert(end_to_end_open(f, &f->app, &session), EKM_E_CONNECT);
  akvd_process_start(&f->akvd, port);
  connector_assert(end_to_end_open(f, &f->app, &o.session), EKM_E_OK);
  connector_assert(connector_by_name(o.session, END_TO_END_KEY, &key), EKM_E_OK);
  connector_assert(unwrap(&o), EKM_E_OK);
  close_key(&o);
}

/* --- names and data -------------------------------------------------------------------------------------------------
 */

static void bad_names_have_their_codes(void **state) {
  end_to_end_fixture *f = *state;
  char name_127[128], name_128[129], name_256[257];
  memset(name_127, 'a', sizeof name_127);
  memset(name_128, 'a', sizeof name_128);
  memset(name_256, 'a', sizeof name_256);
  name_127[127] = name_128[128] = name_256[256] = '\0';
  const struct {
    const char *name;
    ekm_err_id expected;
  } rows[] = {
      {"missing", EKM_E_KEY_NOT_FOUND},    {END_TO_END_KEY "/00000000000000000000000000000000", EKM_E_KEY_NOT_FOUND},
      {name_127, EKM_E_KEY_NOT_FOUND},     {name_128, EKM_E_KEY_NAME_TOO_LONG},
      {name_256, EKM_E_KEY_NAME_TOO_LONG}, {"with blank", EKM_E_KEY_NAME_BAD},
      {"under_score", EKM_E_KEY_NAME_BAD}, {"..", EKM_E_KEY_NAME_BAD},
      {"../secrets", EKM_E_KEY_NAME_BAD},  {"tde?x=y", EKM_E_KEY_NAME_BAD},
      {"tde%2f", EKM_E_KEY_NAME_BAD},      {"schl\xc3\xbcssel", EKM_E_KEY_NAME_BAD},
      {"tde/", EKM_E_KEY_NAME_BAD},        {"/tde", EKM_E_KEY_NAME_BAD},
      {"tde/a/b", EKM_E_KEY_NAME_BAD},     {"tde/versions", EKM_E_KEY_NAME_BAD},
      {"tde\n", EKM_E_KEY_NAME_BAD},
  };
  host_session *session = NULL;
  connector_assert(end_to_end_open(f, &f->app, &session), EKM_E_OK);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    host_key key;
    connector_assert_at(connector_by_name(session, rows[i].name, &key), rows[i].expected, rows[i].name, __FILE__,
                        __LINE__);
  }
  host_session_close(&session);
}

static void bad_data_has_its_codes(void **state) {
  end_to_end_fixture *f = *state;
  uint8_t long_plain[191] = {0};
  ekm_buf out;
  opened o = open_key(f, &f->app);
  ekm_buf_init(&out, 4096);
  connector_assert(connector_wrap(o.session, &o.key, ekm_view_of(long_plain, 191), &out), EKM_E_DATA_TOO_LONG);
  connector_assert(connector_wrap(o.session, &o.key, ekm_view_of(long_plain, 190), &out), EKM_E_OK);
  assert_int_equal(out.len, 256);
  ekm_view wrapped = ekm_buf_view(&o.wrapped);
  connector_assert(end_to_end_unwrap(o.session, &o.key, ekm_view_of(wrapped.ptr, 255)), EKM_E_CIPHERTEXT_LENGTH);
  o.wrapped.ptr[100] ^= 1;
  connector_assert(unwrap(&o), EKM_E_UNWRAP_REFUSED);
  ekm_buf_clear(&out);
  close_key(&o);
}

/* --- made and dropped ------------------------------------------------------------------------------------------------
 */

static uint32_t create(const host_session *session, const char *name, host_key *out_key) {
  ekm_err err = {0};
  host_result result = {0};
  const host_key_wish wish = {.name = name, .algorithm = 1, .flags = 0};
  return host_key_create(session, &wish, out_key, &result, &err) ? 0 : result.code;
}

static uint32_t drop(const host_session *session, const host_key *key) {
  ekm_err err = {0};
  host_result result = {0};
  return host_key_drop(session, host_key_thumb(key), &result, &err) ? 0 : result.code;
}

static void CreateKey_never_adds_a_version(void **state) {
  end_to_end_fixture *f = *state;
  host_key key, same;
  host_session *session = NULL;
  connector_assert(end_to_end_open(f, &f->app, &session), EKM_E_OK);
  connector_assert(create(session, "made", &key), EKM_E_VAULT_FORBIDDEN);
  akvd_process_permit(&f->akvd, &f->app, END_TO_END_RIGHTS ",create");
  connector_assert(create(session, "made", &key), EKM_E_OK);
  connector_assert(create(session, "made", &same), EKM_E_KEY_EXISTS);
  connector_assert(create(session, "MADE", &same), EKM_E_KEY_EXISTS);
  connector_assert(connector_by_name(session, "made", &same), EKM_E_OK);
  assert_true(ekm_view_equal(host_key_thumb(&key), host_key_thumb(&same)));
  akvd_process_key(&f->akvd, "delete", "made");
  connector_assert(create(session, "made", &same), EKM_E_KEY_DELETED);
  akvd_process_permit(&f->akvd, &f->app, END_TO_END_RIGHTS);
  host_session_close(&session);
}

static void DropKey_needs_to_be_allowed_and_spares_versions(void **state) {
  end_to_end_fixture *f = *state;
  host_key one, two;
  host_session *session = NULL;
  akvd_process_permit(&f->akvd, &f->app, END_TO_END_RIGHTS ",delete");
  akvd_process_key(&f->akvd, "create", "one-version");
  akvd_process_key(&f->akvd, "create", "two-versions");
  akvd_process_key(&f->akvd, "create", "two-versions");
  connector_assert(end_to_end_open(f, &f->app, &session), EKM_E_OK);
  connector_assert(connector_by_name(session, "one-version", &one), EKM_E_OK);
  connector_assert(connector_by_name(session, "two-versions", &two), EKM_E_OK);
  connector_assert(drop(session, &one), EKM_E_DROP_REFUSED);
  host_session_close(&session);
  end_to_end_reload(f, "allow_drop_key = yes");
  connector_assert(end_to_end_open(f, &f->app, &session), EKM_E_OK);
  connector_assert(connector_by_name(session, "one-version", &one), EKM_E_OK);
  connector_assert(connector_by_name(session, "two-versions", &two), EKM_E_OK);
  connector_assert(drop(session, &two), EKM_E_DROP_VERSIONS);
  connector_assert(connector_by_name(session, "two-versions", &two), EKM_E_OK);
  connector_assert(drop(session, &one), EKM_E_OK);
  connector_assert(connector_by_name(session, "one-version", &two), EKM_E_KEY_NOT_FOUND);
  connector_assert(connector_by_thumb(session, host_key_thumb(&one), &two), EKM_E_KEY_NOT_FOUND);
  host_session_close(&session);
  akvd_process_permit(&f->akvd, &f->app, END_TO_END_RIGHTS ",create");
  connector_assert(end_to_end_open(f, &f->app, &session), EKM_E_OK);
  connector_assert(create(session, "one-version", &two), EKM_E_KEY_DELETED); /* not purged */
  host_session_close(&session);
  akvd_process_permit(&f->akvd, &f->app, END_TO_END_RIGHTS);
  end_to_end_reload(f, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wrapped_key_comes_back_from_its_thumbprint),
      cmocka_unit_test(cold_requests_are_few),
      cmocka_unit_test(a_rotated_key_is_seen_and_the_old_one_still_unwraps),
      cmocka_unit_test(bad_credentials_have_their_codes),
      cmocka_unit_test(credentials_share_nothing),
      cmocka_unit_test(a_permission_counts_at_the_very_next_call),
      cmocka_unit_test(a_disabled_key_is_refused_at_the_very_next_call),
      cmocka_unit_test(a_deleted_key_is_missed_at_the_very_next_call),
      cmocka_unit_test(a_vault_that_is_down_is_no_AuthFailure),
      cmocka_unit_test(bad_names_have_their_codes),
      cmocka_unit_test(bad_data_has_its_codes),
      cmocka_unit_test(CreateKey_never_adds_a_version),
      cmocka_unit_test(DropKey_needs_to_be_allowed_and_spares_versions),
  };
  return cmocka_run_group_tests(tests, end_to_end_set_up, end_to_end_tear_down);
}
