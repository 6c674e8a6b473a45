#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"

/* Reads and closes. */
static bool read_all(int fd, const char *path, ekm_buf *out, ekm_err *err) {
  uint8_t chunk[4096];
  ssize_t got;
  do {
    got = read(fd, chunk, sizeof chunk);
    if (got > 0) ekm_buf_append(out, chunk, (size_t)got);
  } while (got > 0 && !out->too_long && !out->no_memory);
  int why = errno;
  ekm_mem_wipe(chunk, sizeof chunk); /* it may have been a key */
  (void)close(fd);
  if (got < 0) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(why));
  return ekm_buf_ok(out, path, err);
}

bool ekm_file_read(const char *path, ekm_buf *out, ekm_err *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(errno));
  return read_all(fd, path, out, err);
}

static bool judge(const struct stat *info, const char *path, ekm_err *err) {
  if (S_ISDIR(info->st_mode)) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s' is a folder", path);
  bool is_open = (info->st_mode & 077) != 0;
  if (is_open && !S_ISREG(info->st_mode)) {
    return EKM_FAIL(err, EKM_E_FILE_READ, "'%s' is not a file, and others may read it", path);
  }
  if (is_open) {
    return EKM_FAIL(err, EKM_E_FILE_READ, "'%s' may be read by others; run: chmod 600 '%s'", path, path);
  }
  return true;
}

/* Without waiting for whoever is behind a pipe; -1 with the reason. */
static int open_now(const char *path, struct stat *out_info, ekm_err *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd >= 0 && fstat(fd, out_info) == 0) return fd;
  (void)EKM_FAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(errno));
  if (fd >= 0) (void)close(fd);
  return -1;
}

static bool read_now(const char *path, bool is_private, ekm_buf *out, ekm_err *err) {
  struct stat info;
  int fd = open_now(path, &info, err);
  if (fd < 0) return false;
  bool ok = !is_private || judge(&info, path, err);
  if (ok && !S_ISREG(info.st_mode)) ok = EKM_FAIL(err, EKM_E_FILE_READ, "'%s' is not an ordinary file", path);
  if (ok) return read_all(fd, path, out, err);
  (void)close(fd);
  return false;
}

bool ekm_file_read_ordinary(const char *path, ekm_buf *out, ekm_err *err) {
  return read_now(path, false, out, err);
}

bool ekm_file_read_private(const char *path, ekm_buf *out, ekm_err *err) {
  return read_now(path, true, out, err);
}

