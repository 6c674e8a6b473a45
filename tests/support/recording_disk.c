#include "support/recording_disk.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/cmocka_all.h"

enum { FILES = 2, OPS_MAX = 20000, IMAGE_MAX = 8 * 1024 * 1024 };
static const char *const suffixes[FILES] = {"vault.db", "vault.db-wal"};

typedef struct operation {
  enum { WRITE, TRUNCATE, SYNC, REMOVE, MARK } kind;
  int file;
  size_t at, len; /* of a truncation: len is the new length */
  uint8_t *bytes;
} operation;

static operation ops[OPS_MAX];
static size_t count;
static sqlite3_vfs *real_disk;
static sqlite3_vfs shim;

static void note(operation op, const void *bytes) {
  assert_true(count < OPS_MAX);
  if (bytes != NULL) {
    op.bytes = malloc(op.len == 0 ? 1 : op.len);
    assert_non_null(op.bytes);
    memcpy(op.bytes, bytes, op.len);
  }
  ops[count++] = op;
}

/* Which file it is; -1: none of ours. */
static int file_of(const char *path) {
  size_t len = path == NULL ? 0 : strlen(path);
  for (int i = 0; i < FILES; i++) {
    size_t suffix = strlen(suffixes[i]);
    if (len >= suffix && strcmp(path + len - suffix, suffixes[i]) == 0) return i;
  }
  return -1;
}

/* ---- SQLite's interface ------------------------------------------------------------------------------------------ */

typedef struct recorded_file {
  sqlite3_file base;
  int file;
  sqlite3_file *real; /* behind this one */
} recorded_file;

#define REAL(f) (((recorded_file *)(f))->real)
#define CALL(f, method, ...) REAL(f)->pMethods->method(REAL(f), ##__VA_ARGS__)

static int file_close(sqlite3_file *f) {
  return REAL(f)->pMethods == NULL ? SQLITE_OK : CALL(f, xClose);
}
static int file_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at) {
  return CALL(f, xRead, to, len, at);
}
static int file_write(sqlite3_file *f, const void *from, int len, sqlite3_int64 at) {
  int file = ((recorded_file *)f)->file;
  if (file >= 0) note((operation){.kind = WRITE, .file = file, .at = (size_t)at, .len = (size_t)len}, from);
  return CALL(f, xWrite, from, len, at);
}
static int file_truncate(sqlite3_file *f, sqlite3_int64 len) {
  int file = ((recorded_file *)f)->file;
  if (file >= 0) note((operation){.kind = TRUNCATE, .file = file, .len = (size_t)len}, NULL);
  return CALL(f, xTruncate, len);
}
static int file_sync(sqlite3_file *f, int flags) {
  int file = ((recorded_file *)f)->file;
  if (file >= 0) note((operation){.kind = SYNC, .file = file}, NULL);
  return CALL(f, xSync, flags);
}
static int file_size(sqlite3_file *f, sqlite3_int64 *out) {
  return CALL(f, xFileSize, out);
}
static int file_lock(sqlite3_file *f, int level) {
  return CALL(f, xLock, level);
}
static int file_unlock(sqlite3_file *f, int level) {
  return CALL(f, xUnlock, level);
}
static int file_reserved(sqlite3_file *f, int *out) {
  return CALL(f, xCheckReservedLock, out);
}
static int file_control(sqlite3_file *f, int op, void *arg) {
  return CALL(f, xFileControl, op, arg);
}
static int file_sector(sqlite3_file *f) {
  (void)f;
  return DISK_SECTOR;
}
static int file_traits(sqlite3_file *f) {
  (void)f;
  return 0; /* it promises nothing */
}
static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
  return CALL(f, xShmMap, page, size, extend, out);
}
static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags) {
  return CALL(f, xShmLock, offset, n, flags);
}
static void file_shm_barrier(sqlite3_file *f) {
  CALL(f, xShmBarrier);
}
static int file_shm_unmap(sqlite3_file *f, int drop) {
  return CALL(f, xShmUnmap, drop);
}

static const sqlite3_io_methods methods = {
    2,           file_close,   file_read,     file_write,       file_truncate,  file_sync,
    file_size,   file_lock,    file_unlock,   file_reserved,    file_control,   file_sector,
    file_traits, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap, NULL,
    NULL};

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *f, int flags, int *out_flags) {
  recorded_file *mine = (recorded_file *)f;
  (void)vfs;
  mine->file = file_of(path);
  mine->real = (sqlite3_file *)(mine + 1);
  int code = real_disk->xOpen(real_disk, path, mine->real, flags, out_flags);
  f->pMethods = mine->real->pMethods == NULL ? NULL : &methods;
  return code;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int sync) {
  (void)vfs;
  if (file_of(path) >= 0) note((operation){.kind = REMOVE, .file = file_of(path)}, NULL);
  return real_disk->xDelete(real_disk, path, sync);
}

