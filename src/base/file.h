/* Files, read whole or replaced whole. Platform code: posix/file.c, windows/file.c.
 *
 * Paths are UTF-8. Messages name the path. */
#ifndef EKM_BASE_FILE_H
#define EKM_BASE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

/* ekm_file_read(path, out, err): append the whole file; LIMIT if it does not fit ${out}, FILE_READ otherwise. */
EKM_MUST_USE bool ekm_file_read(const char *path, ekm_buf *out, ekm_err *err);

/* ekm_file_read_ordinary(path, out, err):
 * The same, but FILE_READ for what is no ordinary file. Never waits, as opening a pipe would. On Windows the same. */
EKM_MUST_USE bool ekm_file_read_ordinary(const char *path, ekm_buf *out, ekm_err *err);

/* ekm_file_write_private(path, bytes, err):
 * Replace ${path} atomically: a temporary file of mode 0600 in the same folder, synced, renamed, folder synced.
 * After a crash the old content or the new one is there, never a part. */
EKM_MUST_USE bool ekm_file_write_private(const char *path, ekm_view bytes, ekm_err *err);

/* ekm_file_write_public(path, bytes, err): the same with mode 0644; for certificates. */
EKM_MUST_USE bool ekm_file_write_public(const char *path, ekm_view bytes, ekm_err *err);

/* A file that is written part by part, mode 0600, and is there as a whole or not at all: a temporary file in the same
 * folder, synced and renamed when it is finished. What is dropped, or lost in a crash, leaves the old content.
 *
 * ekm_file_draft_begin(path, out, err), ekm_file_draft_write(draft, bytes, err); ekm_file_draft_finish(draft, err) and
 * ekm_file_draft_drop(draft) both free it and set the caller's pointer to NULL; NULL is fine for the latter. */
typedef struct ekm_file_draft ekm_file_draft;
EKM_MUST_USE bool ekm_file_draft_begin(const char *path, ekm_file_draft **out_draft, ekm_err *err);
EKM_MUST_USE bool ekm_file_draft_write(ekm_file_draft *draft, ekm_view bytes, ekm_err *err);
EKM_MUST_USE bool ekm_file_draft_finish(ekm_file_draft **draft, ekm_err *err);
void ekm_file_draft_drop(ekm_file_draft **draft);

/* ekm_file_is_private(path, err):
 * Refuse (FILE_READ) a folder, and a file, pipe or device that group or others may read or write. */
EKM_MUST_USE bool ekm_file_is_private(const char *path, ekm_err *err);

/* ekm_file_read_private(path, out, err):
 * ekm_file_read_ordinary of a file that neither group nor others may read or write: FILE_READ otherwise. On Windows its
 * folder's ACL says who may. */
EKM_MUST_USE bool ekm_file_read_private(const char *path, ekm_buf *out, ekm_err *err);

/* ekm_file_is_trusted(path, err):
 * Refuse (CONFIG_UNTRUSTED) a file that somebody else could have written: it and its folder must belong to the
 * administrator (root; SYSTEM, Administrators or TrustedInstaller) or to the account of this process, and nobody but
 * these may write to them. A group that is the process's own may, and a folder in which everybody may write but only
 * remove what is his own is as good as one that nobody may. FILE_READ if that cannot be seen. */
EKM_MUST_USE bool ekm_file_is_trusted(const char *path, ekm_err *err);

/* ekm_file_exists(path):
 * Is there something at ${path}? True also if that cannot be seen, because this account may not: whoever opens it then
 * is told why. */
bool ekm_file_exists(const char *path);

/* ekm_file_make_folder(path, err): create with mode 0700, or find it there already. */
EKM_MUST_USE bool ekm_file_make_folder(const char *path, ekm_err *err);

/* ekm_file_open_append(path, err): created with mode 0600, closed by fclose, not inherited by children. NULL, with
 * FILE_WRITE, if it cannot be opened. */
FILE *ekm_file_open_append(const char *path, ekm_err *err);

/* ekm_file_open_log(path, err): the same, but never waits, now or when it is written: not for a pipe's reader. */
FILE *ekm_file_open_log(const char *path, ekm_err *err);

/* ekm_file_is_at(file, path): is ${path} still the file that was opened? Not if it was moved or removed. */
bool ekm_file_is_at(FILE *file, const char *path);

/* ekm_file_is_absolute(path): does ${path} start at a root? */
bool ekm_file_is_absolute(const char *path);

#endif
