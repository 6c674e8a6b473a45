#include "base/log.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/system_log.h"
#include "base/text.h"
#include "base/utf16.h"

enum { LOG_TEXT_MAX_BYTES = 512, LOG_LINE_MAX_BYTES = 8192, LOG_LOOK_MS = 1000 };

struct ekm_log {
  ekm_mutex lock;
  ekm_log_level level;
  const ekm_clock *clock;
  FILE *file;             /* NULL unless it is a file */
  char *path;             /* of the file; NULL for standard error */
  int64_t next_look_ms;   /* when it is asked next whether the file is still there */
  ekm_system_log *system; /* NULL unless it is that */
  int64_t lost;           /* lines that nobody took since one was taken */
  void (*sink)(void *arg, const char *line, size_t len);
  void *sink_arg;
};

static const char *const level_names[] = {"off", "error", "warn", "info", "debug", "trace"};

static ekm_log *new_log(ekm_log_level level, const ekm_clock *clock, ekm_err *err) {
  ekm_log *log = ekm_mem_alloc(sizeof *log, err);
  if (log == NULL) return NULL;
  ekm_mutex_init(&log->lock);
  log->level = level;
  log->clock = clock;
  return log;
}

bool ekm_log_open_file(const char *path, ekm_log_level level, const ekm_clock *clock, ekm_log **out_log, ekm_err *err) {
  *out_log = NULL;
  ekm_log *log = new_log(level, clock, err);
  if (log == NULL) return false;
  if (strcmp(path, "-") == 0) {
    log->file = stderr;
  } else {
    log->path = ekm_text_dup(path, err);
    if (log->path != NULL) log->file = ekm_file_open_log(path, err);
  }
  *out_log = log;
  if (log->file == NULL) ekm_log_close(out_log);
  return *out_log != NULL;
}

bool ekm_log_open_system(const char *path, const char *name, ekm_log_level level, const ekm_clock *clock,
                         ekm_log **out_log, ekm_err *err) {
  *out_log = new_log(level, clock, err);
  if (*out_log == NULL) return false;
  if (!ekm_system_log_open(path, name, &(*out_log)->system, err)) ekm_log_close(out_log);
  return *out_log != NULL;
}

bool ekm_log_open_sink(void (*sink)(void *arg, const char *line, size_t len), void *arg, ekm_log_level level,
                       const ekm_clock *clock, ekm_log **out_log, ekm_err *err) {
  *out_log = new_log(level, clock, err);
  if (*out_log == NULL) return false;
  (*out_log)->sink = sink;
  (*out_log)->sink_arg = arg;
  return true;
}

void ekm_log_close(ekm_log **log) {
  if (*log == NULL) return;
  if ((*log)->file != NULL && (*log)->file != stderr) (void)fclose((*log)->file);
  ekm_system_log_close(&(*log)->system);
  ekm_mem_free((*log)->path);
  ekm_mem_free(*log);
  *log = NULL;
}

bool ekm_log_wants(const ekm_log *log, ekm_log_level level) {
  return log != NULL && level > EKM_LOG_OFF && level <= log->level;
}

void ekm_log_append_json_text(const char *text, ekm_buf *out) {
  size_t len = strlen(text);
  bool cut = len > LOG_TEXT_MAX_BYTES;
  if (cut) len = LOG_TEXT_MAX_BYTES;
  while (cut && len > 0 && ((unsigned char)text[len] & 0xC0u) == 0x80u) len--;
  bool is_utf8 = ekm_utf16_is_utf8(text, len);

  ekm_buf_append_char(out, '"');
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') {
      ekm_buf_append_fmt(out, "\\%c", c);
    } else if (c < 0x20 || c == 0x7F) {
      ekm_buf_append_fmt(out, "\\u%04x", c);
    } else if (c >= 0x80 && !is_utf8) {
      ekm_buf_append_char(out, '?');
    } else {
      ekm_buf_append_char(out, (char)c);
    }
  }
  ekm_buf_append_text(out, cut ? "..\"" : "\"");
}

static void append_field(const ekm_log_field *field, ekm_buf *line) {
  ekm_buf_append_fmt(line, ",\"%s\":", field->name);
  switch (field->kind) {
    case EKM_LOG_FIELD_TEXT: ekm_log_append_json_text(field->text == NULL ? "" : field->text, line); break;
    case EKM_LOG_FIELD_INT: ekm_buf_append_fmt(line, "%lld", (long long)field->number); break;
    case EKM_LOG_FIELD_BOOL: ekm_buf_append_text(line, field->number != 0 ? "true" : "false"); break;
    case EKM_LOG_FIELD_HEX:
      ekm_buf_append_char(line, '"');
      ekm_hex_encode(field->bytes, line);
      ekm_buf_append_char(line, '"');
      break;
    case EKM_LOG_FIELD_END: break;
  }
}

static void append_head(const ekm_clock *clock, ekm_log_level level, const char *event, ekm_buf *line) {
  ekm_buf_append_text(line, "{\"time\":\"");
  ekm_clock_append_iso(ekm_clock_wall_s(clock), line);
  ekm_buf_append_fmt(line, "\",\"level\":\"%s\",\"event\":\"%s\"", level_names[level], event);
}

