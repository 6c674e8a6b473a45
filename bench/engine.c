#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static uint32_t widen(const char *ascii, SqlCpWchar *out, size_t max) {
  size_t len = strlen(ascii);
  if (len > max) len = max;
  for (size_t i = 0; i < len; i++) out[i] = (SqlCpWchar)(unsigned char)ascii[i];
  return (uint32_t)(2 * len);
}

static bool done(const char *what, SqlCpError code) {
  if (code != scp_err_Success) (void)fprintf(stderr, "bench: %s answered %u\n", what, (unsigned)code);
  return code == scp_err_Success;
}

static bool find_entries(bench_engine *engine) {
  void *address;
#define BENCH_FIND(name, parameters)                          \
  address = ekm_dynlib_symbol(engine->lib, "SqlCrypt" #name); \
  if (address == NULL) return false;                          \
  memcpy(&engine->name, &address, sizeof address);
  SQLCRYPT_FUNCTIONS(BENCH_FIND)
#undef BENCH_FIND
  return true;
}

bool engine_read_credential(engine_credential *out) {
  ekm_err err = {0};
  ekm_buf text;

  ekm_buf_init(&text, 500);
  if (!ekm_file_read(getenv("EKM_SECRET_FILE"), &text, &err)) return false;
  while (text.len > 0 && text.ptr[text.len - 1] == '\n') ekm_buf_truncate(&text, text.len - 1);
  out->abi = (SqlCpCredential){.name = {0, out->identity}, .password = {0, out->secret}};
  out->abi.name.cb = widen(getenv("EKM_IDENTITY"), out->identity, 256);
  out->abi.password.cb = widen(ekm_buf_text(&text), out->secret, 512);
  ekm_buf_clear(&text);
  return true;
}

static bool open_session(bench_engine *engine) {
  engine_credential credential;
  return engine_read_credential(&credential) &&
         done("SqlCryptOpenSession", engine->OpenSession(&credential.abi, &engine->session));
}

bool engine_open(bench_engine *engine) {
  ekm_err err = {0};
  memset(engine, 0, sizeof *engine);
  if (!ekm_dynlib_open(getenv("EKM_PROVIDER"), &engine->lib, &err) || !find_entries(engine)) {
    (void)fprintf(stderr, "bench: %s\n", err.detail);
    return false;
  }
  return done("SqlCryptInitializeProvider", engine->InitializeProvider()) && open_session(engine);
}

void engine_close(bench_engine *engine) {
  (void)engine->CloseSession(&engine->session, 0);
  (void)engine->FreeProvider();
  ekm_dynlib_close(&engine->lib);
}

bool engine_find(bench_engine *engine, const char *name) {
  SqlCpWchar wide[128], back[128];
  SqlCpStr str = {widen(name, wide, 128), wide};
  SqlCpKeyInfo info = {.name = {0, NULL}};
  if (engine->GetKeyInfoByName(&engine->session, &str, &info) != scp_err_InsufficientBuffer) return false;
  info.name = (SqlCpStr){sizeof back, back};
  info.thumb = (SqlCpKeyThumbprint){sizeof engine->thumb, engine->thumb};
  return done("SqlCryptGetKeyInfoByName", engine->GetKeyInfoByName(&engine->session, &str, &info));
}

bool engine_wrap(bench_engine *engine, const SqlCpByte dek[32], SqlCpByte out[256]) {
  SqlCpByte plain[32];
  memcpy(plain, dek, 32);
  SqlCpKeyThumbprint thumb = {20, engine->thumb};
  SqlCpData in = {32, plain}, wrapped = {256, out};
  return done("SqlCryptEncrypt", engine->Encrypt(&engine->session, &thumb, 1, NULL, 0, &in, &wrapped));
}

bool engine_unwrap(bench_engine *engine, SqlCpByte wrapped[256], SqlCpByte out[32]) {
  SqlCpKeyThumbprint thumb = {20, engine->thumb};
  SqlCpData in = {256, wrapped}, plain = {32, out};
  return done("SqlCryptDecrypt", engine->Decrypt(&engine->session, &thumb, 1, NULL, 0, &in, &plain));
}
