/* openekm_bench NAME: one benchmark of bench.h, against the vault that bench.sh started.
 * Exit codes: 0 every promise is kept, 1 one is broken or something failed, 2 usage. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <curl/curl.h>

#include "bench.h"

static const struct {
  const char *name;
  bool (*run)(void);
} benchmarks[] = {
    {"provider", bench_provider},     {"heap", bench_heap},           {"cold_name", bench_cold_name},
    {"cold_thumb", bench_cold_thumb}, {"vault_1", bench_vault_1},     {"vault_16", bench_vault_16},
    {"memory", bench_memory},         {"vault_256", bench_vault_256}, {"vault_threads", bench_vault_threads},
    {"vault_get", bench_vault_get},   {"growth", bench_growth},       {"session", bench_session},
    {"key_info", bench_key_info},     {"crowd", bench_crowd},         {"search", bench_search},
    {"unwraps", bench_unwraps}};

int main(int argc, char **argv) {
  struct rlimit files; /* a thousand connections are a thousand files */
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
  }
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  for (size_t i = 0; argc == 2 && i < sizeof benchmarks / sizeof benchmarks[0]; i++) {
    if (strcmp(argv[1], benchmarks[i].name) == 0) return benchmarks[i].run() ? 0 : 1;
  }
  (void)fprintf(stderr, "usage: openekm_bench NAME; bench/bench.sh runs them all\n");
  return 2;
}
