/* A key's rotation policy:
 *
 *   GET /keys/NAME/rotationpolicy?api-version=7.4
 *   200 {"lifetimeActions":[{"trigger":{"timeAfterCreate":"P90D"},"action":{"type":"Rotate"}},
 *                           {"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Notify"}}],
 *        "attributes":{"expiryTime":"P1Y"}}
 *
 * A key that never had one is answered with a policy that only notifies (facts/azure-key-vault.md section 1.3). */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "keyvault/exchange.h"

enum { TARGET_BYTES = 320 };

/* An ISO 8601 duration, or "" if there is none; what is longer or looks otherwise is no duration. */
static bool take_duration(const json_t *object, const char *name, char out[AKV_DURATION_BYTES], ekm_err *err) {
  const char *text = ekm_json_text(object, name);
  if (text == NULL) return true;
  size_t len = strlen(text);
  if (len >= AKV_DURATION_BYTES || !ekm_text_is_made_of(text, len, ".")) {
    return EKM_FAIL(err, EKM_E_KEY_ANSWER, "a rotation policy's %s is no duration", name);
  }
  memcpy(out, text, len + 1);
  return true;
}

static bool read_policy(const json_t *doc, akv_rotation_policy *out, ekm_err *err) {
  const json_t *each;
  size_t index;
  json_array_foreach(ekm_json_array(doc, "lifetimeActions"), index, each) {
    const char *type = ekm_json_text(ekm_json_object(each, "action"), "type");
    const json_t *trigger = ekm_json_object(each, "trigger");
    if (type == NULL || !ekm_text_ieq(type, "Rotate")) continue;
    out->rotates = true;
    if (!take_duration(trigger, "timeAfterCreate", out->after_create, err)) return false;
    if (!take_duration(trigger, "timeBeforeExpiry", out->before_expiry, err)) return false;
  }
  return take_duration(ekm_json_object(doc, "attributes"), "expiryTime", out->expiry, err);
}

bool akv_get_rotation_policy(akv_client *client, const char *name, const akv_call *call, akv_rotation_policy *out,
                             ekm_err *err) {
  bool ok = false;
  char target[TARGET_BYTES];
  json_t *doc = NULL;
  ekm_http_response answer;

  memset(out, 0, sizeof *out);
  if (!akv_name_check(name, err)) return false;
  (void)snprintf(target, sizeof target, "/keys/%s/rotationpolicy?api-version=" AKV_API_VERSION, name);
  akv_request request = {.method = "GET", .target = target, .doing = "get the rotation policy", .subject = name};
  ekm_http_response_init(&answer);
  EKM_TRY(akv_exchange(client, &request, call, &answer, err));
  EKM_TRY(akv_parse(client, &answer, request.doing, &doc, err));
  EKM_TRY(read_policy(doc, out, err));
  ok = true;
done:
  ekm_json_free(&doc);
  ekm_http_response_clear(&answer);
  return ok;
}
