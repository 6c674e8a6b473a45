/* A folder for as long as a target runs. */
#ifndef EKM_TESTS_FUZZ_FUZZ_FOLDER_H
#define EKM_TESTS_FUZZ_FUZZ_FOLDER_H

#include <ftw.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

enum { FUZZ_FOLDER_BYTES = 256 };

/* fuzz_folder_make(out): a new one below TMPDIR. */
static inline void fuzz_folder_make(char out[FUZZ_FOLDER_BYTES]) {
  const char *base = getenv("TMPDIR");
  int len = snprintf(out, FUZZ_FOLDER_BYTES, "%s/fuzz-XXXXXX", base == NULL || base[0] == '\0' ? P_tmpdir : base);
  FUZZ_CHECK(len > 0 && len < FUZZ_FOLDER_BYTES && mkdtemp(out) != NULL);
}

static inline int fuzz_folder_drop(const char *path, const struct stat *status, int type, struct FTW *where) {
  (void)status;
  (void)type;
  (void)where;
  return remove(path);
}

/* fuzz_folder_remove(path): with all that is in it. */
static inline void fuzz_folder_remove(const char *path) {
  (void)nftw(path, fuzz_folder_drop, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
