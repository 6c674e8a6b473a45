#include <openssl/crypto.h>

#include "base/mem.h"
#include "crypto/wipe.h"

static void *alloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return ekm_mem_wiping_alloc(size);
}

static void *resize(void *ptr, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return ekm_mem_wiping_realloc(ptr, size);
}

static void release(void *ptr, const char *file, int line) {
  (void)file, (void)line;
  ekm_mem_wiping_free(ptr);
}

bool ekm_crypto_wipe_freed(void) {
  return CRYPTO_set_mem_functions(alloc, resize, release) == 1;
}
