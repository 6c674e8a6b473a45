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

enum { CLIENTS_MAX = 16, OPERATIONS_PER_SAMPLE = 320, MANY_KEYS = 10000 };

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

static void unwrap_many(void *arg) {
  vault_client *c = arg;
  c->ok = true;
  for (size_t i = 0; c->ok && i < c->count; i++) c->ok = client_send(&c->client, "POST", c->url, c->body) == 200;
}

static int64_t run_vault(void *arg, size_t count) {
  vault_side *side = arg;
  ekm_thread *threads[CLIENTS_MAX];
  ekm_err err = {0};
  int64_t start = cpu_of(side->cpu);
  for (size_t i = 0; i < side->clients; i++) {
    side->all[i].count = count / side->clients;
    if (!ekm_thread_start(&threads[i], unwrap_many, &side->all[i], &err)) return -1;
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
  (void)snprintf(c->url, sizeof c->url, "%s/unwrapkey?api-version=7.4", kid);
  (void)snprintf(c->body, sizeof c->body, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"%s\"}", value);
  return true;
}

static bool vault_prepare(vault_side *side, size_t clients) {
  bench_target target;
  const char *pid = getenv("BENCH_AKVD_PID");
  if (pid == NULL || clock_getcpuclockid((pid_t)strtol(pid, NULL, 10), &side->cpu) != 0) return false;
  if (!target_read(&target)) return false;
  side->clients = clients;
  for (size_t i = 0; i < clients; i++) {
    if (!prepare_client(&side->all[i], &target)) return false;
  }
  return true;
}

static bool bench_unwrap(size_t clients, double promised_us) {
  static vault_side vault;
  static raw_side raw;
  char title[80], what[80];
  measure_result result;
  const measure_side a = {"akvd: unwrapKey over HTTPS, kept alive", run_vault, &vault};
  const measure_side b = {"raw OpenSSL private-key operation", run_raw, &raw};

  if (!raw_prepare(&raw) || !vault_prepare(&vault, clients)) return false;
  if (!measure_pairs(&a, &b, OPERATIONS_PER_SAMPLE, &result)) return false;
  (void)snprintf(title, sizeof title, "CPU of akvd per unwrapKey, RSA-2048, %zu client(s)", clients);
  measure_print(title, &a, &b, &result);
  (void)snprintf(what, sizeof what, "akvd over the raw operation, %zu client(s)", clients);
  for (size_t i = 0; i < clients; i++) client_close(&vault.all[i].client);
  EVP_PKEY_CTX_free(raw.decrypt);
  EVP_PKEY_free(raw.key);
  return measure_promise(what, result.difference_us.median, promised_us, "us");
}

bool bench_vault_1(void) {
  return bench_unwrap(1, 160);
}

bool bench_vault_16(void) {
  return bench_unwrap(16, 110);
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
