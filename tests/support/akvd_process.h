/* akvd as a process of its own, on a port of 127.0.0.1, with its folder inside the test's.
 *
 * It dies with the test program. Threads: from the thread that started it. */
#ifndef EKM_TESTS_SUPPORT_AKVD_PROCESS_H
#define EKM_TESTS_SUPPORT_AKVD_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

typedef struct akvd_process {
  char data[192];        /* --data */
  char ready[192];       /* --ready-file */
  char log[192];         /* --log-file; all of its starts append to it */
  const char *log_level; /* NULL: trace */
  pid_t pid;             /* 0: not running */
  uint16_t port;
} akvd_process;

typedef struct akvd_app {
  char client_id[64]; /* with hyphens */
  char secret[256];
  char credential[320]; /* SECRET as SQL Server has it */
} akvd_app;

/* akvd_process_init(akvd, folder): "akvd init" in a new folder below ${folder}. */
void akvd_process_init(akvd_process *akvd, const char *folder);

/* akvd_process_start(akvd, port): serve on ${port}, 0 for a free one; returns when the socket listens. */
void akvd_process_start(akvd_process *akvd, uint16_t port);

/* akvd_process_stop(akvd): SIGTERM; the exit status must be 0. akvd_process_kill(akvd): SIGKILL. Not running: fine. */
void akvd_process_stop(akvd_process *akvd);
void akvd_process_kill(akvd_process *akvd);

/* akvd_process_run(akvd, args, out):
 * An administrator's command, args NULL at the end, "--data" is added; returns its exit status. ${out} (may be NULL)
 * gets what it printed. */
int akvd_process_run(const akvd_process *akvd, const char *const *args, ekm_buf *out);

/* akvd_process_app(akvd, name, secret, out), akvd_process_permit(akvd, app, permissions), akvd_process_key(akvd, verb,
 * name): "app add" with this secret, NULL: with one of akvd's making; "policy set" in vault local; "key create", "key
 * disable" ... in vault local. */
void akvd_process_app(const akvd_process *akvd, const char *name, const char *secret, akvd_app *out);
void akvd_process_permit(const akvd_process *akvd, const akvd_app *app, const char *permissions);
void akvd_process_key(const akvd_process *akvd, const char *verb, const char *name);

/* akvd_process_conf(akvd, out, out_bytes): the [vault local.vault.localhost] section of openekm.conf. */
void akvd_process_conf(const akvd_process *akvd, char *out, size_t out_bytes);

/* akvd_process_requests(akvd): lines of requests in the log; exact only after akvd_process_stop. */
int akvd_process_requests(const akvd_process *akvd);

#endif
