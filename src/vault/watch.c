#include "vault/watch.h"

#include "vault/audit.h"
#include "vault/metrics.h"
#include "vault/service.h"

static bool check_near(vault_exchange *x) {
  return x->request.from_loopback || vault_refuse(x, VAULT_FAULT_PATH_UNKNOWN, "");
}

bool vault_watch_health(vault_exchange *x) {
  if (!check_near(x)) return false;
  return vault_answer_json(&x->answer, 200, json_pack("{s:s}", "status", "ok"), &x->err);
}

bool vault_watch_metrics(vault_exchange *x) {
  if (!check_near(x)) return false;
  ekm_buf_reset(&x->answer.body);
  vault_metrics_write(x->service->metrics, &x->answer.body);
  ekm_buf_append_fmt(&x->answer.body, "# TYPE akvd_audit_lost_total counter\nakvd_audit_lost_total %llu\n",
                     (unsigned long long)vault_audit_lost(x->service->audit));
  if (!ekm_buf_ok(&x->answer.body, "the metrics", &x->err)) return false;
  x->answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  x->answer.status = 200;
  return true;
}
