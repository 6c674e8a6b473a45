#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/b64url.h"
#include "base/thread.h"
#include "bench.h"
#include "client.h"
#include "measure.h"

enum {
  CLIENTS_MAX = 256,
  OPERATIONS_PER_SAMPLE = 320,
  OPERATIONS_OF_CROWD = 512, /* of 256 clients */
  THROUGHPUT_OPERATIONS = 3200,
  GETS_PER_SAMPLE = 1600,
  MANY_KEYS = 10000,
  IDLE_CONNECTIONS = 1000
};

/* --- a raw private-key operation ---------------------------------------------------------------------------------- */

typedef struct raw_side {
  EVP_PKEY *key;
  EVP_PKEY_CTX *decrypt;
  unsigned char sealed[256];
} raw_side;

static bool use_oaep_256(EVP_PKEY_CTX *ctx) {
  return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
}

static bool raw_prepare(raw_side *raw) {
  static const unsigned char plain[32] = {1};
  size_t len = sizeof raw->sealed;
  raw->key = EVP_RSA_gen(2048);
  EVP_PKEY_CTX *encrypt = EVP_PKEY_CTX_new(raw->key, NULL);
  bool ok = encrypt != NULL && EVP_PKEY_encrypt_init(encrypt) > 0 && use_oaep_256(encrypt) &&
            EVP_PKEY_encrypt(encrypt, raw->sealed, &len, plain, sizeof plain) > 0;
  EVP_PKEY_CTX_free(encrypt);
  raw->decrypt = EVP_PKEY_CTX_new(raw->key, NULL);
  return ok && raw->decrypt != NULL && EVP_PKEY_decrypt_init(raw->decrypt) > 0 && use_oaep_256(raw->decrypt);
}

static int64_t run_raw(void *arg, size_t count) {
  raw_side *raw = arg;
  unsigned char plain[256];
  int64_t start = ekm_thread_cpu_ns();
  for (size_t i = 0; i < count; i++) {
    size_t len = sizeof plain;
    if (EVP_PKEY_decrypt(raw->decrypt, plain, &len, raw->sealed, sizeof raw->sealed) <= 0) return -1;
  }
  return ekm_thread_cpu_ns() - start;
}

/* --- akvd's unwrapKey --------------------------------------------------------------------------------------------- */

typedef struct vault_client {
  bench_client client;
  const char *method;
  char url[512], body[1024];
  size_t count;
  bool ok;
} vault_client;

typedef struct vault_side {
  clockid_t cpu; /* of the whole akvd process */
  size_t clients;
  vault_client all[CLIENTS_MAX];
} vault_side;

