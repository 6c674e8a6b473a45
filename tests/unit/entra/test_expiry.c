/* What ends: how many days are left, and that a client secret whose end is known is warned of at each sign-in. */
#include "entra/expiry.h"

#include <string.h>

#include "entra/client_secret.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/scripted_http.h"

enum { DAY_S = 86400, END_S = 1800000000 };

static char lines[2048];

static void take_line(void *arg, const char *line, size_t len) {
  size_t used = strlen(lines);
  (void)arg;
  assert_true(used + len < sizeof lines);
  memcpy(lines + used, line, len);
  lines[used + len] = '\0';
}

static void days_are_whole(void **state) {
  static const struct {
    int64_t left_s, days;
    bool near;
  } rows[] = {
      {30 * DAY_S + 1, 30, false},
      {30 * DAY_S, 29, true},
      {DAY_S + 1, 1, true},
      {DAY_S, 0, true},
      {1, 0, true},
      {0, -1, true},
      {-1, -1, true},
      {1 - DAY_S, -1, true},
      {-DAY_S, -2, true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(entra_expiry_days(END_S, END_S - rows[i].left_s), rows[i].days);
    assert_int_equal(entra_expiry_is_near(END_S, END_S - rows[i].left_s), rows[i].near);
  }
  assert_false(entra_expiry_is_near(0, END_S));
}

/* Sign in once with a secret that ends at ${end_s}. */
static void sign_in(int64_t end_s, int64_t now_s) {
  static const scripted_step steps[] = {
      {"POST", "https://login.microsoftonline.com/tenant/oauth2/v2.0/token", "client_secret=hidden", NULL,
       .status = 200, .answer = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"tok\"}"}};
  fake_clock clock;
  scripted_http script;
  entra_source *source = NULL;
  entra_token *token = NULL;
  ekm_log *log = NULL;
  ekm_secret secret = {0};
  ekm_err err = {0};
  const entra_target target = {.authority_host = "login.microsoftonline.com",
                               .authority_port = 443,
                               .tenant = "tenant",
                               .resource = "https://vault.azure.net"};
  lines[0] = '\0';
  fake_clock_init(&clock);
  clock.wall_s = now_s;
  const entra_call call = {.deadline = ekm_deadline_in(&clock.base, 10000)};
  SCRIPT(&script, steps);
  assert_true(ekm_secret_set(&secret, ekm_view_text("hidden"), &err));
  assert_true(ekm_log_open_sink(take_line, NULL, EKM_LOG_WARN, &clock.base, &log, &err));
  assert_true(entra_client_secret_new(&script.base, "01234567-89ab-cdef-0123-456789abcdef", &secret, &source, &err));
  entra_client_secret_warn(source, end_s, &clock.base, log);
  assert_true(entra_source_fetch(source, &target, &call, &token, &err));
  assert_string_equal(scripted_http_complaint(&script), "");
  assert_null(strstr(lines, "hidden"));
  entra_token_unref(&token);
  entra_source_free(&source);
  ekm_log_close(&log);
  ekm_secret_clear(&secret);
}

static void a_secret_that_ends_is_warned_of(void **state) {
  (void)state;
  sign_in(0, END_S);
  assert_string_equal(lines, "");
  sign_in(END_S, END_S - 31 * DAY_S);
  assert_string_equal(lines, "");
  sign_in(END_S, END_S - 10 * DAY_S);
  assert_non_null(strstr(lines, "\"level\":\"warn\",\"event\":\"entra.secret_expiry\""));
  assert_non_null(strstr(lines, "\"expires\":\"2027-01-15T08:00:00Z\",\"days_left\":9"));
  sign_in(END_S, END_S + DAY_S); /* the configuration may be wrong: the service decides */
  assert_non_null(strstr(lines, "\"days_left\":-2"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(days_are_whole),
      cmocka_unit_test(a_secret_that_ends_is_warned_of),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