static bool write_all(int fd, ekm_view bytes) {
  size_t done = 0;
  while (done < bytes.len) {
    ssize_t put = write(fd, bytes.ptr + done, bytes.len - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    done += (size_t)put;
  }
  return true;
}

/* The path without its last part: "." for a name alone, "/" for what is at the root. */
static bool folder_of(const char *path, char *out, size_t out_bytes, ekm_err *err) {
  const char *slash = strrchr(path, '/');
  size_t len = slash == NULL ? 0 : (size_t)(slash - path);
  if (len + 2 > out_bytes) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': path too long", path);
  memcpy(out, path, len);
  if (len == 0) out[len++] = slash == NULL ? '.' : '/';
  out[len] = '\0';
  return true;
}

static bool sync_folder_of(const char *path) {
  char folder[EKM_LIMIT_URL_BYTES];
  ekm_err ignored = {0};
  if (!folder_of(path, folder, sizeof folder, &ignored)) return false;
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = fsync(fd) == 0;
  (void)close(fd);
  return ok;
}

struct ekm_file_draft {
  int fd;
  char path[EKM_LIMIT_URL_BYTES], temporary[EKM_LIMIT_URL_BYTES];
};

static bool draft_failed(const ekm_file_draft *draft, ekm_err *err) {
  return EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s': %s", draft->path, strerror(errno));
}

bool ekm_file_draft_begin(const char *path, ekm_file_draft **out_draft, ekm_err *err) {
  ekm_file_draft *draft = ekm_mem_alloc(sizeof *draft, err);
  *out_draft = draft;
  if (draft == NULL) return false;
  draft->fd = -1;
  int len = snprintf(draft->temporary, sizeof draft->temporary, "%s.XXXXXX", path); /* mkstemp(3) fills the six in */
  bool fits = len > 0 && (size_t)len < sizeof draft->temporary;
  if (fits) (void)snprintf(draft->path, sizeof draft->path, "%s", path);
  bool ok = fits || EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s': path too long", path);
  if (ok) draft->fd = mkstemp(draft->temporary);
  if (ok && draft->fd < 0) ok = draft_failed(draft, err);
  if (!ok) ekm_file_draft_drop(out_draft);
  return ok;
}

bool ekm_file_draft_write(ekm_file_draft *draft, ekm_view bytes, ekm_err *err) {
  return write_all(draft->fd, bytes) || draft_failed(draft, err);
}

static bool finish(ekm_file_draft **draft, mode_t mode, ekm_err *err) {
  ekm_file_draft *d = *draft;
  bool ok = fchmod(d->fd, mode) == 0 && fsync(d->fd) == 0;
  ok = close(d->fd) == 0 && ok;
  d->fd = -1;
  ok = ok && rename(d->temporary, d->path) == 0 && sync_folder_of(d->path);
  if (!ok) {
    ok = draft_failed(d, err);
    (void)unlink(d->temporary);
  }
  ekm_mem_free(d);
  *draft = NULL;
  return ok;
}

bool ekm_file_draft_finish(ekm_file_draft **draft, ekm_err *err) {
  return finish(draft, 0600, err);
}

void ekm_file_draft_drop(ekm_file_draft **draft) {
  ekm_file_draft *d = *draft;
  if (d == NULL) return;
  if (d->fd >= 0) {
    (void)close(d->fd);
    (void)unlink(d->temporary);
  }
  ekm_mem_free(d);
  *draft = NULL;
}

static bool replace_file(const char *path, ekm_view bytes, mode_t mode, ekm_err *err) {
  ekm_file_draft *draft = NULL;
  if (!ekm_file_draft_begin(path, &draft, err)) return false;
  if (ekm_file_draft_write(draft, bytes, err)) return finish(&draft, mode, err);
  ekm_file_draft_drop(&draft);
  return false;
}

bool ekm_file_write_private(const char *path, ekm_view bytes, ekm_err *err) {
  return replace_file(path, bytes, 0600, err);
}

bool ekm_file_write_public(const char *path, ekm_view bytes, ekm_err *err) {
  return replace_file(path, bytes, 0644, err);
}

bool ekm_file_is_private(const char *path, ekm_err *err) {
  struct stat info;
  if (stat(path, &info) != 0) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(errno));
  return judge(&info, path, err);
}

/* Of the file itself, or of the folder in which it could be replaced. */
static bool judge_writers(const char *path, ekm_err *err) {
  struct stat info;
  if (stat(path, &info) != 0) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(errno));
  bool is_shelf = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
  bool group_is_own = info.st_gid == 0 || info.st_gid == getegid();
  bool others_write = (info.st_mode & S_IWOTH) != 0 || ((info.st_mode & S_IWGRP) != 0 && !group_is_own);
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    return EKM_FAIL(err, EKM_E_CONFIG_UNTRUSTED, "'%s' belongs to the user %u; run: chown root '%s'", path,
                    (unsigned)info.st_uid, path);
  }
  if (others_write && !is_shelf) {
    return EKM_FAIL(err, EKM_E_CONFIG_UNTRUSTED, "'%s' may be written by others; run: chmod go-w '%s'", path, path);
  }
  return true;
}

bool ekm_file_is_trusted(const char *path, ekm_err *err) {
  char folder[EKM_LIMIT_URL_BYTES];
  return folder_of(path, folder, sizeof folder, err) && judge_writers(path, err) && judge_writers(folder, err);
}

bool ekm_file_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 || errno != ENOENT;
}

bool ekm_file_make_folder(const char *path, ekm_err *err) {
  struct stat info;
  if (mkdir(path, 0700) == 0) return true;
  if (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return true;
  return EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s': %s", path, strerror(errno));
}

static FILE *open_to_append(const char *path, int more_flags, ekm_err *err) {
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | more_flags, 0600);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "a");
  if (file == NULL) {
    (void)EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s': %s", path, strerror(errno));
    if (fd >= 0) (void)close(fd);
  }
  return file;
}

FILE *ekm_file_open_append(const char *path, ekm_err *err) {
  return open_to_append(path, 0, err);
}

FILE *ekm_file_open_log(const char *path, ekm_err *err) {
  return open_to_append(path, O_NONBLOCK, err);
}

bool ekm_file_is_at(FILE *file, const char *path) {
  struct stat open, there;
  return fstat(fileno(file), &open) == 0 && stat(path, &there) == 0 && open.st_dev == there.st_dev &&
         open.st_ino == there.st_ino;
}

bool ekm_file_is_absolute(const char *path) {
  return path[0] == '/';
}
