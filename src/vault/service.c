#include "vault/service.h"

#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "vault/aad_answer.h"
#include "vault/api_version.h"
#include "vault/audit.h"
#include "vault/authenticate.h"
#include "vault/caretaker.h"
#include "vault/metrics.h"
#include "vault/routes.h"
#include "vault/trouble.h"

/* Names under which the token endpoints answer; a program that was given an address may use any of them. */
static const char *const sign_in_hosts[] = {VAULT_LOGIN_HOST, "localhost", "127.0.0.1", "[::1]"};

/* The host of "name:port" or "[::1]:port", lower-case; false if it is none. */
static bool take_host(const char *header, char out[EKM_LIMIT_HOST_BYTES + 1]) {
  if (header == NULL) return false;
  size_t len = header[0] == '[' ? strcspn(header, "]") + 1 : strcspn(header, ":");
  if (len == 0 || len > EKM_LIMIT_HOST_BYTES || len > strlen(header)) return false;
  memcpy(out, header, len);
  out[len] = '\0';
  ekm_text_lower(out);
  return true;
}

static bool is_sign_in_host(const char *host) {
  for (size_t i = 0; i < sizeof sign_in_hosts / sizeof sign_in_hosts[0]; i++) {
    if (strcmp(sign_in_hosts[i], host) == 0) return true;
  }
  return false;
}

static bool find_vault(vault_exchange *x) {
  char host[EKM_LIMIT_HOST_BYTES + 1];
  if (!take_host(x->request.host, host)) return vault_refuse(x, VAULT_FAULT_HOST_UNKNOWN, "");
  x->vault = vault_directory_vault_by_host(x->dir, host);
  x->answer.from_sign_in = x->vault == NULL && is_sign_in_host(host);
  x->answer.from_hsm = x->vault != NULL && x->vault->is_hsm;
  if (x->vault == NULL && !x->answer.from_sign_in) return vault_refuse(x, VAULT_FAULT_HOST_UNKNOWN, "");
  return true;
}

/* X-HTTP-METHOD lets a POST stand for what a firewall on the way does not let through. */
static const char *effective_method(const vault_request *request) {
  static const char *const overriding[] = {"PUT", "PATCH", "DELETE"};
  if (strcmp(request->method, "POST") != 0 || request->method_override == NULL) return request->method;
  for (size_t i = 0; i < sizeof overriding / sizeof overriding[0]; i++) {
    if (ekm_text_ieq(request->method_override, overriding[i])) return overriding[i];
  }
  return request->method;
}

/* No row for the request: what the service says depends on how far the path made sense. */
static bool refuse_route(vault_exchange *x, bool path_known) {
  bool is_key_path = x->vault != NULL && x->path.count >= 1 && ekm_text_ieq(x->path.segments[0], "keys");
  if (is_key_path && x->path.count >= 3) {
    return vault_refuse_with(x, VAULT_FAULT_OPERATION,
                             (const char *const[VAULT_FAULT_ARGS]){x->method, x->path.segments[x->path.count - 1]});
  }
  if (path_known || is_key_path) return vault_refuse(x, VAULT_FAULT_METHOD, x->method);
  return vault_refuse(x, VAULT_FAULT_PATH_UNKNOWN, "");
}

static bool find_route(vault_exchange *x) {
  vault_path_match match;
  bool path_known;

  x->route = vault_route_find(x->vault == NULL ? VAULT_FACE_SIGN_IN : VAULT_FACE_KEYS, x->method, &x->path, &match,
                              &path_known);
  bool is_elsewhere =
      x->route != NULL && x->route->permission == VAULT_MAY_RANDOM && (x->vault == NULL || !x->vault->is_hsm);
  if (x->route == NULL || is_elsewhere) return refuse_route(x, path_known && !is_elsewhere);
  x->tenant = match.tenant;
  x->key_name = match.name;
  if (match.version != NULL) {
    if (!ekm_text_copy(x->key_version, sizeof x->key_version, match.version, "a version", &x->err)) return false;
    ekm_text_lower(x->key_version);
  }
  return true;
}

static bool check_name(vault_exchange *x) {
  if (x->key_name == NULL) return true;
  size_t len = strlen(x->key_name);
  if (len <= EKM_LIMIT_KEY_NAME_CHARS && ekm_text_is_made_of(x->key_name, len, "-")) return true;
  return vault_refuse(x, VAULT_FAULT_NAME, x->key_name);
}

