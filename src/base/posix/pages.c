#include "base/pages.h"

#include <sys/mman.h>

uint8_t *ekm_pages_take(size_t size) {
  void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return NULL;
  (void)mlock(pages, size); /* best effort: RLIMIT_MEMLOCK may be small */
#ifdef MADV_DONTDUMP
  (void)madvise(pages, size, MADV_DONTDUMP);
#endif
  return pages;
}
