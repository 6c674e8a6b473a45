/* The process as a whole. Only programs use this: the provider lives in somebody else's process.
 * Platform code: posix/process.c, windows/process.c. */
#ifndef EKM_BASE_PROCESS_H
#define EKM_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* ekm_process_begin():
 * For a program's first line: libraries that are loaded later come from the system's own folder, and the standard
 * streams carry bytes as they are. POSIX systems have it so from the start. */
void ekm_process_begin(void);

/* ekm_process_arguments(argc, argv):
 * Replace what main was given by the same in UTF-8, whatever code page the system has, and with no wildcard expanded.
 * It stays for the life of the process. POSIX systems have it so from the start; without memory nothing is replaced. */
void ekm_process_arguments(int *argc, char ***argv);

/* ekm_process_harden():
 * No core dumps, no debugger of the same user, no error dialogs: for programs that hold keys. Best effort; returns
 * whether all of it took effect. A write beyond the limit of a file's size becomes an error instead of a signal that
 * ends the process. */
bool ekm_process_harden(void);

/* ekm_process_many_files(): let this process have as many files and connections open as the system lets it. */
void ekm_process_many_files(void);

/* ekm_process_lock_memory():
 * Keep all memory of the process, what it will get too, out of swap: for programs that hold keys in the buffers of
 * libraries. Returns false where the system's limit does not allow it; nothing is locked then, since memory that is
 * given later would be refused at the limit. */
bool ekm_process_lock_memory(void);

/* ekm_process_catch_stop():
 * From now on SIGTERM and SIGINT (Windows: Ctrl-C, closing) end ekm_process_wait_stop instead of the process, and a
 * peer that closes its connection raises no SIGPIPE. Call before any thread is started. */
void ekm_process_catch_stop(void);

/* ekm_process_wait_stop(): block until the process was asked to stop. */
void ekm_process_wait_stop(void);

/* ekm_process_unset(name):
 * Take a variable out of the environment; returns whether it was there. Call before any thread is started. */
bool ekm_process_unset(const char *name);

enum { EKM_PROCESS_USER_BYTES = 64 };

/* ekm_process_user(out): the name of the account that this process belongs to, or its number; for audits. */
void ekm_process_user(char out[EKM_PROCESS_USER_BYTES]);

/* ekm_process_id(): for the log and ready files. */
int64_t ekm_process_id(void);

#endif
