/* Errors: one table, one carrier, one way to raise.
 *
 * A fallible function returns bool, is marked EKM_MUST_USE and takes an ekm_err * as its last
 * parameter. false means that the err was raised exactly once, where the fault was first seen;
 * callers hand it up unchanged. The typical shape:
 *
 *   bool key_load(..., ekm_err *err) {
 *     bool ok = false;
 *     ekm_buf text;                              every local is initialised before the first EKM_TRY
 *     ekm_buf_init(&text, 4096);
 *     EKM_TRY(ekm_file_read(path, &text, err));            a callee raised: go to done
 *     if (text.len == 0) EKM_BAIL(err, EKM_E_FILE_READ, "'%s' is empty", path);
 *     ok = true;
 *   done:                                        the one cleanup path, for success and failure
 *     ekm_buf_clear(&text);
 *     return ok;
 *   }
 *
 * Threads: an ekm_err belongs to one call on one thread. Nothing here is global. */
#ifndef EKM_BASE_ERR_H
#define EKM_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define EKM_MUST_USE __attribute__((warn_unused_result))
#if defined(__MINGW32__)
#define EKM_PRINTF(fmt_arg, first_arg) __attribute__((format(gnu_printf, fmt_arg, first_arg)))
#else
#define EKM_PRINTF(fmt_arg, first_arg) __attribute__((format(printf, fmt_arg, first_arg)))
#endif
#else
#define EKM_MUST_USE
#define EKM_PRINTF(fmt_arg, first_arg)
#endif

typedef enum ekm_err_id {
#define EKM_ERR(name, id, code, retry, text, remedy) EKM_E_##name = (id),
#include "base/err_table.def"
#undef EKM_ERR
  EKM_ERR_COUNT
} ekm_err_id;

/* One row of the table. */
typedef struct ekm_err_info {
  ekm_err_id id;
  uint32_t code;      /* SqlCpError, or a provider's own code above 2048 */
  bool retry_later;   /* the same call may succeed later by itself */
  const char *name;   /* "KEY_NOT_FOUND" */
  const char *text;   /* what is wrong */
  const char *remedy; /* what the operator does about it */
} ekm_err_info;

/* What went wrong. Zero-initialise: ekm_err err = {0}. Owns nothing, needs no cleanup. */
typedef struct ekm_err {
  ekm_err_id id;
  int http_status;     /* of the answer that was the cause, else 0 */
  int line;            /* where it was raised */
  const char *file;    /* static text */
  char request_id[48]; /* x-ms-request-id of that answer, else "" */
  char detail[400];    /* the subject: which file, host, key; never a secret. May be "" */
} ekm_err;

/* ekm_err_raise(err, id, file, line, fmt, ...):
 * Fill ${err}; a long detail is cut at a character. Call EKM_FAIL or EKM_BAIL instead. http_status and request_id
 * are kept if they were set before. */
void ekm_err_raise(ekm_err *err, ekm_err_id id, const char *file, int line, const char *fmt, ...) EKM_PRINTF(5, 6);

/* EKM_FAIL(err, id, fmt, ...): raise, and be false: "return EKM_FAIL(...)". */
#define EKM_FAIL(err, id, ...) (ekm_err_raise((err), (id), __FILE__, __LINE__, __VA_ARGS__), false)
#define EKM_BAIL(err, id, ...)                \
  do {                                        \
    (void)EKM_FAIL((err), (id), __VA_ARGS__); \
    goto done;                                \
  } while (0)
#define EKM_TRY(call)       \
  do {                      \
    if (!(call)) goto done; \
  } while (0)

/* ekm_err_clear(err): forget an error that was dealt with. */
void ekm_err_clear(ekm_err *err);

/* ekm_err_info_of(id): the row of ${id}; INTERNAL's row for a number that is none. Never NULL. */
const ekm_err_info *ekm_err_info_of(ekm_err_id id);

/* ekm_err_info_by_code(code):
 * The first row whose provider code is ${code}, or NULL. Standard codes (6, 4 ...) have several rows. */
const ekm_err_info *ekm_err_info_by_code(uint32_t code);

#endif
