#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct {
  bool (*gate)(void *arg);
  void *arg;
} mem;

static bool gate_open(void) {
  return mem.gate == NULL || mem.gate(mem.arg);
}

void *ekm_mem_alloc(size_t size, ekm_err *err) {
  void *ptr = gate_open() ? calloc(1, size) : NULL;
  if (ptr == NULL) (void)EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "%zu bytes were asked for", size);
  return ptr;
}

void *ekm_mem_array(size_t count, size_t size, ekm_err *err) {
  if (size != 0 && count > SIZE_MAX / size) {
    (void)EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "%zu times %zu bytes were asked for", count, size);
    return NULL;
  }
  return ekm_mem_alloc(count * size, err);
}

void *ekm_mem_grow(void *ptr, size_t old_count, size_t new_count, size_t size, ekm_err *err) {
  void *grown = ekm_mem_array(new_count, size, err);
  if (grown == NULL) return NULL;
  if (ptr != NULL) memcpy(grown, ptr, old_count * size);
  free(ptr);
  return grown;
}

void ekm_mem_free(void *ptr) {
  free(ptr);
}

/* What a library allocates carries its size in front, so that freeing can wipe:
 *   [size, 16 bytes][the block that the library sees] */
enum { HEAD_BYTES = 16 };

void *ekm_mem_wiping_alloc(size_t size) {
  ekm_err ignored = {0};
  unsigned char *block = size > SIZE_MAX - HEAD_BYTES ? NULL : ekm_mem_alloc(size + HEAD_BYTES, &ignored);
  if (block == NULL) return NULL;
  memcpy(block, &size, sizeof size);
  return block + HEAD_BYTES;
}

static size_t wiping_size(const void *ptr) {
  size_t size;
  memcpy(&size, (const unsigned char *)ptr - HEAD_BYTES, sizeof size);
  return size;
}

void *ekm_mem_wiping_realloc(void *ptr, size_t size) {
  unsigned char *moved = ekm_mem_wiping_alloc(size);
  if (moved == NULL) return NULL;
  if (ptr != NULL) memcpy(moved, ptr, wiping_size(ptr) < size ? wiping_size(ptr) : size);
  ekm_mem_wiping_free(ptr);
  return moved;
}

void ekm_mem_wiping_free(void *ptr) {
  if (ptr == NULL) return;
  unsigned char *block = (unsigned char *)ptr - HEAD_BYTES;
  ekm_mem_wipe(block, wiping_size(ptr) + HEAD_BYTES);
  ekm_mem_free(block);
}

void ekm_mem_wipe(void *ptr, size_t len) {
  volatile unsigned char *p = ptr;
  if (len == 0) return;
  memset(ptr, 0, len);
#if defined(__GNUC__)
  __asm__ __volatile__("" : : "r"(ptr) : "memory"); /* the memset above now has a reader */
#else
  while (len-- > 0) *p++ = 0;
#endif
  (void)p;
}

bool ekm_mem_equal(const void *a, const void *b, size_t len) {
  const volatile unsigned char *x = a;
  const volatile unsigned char *y = b;
  unsigned char diff = 0;
  for (size_t i = 0; i < len; i++) diff = (unsigned char)(diff | (x[i] ^ y[i]));
  return diff == 0;
}

void ekm_mem_set_gate(bool (*gate)(void *arg), void *arg) {
  mem.gate = gate;
  mem.arg = arg;
}