static int64_t cpu_of(clockid_t clock) {
  struct timespec now = {0, 0};
  (void)clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void send_many(void *arg) {
  vault_client *c = arg;
  c->ok = true;
  for (size_t i = 0; c->ok && i < c->count; i++) {
    c->ok = client_send(&c->client, c->method, c->url, c->body[0] == '\0' ? NULL : c->body) == 200;
  }
}

static int64_t run_vault(void *arg, size_t count) {
  vault_side *side = arg;
  ekm_thread *threads[CLIENTS_MAX];
  ekm_err err = {0};
  int64_t start = cpu_of(side->cpu);
  for (size_t i = 0; i < side->clients; i++) {
    side->all[i].count = count / side->clients;
    if (!ekm_thread_start(&threads[i], send_many, &side->all[i], &err)) return -1;
  }
  for (size_t i = 0; i < side->clients; i++) ekm_thread_join(&threads[i]);
  int64_t spent = cpu_of(side->cpu) - start;
  for (size_t i = 0; i < side->clients; i++) {
    if (!side->all[i].ok) return -1;
  }
  return spent;
}

/* Have the vault wrap 32 bytes, and prepare the request that unwraps them. */
static bool prepare_client(vault_client *c, const bench_target *target) {
  char url[512], kid[256], value[600];
  (void)snprintf(url, sizeof url, "https://%s/keys/%s?api-version=7.4", target->host, getenv("BENCH_KEY"));
  if (!client_open(&c->client, target, target->host) || client_send(&c->client, "GET", url, NULL) != 200) return false;
  if (!client_member(&c->client, "kid", kid, sizeof kid)) return false;
  (void)snprintf(url, sizeof url, "%s/wrapkey?api-version=7.4", kid);
  if (client_send(&c->client, "POST", url,
                  "{\"alg\":\"RSA-OAEP-256\",\"value\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}") != 200) {
    return false;
  }
  if (!client_member(&c->client, "value", value, sizeof value)) return false;
  c->method = "POST";
  (void)snprintf(c->url, sizeof c->url, "%s/unwrapkey?api-version=7.4", kid);
  (void)snprintf(c->body, sizeof c->body, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"%s\"}", value);
  return true;
}

/* ${which}: "" for the vault that all use, "_ONE" for the one with a single thread. */
static bool vault_prepare(vault_side *side, const char *which, size_t clients) {
  bench_target target;
  char pid_name[64], port_name[64];
  (void)snprintf(pid_name, sizeof pid_name, "BENCH_AKVD_PID%s", which);
  (void)snprintf(port_name, sizeof port_name, "BENCH_PORT%s", which);
  const char *pid = getenv(pid_name);
  const char *port = getenv(port_name);
  if (pid == NULL || port == NULL || clock_getcpuclockid((pid_t)strtol(pid, NULL, 10), &side->cpu) != 0) return false;
  if (!target_read(&target)) return false;
  target.port = (unsigned)strtoul(port, NULL, 10);
  side->clients = clients;
  for (size_t i = 0; i < clients; i++) {
    if (!prepare_client(&side->all[i], &target)) return false;
  }
  return true;
}

static void vault_close(vault_side *side) {
  for (size_t i = 0; i < side->clients; i++) client_close(&side->all[i].client);
}

/* The same clients get their key from now on. */
static void turn_to_gets(vault_side *side) {
  for (size_t i = 0; i < side->clients; i++) {
    vault_client *c = &side->all[i];
    c->method = "GET";
    c->body[0] = '\0';
    (void)snprintf(strstr(c->url, "/unwrapkey"), 32, "?api-version=7.4");
  }
}

static double now_s(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* By the clock on the wall, with the clients on the same processors: for information. */
static bool report_throughput(vault_side *side) {
  double start = now_s();
  if (run_vault(side, THROUGHPUT_OPERATIONS) < 0) return false;
  (void)printf("         %.0f unwraps per second beside their %zu clients on the same processors\n",
               THROUGHPUT_OPERATIONS / (now_s() - start), side->clients);
  return true;
}

static bool bench_unwrap(size_t clients, size_t operations, double promised_us) {
  static vault_side vault;
  static raw_side raw;
  char title[80], what[80];
  measure_result result;
  const measure_side a = {"akvd: unwrapKey over HTTPS, kept alive", run_vault, &vault};
  const measure_side b = {"raw OpenSSL private-key operation", run_raw, &raw};

  if (!raw_prepare(&raw) || !vault_prepare(&vault, "", clients)) return false;
  if (!measure_pairs(&a, &b, operations, &result)) return false;
  (void)snprintf(title, sizeof title, "CPU of akvd per unwrapKey, RSA-2048, %zu client(s)", clients);
  measure_print(title, &a, &b, &result);
  bool ok = report_throughput(&vault);
  (void)snprintf(what, sizeof what, "akvd over the raw operation, %zu client(s)", clients);
  vault_close(&vault);
  EVP_PKEY_CTX_free(raw.decrypt);
  EVP_PKEY_free(raw.key);
  return measure_promise(what, result.difference_us.median, promised_us, "us") && ok;
}

bool bench_vault_1(void) {
  return bench_unwrap(1, OPERATIONS_PER_SAMPLE, 160);
}

bool bench_vault_16(void) {
  return bench_unwrap(16, OPERATIONS_PER_SAMPLE, 110);
}

bool bench_vault_256(void) {
  return bench_unwrap(256, OPERATIONS_OF_CROWD, 110);
}

bool bench_vault_threads(void) {
  static vault_side two, one;
  measure_result result;
  const measure_side a = {"akvd with two threads", run_vault, &two};
  const measure_side b = {"akvd with one thread", run_vault, &one};
  if (!vault_prepare(&two, "", 16) || !vault_prepare(&one, "_ONE", 16)) return false;
  if (!measure_pairs(&a, &b, OPERATIONS_PER_SAMPLE, &result)) return false;
  measure_print("CPU of akvd per unwrapKey, RSA-2048, 16 clients", &a, &b, &result);
  vault_close(&two);
  vault_close(&one);
  /* Unwraps per CPU-second with two threads are to be at least 90 % of those with one. */
  return measure_promise("CPU per unwrap, two threads over one", result.ratio.median, 1 / 0.9, "times");
}

/* Median microseconds of CPU per GET. */
static bool measure_gets(vault_side *side, double *out_us) {
  double samples[MEASURE_PAIRS];
  turn_to_gets(side);
  if (run_vault(side, GETS_PER_SAMPLE) < 0) return false;
  for (size_t i = 0; i < MEASURE_PAIRS; i++) {
    int64_t ns = run_vault(side, GETS_PER_SAMPLE);
    if (ns < 0) return false;
    samples[i] = (double)ns / GETS_PER_SAMPLE / 1000;
  }
  *out_us = measure_median(samples, MEASURE_PAIRS).median;
  return true;
}

bool bench_vault_get(void) {
  static vault_side vault;
  double us = 0;
  if (!vault_prepare(&vault, "", 16) || !measure_gets(&vault, &us)) return false;
  vault_close(&vault);
  (void)printf("GET of a key, 16 clients: %.0f per CPU-second of akvd\n", 1e6 / us);
  return measure_promise("CPU of akvd per GET of a key", us, 1e6 / 15000, "us");
}

/* --- memory with many keys ---------------------------------------------------------------------------------------- */

typedef struct importer {
  bench_client client;
  const bench_target *target;
  const char *jwk;
  size_t first, step;
  bool ok;
} importer;

/* Import one key under many names, then use each of them, so that whatever akvd keeps of a used key is kept. */
static void import_and_use(void *arg) {
  importer *me = arg;
  char url[256];
  char value[600];
  char *body = malloc(strlen(me->jwk) + 64);
  me->ok = body != NULL;
  if (me->ok) (void)snprintf(body, strlen(me->jwk) + 64, "{\"key\":%s}", me->jwk);
  for (size_t i = me->first; me->ok && i < MANY_KEYS; i += me->step) {
    (void)snprintf(url, sizeof url, "https://%s/keys/many-%zu?api-version=7.4", me->target->host, i);
    me->ok = client_send(&me->client, "PUT", url, body) == 200;
    (void)snprintf(url, sizeof url, "https://%s/keys/many-%zu/wrapkey?api-version=7.4", me->target->host, i);
    me->ok = me->ok && client_send(&me->client, "POST", url, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"AAEC\"}") == 200 &&
             client_member(&me->client, "value", value, sizeof value);
  }
  free(body);
}

static long resident_kb(const char *pid) {
  char path[64], line[128];
  long kb = -1;
  (void)snprintf(path, sizeof path, "/proc/%s/status", pid);
  FILE *file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "VmRSS: %ld", &kb) == 1) break;
  }
  if (file != NULL) (void)fclose(file);
  return kb;
}

