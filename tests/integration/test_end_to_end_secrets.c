/* Recognisable secrets go through a whole session at the most talkative log level on both sides; afterwards none of
 * them, in no form, is in any file that provider and vault wrote. */
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/text.h"
#include "end_to_end_fixture.h"
#include "support/cmocka_all.h"

#define SECRET "canary-client-secret~that.nobody-may-see"

enum { FORMS_MAX = 16, FILE_MAX_BYTES = 64 * 1024 * 1024, OPEN_FILES = 16 };

typedef struct canary {
  const char *what;
  ekm_buf bytes;
} canary;

/* nftw takes no argument. */
static canary canaries[FORMS_MAX];
static size_t canary_count;
static int files_searched;
static int findings;

static ekm_buf *add(const char *what) {
  assert_true(canary_count < FORMS_MAX);
  canary *one = &canaries[canary_count++];
  one->what = what;
  ekm_buf_init(&one->bytes, 1024);
  return &one->bytes;
}

static void add_all_forms(const char *text) {
  static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  ekm_view bytes = ekm_view_text(text);
  ekm_buf_append_view(add("as it is"), bytes);
  ekm_hex_encode(bytes, add("in hexadecimal digits"));
  /* base64 from each of the three places where the text may begin in what was encoded, without the uncertain ends */
  for (size_t skip = 0; skip < 3; skip++) {
    ekm_view part = {bytes.ptr + skip, (bytes.len - skip) / 3 * 3};
    ekm_buf *form = add("in base64");
    for (size_t i = 0; i < part.len; i += 3) {
      uint32_t bits = (uint32_t)part.ptr[i] << 16 | (uint32_t)part.ptr[i + 1] << 8 | part.ptr[i + 2];
      for (int shift = 18; shift >= 0; shift -= 6) ekm_buf_append_char(form, standard[bits >> shift & 63]);
    }
  }
}

static int search_file(const char *path, const struct stat *info, int kind, struct FTW *where) {
  ekm_err err = {0};
  ekm_buf text;
  (void)info;
  (void)where;
  if (kind != FTW_F) return 0;
  ekm_buf_init(&text, FILE_MAX_BYTES);
  if (!ekm_file_read(path, &text, &err)) return -1;
  files_searched++;
  for (size_t i = 0; i < canary_count; i++) {
    if (text.len > 0 && memmem(text.ptr, text.len, canaries[i].bytes.ptr, canaries[i].bytes.len) != NULL) {
      print_error("%s holds a secret %s\n", path, canaries[i].what);
      findings++;
    }
  }
  ekm_buf_clear(&text);
  return 0;
}

/* What a session does, mistakes included: errors talk more than successes. */
static void use_everything(end_to_end_fixture *f, const akvd_app *app) {
  host_session *session = NULL, *refused = NULL;
  host_key key, missing;
  ekm_buf wrapped;
  akvd_app wrong = *app;
  SqlCpKeyId id = 0;
  bool more = true;
  ekm_err err = {0};
  ekm_buf_init(&wrapped, 4096);
  size_t used = strlen(wrong.credential);
  assert_true(ekm_text_copy(wrong.credential + used, sizeof wrong.credential - used, "-and-more", "a secret", &err));
  connector_assert(end_to_end_open(f, &wrong, &refused), EKM_E_AUTH_FAILURE);
  connector_assert(end_to_end_open(f, app, &session), EKM_E_OK);
  connector_assert(connector_by_name(session, END_TO_END_KEY, &key), EKM_E_OK);
  connector_assert(connector_by_name(session, "missing", &missing), EKM_E_KEY_NOT_FOUND);
  while (more) assert_true(host_key_next(session, &id, &more, NULL, &err));
  connector_assert(connector_wrap(session, &key, ekm_view_text(END_TO_END_DEK), &wrapped), EKM_E_OK);
  connector_assert(end_to_end_unwrap(session, &key, ekm_buf_view(&wrapped)), EKM_E_OK);
  akvd_process_permit(&f->akvd, app, "get,list");
  connector_assert(end_to_end_unwrap(session, &key, ekm_buf_view(&wrapped)), EKM_E_VAULT_FORBIDDEN);
  akvd_process_permit(&f->akvd, app, END_TO_END_RIGHTS);
  wrapped.ptr[7] ^= 1;
  connector_assert(end_to_end_unwrap(session, &key, ekm_buf_view(&wrapped)), EKM_E_UNWRAP_REFUSED);
  host_session_close(&session);
  ekm_buf_clear(&wrapped);
}

static void no_file_holds_a_secret(void **state) {
  end_to_end_fixture *f = *state;
  akvd_app app;
  akvd_process_app(&f->akvd, "canary", SECRET, &app);
  akvd_process_permit(&f->akvd, &app, END_TO_END_RIGHTS);
  use_everything(f, &app);
  connector_unload(&f->connector);
  akvd_process_kill(&f->akvd); /* the write-ahead log stays */
  add_all_forms(SECRET);
  add_all_forms(END_TO_END_DEK);
  ekm_buf_append_text(add("as a token"), "eyJ");
  ekm_buf_append_text(add("as a form"), "client_secret=");
  assert_int_equal(nftw(f->connector.folder, search_file, OPEN_FILES, FTW_PHYS), 0);
  assert_in_range(files_searched, 4, 100); /* two logs, a database, a configuration at least */
  assert_int_equal(findings, 0);
  for (size_t i = 0; i < canary_count; i++) ekm_buf_clear(&canaries[i].bytes);
}

/* The search itself finds what is there. */
static void the_search_would_find_it(void **state) {
  end_to_end_fixture *f = *state;
  char path[256];
  ekm_err err = {0};
  findings = 0;
  canary_count = 0;
  add_all_forms(SECRET);
  (void)snprintf(path, sizeof path, "%s/planted", f->connector.folder);
  assert_true(ekm_file_write_private(path, ekm_view_text("{\"x\":\"" SECRET "\"}"), &err));
  assert_int_equal(nftw(f->connector.folder, search_file, OPEN_FILES, FTW_PHYS), 0);
  assert_int_equal(findings, 1);
  for (size_t i = 0; i < canary_count; i++) ekm_buf_clear(&canaries[i].bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_file_holds_a_secret),
      cmocka_unit_test(the_search_would_find_it),
  };
  return cmocka_run_group_tests(tests, end_to_end_set_up, end_to_end_tear_down);
}
