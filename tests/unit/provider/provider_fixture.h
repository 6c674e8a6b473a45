/* An initialised provider over a vault in memory, with one open session. */
#ifndef EKM_TESTS_UNIT_PROVIDER_PROVIDER_FIXTURE_H
#define EKM_TESTS_UNIT_PROVIDER_PROVIDER_FIXTURE_H

#include "support/cmocka_all.h"
#include "support/engine.h"

static SqlCpSession session;

static int set_up(void **state) {
  (void)state;
  assert_int_equal(SqlCryptInitializeProvider(), scp_err_Success);
  assert_int_equal(engine_open("memory", ENGINE_GOOD_SECRET, &session), scp_err_Success);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  assert_int_equal(SqlCryptFreeProvider(), scp_err_Success);
  return 0;
}

/* Create an RSA-2048 key and return its 20 bytes. */
static inline void create_key(const char *name, SqlCpByte thumb[20]) {
  engine_text text;
  SqlCpKeyThumbprint out = {20, thumb};
  assert_int_equal(SqlCryptCreateKey(&session, engine_text_set(&text, name), 1, 0, &out), scp_err_Success);
  assert_int_equal(out.cb, 20);
  assert_ptr_equal(out.pb, thumb);
}

#endif
