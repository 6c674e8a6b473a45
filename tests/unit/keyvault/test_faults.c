/* What each operation of the client does when memory or an exchange fails (tests/support/fault_loop.h), over the real
 * entra and a vault on paper. */
#include <stdlib.h>
#include <string.h>

#include "keyvault/client.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/fake_rng.h"
#include "support/fault_loop.h"

typedef struct subject {
  fake_clock clock;
  akv_options options;
  akv_vault vault;
  akv_identity identity;
  ekm_secret secret;
  akv_client *client;
  akv_call call;
} subject;

static paper_vault vault;

static void *make_nothing(paper_vault *v) {
  ekm_err err = {0};
  subject *s = calloc(1, sizeof *s);
  assert_non_null(s);
  fake_clock_init(&s->clock);
  s->call.deadline = ekm_deadline_in(&s->clock.base, 30000);
  s->vault.host = PAPER_VAULT_HOST;
  s->options = (akv_options){.http = &v->base, .clock = &s->clock.base, .rng = fake_rng_static(), .vault = &s->vault};
  assert_true(ekm_secret_set(&s->secret, ekm_view_text("secret"), &err));
  s->identity = (akv_identity){
      .kind = AKV_CLIENT_SECRET, .client_id = "01234567-89ab-cdef-0123-456789abcdef", .secret = &s->secret};
  return s;
}

static void *make(paper_vault *v) {
  ekm_err err = {0};
  subject *s = make_nothing(v);
  assert_true(akv_client_new(&s->options, &s->identity, &s->client, &err));
  return s;
}

static void clear(void *arg) {
  subject *s = arg;
  akv_client_free(&s->client);
  ekm_secret_clear(&s->secret);
  free(s);
}

static bool make_client(void *arg, ekm_err *err) {
  subject *s = arg;
  akv_client_free(&s->client);
  bool ok = akv_client_new(&s->options, &s->identity, &s->client, err);
  assert_int_equal(ok, s->client != NULL);
  return ok;
}

static bool sign_in(void *arg, ekm_err *err) {
  subject *s = arg;
  return akv_client_sign_in(s->client, &s->call, err);
}

static bool get_key(void *arg, ekm_err *err) {
  subject *s = arg;
  akv_key key;
  uint8_t n[PAPER_VAULT_KEY_BYTES];
  paper_vault_n(PAPER_VAULT_OLDEST, n);
  akv_key_init(&key);
  bool ok = akv_get_key(s->client, "tde", PAPER_VAULT_OLDEST, &s->call, &key, err);
  if (ok) assert_true(ekm_view_equal(ekm_buf_view(&key.n), ekm_view_of(n, sizeof n)));
  akv_key_clear(&key);
  return ok;
}

static bool count(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  (void)text, (void)created_s, (void)err;
  ++*(int *)arg;
  return true;
}

static bool list_names(void *arg, ekm_err *err) {
  subject *s = arg;
  int names = 0;
  bool ok = akv_list_names(s->client, &s->call, (akv_sink){count, &names}, err);
  if (ok) assert_int_equal(names, 2);
  return ok;
}

static bool list_versions(void *arg, ekm_err *err) {
  subject *s = arg;
  int versions = 0;
  bool ok = akv_list_versions(s->client, "tde", &s->call, (akv_sink){count, &versions}, err);
  if (ok) assert_int_equal(versions, 2);
  return ok;
}

static bool create(void *arg, ekm_err *err) {
  subject *s = arg;
  akv_key key;
  akv_key_init(&key);
  bool ok = akv_create_key(s->client, "new", AKV_RSA, 2048, &s->call, &key, err);
  assert_int_equal(ok, strcmp(key.name, "new") == 0);
  akv_key_clear(&key);
  return ok;
}

static bool delete_key(void *arg, ekm_err *err) {
  subject *s = arg;
  return akv_delete_key(s->client, "old", &s->call, err);
}

static const akv_wrap_key wrap_key = {"tde", PAPER_VAULT_NEWEST, "RSA-OAEP-256"};

static const uint8_t iv[16] = {1};

/* Either direction, with either kind of key: what comes out is ${expected}, and nothing if it fails. */
static bool operate(subject *s, bool seals, bool is_aes, ekm_err *err) {
  bool ok;
  uint8_t sealed[PAPER_VAULT_KEY_BYTES];
  ekm_buf out;
  paper_vault_sealed(sealed);
  ekm_view block = ekm_view_of(iv, sizeof iv), cipher = ekm_view_of(sealed, sizeof sealed);
  ekm_view plain = ekm_view_text(PAPER_VAULT_DEK);
  ekm_buf_init(&out, EKM_LIMIT_RSA_MODULUS_BYTES);
  if (seals) {
    ok = is_aes ? akv_encrypt(s->client, &wrap_key, block, plain, &s->call, &out, err)
                : akv_wrap(s->client, &wrap_key, plain, &s->call, &out, err);
  } else {
    ok = is_aes ? akv_decrypt(s->client, &wrap_key, block, cipher, &s->call, &out, err)
                : akv_unwrap(s->client, &wrap_key, cipher, &s->call, &out, err);
  }
  if (ok) assert_true(ekm_view_equal(ekm_buf_view(&out), seals ? cipher : plain));
  if (!ok) assert_int_equal(out.len, 0);
  ekm_buf_clear(&out);
  return ok;
}

static bool seal(void *arg, ekm_err *err) {
  return operate(arg, true, false, err);
}

static bool open_it(void *arg, ekm_err *err) {
  return operate(arg, false, false, err);
}

static bool encrypt(void *arg, ekm_err *err) {
  return operate(arg, true, true, err);
}

static bool decrypt(void *arg, ekm_err *err) {
  return operate(arg, false, true, err);
}

static bool rotation_policy(void *arg, ekm_err *err) {
  subject *s = arg;
  akv_rotation_policy policy = {0};
  bool ok = akv_get_rotation_policy(s->client, "tde", &s->call, &policy, err);
  if (ok) assert_string_equal(policy.after_create, "P90D");
  return ok;
}

static const fault_row first_rows[] = {{"client_new", make_client, FORGIVES_NOTHING}};

/* After a creation a list of versions is done without, and nobody reads the answer to a deletion. */
static const fault_row rows[] = {
    {"sign_in", sign_in, FORGIVES_NOTHING},
    {"get_key", get_key, FORGIVES_NOTHING},
    {"list_names", list_names, FORGIVES_NOTHING},
    {"list_versions", list_versions, FORGIVES_NOTHING},
    {"create_key", create, FORGIVES_MEMORY | FORGIVES_EXCHANGES},
    {"delete_key", delete_key, FORGIVES_EXCHANGES},
    {"wrap", seal, FORGIVES_NOTHING},
    {"unwrap", open_it, FORGIVES_NOTHING},
    {"encrypt", encrypt, FORGIVES_NOTHING},
    {"decrypt", decrypt, FORGIVES_NOTHING},
    {"get_rotation_policy", rotation_policy, FORGIVES_NOTHING},
};

static void each_operation_fails_well(void **state) {
  const fault_layer layers[] = {
      {&vault, make_nothing, clear, first_rows, sizeof first_rows / sizeof first_rows[0]},
      {&vault, make, clear, rows, sizeof rows / sizeof rows[0]},
  };
  (void)state;
  paper_vault_init(&vault);
  for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
    fault_loop_memory(&layers[i]);
    fault_loop_exchanges(&layers[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_operation_fails_well)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
