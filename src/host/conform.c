#include "host/conform.h"

#include <string.h>

#include "host/conform_probe.h"

#define ALL "sqlcrypt_abi.h, rules that hold for all functions"
#define MEMORY ALL ": two calls, the caller's memory"
#define LISTS ALL ": enumerations"
#define THREADS ALL ": threads"
#define LIMITS "sqlcrypt_abi.h, limits"
#define LOADING "SQL Server's checks when it loads a provider: errors 33032, 33085"
#define SESSIONS "Microsoft's EKM documentation, sessions"
#define KEYS "Microsoft's EKM documentation, keys and thumbprints"
#define CRYPT "Microsoft's EKM documentation, Encrypt and Decrypt"
#define GUIDANCE "Microsoft's EKM documentation, test guidance for providers"

static const conform_rule rules[] = {
    {"exports", "the library exports all 17 functions", LOADING, CONFORM_NEEDS_LIBRARY, conform_exports},
    {"provider-name-two-calls", "the provider's name is copied into the caller's buffer, in two calls", MEMORY,
     CONFORM_NEEDS_LIBRARY, conform_provider_name},
    {"api-version", "the provider speaks API version 1.1", LOADING, CONFORM_NEEDS_LIBRARY, conform_api_version},
    {"provider-limits", "what the provider says of itself is within the limits and always the same", LIMITS,
     CONFORM_NEEDS_LIBRARY, conform_provider_limits},
    {"algorithms-end", "the list of algorithms ends, and with NotFound", LISTS, CONFORM_NEEDS_LIBRARY,
     conform_algorithms_end},
    {"algorithm-ids", "algorithm ids are not 0, listed once, and stable; id 0 and unknown ids are refused", LISTS,
     CONFORM_NEEDS_LIBRARY, conform_algorithm_ids},
    {"algorithm-tag-two-calls", "an algorithm's tag is copied into the caller's buffer, in two calls", MEMORY,
     CONFORM_NEEDS_LIBRARY, conform_algorithm_tag},
    {"algorithm-bits", "tags are names that the engine knows, with their bit length and type", LISTS,
     CONFORM_NEEDS_LIBRARY, conform_algorithm_bits},

    {"session-closed", "a closed session is refused by every function, also by CloseSession", SESSIONS,
     CONFORM_NEEDS_SESSION, conform_session_closed},
    {"session-forged", "a handle that was never opened is refused", SESSIONS, CONFORM_NEEDS_SESSION,
     conform_session_forged},
    {"session-many", "one credential may have 32 sessions at once, each with a handle of its own", SESSIONS,
     CONFORM_NEEDS_SESSION, conform_session_count},
    {"session-credential", "a Basic provider refuses a session without credential", SESSIONS, CONFORM_NEEDS_LIBRARY,
     conform_session_credential},

    {"keys-end", "the list of keys ends, and with NotFound", LISTS, CONFORM_NEEDS_SESSION, conform_keys_end},
    {"key-ids", "key ids are not 0, listed once, and stable in a session", LISTS, CONFORM_NEEDS_SESSION,
     conform_key_ids},
    {"key-missing", "an unknown name, thumbprint or id is NotFound", KEYS, CONFORM_NEEDS_SESSION, conform_key_missing},
    {"import-key", "ImportKey is not offered: NotSupported", KEYS, CONFORM_NEEDS_SESSION, conform_key_import},
    {"key-info-two-calls", "name and thumbprint of a key are copied into the caller's buffers, in two calls", MEMORY,
     CONFORM_NEEDS_KEY, conform_key_info},
    {"key-same", "a key is the same by name, thumbprint and id, and in another session", KEYS, CONFORM_NEEDS_KEY,
     conform_key_same},
    {"key-algorithm", "a key's algorithm is one of the list, its thumbprint of the length that was announced", KEYS,
     CONFORM_NEEDS_KEY, conform_key_algorithm},
    {"key-blob-two-calls", "the public key is copied into the caller's buffer, in two calls", MEMORY, CONFORM_NEEDS_KEY,
     conform_key_blob},
    {"key-export", "the public key is in a known encoding and of the algorithm's bit length", KEYS, CONFORM_NEEDS_KEY,
     conform_key_export},
    {"key-export-simple", "no other blob than a public key is exported", KEYS, CONFORM_NEEDS_KEY,
     conform_key_export_simple},

    {"ciphertext-two-calls", "a ciphertext is copied into the caller's buffer, in two calls", MEMORY, CONFORM_NEEDS_KEY,
     conform_ciphertext},
    {"plaintext-two-calls", "a plaintext is copied into the caller's buffer, in two calls", MEMORY, CONFORM_NEEDS_KEY,
     conform_plaintext},
    {"round-trip", "what was encrypted is decrypted to the same bytes", CRYPT, CONFORM_NEEDS_KEY, conform_round_trip},
    {"damaged-ciphertext", "a damaged ciphertext is an error", CRYPT, CONFORM_NEEDS_KEY, conform_damaged},

    {"arguments-null", "a NULL pointer is an error", GUIDANCE, CONFORM_NEEDS_LIBRARY, conform_arguments_null},
    {"arguments-misaligned", "a misaligned pointer is an error", GUIDANCE, CONFORM_NEEDS_LIBRARY,
     conform_arguments_misaligned},
    {"arguments-no-bytes", "a length without bytes is an error", GUIDANCE, CONFORM_NEEDS_LIBRARY,
     conform_arguments_no_bytes},
    {"arguments-oversized", "a length beyond the limits is an error, and is not read", GUIDANCE, CONFORM_NEEDS_LIBRARY,
     conform_arguments_oversized},

    {"threads-one-session", "many threads use one session", THREADS, CONFORM_NEEDS_SESSION,
     conform_threads_one_session},
    {"threads-many-sessions", "many threads use a session each", THREADS, CONFORM_NEEDS_SESSION,
     conform_threads_many_sessions},
    {"threads-abort", "a session can be aborted while another thread calls with it", THREADS, CONFORM_NEEDS_SESSION,
     conform_threads_abort},
    {"key-after-reload", "a key has the same thumbprint after unload and load", KEYS, CONFORM_NEEDS_KEY,
     conform_key_reload},
    {"key-by-thumb-alone",
     "after unload and load a key is found by its thumbprint alone: the engine brings nothing else", KEYS,
     CONFORM_NEEDS_KEY, conform_key_thumb_alone},
    {"product-after-reload", "GUID and version are the same after unload and load", LOADING ", 33024",
     CONFORM_NEEDS_LIBRARY, conform_product_reload},
    {"reloads", "the library can be unloaded and loaded 20 times", LOADING, CONFORM_NEEDS_LIBRARY, conform_reloads},
};

enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

const conform_rule *conform_rules(size_t *out_count) {
  *out_count = RULE_COUNT;
  return rules;
}

static void report(const conform_listener *listener, conform_totals *totals, const conform_rule *rule,
                   conform_verdict verdict, const char *seen) {
  if (verdict == CONFORM_OK) totals->ok++;
  if (verdict == CONFORM_BROKEN) totals->broken++;
  if (verdict == CONFORM_SKIPPED) totals->skipped++;
  listener->ends(listener->arg, rule, verdict, seen);
}

/* A rule may leave without a module when it reloads and fails; what follows cannot run then. */
static const char *unmet_need(const conform_state *state, const conform_rule *rule) {
  if (state->module == NULL) return "the library is not loaded any more";
  if (rule->needs >= CONFORM_NEEDS_SESSION && state->session == NULL) return "no credential was given";
  if (rule->needs == CONFORM_NEEDS_KEY && state->key.thumb_len == 0) return "no key was named";
  return NULL;
}

static void run_rule(conform_state *state, const conform_rule *rule, const conform_listener *listener,
                     conform_totals *totals) {
  const char *unmet = unmet_need(state, rule);
  if (listener->starts != NULL) listener->starts(listener->arg, rule);
  if (unmet != NULL) {
    report(listener, totals, rule, CONFORM_SKIPPED, unmet);
    return;
  }
  state->seen[0] = '\0';
  conform_verdict verdict = rule->run(state);
  report(listener, totals, rule, verdict, state->seen);
}

/* A library without one of the exports breaks the first rule; the others have nothing to run on. */
static void report_no_exports(const conform_listener *listener, conform_totals *totals, const char *seen) {
  for (size_t i = 0; i < RULE_COUNT; i++) {
    if (listener->starts != NULL) listener->starts(listener->arg, &rules[i]);
    if (i == 0) {
      report(listener, totals, &rules[i], CONFORM_BROKEN, seen);
    } else {
      report(listener, totals, &rules[i], CONFORM_SKIPPED, "the library has not all exports");
    }
  }
}

bool conform_run(const conform_options *options, const conform_listener *listener, conform_totals *out_totals,
                 ekm_err *err) {
  bool ok = false;
  conform_state state = {.options = options};
  memset(out_totals, 0, sizeof *out_totals);
  if (!conform_reload(&state, err)) {
    if (err->id != EKM_E_MODULE_ABI) goto done;
    report_no_exports(listener, out_totals, err->detail);
    ekm_err_clear(err);
  } else {
    for (size_t i = 0; i < RULE_COUNT; i++) run_rule(&state, &rules[i], listener, out_totals);
  }
  ok = true;
done:
  conform_close(&state);
  return ok;
}
