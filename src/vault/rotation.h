/* Rotation policies of keys: their JSON, their durations, and when a key is to be rotated.
 *
 *   {"lifetimeActions":[{"trigger":{"timeAfterCreate":"P60D"},"action":{"type":"Rotate"}},
 *                       {"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Notify"}}],
 *    "attributes":{"expiryTime":"P90D","created":1700000000,"updated":1700000000}}
 *
 * The rules are the service's (facts/azure-key-vault.md section 1.3): at most one action of each type; a rotation has
 * one of the two triggers, a notice has timeBeforeExpiry; a key lives for 28 days at least; there is always a notice,
 * 30 days before the expiry if nobody says otherwise. The stored text is the same JSON without "id". A notice is
 * nothing but a part of the policy here: nobody is sent anything.
 *
 * Durations are ISO 8601's, "P1Y2M10DT2H30M" or "P2W", counted in UTC by the calendar: a month after 31 January is the
 * last of February.
 *
 * Threads: any. */
#ifndef EKM_VAULT_ROTATION_H
#define EKM_VAULT_ROTATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum { VAULT_ROTATION_TEXT_BYTES = 1024, VAULT_DURATION_BYTES = 32 };

typedef struct vault_duration {
  int32_t months, days;
  int64_t seconds;
} vault_duration;

/* vault_duration_parse(text, out): false for what is no duration, none at all (P0D) or beyond a century. */
bool vault_duration_parse(const char *text, vault_duration *out);

/* vault_duration_add(wall_s, duration, sign): the moment ${duration} after (+1) or before (-1) ${wall_s}. */
int64_t vault_duration_add(int64_t wall_s, const vault_duration *duration, int sign);

/* A policy. Texts are "" where it says nothing. */
typedef struct vault_rotation {
  char rotate_after[VAULT_DURATION_BYTES];  /* timeAfterCreate of the rotation, or: */
  char rotate_before[VAULT_DURATION_BYTES]; /* timeBeforeExpiry of it */
  char notify_before[VAULT_DURATION_BYTES];
  char expiry[VAULT_DURATION_BYTES];
  int64_t created, updated; /* seconds since 1970; 0: never set */
} vault_rotation;

/* vault_rotation_default(out): that of a key that has none. */
void vault_rotation_default(vault_rotation *out);

/* vault_rotation_read(doc, min_days, out, out_wrong):
 * Read and check what a client or the store wrote; the times are the store's own. ${min_days}: how soon a rotation may
 * come, 7 in a vault, 28 in a Managed HSM. False with *${out_wrong} the member that is wrong (static text). */
bool vault_rotation_read(const json_t *doc, int min_days, vault_rotation *out, const char **out_wrong);

/* vault_rotation_json(rotation): as JSON, which the caller frees; NULL without memory. */
json_t *vault_rotation_json(const vault_rotation *rotation);

/* vault_rotation_due(text, created, has_exp, exp):
 * When a version that was created then, and expires then, is to be rotated by the policy ${text} ("" for none); 0 for
 * never. */
int64_t vault_rotation_due(const char *text, int64_t created, bool has_exp, int64_t exp);

/* vault_rotation_expiry(text, created, out): when a version that a rotation makes expires; false for never. */
bool vault_rotation_expiry(const char *text, int64_t created, int64_t *out);

#endif