static bool check_api_version(vault_exchange *x) {
  const char *version = x->request.api_version;
  if (version == NULL || version[0] == '\0') return vault_refuse(x, VAULT_FAULT_API_VERSION, "");
  if (!vault_api_version_is_supported(version)) return vault_refuse(x, VAULT_FAULT_API_VERSION_BAD, version);
  return true;
}

static bool take_path(vault_exchange *x) {
  if (vault_path_parse(x->request.path, &x->path, &x->err)) return true;
  if (x->err.id == EKM_E_OUT_OF_MEMORY) return false;
  vault_fault fault = x->err.id == EKM_E_LIMIT ? VAULT_FAULT_URL_TOO_LONG : VAULT_FAULT_PATH_UNKNOWN;
  ekm_err_clear(&x->err);
  return vault_refuse(x, fault, "");
}

static bool decide(vault_exchange *x) {
  if (!vault_guid_new(x->service->rng, x->answer.request_id, &x->err)) return false;
  if (!vault_store_directory(x->service->store, &x->dir, &x->err)) return false;
  if (!find_vault(x)) return false;
  if (x->vault == NULL) return take_path(x) && find_route(x);
  return vault_authenticate(x) && take_path(x) && check_api_version(x) && find_route(x) && check_name(x) &&
         vault_authorize(x);
}

/* Not the client's fault: the disk and memory may be there again in a moment, everything else is a defect. */
static void answer_failure(vault_exchange *x) {
  bool may_pass = x->err.id == EKM_E_STORE || x->err.id == EKM_E_STORE_BUSY || x->err.id == EKM_E_TOKEN ||
                  x->err.id == EKM_E_OUT_OF_MEMORY;
  ekm_log_err(x->service->log, EKM_LOG_ERROR, "vault.failure", &x->err);
  if (may_pass && x->answer.from_sign_in) {
    vault_aad_refuse(x, VAULT_AAD_TRANSIENT, "", "");
  } else {
    vault_refuse(x, may_pass ? VAULT_FAULT_UNAVAILABLE : VAULT_FAULT_INTERNAL, "");
  }
}

bool vault_service_head(const vault_service *service, const vault_request *request, vault_exchange *x) {
  memset(x, 0, sizeof *x);
  vault_answer_init(&x->answer);
  x->service = service;
  x->fault = "";
  x->request = *request;
  x->method = effective_method(request);
  x->started_ns = ekm_clock_mono_ns();
  vault_answer_network(&x->answer, request->peer);
  if (decide(x)) return !vault_trouble_meet(service->trouble, x);
  if (!x->refused) answer_failure(x);
  return false;
}

void vault_service_rest(vault_exchange *x, ekm_view body) {
  x->body = body;
  if (x->vault != NULL) vault_caretaker_look(x->service->caretaker, x->vault->id, x->key_name);
  if (!x->route->handle(x) && !x->refused) answer_failure(x);
  vault_trouble_note(x->service->trouble, x);
  x->body = ekm_view_of(NULL, 0);
}

void vault_service_audit(vault_exchange *x) {
  if (x->is_audited) return;
  x->is_audited = true;
  vault_audit_request(x->service->audit, x, (ekm_clock_mono_ns() - x->started_ns) / 1000);
}

void vault_service_end(vault_exchange *x) {
  int64_t us = (ekm_clock_mono_ns() - x->started_ns) / 1000;
  vault_service_audit(x); /* if it was given up before there was an answer */
  vault_metrics_count(x->service->metrics, x->route, x->answer.status, us);
  EKM_LOG(x->service->log, EKM_LOG_INFO, "vault.request", EKM_LOG_TEXT("method", x->method),
          EKM_LOG_TEXT("operation", x->route == NULL ? "" : x->route->operation),
          EKM_LOG_TEXT("vault", x->vault == NULL ? "" : x->vault->name), EKM_LOG_TEXT("path", x->request.path),
          EKM_LOG_INT("status", x->answer.status), EKM_LOG_TEXT("app", x->caller.app_id),
          EKM_LOG_TEXT("key", x->key_name == NULL ? "" : x->key_name), EKM_LOG_TEXT("fault", x->fault),
          EKM_LOG_TEXT("request_id", x->answer.request_id), EKM_LOG_INT("us", us));
  vault_answer_clear(&x->answer);
  vault_directory_release(&x->dir);
}
