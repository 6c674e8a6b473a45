#include "keyvault_fixture.h"

#include <string.h>

#include "support/fake_rng.h"

void keyvault_fixture_start(keyvault_fixture *f, const akv_vault *vault, const scripted_step *steps, size_t count) {
  ekm_secret secret = {0};
  memset(f, 0, sizeof *f);
  fake_clock_init(&f->clock);
  scripted_http_init(&f->script, steps, count);
  f->vault = vault != NULL ? *vault : (akv_vault){.host = HOST};
  f->call = (akv_call){.deadline = ekm_deadline_in(&f->clock.base, 30000)};
  akv_options options = {
      .http = &f->script.base, .clock = &f->clock.base, .rng = fake_rng_static(), .vault = &f->vault};
  assert_true(ekm_secret_set(&secret, ekm_view_text(SECRET), &f->err));
  akv_identity identity = {
      .kind = AKV_CLIENT_SECRET, .client_id = "01234567-89ab-cdef-0123-456789abcdef", .secret = &secret};
  assert_true(akv_client_new(&options, &identity, &f->client, &f->err));
  ekm_secret_clear(&secret);
}

void keyvault_fixture_end(keyvault_fixture *f) {
  akv_client_free(&f->client);
  assert_string_equal(scripted_http_complaint(&f->script), "");
}
