/* What an engine does besides unwrapping: sessions, keys by their thumbprint, many threads with one question. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "bench.h"
#include "engine.h"
#include "measure.h"

enum { SAMPLE_CALLS = 1000, THREADS = 1000, SEARCH_MAX_CALLS = 20 };

static const SqlCpByte dek[32] = "a data-encryption key, 32 bytes";

/* The median of MEASURE_PAIRS samples, after one that warms up. */
static bool measure_alone(const measure_side *side, measure_value *out_us) {
  double us[MEASURE_PAIRS];
  if (side->run(side->arg, SAMPLE_CALLS) < 0) return false;
  for (size_t i = 0; i < MEASURE_PAIRS; i++) {
    int64_t ns = side->run(side->arg, SAMPLE_CALLS);
    if (ns < 0) return false;
    us[i] = (double)ns / SAMPLE_CALLS / 1000;
  }
  *out_us = measure_median(us, MEASURE_PAIRS);
  return true;
}

/* --- sessions ----------------------------------------------------------------------------------------------------- */

typedef struct session_side {
  bench_engine engine;
  engine_credential credential;
} session_side;

static int64_t run_open(void *arg, size_t count) {
  session_side *side = arg;
  int64_t spent = 0;
  for (size_t i = 0; i < count; i++) {
    SqlCpSession session = NULL;
    int64_t start = ekm_thread_cpu_ns();
    if (side->engine.OpenSession(&side->credential.abi, &session) != scp_err_Success) return -1;
    spent += ekm_thread_cpu_ns() - start;
    if (side->engine.CloseSession(&session, 0) != scp_err_Success) return -1;
  }
  return spent;
}

bool bench_session(void) {
  static session_side side;
  measure_value us;
  const measure_side open = {"SqlCryptOpenSession", run_open, &side};
  if (!engine_open(&side.engine) || !engine_read_credential(&side.credential)) return false;
  if (!measure_alone(&open, &us)) return false;
  engine_close(&side.engine);
  return measure_promise("SqlCryptOpenSession with a warm token", us.median, 20, "us");
}

static int64_t run_info(void *arg, size_t count) {
  bench_engine *engine = arg;
  SqlCpWchar name[128];
  SqlCpByte back[32];
  SqlCpKeyThumbprint thumb = {20, engine->thumb};
  int64_t start = ekm_thread_cpu_ns();
  for (size_t i = 0; i < count; i++) {
    SqlCpKeyInfo info = {.name = {sizeof name, name}, .thumb = {sizeof back, back}};
    if (engine->GetKeyInfoByThumb(&engine->session, &thumb, &info) != scp_err_Success) return -1;
  }
  return ekm_thread_cpu_ns() - start;
}

bool bench_key_info(void) {
  static bench_engine engine;
  measure_value us;
  const measure_side info = {"SqlCryptGetKeyInfoByThumb", run_info, &engine};
  if (!engine_open(&engine) || !engine_find(&engine, getenv("BENCH_KEY"))) return false;
  if (!measure_alone(&info, &us)) return false;
  engine_close(&engine);
  return measure_promise("SqlCryptGetKeyInfoByThumb of a known key", us.median, 5, "us");
}

/* --- one question, many threads ----------------------------------------------------------------------------------- */

typedef struct crowd {
  bench_engine engine;
  SqlCpByte wrapped[256];
  atomic_bool go;
  atomic_int right;
} crowd;

static void ask_with_all(void *arg) {
  crowd *c = arg;
  SqlCpByte plain[32];
  while (!atomic_load(&c->go)) ekm_thread_yield();
  if (engine_unwrap(&c->engine, c->wrapped, plain) && memcmp(plain, dek, 32) == 0) atomic_fetch_add(&c->right, 1);
}

/* The vault is told to take its time (bench.sh), and all of it is the crowd's to arrive. */
bool bench_crowd(void) {
  static crowd c;
  static ekm_thread *threads[THREADS];
  ekm_err err = {0};
  if (!engine_open(&c.engine) || !engine_find(&c.engine, getenv("BENCH_KEY"))) return false;
  if (!engine_wrap(&c.engine, dek, c.wrapped)) return false;
  for (int i = 0; i < THREADS; i++) {
    if (!ekm_thread_start(&threads[i], ask_with_all, &c, &err)) return false;
  }
  atomic_store(&c.go, true);
  for (int i = 0; i < THREADS; i++) ekm_thread_join(&threads[i]);
  engine_close(&c.engine);
  (void)printf("  %d of %d threads have the key\n", atomic_load(&c.right), THREADS);
  return atomic_load(&c.right) == THREADS;
}

/* --- a thumbprint in a vault of many keys ------------------------------------------------------------------------- */

static bool read_thumb(SqlCpByte out[20]) {
  const char *hex = getenv("BENCH_SEARCH_THUMB");
  for (int i = 0; i < 20; i++) {
    unsigned byte;
    if (hex == NULL || strlen(hex) != 40 || sscanf(hex + 2 * i, "%2x", &byte) != 1) return false;
    out[i] = (SqlCpByte)byte;
  }
  return true;
}

/* A call that is over before the search is goes on where it was: as the engine does, again. */
bool bench_search(void) {
  static bench_engine engine;
  SqlCpWchar name[128];
  SqlCpByte back[32];
  if (!engine_open(&engine) || !read_thumb(engine.thumb)) return false;
  SqlCpKeyThumbprint thumb = {20, engine.thumb};
  int64_t start = ekm_clock_mono_ms(ekm_clock_system());
  SqlCpError code = 1;
  int calls = 0;
  while (code != scp_err_Success && calls < SEARCH_MAX_CALLS) {
    SqlCpKeyInfo info = {.name = {sizeof name, name}, .thumb = {sizeof back, back}};
    code = engine.GetKeyInfoByThumb(&engine.session, &thumb, &info);
    calls++;
  }
  double s = (double)(ekm_clock_mono_ms(ekm_clock_system()) - start) / 1000;
  engine_close(&engine);
  (void)printf("  found after %.1f s and %d calls of the engine\n", s, calls);
  return code == scp_err_Success;
}

/* --- beside the official client ----------------------------------------------------------------------------------- */

/* All threads' CPU per unwrap, as bench/unwrap.mjs prints it for the client of JavaScript. */
bool bench_unwraps(void) {
  enum { CALLS = 400, WARM = 50 };
  static bench_engine engine;
  SqlCpByte wrapped[256], plain[32];
  if (!engine_open(&engine) || !engine_find(&engine, getenv("BENCH_KEY"))) return false;
  if (!engine_wrap(&engine, dek, wrapped)) return false;
  int64_t start = 0;
  for (int i = 0; i < WARM + CALLS; i++) {
    if (i == WARM) start = ekm_clock_cpu_ns();
    if (!engine_unwrap(&engine, wrapped, plain)) return false;
  }
  (void)printf("%.2f\n", (double)(ekm_clock_cpu_ns() - start) / CALLS / 1000);
  engine_close(&engine);
  return true;
}
