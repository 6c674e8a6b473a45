#include "base/pages.h"

#include <windows.h>

uint8_t *ekm_pages_take(size_t size) {
  void *pages = VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  if (pages != NULL) (void)VirtualLock(pages, size); /* best effort: the working set may be small */
  return pages;
}
