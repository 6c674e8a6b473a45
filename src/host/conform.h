/* The conformance suite: the rules of the SqlCrypt interface, one by one, on any provider.
 *
 *   conform_rules()   a table of {id, text, source, needs, run}
 *   conform_run()     loads the provider, runs every rule whose needs are met, reports each: ok, BROKEN, skipped
 *
 * The suite makes and drops no key. A rule that needs a session or a key is skipped, with the reason, when the caller
 * named none. A provider that crashes takes this process along; the listener hears of each rule before it runs.
 *
 * The source of a rule is include/openekm/sqlcrypt_abi.h, a section of Microsoft's EKM documentation of 2008, or a
 * documented error of SQL Server.
 *
 * Threads: one run at a time; the listener is called on the caller's thread. */
#ifndef EKM_HOST_CONFORM_H
#define EKM_HOST_CONFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"
#include "host/calls.h"

typedef enum conform_verdict { CONFORM_OK, CONFORM_BROKEN, CONFORM_SKIPPED } conform_verdict;
typedef enum conform_needs { CONFORM_NEEDS_LIBRARY, CONFORM_NEEDS_SESSION, CONFORM_NEEDS_KEY } conform_needs;

typedef struct conform_state conform_state;

typedef struct conform_rule {
  const char *id;     /* "provider-name-two-calls" */
  const char *text;   /* what must hold: a sentence without a full stop */
  const char *source; /* where it comes from */
  conform_needs needs;
  conform_verdict (*run)(conform_state *state);
} conform_rule;

typedef struct conform_listener {
  void (*starts)(void *arg, const conform_rule *rule); /* may be NULL */
  /* ${seen} says what was seen when the verdict is BROKEN, why when it is SKIPPED, else "". */
  void (*ends)(void *arg, const conform_rule *rule, conform_verdict verdict, const char *seen);
  void *arg;
} conform_listener;

/* Zero-initialise, then set. */
typedef struct conform_options {
  const char *path;         /* the provider's library, absolute */
  const host_hook *hooks;   /* or NULL */
  const char *identity;     /* credential, or NULL */
  const ekm_secret *secret; /* or NULL */
  const char *key_name;     /* an RSA key of the provider, or NULL */
  unsigned threads;         /* of the concurrency rules; 0: 8 */
  unsigned rounds;          /* of calls per thread; 0: 8 */
} conform_options;

typedef struct conform_totals {
  unsigned ok, broken, skipped;
} conform_totals;

/* conform_rules(out_count): the table. Static. */
const conform_rule *conform_rules(size_t *out_count);

/* conform_run(options, listener, out_totals, err):
 * false when the suite could not be prepared: the library does not load (MODULE_LOAD), the session does not open, the
 * key is not there. Broken rules are no error of this function: they are counted in ${out_totals}. */
EKM_MUST_USE bool conform_run(const conform_options *options, const conform_listener *listener,
                              conform_totals *out_totals, ekm_err *err);

#endif
