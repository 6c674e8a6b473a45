#include "host/conform_probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "host/text.h"

static void say(conform_state *state, const char *fmt, va_list args) EKM_PRINTF(2, 0);
static void say(conform_state *state, const char *fmt, va_list args) {
  (void)vsnprintf(state->seen, sizeof state->seen, fmt, args);
  ekm_text_trim_partial_utf8(state->seen);
}

conform_verdict conform_broken(conform_state *state, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  say(state, fmt, args);
  va_end(args);
  return CONFORM_BROKEN;
}

conform_verdict conform_skipped(conform_state *state, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  say(state, fmt, args);
  va_end(args);
  return CONFORM_SKIPPED;
}

/* --- the session and the key of the run --------------------------------------------------------------------------- */

enum { IV_BYTES = 64 };

/* Tolerant: what a provider says of its algorithms is the business of other rules. */
static uint32_t iv_len_of(const conform_state *state, SqlCpAlgId id) {
  SqlCpWchar tag[SQLCP_MAX_ALG_TAG_BYTES / 2];
  SqlCpAlgorithmInfo info = {.algTag = {sizeof tag, tag}};
  SqlCpError code;
  HOST_CALL(code, state->calls, GetAlgorithmInfo, (id, &info));
  return code == scp_err_Success && info.ivLen <= IV_BYTES ? info.ivLen : 0;
}

bool conform_open(conform_state *state, ekm_err *err) {
  const conform_options *options = state->options;
  if (options->identity == NULL) return true;
  if (!host_session_open(state->module, options->identity, options->secret, &state->session, NULL, err)) return false;
  if (options->key_name == NULL) return true;

  /* Directly, with buffers that are large enough: whether the two calls are right is a rule's business. */
  SqlCpWchar name[SQLCP_MAX_KEY_NAME_BYTES / 2];
  SqlCpKeyInfo info = {.name = {sizeof name, name}, .thumb = {sizeof state->key.thumb, state->key.thumb}};
  SqlCpStr wanted;
  SqlCpError code = scp_err_Failure;
  ekm_buf units;
  ekm_buf_init(&units, SQLCP_MAX_KEY_NAME_BYTES);
  bool ok = host_text_to_abi(options->key_name, &units, &wanted, err);
  if (ok) {
    host_question question = host_module_question(state->module, HOST_FN_GetKeyInfoByName, options->key_name);
    HOST_CALL(code, state->calls, GetKeyInfoByName, (conform_handle(state), &wanted, &info));
    ok = host_result_take(&question, code, NULL, err);
  }
  ekm_buf_clear(&units);
  if (!ok) return false;
  if (info.thumb.pb != state->key.thumb || info.thumb.cb > sizeof state->key.thumb) {
    return EKM_FAIL(err, EKM_E_CONFORMANCE, "SqlCryptGetKeyInfoByName gave no usable thumbprint of '%s'",
                    options->key_name);
  }
  state->key.thumb_len = info.thumb.cb;
  state->key.algorithm = info.algId;
  state->iv_len = iv_len_of(state, info.algId);
  return true;
}

void conform_close(conform_state *state) {
  host_session_close(&state->session);
  host_module_unload(&state->module);
  state->calls = NULL;
  memset(&state->key, 0, sizeof state->key);
}

static bool load_anew(conform_state *state, ekm_err *err) {
  conform_close(state);
  if (!host_module_attach(state->options->path, state->options->hooks, &state->module, NULL, err)) return false;
  state->calls = host_module_calls(state->module);
  return true;
}

bool conform_reload(conform_state *state, ekm_err *err) {
  return load_anew(state, err) && conform_open(state, err);
}

bool conform_reload_blind(conform_state *state, ekm_err *err) {
  const conform_options *options = state->options;
  const host_key before = state->key;
  if (!load_anew(state, err)) return false;
  state->key = before;
  return host_session_open(state->module, options->identity, options->secret, &state->session, NULL, err);
}

const SqlCpSession *conform_handle(const conform_state *state) {
  return host_session_handle(state->session);
}

SqlCpKeyThumbprint conform_key_thumb(conform_state *state) {
  return (SqlCpKeyThumbprint){(uint32_t)state->key.thumb_len, state->key.thumb};
}

