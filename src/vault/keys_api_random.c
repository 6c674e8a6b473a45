/* Random bytes, of a Managed HSM only.
 *
 *   POST rng   {"count":32}   -> {"value":"<base64url>"} */
#include "vault/keys_api.h"
#include "vault/service.h"

enum { MAX_BYTES = 128 };

bool vault_random(vault_exchange *x) {
  bool ok = false;
  uint8_t bytes[MAX_BYTES];
  json_t *body = NULL;
  json_t *doc = NULL;

  EKM_TRY(vault_exchange_body(x, &body));
  const json_t *count = json_object_get(body, "count");
  json_int_t wanted = json_integer_value(count);
  if (!json_is_integer(count) || wanted < 1 || wanted > MAX_BYTES) {
    vault_refuse(x, VAULT_FAULT_PROPERTY, "count");
    goto done;
  }
  EKM_TRY(x->service->rng->fill(x->service->rng, bytes, (size_t)wanted, &x->err));
  doc = json_object();
  if (!ekm_json_set_bytes(doc, "value", ekm_view_of(bytes, (size_t)wanted))) ekm_json_free(&doc);
  ok = vault_answer_json(&x->answer, 200, doc, &x->err);
done:
  ekm_json_free(&body);
  return ok;
}
