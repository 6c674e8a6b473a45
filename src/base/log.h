/* The log: one JSON object a line, made of typed fields.
 *
 *   {"time":"2026-11-24T08:00:00Z","level":"info","event":"keyvault.request","method":"GET","status":200,"ms":12}
 *
 * There is no field type for secrets, tokens, plaintext or ekm_buf, so they cannot be logged by accident; texts are
 * cut at 512 bytes, and a line that would pass 8 kB keeps its event but loses its fields. Events are named layer.noun.
 * A logger that is NULL logs nothing. A line that cannot be written is lost; nothing fails or waits because of it.
 *
 * Threads: a logger may be used by all threads; lines do not mix. */
#ifndef EKM_BASE_LOG_H
#define EKM_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

typedef enum ekm_log_level {
  EKM_LOG_OFF = 0,
  EKM_LOG_ERROR,
  EKM_LOG_WARN,
  EKM_LOG_INFO,
  EKM_LOG_DEBUG,
  EKM_LOG_TRACE
} ekm_log_level;

typedef struct ekm_log ekm_log;

typedef struct ekm_log_field {
  enum { EKM_LOG_FIELD_END = 0, EKM_LOG_FIELD_TEXT, EKM_LOG_FIELD_INT, EKM_LOG_FIELD_HEX, EKM_LOG_FIELD_BOOL } kind;
  const char *name;
  const char *text;
  int64_t number;
  ekm_view bytes;
} ekm_log_field;

#define EKM_LOG_TEXT(n, t) ((ekm_log_field){.kind = EKM_LOG_FIELD_TEXT, .name = (n), .text = (t)})
#define EKM_LOG_INT(n, i) ((ekm_log_field){.kind = EKM_LOG_FIELD_INT, .name = (n), .number = (int64_t)(i)})
#define EKM_LOG_BOOL(n, b) ((ekm_log_field){.kind = EKM_LOG_FIELD_BOOL, .name = (n), .number = (b) ? 1 : 0})
/* Public bytes only: thumbprints. */
#define EKM_LOG_HEX(n, v) ((ekm_log_field){.kind = EKM_LOG_FIELD_HEX, .name = (n), .bytes = (v)})

/* ekm_log_open_file(path, level, clock, out_log, err):
 * Append to ${path}, created with mode 0600; "-" is standard error, which the provider never asks for. A file that was
 * moved away or removed, as rotation of logs does, is made anew: that is looked at once a second, when there is
 * something to write. One that was copied and cut off goes on from its beginning. */
EKM_MUST_USE bool ekm_log_open_file(const char *path, ekm_log_level level, const ekm_clock *clock, ekm_log **out_log,
                                    ekm_err *err);

/* ekm_log_open_system(path, name, level, clock, out_log, err):
 * To the system's log at the socket ${path} (syslog.h), as ${name}, which is static. Lines that nobody takes are lost;
 * how many is said by the first one that is taken again: {"event":"log.lost","lines":3}. */
EKM_MUST_USE bool ekm_log_open_system(const char *path, const char *name, ekm_log_level level, const ekm_clock *clock,
                                      ekm_log **out_log, ekm_err *err);

/* ekm_log_open_sink(sink, arg, level, clock, out_log, err): give each line (with its '\n') to ${sink},
 * one at a time; it must not log itself. */
EKM_MUST_USE bool ekm_log_open_sink(void (*sink)(void *arg, const char *line, size_t len), void *arg,
                                    ekm_log_level level, const ekm_clock *clock, ekm_log **out_log, ekm_err *err);

/* ekm_log_close(log): flush and free; NULL is fine; sets the caller's pointer to NULL. */
void ekm_log_close(ekm_log **log);

/* ekm_log_wants(log, level): would a line of ${level} be written? Ask before costly fields. */
bool ekm_log_wants(const ekm_log *log, ekm_log_level level);

/* ekm_log_event(log, level, event, fields...): EKM_LOG(log, EKM_LOG_INFO, "vault.start", EKM_LOG_INT("port", 1)); */
void ekm_log_event(ekm_log *log, ekm_log_level level, const char *event, const ekm_log_field *fields);
#define EKM_LOG(log, level, event, ...)                                                                          \
  do {                                                                                                           \
    if (ekm_log_wants((log), (level)))                                                                           \
      ekm_log_event((log), (level), (event), (const ekm_log_field[]){__VA_ARGS__, {.kind = EKM_LOG_FIELD_END}}); \
  } while (0)

/* ekm_log_err(log, level, event, err): one line about an error: name, code, detail, status, request id. */
void ekm_log_err(ekm_log *log, ekm_log_level level, const char *event, const ekm_err *err);

/* ekm_log_parse_level(text, out): "off", "error", "warn", "info", "debug", "trace". */
bool ekm_log_parse_level(const char *text, ekm_log_level *out_level);

/* ekm_log_append_json_text(text, out): append ${text} as a quoted JSON string; for writers of JSON lines. */
void ekm_log_append_json_text(const char *text, ekm_buf *out);

#endif