/* Who rotates logs moves the file away and expects a new one in its place. The old one is good as long as there is no
 * new one. */
static void follow_path(ekm_log *log) {
  ekm_err ignored = {0};
  int64_t now_ms = ekm_clock_mono_ms(log->clock);
  if (log->path == NULL || now_ms < log->next_look_ms) return;
  log->next_look_ms = now_ms + LOG_LOOK_MS;
  if (ekm_file_is_at(log->file, log->path)) return;
  FILE *file = ekm_file_open_log(log->path, &ignored);
  if (file == NULL) return;
  (void)fclose(log->file);
  log->file = file;
}

static void write_file(ekm_log *log, ekm_view line) {
  follow_path(log);
  (void)fwrite(line.ptr, 1, line.len, log->file);
  (void)fflush(log->file);
}

/* Once somebody listens again, he is told what he missed. */
static void send_lost(ekm_log *log) {
  ekm_buf line;
  ekm_buf_init(&line, LOG_LINE_MAX_BYTES);
  append_head(log->clock, EKM_LOG_WARN, "log.lost", &line);
  ekm_buf_append_fmt(&line, ",\"lines\":%lld}", (long long)log->lost);
  bool ok = !line.no_memory && ekm_system_log_send(log->system, EKM_SEVERITY_WARNING, 0, ekm_clock_wall_s(log->clock),
                                                   ekm_buf_view(&line));
  if (ok) log->lost = 0;
  ekm_buf_clear(&line);
}

static void write_system(ekm_log *log, ekm_log_level level, uint32_t code, ekm_view line) {
  static const ekm_severity severities[] = {
      [EKM_LOG_OFF] = EKM_SEVERITY_DEBUG, [EKM_LOG_ERROR] = EKM_SEVERITY_ERROR, [EKM_LOG_WARN] = EKM_SEVERITY_WARNING,
      [EKM_LOG_INFO] = EKM_SEVERITY_INFO, [EKM_LOG_DEBUG] = EKM_SEVERITY_DEBUG, [EKM_LOG_TRACE] = EKM_SEVERITY_DEBUG};
  line.len--; /* a datagram needs no end of line */
  if (log->lost > 0) send_lost(log);
  if (!ekm_system_log_send(log->system, severities[level], code, ekm_clock_wall_s(log->clock), line)) log->lost++;
}

static void write_line(ekm_log *log, ekm_log_level level, uint32_t code, ekm_view line) {
  ekm_mutex_lock(&log->lock);
  if (log->sink != NULL) {
    log->sink(log->sink_arg, (const char *)line.ptr, line.len);
  } else if (log->system != NULL) {
    write_system(log, level, code, line);
  } else {
    write_file(log, line);
  }
  ekm_mutex_unlock(&log->lock);
}

/* What a system that numbers its events calls it. */
static uint32_t code_of(const ekm_log_field *fields) {
  for (; fields->kind != EKM_LOG_FIELD_END; fields++) {
    if (fields->kind == EKM_LOG_FIELD_INT && strcmp(fields->name, "code") == 0) return (uint32_t)fields->number;
  }
  return 0;
}

void ekm_log_event(ekm_log *log, ekm_log_level level, const char *event, const ekm_log_field *fields) {
  ekm_buf line;
  const uint32_t code = code_of(fields);
  if (!ekm_log_wants(log, level)) return;
  ekm_buf_init(&line, LOG_LINE_MAX_BYTES);
  append_head(log->clock, level, event, &line);
  for (; fields->kind != EKM_LOG_FIELD_END; fields++) append_field(fields, &line);
  ekm_buf_append_text(&line, "}\n");
  if (line.too_long) { /* what a peer sends must not be able to keep an event out of the log */
    ekm_buf_reset(&line);
    append_head(log->clock, level, event, &line);
    ekm_buf_append_text(&line, ",\"fields\":\"too long\"}\n");
  }
  if (!line.too_long && !line.no_memory) write_line(log, level, code, ekm_buf_view(&line));
  ekm_buf_clear(&line);
}

void ekm_log_err(ekm_log *log, ekm_log_level level, const char *event, const ekm_err *err) {
  const ekm_err_info *info = ekm_err_info_of(err->id);
  EKM_LOG(log, level, event, EKM_LOG_TEXT("error", info->name), EKM_LOG_INT("code", info->code),
          EKM_LOG_TEXT("text", info->text), EKM_LOG_TEXT("detail", err->detail),
          EKM_LOG_INT("http_status", err->http_status), EKM_LOG_TEXT("request_id", err->request_id),
          EKM_LOG_TEXT("remedy", info->remedy));
}

bool ekm_log_parse_level(const char *text, ekm_log_level *out_level) {
  for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
    if (ekm_text_ieq(text, level_names[i])) {
      *out_level = (ekm_log_level)i;
      return true;
    }
  }
  return false;
}
