/* Rules about arguments that no caller should give: every pointer of every function, spoilt one at a time.
 *
 *            SESSION  CREDENTIAL  NAME  THUMB  IN  OUT          NULL         no pointer
 *   Open        -          x       -      -     -   x     x     misaligned   one byte beside a valid struct
 *   ByName      x          -       x      -     -   x           no bytes     cb without a pointer, in what is read
 *   Encrypt     x          -       -      x     x   x           oversized    cb near 4 GB, in what is read
 *
 * The functions that change a vault get arguments that are wrong in another way as well (algorithm 0, an unknown
 * thumbprint, a handle that is NULL), so that a careless provider does no damage. */
#include "host/conform_arguments.h"

#include <string.h>

#include "host/text.h"

typedef enum role { SESSION, CREDENTIAL, NAME, THUMB, IN, OUT, ROLE_COUNT } role;

static const char *const role_names[ROLE_COUNT] = {"the session",    "the credential", "the name",
                                                   "the thumbprint", "the input",      "the output"};

enum { STORE_BYTES = 128, BYTES_IN = 32 };

/* What each role's pointer points to, with room for a copy one byte further on. */
typedef struct arguments {
  _Alignas(16) uint8_t store[ROLE_COUNT][STORE_BYTES];
  void *at[ROLE_COUNT];
  SqlCpWchar name[SQLCP_MAX_KEY_NAME_BYTES / 2];
  uint8_t thumb[SQLCP_MAX_THUMBPRINT_BYTES];
  uint8_t in[BYTES_IN];
} arguments;

#define BIT(r) (1u << (r))

/* Which roles a function has; 0: none to spoil. */
static const unsigned roles_of[SQLCRYPT_FUNCTION_COUNT] = {
    [HOST_FN_OpenSession] = BIT(CREDENTIAL) | BIT(OUT),
    [HOST_FN_CloseSession] = BIT(SESSION),
    [HOST_FN_GetProviderInfo] = BIT(OUT),
    [HOST_FN_GetNextAlgorithmId] = BIT(OUT),
    [HOST_FN_GetAlgorithmInfo] = BIT(OUT),
    [HOST_FN_CreateKey] = BIT(SESSION) | BIT(NAME) | BIT(OUT),
    [HOST_FN_DropKey] = BIT(SESSION) | BIT(THUMB),
    [HOST_FN_GetNextKeyId] = BIT(SESSION) | BIT(OUT),
    [HOST_FN_GetKeyInfoByKeyId] = BIT(SESSION) | BIT(OUT),
    [HOST_FN_GetKeyInfoByThumb] = BIT(SESSION) | BIT(THUMB) | BIT(OUT),
    [HOST_FN_GetKeyInfoByName] = BIT(SESSION) | BIT(NAME) | BIT(OUT),
    [HOST_FN_ExportKey] = BIT(SESSION) | BIT(THUMB) | BIT(OUT),
    [HOST_FN_ImportKey] = BIT(SESSION) | BIT(NAME) | BIT(IN),
    [HOST_FN_Encrypt] = BIT(SESSION) | BIT(THUMB) | BIT(IN) | BIT(OUT),
    [HOST_FN_Decrypt] = BIT(SESSION) | BIT(THUMB) | BIT(IN) | BIT(OUT),
};

static void put(arguments *args, role which, const void *value, size_t len) {
  memset(args->store[which], 0, STORE_BYTES);
  memcpy(args->store[which], value, len);
  args->at[which] = args->store[which];
}

static bool is_destructive(host_fn fn) {
  return fn == HOST_FN_CloseSession || fn == HOST_FN_CreateKey || fn == HOST_FN_DropKey;
}

static void put_data(arguments *args, conform_state *state, host_fn fn) {
  memset(args->thumb, 0xEE, sizeof args->thumb);
  SqlCpData thumb = {20, args->thumb};
  if (state->key.thumb_len != 0 && !is_destructive(fn)) {
    memcpy(args->thumb, state->key.thumb, state->key.thumb_len);
    thumb.cb = (uint32_t)state->key.thumb_len;
  }
  memset(args->in, 0x5A, sizeof args->in);
  SqlCpData in = {BYTES_IN, args->in};
  put(args, THUMB, &thumb, sizeof thumb);
  put(args, IN, &in, sizeof in);
}

