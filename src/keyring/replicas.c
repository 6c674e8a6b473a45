/* Other vaults that hold copies of a vault's keys, for the time in which it cannot be reached.
 *
 *   own vault --> answer, yes or no: that is it
 *        |
 *      outage --> first replica --> yes: that is it
 *                      |
 *                  no or outage --> next replica ... --> the error of the own vault
 *
 * A copy made by restore or import has the same public key, hence the same thumbprint, whatever its name there. Only an
 * outage leads to a replica: who revokes a key in a vault that answers has revoked it. Each vault gets a fair part of
 * the time that is left, so that a silent one leaves some to the others. */
#include "keyring/ring.h"

bool keyring_add_replica(keyring *ring, keyring *replica, ekm_err *err) {
  if (ring->replica_count == KEYRING_REPLICAS_MAX) {
    return EKM_FAIL(err, EKM_E_LIMIT, "more than %d replicas", KEYRING_REPLICAS_MAX);
  }
  ring->replicas[ring->replica_count++] = keyring_ref(replica);
  return true;
}

/* What is asked: a key, or if there is a ciphertext its plaintext. */
typedef struct wish {
  ekm_view thumb;
  const ekm_view *ciphertext;
  keyring_key **out_key;
  ekm_buf *out_plaintext;
} wish;

static bool ask(keyring *ring, const wish *w, const keyring_call *call, ekm_err *err) {
  if (w->ciphertext == NULL) return ring_by_thumb(ring, w->thumb, call, w->out_key, err);
  ekm_buf_reset(w->out_plaintext);
  return ring_unwrap_by_thumb(ring, w->thumb, *w->ciphertext, call, w->out_plaintext, err);
}

/* The time of one of ${count} vaults. */
static keyring_call part_of(const keyring *ring, const keyring_call *call, size_t count) {
  keyring_call part = *call;
  int64_t left_ms = ekm_deadline_left_ms(call->deadline, ring->options.clock);
  part.deadline = ekm_deadline_in(ring->options.clock, left_ms / (int64_t)count);
  return part;
}

/* What a replica answered is of use no longer, either. Which of its keys it was about does not matter: this is rare. */
void ring_tell_replicas(const keyring *ring, const ekm_err *err) {
  for (size_t i = 0; i < ring->replica_count && keyring_unwraps_is_no(err->id); i++) {
    keyring_unwraps_forget(ring->replicas[i]->unwraps, NULL, NULL);
  }
}

static bool ask_all(keyring *ring, const wish *w, const keyring_call *call, ekm_err *err) {
  if (ring->replica_count == 0) return ask(ring, w, call, err);
  keyring_call part = part_of(ring, call, ring->replica_count + 1);
  if (ask(ring, w, &part, err)) return true;
  if (!keyring_is_outage(err)) {
    ring_tell_replicas(ring, err);
    return false;
  }
  for (size_t i = 0; i < ring->replica_count; i++) {
    keyring *replica = ring->replicas[i];
    ekm_err why = {0};
    part = part_of(ring, call, ring->replica_count - i);
    bool ok = ask(replica, w, &part, &why);
    if (ok) {
      EKM_LOG(ring->options.log, EKM_LOG_WARN, "keyring.replica", EKM_LOG_TEXT("away", ring->host),
              EKM_LOG_TEXT("why", ekm_err_info_of(err->id)->name), EKM_LOG_TEXT("used", replica->host),
              EKM_LOG_HEX("thumbprint", w->thumb));
      ekm_err_clear(err);
      return true;
    }
    ekm_log_err(ring->options.log, EKM_LOG_WARN, "keyring.replica", &why);
  }
  return false;
}

bool keyring_by_thumb(keyring *ring, ekm_view thumb, const keyring_call *call, keyring_key **out_key, ekm_err *err) {
  const wish w = {.thumb = thumb, .out_key = out_key};
  return ask_all(ring, &w, call, err);
}

bool keyring_unwrap_by_thumb(keyring *ring, ekm_view thumb, ekm_view ciphertext, const keyring_call *call,
                             ekm_buf *out_plaintext, ekm_err *err) {
  const wish w = {.thumb = thumb, .ciphertext = &ciphertext, .out_plaintext = out_plaintext};
  return ask_all(ring, &w, call, err);
}
