#include "support/fault_loop.h"

#include "support/cmocka_all.h"
#include "support/memory_gate.h"

enum { IDS = 5 };

/* What may be said of a fault: by the vault's client, or by that of the sign-in service. OK ends the list. */
static const struct {
  const char *name;
  ekm_err_id ids[IDS];
} faults[PAPER_FAULTS] = {
    [PAPER_CONNECT] = {"no connection", {EKM_E_CONNECT}},
    [PAPER_RESET] = {"a reset", {EKM_E_HTTP_RECEIVE}},
    [PAPER_FAILURE] = {"500", {EKM_E_VAULT_SERVER_ERROR, EKM_E_TOKEN_FAILED}},
    [PAPER_THROTTLED] = {"429", {EKM_E_VAULT_THROTTLED, EKM_E_TOKEN_FAILED}},
    [PAPER_REJECTED] = {"401", {EKM_E_TOKEN_REJECTED, EKM_E_TOKEN_ANSWER, EKM_E_CHALLENGE_BAD}},
    [PAPER_TRUNCATED] = {"half an answer", {EKM_E_ANSWER_NOT_JSON, EKM_E_TOKEN_ANSWER, EKM_E_CHALLENGE_BAD}},
    [PAPER_PORTAL] = {"a portal", {EKM_E_ANSWER_NOT_JSON, EKM_E_TOKEN_ANSWER, EKM_E_CHALLENGE_BAD}},
};

static bool may_say(paper_fault fault, ekm_err_id id) {
  for (size_t i = 0; i < IDS && faults[fault].ids[i] != EKM_E_OK; i++) {
    if (faults[fault].ids[i] == id) return true;
  }
  return false;
}

static const char *name_of(bool ok, const ekm_err *err) {
  return ok ? "success" : ekm_err_info_of(err->id)->name;
}

/* The same object works when nothing fails. */
static void run_well(const fault_layer *layer, const fault_row *row, void *subject) {
  ekm_err err = {0};
  paper_vault_fail(layer->vault, SIZE_MAX, PAPER_CONNECT);
  if (!row->run(subject, &err)) fail_msg("%s afterwards: %s: %s", row->name, name_of(false, &err), err.detail);
}

static void loop_row_memory(const fault_layer *layer, const fault_row *row) {
  memory_gate gate = {0};
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    memory_gate_rest(&gate);
    void *subject = layer->make(layer->vault);
    paper_vault_fail(layer->vault, SIZE_MAX, PAPER_CONNECT);
    memory_gate_go_on(&gate);
    bool ok = row->run(subject, &err);
    memory_gate_rest(&gate);
    bool sent = layer->vault->creates > 0;
    bool is_right = ok ? !gate.failed || (row->forgives & FORGIVES_MEMORY) != 0
                       : err.id == (sent ? EKM_E_CREATION_UNSURE : EKM_E_OUT_OF_MEMORY);
    if (!is_right) fail_msg("%s without memory %zu: %s: %s", row->name, n, name_of(ok, &err), err.detail);
    gate.done = !gate.failed;
    if (!ok || gate.failed) run_well(layer, row, subject);
    layer->clear(subject);
  }
}

void fault_loop_memory(const fault_layer *layer) {
  for (size_t i = 0; i < layer->row_count; i++) loop_row_memory(layer, &layer->rows[i]);
}

/* False once there is no exchange number ${n} any more. */
static bool fail_exchange(const fault_layer *layer, const fault_row *row, paper_fault fault, size_t n) {
  ekm_err err = {0};
  paper_vault *vault = layer->vault;
  void *subject = layer->make(vault);
  paper_vault_fail(vault, n, fault);
  bool ok = row->run(subject, &err);
  bool failed = vault->failed;
  bool unsure = vault->creates > 0 && err.id == EKM_E_CREATION_UNSURE;
  bool is_right = ok ? !failed || (row->forgives & FORGIVES_EXCHANGES) != 0 || fault == PAPER_REJECTED : failed;
  if (!ok) is_right = is_right && (unsure || may_say(fault, err.id));
  /* A definite 4xx is the one answer to a creation that leaves no doubt. */
  bool is_definite = fault == PAPER_THROTTLED || fault == PAPER_REJECTED;
  if (!ok && vault->creates > 0 && !is_definite) is_right = is_right && unsure;
  if (vault->creates > (fault == PAPER_REJECTED ? 2 : 1)) is_right = false; /* a rejected one was none */
  if (!is_right) fail_msg("%s, %s at %zu: %s: %s", row->name, faults[fault].name, n, name_of(ok, &err), err.detail);
  if (failed) run_well(layer, row, subject);
  layer->clear(subject);
  return failed;
}

void fault_loop_exchanges(const fault_layer *layer) {
  for (size_t i = 0; i < layer->row_count; i++) {
    for (int fault = 0; fault < PAPER_FAULTS; fault++) {
      size_t n = 0;
      while (fail_exchange(layer, &layer->rows[i], (paper_fault)fault, n)) n++;
    }
  }
}