void disk_record(void) {
  real_disk = sqlite3_vfs_find(NULL);
  shim = *real_disk;
  shim.zName = "recording";
  shim.pNext = NULL;
  shim.szOsFile = (int)sizeof(recorded_file) + real_disk->szOsFile;
  shim.xOpen = disk_open;
  shim.xDelete = disk_delete;
  assert_int_equal(sqlite3_vfs_register(&shim, 1), SQLITE_OK);
}

void disk_stop(void) {
  assert_int_equal(sqlite3_vfs_register(real_disk, 1), SQLITE_OK);
}

void disk_mark(void) {
  note((operation){.kind = MARK}, NULL);
}

size_t disk_length(void) {
  return count;
}

size_t disk_marks(size_t prefix) {
  size_t marks = 0;
  for (size_t i = 0; i < prefix; i++) marks += ops[i].kind == MARK;
  return marks;
}

size_t disk_last_bytes(size_t prefix) {
  return prefix > 0 && ops[prefix - 1].kind == WRITE ? ops[prefix - 1].len : 0;
}

void disk_forget(void) {
  for (size_t i = 0; i < count; i++) free(ops[i].bytes);
  count = 0;
}

/* ---- states ------------------------------------------------------------------------------------------------------ */

typedef struct image {
  bool exists;
  size_t len;
  uint8_t bytes[IMAGE_MAX];
} image;
static image disk[FILES];

static void grow(image *to, size_t len) {
  assert_true(len <= IMAGE_MAX);
  if (len <= to->len) return;
  memset(to->bytes + to->len, 0, len - to->len);
  to->len = len;
}

static void put(image *to, const operation *op, size_t from, size_t len) {
  grow(to, op->at + from + len);
  memcpy(to->bytes + op->at + from, op->bytes + from, len);
}

/* xorshift64*, so that a seed is a state of the disk for ever. */
static bool toss(uint64_t *seed) {
  *seed ^= *seed >> 12;
  *seed ^= *seed << 25;
  *seed ^= *seed >> 27;
  return ((*seed * 2685821657736338717ULL) >> 63) != 0;
}

static void put_by_chance(image *to, const operation *op, uint64_t *seed) {
  for (size_t from = 0; from < op->len;) {
    size_t end = (op->at + from) / DISK_SECTOR * DISK_SECTOR + DISK_SECTOR - op->at; /* of the sector on the disk */
    size_t len = (end < op->len ? end : op->len) - from;
    if (toss(seed)) put(to, op, from, len);
    from += len;
  }
}

static bool is_synced(size_t prefix, size_t i, bool lying) {
  for (size_t k = i + 1; !lying && k < prefix; k++) {
    if (ops[k].kind == SYNC && ops[k].file == ops[i].file) return true;
  }
  return false;
}

static void apply(size_t prefix, size_t i, const disk_cut *cut, uint64_t *seed) {
  const operation *op = &ops[i];
  image *to = &disk[op->file];
  bool is_last = i + 1 == prefix;
  bool whole = cut->how == DISK_ALL || is_synced(prefix, i, cut->lying) || (cut->how == DISK_TORN && !is_last);
  switch (op->kind) {
    case MARK:
    case SYNC: break;
    case REMOVE:
      to->exists = false;
      to->len = 0;
      break;
    case TRUNCATE:
      to->exists = true;
      if (whole || (cut->how == DISK_CHANCE && toss(seed))) {
        grow(to, op->len);
        to->len = op->len;
      }
      break;
    case WRITE:
      to->exists = true;
      if (whole) {
        put(to, op, 0, op->len);
      } else if (cut->how == DISK_TORN) {
        put(to, op, 0, cut->bytes);
      } else if (cut->how == DISK_CHANCE) {
        put_by_chance(to, op, seed);
      }
  }
}

/* Without a sync, of which a test would do thousands. */
static void write_image(const char *path, const image *from) {
  (void)unlink(path);
  if (!from->exists) return;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, from->bytes, from->len), from->len);
  assert_int_equal(close(fd), 0);
}

void disk_write_state(size_t prefix, const disk_cut *cut, const char *folder) {
  char path[700];
  uint64_t seed = cut->seed * 2 + 1;
  for (int i = 0; i < FILES; i++) disk[i].len = 0, disk[i].exists = false;
  for (size_t i = 0; i < prefix; i++) apply(prefix, i, cut, &seed);
  for (int i = 0; i < FILES; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, suffixes[i]);
    write_image(path, &disk[i]);
  }
  (void)snprintf(path, sizeof path, "%s/vault.db-shm", folder);
  (void)unlink(path);
}
