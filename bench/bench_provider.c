#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64url.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/thread.h"
#include "bench.h"
#include "client.h"
#include "engine.h"
#include "measure.h"

enum { CALLS_PER_SAMPLE = 100, HEAP_WARM_CALLS = 2000, HEAP_CALLS = 100000 };

static const SqlCpByte dek[32] = "a data-encryption key, 32 bytes";

/* --- SqlCryptDecrypt beside a bare POST --------------------------------------------------------------------------- */

typedef struct decrypt_side {
  bench_engine engine;
  SqlCpByte wrapped[256];
} decrypt_side;

static int64_t run_decrypt(void *arg, size_t count) {
  decrypt_side *side = arg;
  SqlCpByte plain[32];
  int64_t start = ekm_thread_cpu_ns();
  for (size_t i = 0; i < count; i++) {
    if (!engine_unwrap(&side->engine, side->wrapped, plain)) return -1;
  }
  int64_t spent = ekm_thread_cpu_ns() - start;
  return memcmp(plain, dek, 32) == 0 ? spent : -1;
}

typedef struct post_side {
  bench_client client;
  char url[512];
  ekm_buf body;
} post_side;

static int64_t run_post(void *arg, size_t count) {
  post_side *side = arg;
  int64_t start = ekm_thread_cpu_ns();
  for (size_t i = 0; i < count; i++) {
    if (client_send(&side->client, "POST", side->url, ekm_buf_text(&side->body)) != 200) return -1;
  }
  return ekm_thread_cpu_ns() - start;
}

/* The same body that the provider sends, to the same key version. */
static bool prepare_post(post_side *post, const bench_target *target, const SqlCpByte wrapped[256]) {
  char url[256], kid[256];
  (void)snprintf(url, sizeof url, "https://%s/keys/%s?api-version=7.4", target->host, getenv("BENCH_KEY"));
  if (!client_open(&post->client, target, target->host)) return false;
  if (client_send(&post->client, "GET", url, NULL) != 200 || !client_member(&post->client, "kid", kid, sizeof kid)) {
    return false;
  }
  (void)snprintf(post->url, sizeof post->url, "%s/unwrapkey?api-version=7.4", kid);
  ekm_buf_init(&post->body, 1024);
  ekm_buf_append_text(&post->body, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"");
  ekm_b64url_encode(ekm_view_of(wrapped, 256), &post->body);
  ekm_buf_append_text(&post->body, "\"}");
  return true;
}

bool bench_provider(void) {
  static decrypt_side decrypt;
  static post_side post;
  bench_target target;
  measure_result result;
  const measure_side a = {"SqlCryptDecrypt", run_decrypt, &decrypt};
  const measure_side b = {"bare libcurl POST of the same body", run_post, &post};

  if (!target_read(&target) || !engine_open(&decrypt.engine) || !engine_find(&decrypt.engine, getenv("BENCH_KEY")))
    return false;
  if (!engine_wrap(&decrypt.engine, dek, decrypt.wrapped) || !prepare_post(&post, &target, decrypt.wrapped))
    return false;
  if (!measure_pairs(&a, &b, CALLS_PER_SAMPLE, &result)) return false;
  measure_print("CPU of the caller's thread per unwrap", &a, &b, &result);
  bool kept = measure_promise("SqlCryptDecrypt over a bare POST", result.difference_us.median, 12, "us");
  client_close(&post.client);
  ekm_buf_clear(&post.body);
  engine_close(&decrypt.engine);
  return kept;
}

/* --- the heap over 100,000 calls ---------------------------------------------------------------------------------- */

bool bench_heap(void) {
  static decrypt_side decrypt;
  if (!engine_open(&decrypt.engine) || !engine_find(&decrypt.engine, getenv("BENCH_KEY"))) return false;
  if (!engine_wrap(&decrypt.engine, dek, decrypt.wrapped)) return false;
  if (run_decrypt(&decrypt, HEAP_WARM_CALLS) < 0) return false;
  size_t before = mallinfo2().uordblks;
  int64_t said_ms = ekm_clock_mono_ms(ekm_clock_system());
  for (size_t calls = 0; calls < HEAP_CALLS; calls += CALLS_PER_SAMPLE) {
    if (run_decrypt(&decrypt, CALLS_PER_SAMPLE) < 0) return false;
    if (ekm_clock_mono_ms(ekm_clock_system()) - said_ms < 10000) continue;
    said_ms = ekm_clock_mono_ms(ekm_clock_system());
    (void)fprintf(stderr, "  %zu of %d calls\n", calls, HEAP_CALLS);
  }
  size_t after = mallinfo2().uordblks;
  double growth = after > before ? (double)(after - before) : 0;
  engine_close(&decrypt.engine);
  return measure_promise("heap growth over 100,000 calls of SqlCryptDecrypt", growth, 0, "bytes");
}

/* --- requests from cold ------------------------------------------------------------------------------------------- */

/* What a database leaves behind: the thumbprint and the wrapped key, in a file between the two runs. */
typedef struct left_behind {
  SqlCpByte thumb[20];
  SqlCpByte wrapped[256];
} left_behind;

static bool first_unwrap(bench_engine *engine, left_behind *kept) {
  SqlCpByte plain[32];
  return engine_unwrap(engine, kept->wrapped, plain) && memcmp(plain, dek, 32) == 0;
}

/* By name: the wrapped key comes from a run of "cold_name" before, made here if there is none. */
bool bench_cold_name(void) {
  static bench_engine engine;
  left_behind kept;
  ekm_err err = {0};
  ekm_buf text;
  const char *path = getenv("BENCH_LEFT_BEHIND");
  bool first = !ekm_file_exists(path);

  if (!engine_open(&engine) || !engine_find(&engine, getenv("BENCH_KEY"))) return false;
  ekm_buf_init(&text, sizeof kept);
  if (first) {
    memcpy(kept.thumb, engine.thumb, 20);
    if (!engine_wrap(&engine, dek, kept.wrapped)) return false;
    if (!ekm_file_write_private(path, ekm_view_of(&kept, sizeof kept), &err)) return false;
  } else {
    if (!ekm_file_read(path, &text, &err) || text.len != sizeof kept) return false;
    memcpy(&kept, text.ptr, sizeof kept);
    if (!first_unwrap(&engine, &kept)) return false;
  }
  ekm_buf_clear(&text);
  engine_close(&engine);
  return true;
}

bool bench_cold_thumb(void) {
  static bench_engine engine;
  left_behind kept;
  ekm_err err = {0};
  ekm_buf text;

  ekm_buf_init(&text, sizeof kept);
  if (!ekm_file_read(getenv("BENCH_LEFT_BEHIND"), &text, &err) || text.len != sizeof kept) return false;
  memcpy(&kept, text.ptr, sizeof kept);
  ekm_buf_clear(&text);
  if (!engine_open(&engine)) return false;
  memcpy(engine.thumb, kept.thumb, 20);
  bool ok = first_unwrap(&engine, &kept);
  engine_close(&engine);
  return ok;
}
