/* A disk that remembers: SQLite's own files, and beside them every write, truncation, sync and deletion of the database
 * and its log, in order. From that, any state can be made that a power cut may leave: what was synced is there; of what
 * was written since, each sector of 512 bytes is there or not.
 *
 * Threads: one. */
#ifndef EKM_TESTS_SUPPORT_RECORDING_DISK_H
#define EKM_TESTS_SUPPORT_RECORDING_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DISK_SECTOR = 512 };

/* disk_record(): from now on new connections of SQLite are recorded. disk_stop(): those that are opened later are
 * not. */
void disk_record(void);
void disk_stop(void);

/* disk_mark(): the caller was told that something is done. */
void disk_mark(void);

/* disk_length(): how many operations were recorded. disk_marks(prefix): how many marks are in front of it.
 * disk_last_bytes(prefix): how long the last operation is if it is a write, else 0. */
size_t disk_length(void);
size_t disk_marks(size_t prefix);
size_t disk_last_bytes(size_t prefix);

/* Of what was not synced: all of it; nothing; all, but of the last write only ${bytes}; each sector by chance. */
typedef struct disk_cut {
  enum { DISK_ALL, DISK_NONE, DISK_TORN, DISK_CHANCE } how;
  size_t bytes;  /* of DISK_TORN */
  uint64_t seed; /* of DISK_CHANCE */
  bool lying;    /* syncs did nothing */
} disk_cut;

/* disk_write_state(prefix, cut, folder): vault.db and its log into ${folder}, as they are after ${prefix} operations
 * and the power cut. */
void disk_write_state(size_t prefix, const disk_cut *cut, const char *folder);

/* disk_forget(): free all that was recorded. */
void disk_forget(void);

#endif
