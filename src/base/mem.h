/* The allocator: the only door to malloc in OpenEKM, so that tests can close it.
 *
 * Threads: all functions may be called from any thread; the hook is set before threads start. */
#ifndef EKM_BASE_MEM_H
#define EKM_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* ekm_mem_alloc(size, err): zeroed memory of ${size} > 0 bytes, or NULL with OUT_OF_MEMORY raised. */
void *ekm_mem_alloc(size_t size, ekm_err *err);

/* ekm_mem_array(count, size, err): as ekm_mem_alloc for ${count} things, overflow checked. */
void *ekm_mem_array(size_t count, size_t size, ekm_err *err);

/* ekm_mem_grow(ptr, old_count, new_count, size, err):
 * Move an array of things that are no secrets into a larger zeroed one and free ${ptr} (may be NULL).
 * On failure NULL, and ${ptr} stays valid. */
void *ekm_mem_grow(void *ptr, size_t old_count, size_t new_count, size_t size, ekm_err *err);

/* ekm_mem_free(ptr): give memory back; NULL is allowed. It is not wiped: secrets live in ekm_buf or ekm_secret. */
void ekm_mem_free(void *ptr);

/* ekm_mem_wipe(ptr, len): overwrite with zeros in a way that the compiler keeps. */
void ekm_mem_wipe(void *ptr, size_t len);

/* ekm_mem_equal(a, b, len): constant-time comparison, for secrets, tags and MACs. */
bool ekm_mem_equal(const void *a, const void *b, size_t len);

/* ekm_mem_wiping_alloc(size), _realloc(ptr, size), _free(ptr):
 * As malloc, realloc and free, through the same door, but what is given back is wiped: for libraries that take an
 * allocator and handle secrets. NULL without memory. */
void *ekm_mem_wiping_alloc(size_t size);
void *ekm_mem_wiping_realloc(void *ptr, size_t size);
void ekm_mem_wiping_free(void *ptr);

/* ekm_mem_set_gate(gate, arg):
 * For tests: ask ${gate}(${arg}) before every allocation; false makes it fail. NULL removes the gate. */
void ekm_mem_set_gate(bool (*gate)(void *arg), void *arg);

#endif
