/* Rotation policies and durations: what was read is written and read again as the same, and no policy leads to a moment
 * before the key or out of the calendar.
 *
 *   a line    one duration
 *   {...}     a policy, as a client sends it or the store has it */
#include "fuzz/fuzz.h"
#include "vault/rotation.h"

enum { VAULT_DAYS = 7, HSM_DAYS = 28 };

static const int64_t moment = 1767225600; /* 2026-01-01 */
static const int64_t century_s = 3200000000;

static void check_duration(const char *text) {
  vault_duration duration;
  if (!vault_duration_parse(text, &duration)) return;
  FUZZ_CHECK(duration.months >= 0 && duration.days >= 0 && duration.seconds >= 0);
  FUZZ_CHECK(duration.months > 0 || duration.days > 0 || duration.seconds > 0);
  int64_t after = vault_duration_add(moment, &duration, 1);
  int64_t before = vault_duration_add(moment, &duration, -1);
  FUZZ_CHECK(after > moment && after - moment < 2 * century_s);
  FUZZ_CHECK(before < moment && moment - before < 2 * century_s);
}

static void check_moments(const char *text) {
  int64_t expiry = 0;
  int64_t due = vault_rotation_due(text, moment, true, moment + century_s);
  FUZZ_CHECK(due >= 0);
  if (vault_rotation_expiry(text, moment, &expiry)) FUZZ_CHECK(expiry > moment);
}

static void check_policy(const json_t *doc, int min_days) {
  static const char *const empty = "";
  vault_rotation policy, again;
  const char *wrong = empty;
  if (!vault_rotation_read(doc, min_days, &policy, &wrong)) {
    FUZZ_CHECK(wrong != NULL && wrong != empty);
    return;
  }
  FUZZ_CHECK(policy.rotate_after[0] == '\0' || policy.rotate_before[0] == '\0');
  json_t *written = vault_rotation_json(&policy);
  FUZZ_CHECK(written != NULL && vault_rotation_read(written, min_days, &again, &wrong));
  FUZZ_CHECK(strcmp(policy.rotate_after, again.rotate_after) == 0 &&
             strcmp(policy.rotate_before, again.rotate_before) == 0 && strcmp(policy.expiry, again.expiry) == 0);
  ekm_buf text;
  ekm_err err = {0};
  ekm_buf_init(&text, VAULT_ROTATION_TEXT_BYTES);
  FUZZ_CHECK(ekm_json_write(written, &text, &err));
  check_moments(ekm_buf_text(&text));
  ekm_buf_clear(&text);
  ekm_json_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *doc = NULL;
  ekm_err err = {0};
  char *text = fuzz_text(data, size);
  check_duration(text);
  check_moments(text);
  if (ekm_json_parse(ekm_view_of(data, size), &doc, &err)) {
    check_policy(doc, VAULT_DAYS);
    check_policy(doc, HSM_DAYS);
  }
  ekm_json_free(&doc);
  free(text);
  return 0;
}