static void put_names(arguments *args, conform_state *state) {
  static const char nobody[] = "conform-no-such-key";
  const char *wanted = state->options->key_name == NULL ? nobody : state->options->key_name;
  size_t len = 0;
  for (; len < SQLCP_MAX_KEY_NAME_BYTES / 2 && wanted[len] != '\0'; len++) args->name[len] = (uint8_t)wanted[len];
  SqlCpStr name = {(uint32_t)(2 * len), args->name};
  SqlCpCredential credential = {name, name};
  put(args, NAME, &name, sizeof name);
  put(args, CREDENTIAL, &credential, sizeof credential);
}

/* Arguments that are right, but for what is_destructive says. The output asks for a size. */
static void prepare(arguments *args, conform_state *state, host_fn fn) {
  SqlCpSession none = NULL;
  memset(args, 0, sizeof *args);
  const SqlCpSession *handle = state->session == NULL || fn == HOST_FN_CloseSession ? &none : conform_handle(state);
  put(args, SESSION, handle, sizeof *handle);
  put(args, OUT, &none, sizeof none);
  put_data(args, state, fn);
  put_names(args, state);
}

static SqlCpError call_key_function(const host_calls *calls, host_fn fn, const arguments *args) {
  SqlCpError code = scp_err_Failure;
  const SqlCpSession *session = args->at[SESSION];
  switch (fn) {
    case HOST_FN_CreateKey: HOST_CALL(code, calls, CreateKey, (session, args->at[NAME], 0, 0, args->at[OUT])); break;
    case HOST_FN_DropKey: HOST_CALL(code, calls, DropKey, (session, args->at[THUMB])); break;
    case HOST_FN_GetNextKeyId: HOST_CALL(code, calls, GetNextKeyId, (session, args->at[OUT])); break;
    case HOST_FN_GetKeyInfoByKeyId: HOST_CALL(code, calls, GetKeyInfoByKeyId, (session, 1, args->at[OUT])); break;
    case HOST_FN_GetKeyInfoByThumb:
      HOST_CALL(code, calls, GetKeyInfoByThumb, (session, args->at[THUMB], args->at[OUT]));
      break;
    case HOST_FN_GetKeyInfoByName:
      HOST_CALL(code, calls, GetKeyInfoByName, (session, args->at[NAME], args->at[OUT]));
      break;
    case HOST_FN_ExportKey:
      HOST_CALL(code, calls, ExportKey, (session, args->at[THUMB], NULL, SQLCP_BLOB_PUBLIC_KEY, args->at[OUT]));
      break;
    case HOST_FN_ImportKey:
      HOST_CALL(code, calls, ImportKey, (session, args->at[NAME], NULL, SQLCP_BLOB_PUBLIC_KEY, 0, args->at[IN]));
      break;
    case HOST_FN_Encrypt:
      HOST_CALL(code, calls, Encrypt, (session, args->at[THUMB], 1, NULL, 0, args->at[IN], args->at[OUT]));
      break;
    case HOST_FN_Decrypt:
      HOST_CALL(code, calls, Decrypt, (session, args->at[THUMB], 1, NULL, 0, args->at[IN], args->at[OUT]));
      break;
    default: break;
  }
  return code;
}

static SqlCpError call(const host_calls *calls, host_fn fn, const arguments *args) {
  SqlCpError code;
  switch (fn) {
    case HOST_FN_OpenSession: HOST_CALL(code, calls, OpenSession, (args->at[CREDENTIAL], args->at[OUT])); return code;
    case HOST_FN_CloseSession: HOST_CALL(code, calls, CloseSession, (args->at[SESSION], 0)); return code;
    case HOST_FN_GetProviderInfo: HOST_CALL(code, calls, GetProviderInfo, (args->at[OUT])); return code;
    case HOST_FN_GetNextAlgorithmId: HOST_CALL(code, calls, GetNextAlgorithmId, (args->at[OUT])); return code;
    case HOST_FN_GetAlgorithmInfo: HOST_CALL(code, calls, GetAlgorithmInfo, (1, args->at[OUT])); return code;
    default: return call_key_function(calls, fn, args);
  }
}

