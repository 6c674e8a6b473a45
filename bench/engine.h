/* The least that a database engine is: a provider loaded from its file, one session, one key.
 *
 * It calls the 17 functions directly, not through src/host, so that nothing but the provider is measured. */
#ifndef EKM_BENCH_ENGINE_H
#define EKM_BENCH_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dynlib.h"
#include "openekm/sqlcrypt_abi.h"

typedef struct bench_engine {
  ekm_dynlib *lib;
#define BENCH_MEMBER(name, parameters) SqlCrypt##name##_fn *name;
  SQLCRYPT_FUNCTIONS(BENCH_MEMBER)
#undef BENCH_MEMBER
  SqlCpSession session;
  SqlCpByte thumb[20];
} bench_engine;

/* A credential of the engine, and the texts that it points to. */
typedef struct engine_credential {
  SqlCpWchar identity[256], secret[512];
  SqlCpCredential abi;
} engine_credential;

/* engine_read_credential(out): of EKM_IDENTITY and EKM_SECRET_FILE. ${out} must stay where it is. */
bool engine_read_credential(engine_credential *out);

/* engine_open(engine): load EKM_PROVIDER, open a session with EKM_IDENTITY and EKM_SECRET_FILE. Says what failed. */
bool engine_open(bench_engine *engine);
void engine_close(bench_engine *engine);

/* engine_find(engine, name): the key's thumbprint into engine->thumb, by a probe and a fill. */
bool engine_find(bench_engine *engine, const char *name);

/* engine_wrap(engine, dek, out): 32 bytes into 256. engine_unwrap(engine, wrapped, out): back. */
bool engine_wrap(bench_engine *engine, const SqlCpByte dek[32], SqlCpByte out[256]);
bool engine_unwrap(bench_engine *engine, SqlCpByte wrapped[256], SqlCpByte out[32]);

#endif
