/* Whole pages from the system, for secrets. Platform code: posix/pages.c, windows/pages.c. */
#ifndef EKM_BASE_PAGES_H
#define EKM_BASE_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* ekm_pages_take(size):
 * ${size} zero bytes, locked in memory and excluded from dumps as far as the system lets us. NULL when it has
 * none. They are never given back: the one user keeps them for the life of the process. */
uint8_t *ekm_pages_take(size_t size);

#endif
