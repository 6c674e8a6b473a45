/* What a test needs to play the engine: counted UTF-16 strings and buffers of a chosen size. */
#ifndef EKM_TESTS_SUPPORT_ENGINE_H
#define EKM_TESTS_SUPPORT_ENGINE_H

#include <string.h>

#include "openekm/sqlcrypt_abi.h"

#define DECLARE_ENTRY(name, parameters) extern SqlCrypt##name##_fn SqlCrypt##name;
SQLCRYPT_FUNCTIONS(DECLARE_ENTRY)
#undef DECLARE_ENTRY

/* An ASCII text as the engine passes it. Its own struct, so that the string can point into it. */
typedef struct engine_text {
  SqlCpWchar units[600];
  SqlCpStr str;
} engine_text;

static inline SqlCpStr *engine_text_set(engine_text *text, const char *ascii) {
  size_t len = strlen(ascii);
  for (size_t i = 0; i < len; i++) text->units[i] = (SqlCpWchar)(unsigned char)ascii[i];
  text->str = (SqlCpStr){(uint32_t)(2 * len), text->units};
  return &text->str;
}

/* A credential that tests/support/wire_memory.c accepts. */
#define ENGINE_GOOD_SECRET "0123456789abcdef0123456789abcdefsecret"

static inline SqlCpError engine_open(const char *identity, const char *secret, SqlCpSession *session) {
  engine_text name, password;
  SqlCpCredential credential = {*engine_text_set(&name, identity), *engine_text_set(&password, secret)};
  return SqlCryptOpenSession(&credential, session);
}

/* A key info with room for everything. */
typedef struct engine_key_info {
  SqlCpWchar name[256];
  SqlCpByte thumb[32];
  SqlCpKeyInfo info;
} engine_key_info;

static inline SqlCpKeyInfo *engine_key_info_room(engine_key_info *info) {
  memset(info, 0, sizeof *info);
  info->info.name = (SqlCpStr){sizeof info->name, info->name};
  info->info.thumb = (SqlCpKeyThumbprint){sizeof info->thumb, info->thumb};
  return &info->info;
}

#endif