bool bench_memory(void) {
  static importer importers[4];
  ekm_thread *threads[4];
  bench_target target;
  ekm_err err = {0};
  const char *pid = getenv("BENCH_AKVD_PID");
  const char *jwk = getenv("BENCH_JWK");

  if (pid == NULL || jwk == NULL || !target_read(&target)) return false;
  for (size_t i = 0; i < 4; i++) {
    importers[i] = (importer){.target = &target, .jwk = jwk, .first = i, .step = 4};
    if (!client_open(&importers[i].client, &target, target.host)) return false;
    if (!ekm_thread_start(&threads[i], import_and_use, &importers[i], &err)) return false;
  }
  bool ok = true;
  for (size_t i = 0; i < 4; i++) {
    ekm_thread_join(&threads[i]);
    ok = ok && importers[i].ok;
    client_close(&importers[i].client);
  }
  long kb = resident_kb(pid);
  return ok && kb > 0 &&
         measure_promise("resident memory of akvd with 10,000 keys, all used", (double)kb / 1024, 64, "MB");
}

/* --- growth ------------------------------------------------------------------------------------------------------- */

static bool open_idle(bench_client *idle, const bench_target *target) {
  char url[256];
  (void)snprintf(url, sizeof url, "https://%s/keys/%s?api-version=7.4", target->host, getenv("BENCH_KEY"));
  for (size_t i = 0; i < IDLE_CONNECTIONS; i++) {
    if (!client_open(&idle[i], target, target->host) || client_send(&idle[i], "GET", url, NULL) != 200) return false;
  }
  return true;
}

/* One line for the table that bench.sh makes: unwraps and gets in microseconds, memory in MB without and with 1,000
 * idle connections. */
bool bench_growth(void) {
  static vault_side vault;
  static bench_client idle[IDLE_CONNECTIONS];
  bench_target target;
  double unwrap[MEASURE_PAIRS], get_us = 0;
  const char *pid = getenv("BENCH_AKVD_PID");
  long before = pid == NULL ? -1 : resident_kb(pid);
  if (before < 0 || !target_read(&target) || !vault_prepare(&vault, "", 16)) return false;
  for (size_t i = 0; i < MEASURE_PAIRS; i++) {
    int64_t ns = run_vault(&vault, OPERATIONS_PER_SAMPLE);
    if (ns < 0) return false;
    unwrap[i] = (double)ns / OPERATIONS_PER_SAMPLE / 1000;
  }
  if (!measure_gets(&vault, &get_us) || !open_idle(idle, &target)) return false;
  long after = resident_kb(pid);
  for (size_t i = 0; i < IDLE_CONNECTIONS; i++) client_close(&idle[i]);
  vault_close(&vault);
  (void)printf("%.0f,%.0f,%.1f,%.1f\n", measure_median(unwrap, MEASURE_PAIRS).median, get_us, (double)before / 1024,
               (double)after / 1024);
  return true;
}
