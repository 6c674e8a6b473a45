/* The benchmarks by name; each returns whether every promise of it is kept. bench.sh starts a vault and runs them. */
#ifndef EKM_BENCH_BENCH_H
#define EKM_BENCH_BENCH_H

#include <stdbool.h>

/* provider: what SqlCryptDecrypt adds to a bare POST of the same body. */
bool bench_provider(void);

/* heap: does the heap grow over 100,000 calls of SqlCryptDecrypt? */
bool bench_heap(void);

/* cold_name, cold_thumb: from a cold load of the library to the first unwrapped key, once; bench.sh counts the
 * requests in the vault's log. */
bool bench_cold_name(void);
bool bench_cold_thumb(void);

/* session, key_info: SqlCryptOpenSession with a warm token, SqlCryptGetKeyInfoByThumb of a known key. */
bool bench_session(void);
bool bench_key_info(void);

/* crowd: a thousand threads unwrap one ciphertext at the same time; bench.sh counts the requests. */
bool bench_crowd(void);

/* search: the thumbprint of BENCH_SEARCH_THUMB in a vault of many keys; bench.sh counts the requests. */
bool bench_search(void);

/* unwraps: a number, the CPU time of the process per unwrap in microseconds. */
bool bench_unwraps(void);

/* vault_1, vault_16, vault_256: CPU time of akvd per unwrapKey beside one raw private-key operation, and throughput. */
bool bench_vault_1(void);
bool bench_vault_16(void);
bool bench_vault_256(void);

/* vault_threads: CPU time per unwrapKey of a server with two threads beside one with one. vault_get: of a GET. */
bool bench_vault_threads(void);
bool bench_vault_get(void);

/* growth: a line of numbers for the table of bench.sh. */
bool bench_growth(void);

/* memory: akvd's resident memory with 10,000 keys, all of which were used. */
bool bench_memory(void);

#endif
