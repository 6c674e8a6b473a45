/* libopenekm.so, over TLS in front of akvd's server, breaks no rule of the SqlCrypt interface and skips none.
 *
 *   conform_run --> libopenekm.so --HTTPS--> vault_fixture: sign-in and vault, in this process */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "host/conform.h"
#include "support/cmocka_all.h"
#include "support/connector.h"
#include "support/vault_fixture.h"

static void keep(void *arg, const conform_rule *rule, conform_verdict verdict, const char *seen) {
  unsigned *not_ok = arg;
  if (verdict == CONFORM_OK) return;
  print_error("%s is %s: %s\n", rule->id, verdict == CONFORM_BROKEN ? "broken" : "skipped", seen);
  *not_ok += 1;
}

/* SECRET as SQL Server users write it: the digits of the client id, then the client secret. */
static void make_secret(const fixture_credential *app, ekm_secret *out) {
  ekm_err err = {0};
  ekm_buf text;
  ekm_buf_init(&text, 512);
  for (const char *c = app->client_id; *c != '\0'; c++) {
    if (*c != '-') ekm_buf_append_char(&text, *c);
  }
  ekm_buf_append_text(&text, app->secret);
  assert_true(ekm_secret_set(out, ekm_buf_view(&text), &err));
  ekm_buf_clear(&text);
}

static void configure(connector *c, const vault_fixture *f) {
  char ca_path[256];
  ekm_err err = {0};
  unsigned port = vault_server_port(f->server);
  (void)snprintf(ca_path, sizeof ca_path, "%s/ca.pem", c->folder);
  assert_true(ekm_file_write_public(ca_path, ekm_buf_view(&f->ca_pem), &err));
  connector_configure(c,
                      "[vault %s]\naddress = 127.0.0.1\nport = %u\nauthority = https://login.localhost\n"
                      "authority_address = 127.0.0.1\nauthority_port = %u\nca_file = %s\n",
                      FIXTURE_HOST, port, port, ca_path);
}

static void openekm_keeps_every_rule(void **state) {
  vault_fixture *f = *state;
  connector c;
  https_answer answer = {0};
  ekm_secret secret = {0};
  ekm_err err = {0};
  conform_totals totals;
  unsigned not_ok = 0;

  vault_fixture_call(f, FIXTURE_FULL, "POST", "/keys/conformance/create", "{\"kty\":\"RSA\",\"key_size\":2048}",
                     &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
  f->clock.wall_s = ekm_clock_wall_s(ekm_clock_system()); /* the connector has no other clock */
  connector_set_up(&c);
  configure(&c, f);
  make_secret(&f->apps[FIXTURE_FULL], &secret);

  const conform_options options = {
      .path = EKM_TEST_PROVIDER, .identity = FIXTURE_HOST, .secret = &secret, .key_name = "conformance"};
  const conform_listener listener = {.ends = keep, .arg = &not_ok};
  if (!conform_run(&options, &listener, &totals, &err)) fail_msg("%s", err.detail);
  assert_int_equal(not_ok, 0);
  assert_true(totals.ok > 0);
  ekm_secret_clear(&secret);
  connector_tear_down(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(openekm_keeps_every_rule)};
  return cmocka_run_group_tests(tests, vault_fixture_set_up, vault_fixture_tear_down);
}
