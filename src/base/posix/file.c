#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"

bool ekm_file_read(const char *path, ekm_buf *out, ekm_err *err) {
  uint8_t chunk[4096];
  ssize_t got;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(errno));
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

static bool sync_folder_of(const char *path) {
  char folder[EKM_LIMIT_URL_BYTES];
  const char *slash = strrchr(path, '/');
  size_t len = slash == NULL ? 0 : (size_t)(slash - path);
  if (len >= sizeof folder) return false;
  memcpy(folder, path, len);
  folder[len] = '\0';
  int fd = open(slash == NULL ? "." : len == 0 ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = fsync(fd) == 0;
  (void)close(fd);
  return ok;
}

static bool replace_file(const char *path, ekm_view bytes, mode_t mode, ekm_err *err) {
  char temporary[EKM_LIMIT_URL_BYTES];
  int len = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  if (len < 0 || (size_t)len >= sizeof temporary) return EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s': path too long", path);
  int fd = mkstemp(temporary);
  if (fd < 0) return EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s': %s", path, strerror(errno));
  bool ok = fchmod(fd, mode) == 0 && write_all(fd, bytes) && fsync(fd) == 0;
  ok = close(fd) == 0 && ok;
  ok = ok && rename(temporary, path) == 0 && sync_folder_of(path);
  int why = errno;
  if (!ok) (void)unlink(temporary);
  return ok || EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s': %s", path, strerror(why));
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
  if (S_ISDIR(info.st_mode)) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s' is a folder", path);
  bool is_open = (info.st_mode & 077) != 0;
  if (is_open && !S_ISREG(info.st_mode)) {
    return EKM_FAIL(err, EKM_E_FILE_READ, "'%s' is not a file, and others may read it", path);
  }
  if (is_open) {
    return EKM_FAIL(err, EKM_E_FILE_READ, "'%s' may be read by others; run: chmod 600 '%s'", path, path);
  }
  return true;
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

FILE *ekm_file_open_append(const char *path, ekm_err *err) {
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "a");
  if (file == NULL) {
    (void)EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s': %s", path, strerror(errno));
    if (fd >= 0) (void)close(fd);
  }
  return file;
}

bool ekm_file_is_absolute(const char *path) {
  return path[0] == '/';
}
