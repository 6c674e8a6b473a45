/* Runs a fuzz target once over each file of its corpus. usage: fuzz_<target> FOLDER
 *
 * A folder without files fails: it would have looked at nothing. */
#include <dirent.h>
#include <sys/stat.h>

#include "base/file.h"
#include "fuzz/fuzz.h"

enum { SEED_BYTES = 4096 };

static void run(const char *path) {
  ekm_err err = {0};
  ekm_buf bytes;
  ekm_buf_init(&bytes, SEED_BYTES);
  if (!ekm_file_read(path, &bytes, &err)) (void)fprintf(stderr, "%s: %s\n", path, err.detail);
  FUZZ_CHECK(err.id == 0 && bytes.len <= SEED_BYTES);
  uint8_t *copy = fuzz_copy(ekm_buf_view(&bytes)); /* of the very size: the buffer has room behind the bytes */
  (void)fprintf(stderr, "%s\n", path);
  FUZZ_CHECK(LLVMFuzzerTestOneInput(copy, bytes.len) == 0);
  free(copy);
  ekm_buf_clear(&bytes);
}

int main(int argc, char **argv) {
  size_t count = 0;
  const struct dirent *entry;
  FUZZ_CHECK(argc == 2);
  DIR *folder = opendir(argv[1]);
  FUZZ_CHECK(folder != NULL);
  while ((entry = readdir(folder)) != NULL) {
    char path[1024];
    struct stat status;
    int len = snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
    FUZZ_CHECK(len > 0 && (size_t)len < sizeof path);
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) continue;
    run(path);
    count++;
  }
  (void)closedir(folder);
  (void)printf("%zu seeds\n", count);
  return count > 0 ? 0 : 1;
}