/* An answer to a spoilt question: any error will do, except the one that asks for a larger buffer. */
static bool is_refusal(SqlCpError code) {
  return code != scp_err_Success && code != scp_err_InsufficientBuffer;
}

/* One function with ${handle} for its session; is the answer a refusal? */
static bool refuses(conform_state *state, host_fn fn, const SqlCpSession *handle, conform_answer *out) {
  arguments args;
  prepare(&args, state, fn);
  put(&args, SESSION, handle, sizeof *handle);
  SqlCpError code = call(state->calls, fn, &args);
  *out = (conform_answer){.refused = is_refusal(code), .fn = fn, .code = code};
  return out->refused;
}

/* CloseSession last: a provider that takes the handle for another session's must not close that before the others were
 * tried. */
conform_answer conform_call_all(conform_state *state, const SqlCpSession *handle) {
  conform_answer answer = {.refused = true};
  for (int i = 0; i < SQLCRYPT_FUNCTION_COUNT; i++) {
    host_fn fn = (host_fn)i;
    if ((roles_of[fn] & BIT(SESSION)) == 0 || fn == HOST_FN_CloseSession) continue;
    if (!refuses(state, fn, handle, &answer)) return answer;
  }
  (void)refuses(state, HOST_FN_CloseSession, handle, &answer);
  return answer;
}

/* --- the four ways to spoil --------------------------------------------------------------------------------------- */

/* Spoil ${which}; false if this way does not apply to it. A credential has two texts: the first is spoilt. */
typedef bool (*spoiler)(arguments *args, role which);

static bool spoil_null(arguments *args, role which) {
  args->at[which] = NULL;
  return true;
}

static bool spoil_alignment(arguments *args, role which) {
  memmove(args->store[which] + 1, args->store[which], STORE_BYTES - 1);
  args->at[which] = args->store[which] + 1;
  return true;
}

/* SqlCpStr, SqlCpData and the credential begin alike: cb, then the pointer at 8. */
static bool is_read_struct(role which) {
  return which == CREDENTIAL || which == NAME || which == THUMB || which == IN;
}

static bool spoil_bytes(arguments *args, role which) {
  if (!is_read_struct(which)) return false;
  memset(args->store[which] + offsetof(SqlCpData, pb), 0, sizeof(void *));
  return true;
}

static bool spoil_length(arguments *args, role which) {
  const uint32_t huge = 0xFFFFFFFEu;
  if (!is_read_struct(which)) return false;
  memcpy(args->store[which] + offsetof(SqlCpData, cb), &huge, sizeof huge);
  return true;
}

static conform_verdict spoil_function(conform_state *state, host_fn fn, spoiler spoil, const char *how) {
  arguments args;
  for (role which = 0; which < ROLE_COUNT; which++) {
    if ((roles_of[fn] & BIT(which)) == 0) continue;
    prepare(&args, state, fn);
    if (!spoil(&args, which)) continue;
    SqlCpError code = call(state->calls, fn, &args);
    CONFORM_EXPECT(state, is_refusal(code), "%s answered %u (%s) when %s %s", host_fn_name(fn), code,
                   host_result_name(code), role_names[which], how);
  }
  return CONFORM_OK;
}

static conform_verdict spoil_all(conform_state *state, spoiler spoil, const char *how) {
  for (int i = 0; i < SQLCRYPT_FUNCTION_COUNT; i++) {
    host_fn fn = (host_fn)i;
    if ((roles_of[fn] & BIT(SESSION)) != 0 && state->session == NULL) continue;
    if (spoil_function(state, fn, spoil, how) != CONFORM_OK) return CONFORM_BROKEN;
  }
  return CONFORM_OK;
}

conform_verdict conform_arguments_null(conform_state *state) {
  return spoil_all(state, spoil_null, "was NULL");
}

conform_verdict conform_arguments_misaligned(conform_state *state) {
  return spoil_all(state, spoil_alignment, "was misaligned");
}

conform_verdict conform_arguments_no_bytes(conform_state *state) {
  return spoil_all(state, spoil_bytes, "had a length without bytes");
}

conform_verdict conform_arguments_oversized(conform_state *state) {
  return spoil_all(state, spoil_length, "claimed 4 GB");
}