static uint8_t iv_bytes[IV_BYTES]; /* the ABI has no const; nobody writes them */

ekm_view conform_iv(const conform_state *state) {
  return ekm_view_of(iv_bytes, state->iv_len);
}

const SqlCpEncryptionParam *conform_param(const conform_state *state, SqlCpEncryptionParam *out) {
  *out = (SqlCpEncryptionParam){.type = SQLCP_PARAM_IV, .cb = state->iv_len, .pb = iv_bytes};
  return state->iv_len == 0 ? NULL : out;
}

size_t conform_list_algorithms(const conform_state *state, SqlCpAlgId *ids) {
  SqlCpError code;
  SqlCpAlgId id = 0;
  size_t count = 0;
  while (count < CONFORM_ALGORITHMS) {
    HOST_CALL(code, state->calls, GetNextAlgorithmId, (&id));
    if (code != scp_err_Success) break;
    ids[count++] = id;
  }
  return count;
}

/* --- two calls, the caller's memory ------------------------------------------------------------------------------- */

enum { FILL = 0xA5, SPARE = 64 };

/* Buffers of the caller with room behind them, all FILL before the call. */
typedef struct trial {
  uint8_t room[CONFORM_SLOTS][CONFORM_BUFFER_BYTES + SPARE];
  uint32_t offered[CONFORM_SLOTS];
  conform_slot slots[CONFORM_SLOTS]; /* as the provider left them */
  SqlCpError code;
} trial;

static void run_trial(conform_state *state, const conform_output *output, const uint32_t *offered, trial *out) {
  memset(out, FILL, sizeof *out);
  for (size_t i = 0; i < CONFORM_SLOTS; i++) {
    out->offered[i] = offered[i];
    out->slots[i] = (conform_slot){out->room[i], offered[i]};
  }
  out->code = output->ask(state, output, out->slots);
}

/* Is every byte from ${from} on as it was? */
static bool untouched(const trial *done, size_t slot, size_t from) {
  for (size_t i = from; i < sizeof done->room[slot]; i++) {
    if (done->room[slot][i] != FILL) return false;
  }
  return true;
}

/* What holds after every call that was given buffers. */
static conform_verdict check_memory(conform_state *state, const conform_output *output, const trial *done,
                                    const char *when) {
  const char *fn = host_fn_name(output->fn);
  for (size_t i = 0; i < output->slot_count; i++) {
    CONFORM_EXPECT(state, done->slots[i].ptr == done->room[i], "%s, %s: the caller's pointer for %s was replaced", fn,
                   when, output->names[i]);
    CONFORM_EXPECT(state, untouched(done, i, done->offered[i]),
                   "%s, %s: bytes behind the caller's %u for %s were written", fn, when, done->offered[i],
                   output->names[i]);
  }
  return CONFORM_OK;
}

/* Enough room: Success with the true sizes. ${out_true} has them afterwards. */
static conform_verdict check_filled(conform_state *state, const conform_output *output, const uint32_t *needed,
                                    const trial *done, const char *when) {
  const char *fn = host_fn_name(output->fn);
  CONFORM_EXPECT(state, done->code == scp_err_Success, "%s, %s: answered %u (%s)", fn, when, done->code,
                 host_result_name(done->code));
  if (check_memory(state, output, done, when) != CONFORM_OK) return CONFORM_BROKEN;
  for (size_t i = 0; i < output->slot_count; i++) {
    uint32_t cb = done->slots[i].cb;
    CONFORM_EXPECT(state, output->upper_bound ? cb <= needed[i] : cb == needed[i],
                   "%s, %s: %u bytes were needed for %s, and cb is %u", fn, when, needed[i], output->names[i], cb);
    CONFORM_EXPECT(state, untouched(done, i, cb), "%s, %s: bytes behind the %u of %s were written", fn, when, cb,
                   output->names[i]);
  }
  return CONFORM_OK;
}

/* Slot ${i} has too little room: InsufficientBuffer, and cb says how much it must be. */
static conform_verdict check_refused(conform_state *state, const conform_output *output, size_t i, uint32_t least,
                                     const trial *done, const char *when) {
  const char *fn = host_fn_name(output->fn);
  CONFORM_EXPECT(state, done->code == scp_err_InsufficientBuffer,
                 "%s, %s for %s: answered %u (%s), not 2 (InsufficientBuffer)", fn, when, output->names[i], done->code,
                 host_result_name(done->code));
  if (check_memory(state, output, done, when) != CONFORM_OK) return CONFORM_BROKEN;
  CONFORM_EXPECT(state, done->slots[i].cb >= least, "%s, %s for %s: cb says %u, and %u are needed", fn, when,
                 output->names[i], done->slots[i].cb, least);
  return CONFORM_OK;
}

