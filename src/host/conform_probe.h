/* The inside of the conformance suite: what a rule works with. Rules call the provider directly and not through
 * host_key, because they do what host_key never would.
 *
 *   conform_output      one way to ask for one or two outputs of variable length
 *   conform_two_calls   the caller's-buffer rule on it, step by step */
#ifndef EKM_HOST_CONFORM_PROBE_H
#define EKM_HOST_CONFORM_PROBE_H

#include "host/conform.h"
#include "host/host_key.h"
#include "host/host_session.h"
#include "host/module.h"

enum { CONFORM_SEEN_BYTES = 400, CONFORM_ALGORITHMS = 64, CONFORM_BUFFER_BYTES = 4096 };

struct conform_state {
  const conform_options *options;
  host_module *module;
  const host_calls *calls; /* of module */
  host_session *session;   /* NULL when there is none */
  host_key key;            /* of options->key_name; thumb_len 0 when there is none */
  uint32_t iv_len;         /* of its algorithm: 0 for a key that is not symmetric */
  char seen[CONFORM_SEEN_BYTES];
};

/* conform_broken(state, fmt, ...), conform_skipped(state, fmt, ...): say why, and return the verdict. */
conform_verdict conform_broken(conform_state *state, const char *fmt, ...) EKM_PRINTF(2, 3);
conform_verdict conform_skipped(conform_state *state, const char *fmt, ...) EKM_PRINTF(2, 3);

/* CONFORM_EXPECT(state, condition, fmt, ...): leave the rule with BROKEN unless ${condition} holds. */
#define CONFORM_EXPECT(state, condition, ...)                      \
  do {                                                             \
    if (!(condition)) return conform_broken((state), __VA_ARGS__); \
  } while (0)

/* conform_open(state, err): open the session and find the key that the options name. */
EKM_MUST_USE bool conform_open(conform_state *state, ekm_err *err);

/* conform_close(state): close the session and unload the module. */
void conform_close(conform_state *state);

/* conform_reload(state, err): close, attach, open. conform_reload_blind(state, err): the same, but that the key is the
 * one from before and not asked for. */
EKM_MUST_USE bool conform_reload(conform_state *state, ekm_err *err);
EKM_MUST_USE bool conform_reload_blind(conform_state *state, ekm_err *err);

/* conform_handle(state): the session's handle. */
const SqlCpSession *conform_handle(const conform_state *state);

/* conform_key_thumb(state): the key's thumbprint as the ABI wants it; borrows from ${state}. */
SqlCpKeyThumbprint conform_key_thumb(conform_state *state);

/* conform_iv(state), conform_param(state, out): the initialisation vector that the key's algorithm wants, as a view and
 * as the ABI wants it; empty and NULL where it wants none. It is always the same: the suite encrypts nothing secret. */
ekm_view conform_iv(const conform_state *state);
const SqlCpEncryptionParam *conform_param(const conform_state *state, SqlCpEncryptionParam *out);

/* conform_list_algorithms(state, ids): ids up to the first code that is not Success; at most CONFORM_ALGORITHMS.
 * Tolerant: how the list ends is the business of one rule. */
size_t conform_list_algorithms(const conform_state *state, SqlCpAlgId *ids);

/* One output: what the struct says before the call, and what it says after. */
typedef struct conform_slot {
  void *ptr;
  uint32_t cb;
} conform_slot;

enum { CONFORM_SLOTS = 2 };

/* A question with one or two outputs of variable length. */
typedef struct conform_output {
  host_fn fn;
  size_t slot_count;
  const char *names[CONFORM_SLOTS]; /* "the key name", "the thumbprint" */
  bool upper_bound;                 /* the size answer may be more than the true size: Decrypt */
  SqlCpError (*ask)(conform_state *state, const struct conform_output *self, conform_slot *slots);
  SqlCpAlgId algorithm; /* for the function that needs it */
  SqlCpKeyId id;
  const SqlCpStr *name;
  const SqlCpData *data;
} conform_output;

/* conform_two_calls(state, output):
 * NULL, exact, too small by one byte, zero bytes and too large buffers: size told, InsufficientBuffer, the caller's
 * pointer kept, true cb, nothing written behind cb. */
conform_verdict conform_two_calls(conform_state *state, const conform_output *output);

/* The rules, by file; conform.c joins them to one table. */
conform_verdict conform_exports(conform_state *state);
conform_verdict conform_provider_name(conform_state *state);
conform_verdict conform_api_version(conform_state *state);
conform_verdict conform_provider_limits(conform_state *state);
conform_verdict conform_algorithms_end(conform_state *state);
conform_verdict conform_algorithm_tag(conform_state *state);
conform_verdict conform_algorithm_bits(conform_state *state);
conform_verdict conform_algorithm_ids(conform_state *state);

conform_verdict conform_session_closed(conform_state *state);
conform_verdict conform_session_forged(conform_state *state);
conform_verdict conform_session_count(conform_state *state);
conform_verdict conform_session_credential(conform_state *state);

conform_verdict conform_keys_end(conform_state *state);
conform_verdict conform_key_ids(conform_state *state);
conform_verdict conform_key_missing(conform_state *state);
conform_verdict conform_key_info(conform_state *state);
conform_verdict conform_key_same(conform_state *state);
conform_verdict conform_key_algorithm(conform_state *state);
conform_verdict conform_key_blob(conform_state *state);
conform_verdict conform_key_export(conform_state *state);
conform_verdict conform_key_import(conform_state *state);
conform_verdict conform_key_export_simple(conform_state *state);
conform_verdict conform_key_reload(conform_state *state);
conform_verdict conform_key_thumb_alone(conform_state *state);

conform_verdict conform_ciphertext(conform_state *state);
conform_verdict conform_plaintext(conform_state *state);
conform_verdict conform_round_trip(conform_state *state);
conform_verdict conform_damaged(conform_state *state);

conform_verdict conform_arguments_null(conform_state *state);
conform_verdict conform_arguments_misaligned(conform_state *state);
conform_verdict conform_arguments_no_bytes(conform_state *state);
conform_verdict conform_arguments_oversized(conform_state *state);

conform_verdict conform_threads_one_session(conform_state *state);
conform_verdict conform_threads_many_sessions(conform_state *state);
conform_verdict conform_threads_abort(conform_state *state);
conform_verdict conform_product_reload(conform_state *state);
conform_verdict conform_reloads(conform_state *state);

#endif
