/* ekmctl bench: warm calls, one after the other, on one thread.
 *
 *   median_us, p99_us       wall time of a call
 *   cpu_us                  processor time of this process for a call: provider and host, not the vault
 *   cpu_share               cpu_us over the mean wall time: near 1 the processor is the limit, near 0 the network
 *   p99_over_median         how even the times are
 *
 * A call is what SQL Server does: an answer of variable length is asked for twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/command.h"

enum { SAMPLES_MAX = 1000000, SAMPLES_FIRST = 4096, WARM_UP_CALLS = 3, NS_PER_S = 1000000000 };

typedef struct bench {
  cli *c;
  ekm_buf ciphertext; /* of 32 bytes under the key */
  ekm_view iv;        /* for a symmetric key; else empty */
} bench;

static bool run_decrypt(bench *b, ekm_err *err) {
  ekm_secret plain = {0};
  bool ok = host_key_decrypt_iv(b->c->session, host_key_thumb(&b->c->key), b->iv, ekm_buf_view(&b->ciphertext), &plain,
                                &b->c->result, err);
  ekm_secret_clear(&plain);
  return ok;
}

static bool run_encrypt(bench *b, ekm_err *err) {
  static const uint8_t plain[32] = {1, 2, 3, 4};
  ekm_buf_reset(&b->ciphertext);
  return host_key_encrypt_iv(b->c->session, host_key_thumb(&b->c->key), b->iv, ekm_view_of(plain, sizeof plain),
                             &b->ciphertext, &b->c->result, err);
}

static bool run_session(bench *b, ekm_err *err) {
  host_session *session = NULL;
  bool ok = host_session_open(b->c->module, b->c->identity, &b->c->secret, &session, &b->c->result, err);
  host_session_close(&session);
  return ok;
}

static bool run_key_info(bench *b, ekm_err *err) {
  host_key key;
  return host_key_by_thumb(b->c->session, host_key_thumb(&b->c->key), &key, &b->c->result, err);
}

/* Encrypt first: it makes what decrypt needs. */
static const struct {
  const char *name;
  bool (*run)(bench *b, ekm_err *err);
} operations[] = {
    {"encrypt", run_encrypt}, {"decrypt", run_decrypt}, {"session", run_session}, {"key info", run_key_info}};

typedef struct samples {
  int64_t *ns;
  size_t count, cap;
  int64_t total_ns, cpu_ns;
} samples;

static bool add(samples *s, int64_t ns, ekm_err *err) {
  if (s->count == s->cap) {
    size_t cap = s->cap == 0 ? SAMPLES_FIRST : 2 * s->cap;
    int64_t *grown = ekm_mem_grow(s->ns, s->cap, cap, sizeof *s->ns, err);
    if (grown == NULL) return false;
    s->ns = grown;
    s->cap = cap;
  }
  s->ns[s->count++] = ns;
  s->total_ns += ns;
  return true;
}

static bool is_enough(const cli_options *options, const samples *s, int64_t started_ns) {
  if (s->count == SAMPLES_MAX || (options->count != 0 && s->count >= options->count)) return true;
  if (options->count != 0 && options->seconds == 0) return false;
  int64_t limit_s = options->seconds == 0 ? 1 : options->seconds;
  return s->count > 0 && ekm_clock_mono_ns() - started_ns >= limit_s * NS_PER_S;
}

static bool measure(bench *b, bool (*run)(bench *b, ekm_err *err), samples *out, ekm_err *err) {
  for (int i = 0; i < WARM_UP_CALLS; i++) {
    if (!run(b, err)) return false;
  }
  int64_t started_ns = ekm_clock_mono_ns(), cpu_ns = ekm_clock_cpu_ns();
  while (!is_enough(&b->c->options, out, started_ns)) {
    int64_t before_ns = ekm_clock_mono_ns();
    if (!run(b, err) || !add(out, ekm_clock_mono_ns() - before_ns, err)) return false;
  }
  out->cpu_ns = ekm_clock_cpu_ns() - cpu_ns;
  return true;
}

static int by_value(const void *a, const void *b) {
  int64_t x, y;
  memcpy(&x, a, sizeof x);
  memcpy(&y, b, sizeof y);
  return (x > y) - (x < y);
}

static double us(int64_t ns) {
  return (double)ns / 1000.0;
}

static void report(const char *name, samples *s, json_t *rows) {
  json_t *row = json_object();
  qsort(s->ns, s->count, sizeof *s->ns, by_value);
  int64_t median = s->ns[s->count / 2], p99 = s->ns[s->count - 1 - s->count / 100];
  cli_set_text(row, "operation", name);
  cli_set_int(row, "calls", (json_int_t)s->count);
  (void)json_object_set_new(row, "median_us", json_real(us(median)));
  (void)json_object_set_new(row, "p99_us", json_real(us(p99)));
  (void)json_object_set_new(row, "cpu_us", json_real(us(s->cpu_ns) / (double)s->count));
  (void)json_object_set_new(row, "cpu_share", json_real((double)s->cpu_ns / (double)(s->total_ns + 1)));
  (void)json_object_set_new(row, "p99_over_median", json_real((double)p99 / (double)(median + 1)));
  (void)json_array_append_new(rows, row);
}

bool cli_bench(cli *c, json_t *doc, ekm_err *err) {
  bool ok = true;
  static const uint8_t iv[64]; /* of zeros: what is measured is no secret */
  size_t iv_bytes = 0;
  if (!cli_iv_bytes(c, &iv_bytes, err)) return false;
  bench b = {.c = c, .iv = ekm_view_of(iv, iv_bytes < sizeof iv ? iv_bytes : sizeof iv)};
  json_t *rows = json_array();
  ekm_buf_init(&b.ciphertext, HOST_DATA_MAX_BYTES);
  (void)json_object_set_new(doc, "operations", rows);
  for (size_t i = 0; ok && i < sizeof operations / sizeof operations[0]; i++) {
    samples s = {0};
    (void)fprintf(stderr, "measuring %s ...\n", operations[i].name);
    ok = measure(&b, operations[i].run, &s, err);
    if (ok) report(operations[i].name, &s, rows);
    ekm_mem_free(s.ns);
  }
  ekm_buf_clear(&b.ciphertext);
  return ok;
}
