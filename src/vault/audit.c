#include "vault/audit.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "vault/routes.h"
#include "vault/token_endpoint.h"

struct vault_audit {
  FILE *file; /* whoever is called by ${lines} has it */
  char *path;
  ekm_log *lines; /* makes them */
  ekm_log *log;   /* of faults */
  atomic_ullong lost;
};

static bool open_file(vault_audit *audit, ekm_err *err) {
  audit->file = ekm_file_open_append(audit->path, err);
  if (audit->file == NULL) return false;
  (void)setvbuf(audit->file, NULL, _IONBF, 0); /* a line is one write */
  return true;
}

static void lose(vault_audit *audit, ekm_err *err) {
  if (atomic_fetch_add(&audit->lost, 1) == 0) ekm_log_err(audit->log, EKM_LOG_ERROR, "vault.audit", err);
}

/* Called by the log that makes lines, one at a time. */
static void write_line(void *arg, const char *line, size_t len) {
  vault_audit *audit = arg;
  ekm_err err = {0};
  bool ok = true;
  if (audit->file != NULL && !ekm_file_is_at(audit->file, audit->path)) {
    (void)fclose(audit->file);
    audit->file = NULL;
  }
  if (audit->file == NULL) ok = open_file(audit, &err);
  if (ok && fwrite(line, 1, len, audit->file) != len) {
    clearerr(audit->file);
    ok = EKM_FAIL(&err, EKM_E_FILE_WRITE, "'%s': a line of the audit log is lost", audit->path);
  }
  if (!ok) lose(audit, &err);
}

bool vault_audit_open(const char *path, const ekm_clock *clock, ekm_log *log, vault_audit **out_audit, ekm_err *err) {
  vault_audit *audit = ekm_mem_alloc(sizeof *audit, err);
  *out_audit = audit;
  if (audit == NULL) return false;
  atomic_init(&audit->lost, 0);
  audit->log = log;
  audit->path = ekm_text_dup(path, err);
  bool ok = audit->path != NULL && open_file(audit, err) &&
            ekm_log_open_sink(write_line, audit, EKM_LOG_INFO, clock, &audit->lines, err);
  if (!ok) vault_audit_close(out_audit);
  return ok;
}

void vault_audit_close(vault_audit **audit) {
  vault_audit *a = *audit;
  if (a == NULL) return;
  ekm_log_close(&a->lines);
  if (a->file != NULL) (void)fclose(a->file);
  ekm_mem_free(a->path);
  ekm_mem_free(a);
  *audit = NULL;
}

uint64_t vault_audit_lost(const vault_audit *audit) {
  return audit == NULL ? 0 : atomic_load(&audit->lost);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static bool concerns(const vault_exchange *x) {
  if (x->vault != NULL) return true;
  return x->route != NULL && (x->route->handle == vault_token_v1 || x->route->handle == vault_token_v2);
}

static const char *or_empty(const char *text) {
  return text == NULL ? "" : text;
}

void vault_audit_request(vault_audit *audit, const vault_exchange *x, int64_t us) {
  if (audit == NULL || !concerns(x)) return;
  const char *version = x->used_version[0] == '\0' ? x->key_version : x->used_version;
  EKM_LOG(audit->lines, EKM_LOG_INFO, "request", EKM_LOG_TEXT("operation", x->route == NULL ? "" : x->route->operation),
          EKM_LOG_TEXT("vault", x->vault == NULL ? "" : x->vault->name), EKM_LOG_TEXT("key", or_empty(x->key_name)),
          EKM_LOG_TEXT("version", version), EKM_LOG_INT("status", x->answer.status), EKM_LOG_TEXT("code", x->fault),
          EKM_LOG_TEXT("tenant", x->caller.tenant), EKM_LOG_TEXT("app", x->caller.app_id),
          EKM_LOG_TEXT("object", x->caller.object_id), EKM_LOG_TEXT("peer", or_empty(x->request.peer)),
          EKM_LOG_TEXT("request_id", x->answer.request_id),
          EKM_LOG_TEXT("client_request_id", or_empty(x->request.client_request_id)), EKM_LOG_INT("us", us));
}

/* ---- administrators ---------------------------------------------------------------------------------------------- */

/* What a command was about; none of it is secret. */
static const struct {
  const char *name;
  size_t offset;
} details[] = {
#define DETAIL(member) \
  { #member, offsetof(vault_settings, member) }
    DETAIL(vault),       DETAIL(app),     DETAIL(name),          DETAIL(key_version), DETAIL(tenant),
    DETAIL(permissions), DETAIL(role),    DETAIL(key),           DETAIL(secret_id),   DETAIL(certificate_id),
    DETAIL(issuer),      DETAIL(subject), DETAIL(federation_id), DETAIL(file),        DETAIL(listen),
#undef DETAIL
};
enum { DETAILS = sizeof details / sizeof details[0], FIXED = 3 };

void vault_audit_admin(vault_audit *audit, const vault_settings *settings, bool done) {
  char user[EKM_PROCESS_USER_BYTES];
  ekm_log_field fields[FIXED + DETAILS + 1] = {0};
  size_t count = FIXED;
  if (audit == NULL) return;
  ekm_process_user(user);
  fields[0] = EKM_LOG_TEXT("command", settings->command);
  fields[1] = EKM_LOG_TEXT("user", user);
  fields[2] = EKM_LOG_BOOL("done", done);
  for (size_t i = 0; i < DETAILS; i++) {
    const char *text = *(const char *const *)(const void *)((const char *)settings + details[i].offset);
    if (text != NULL) fields[count++] = EKM_LOG_TEXT(details[i].name, text);
  }
  ekm_log_event(audit->lines, EKM_LOG_INFO, "admin", fields);
}