static conform_verdict probe_sizes(conform_state *state, const conform_output *output, uint32_t *needed) {
  const char *fn = host_fn_name(output->fn);
  conform_slot slots[CONFORM_SLOTS] = {{NULL, 0}, {NULL, 0}};
  SqlCpError code = output->ask(state, output, slots);
  CONFORM_EXPECT(state, code == scp_err_InsufficientBuffer,
                 "%s without buffers answered %u (%s), not 2 (InsufficientBuffer)", fn, code, host_result_name(code));
  for (size_t i = 0; i < output->slot_count; i++) {
    CONFORM_EXPECT(state, slots[i].ptr == NULL, "%s without a buffer for %s brought a pointer of its own", fn,
                   output->names[i]);
    CONFORM_EXPECT(state, slots[i].cb > 0 && slots[i].cb <= CONFORM_BUFFER_BYTES, "%s asks for %u bytes for %s", fn,
                   slots[i].cb, output->names[i]);
    needed[i] = slots[i].cb;
  }
  return CONFORM_OK;
}

/* NULL with a length that would do is a caller without memory all the same. */
static conform_verdict probe_null_with_length(conform_state *state, const conform_output *output,
                                              const uint32_t *needed) {
  conform_slot slots[CONFORM_SLOTS] = {{NULL, needed[0]}, {NULL, needed[1]}};
  SqlCpError code = output->ask(state, output, slots);
  CONFORM_EXPECT(state, code == scp_err_InsufficientBuffer || code == scp_err_InvalidArgument,
                 "%s with NULL and a length answered %u (%s)", host_fn_name(output->fn), code, host_result_name(code));
  for (size_t i = 0; i < output->slot_count; i++) {
    CONFORM_EXPECT(state, slots[i].ptr == NULL, "%s with NULL for %s brought a pointer of its own",
                   host_fn_name(output->fn), output->names[i]);
  }
  return CONFORM_OK;
}

static conform_verdict probe_too_small(conform_state *state, const conform_output *output, const uint32_t *needed,
                                       const uint32_t *exact, uint32_t short_by_all) {
  trial done;
  for (size_t i = 0; i < output->slot_count; i++) {
    uint32_t offered[CONFORM_SLOTS] = {needed[0], needed[1]};
    if (exact[i] == 0) continue;
    offered[i] = short_by_all ? 0 : exact[i] - 1;
    run_trial(state, output, offered, &done);
    const char *when = short_by_all ? "with a buffer of no bytes" : "with a buffer too small by one byte";
    if (check_refused(state, output, i, exact[i], &done, when) != CONFORM_OK) return CONFORM_BROKEN;
  }
  return CONFORM_OK;
}

conform_verdict conform_two_calls(conform_state *state, const conform_output *output) {
  uint32_t needed[CONFORM_SLOTS] = {0}, exact[CONFORM_SLOTS] = {0}, large[CONFORM_SLOTS] = {0};
  trial done;
  if (probe_sizes(state, output, needed) != CONFORM_OK) return CONFORM_BROKEN;
  run_trial(state, output, needed, &done);
  if (check_filled(state, output, needed, &done, "with a buffer of the size it asked for") != CONFORM_OK) {
    return CONFORM_BROKEN;
  }
  for (size_t i = 0; i < output->slot_count; i++) {
    exact[i] = done.slots[i].cb;
    large[i] = needed[i] + SPARE / 2;
  }
  if (probe_too_small(state, output, needed, exact, false) != CONFORM_OK) return CONFORM_BROKEN;
  if (probe_too_small(state, output, needed, exact, true) != CONFORM_OK) return CONFORM_BROKEN;
  if (probe_null_with_length(state, output, needed) != CONFORM_OK) return CONFORM_BROKEN;
  run_trial(state, output, large, &done);
  return check_filled(state, output, needed, &done, "with a larger buffer");
}
