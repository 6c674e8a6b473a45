#include "support/heap_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"

static void find_heap(uintptr_t *out_start, uintptr_t *out_end) {
  char line[512];
  FILE *maps = fopen("/proc/self/maps", "r");
  assert_non_null(maps);
  *out_start = *out_end = 0;
  while (fgets(line, sizeof line, maps) != NULL) {
    if (strstr(line, "[heap]") == NULL) continue;
    char *rest = line;
    *out_start = strtoul(line, &rest, 16);
    *out_end = strtoul(rest + 1, NULL, 16);
  }
  (void)fclose(maps);
  assert_true(*out_end > *out_start);
}

static bool is_at(const uint8_t *at, const uint8_t *masked, size_t len, bool backwards) {
  for (size_t i = 0; i < len; i++) {
    if ((uint8_t)(at[i] ^ HEAP_SEARCH_MASK) != masked[backwards ? len - 1 - i : i]) return false;
  }
  return true;
}

static int count(const uint8_t *masked, size_t len, bool backwards) {
  uintptr_t start, end;
  int found = 0;
  find_heap(&start, &end);
  for (uintptr_t at = start; at + len <= end; at++) found += is_at((const uint8_t *)at, masked, len, backwards);
  return found;
}

int heap_search(const uint8_t *masked, size_t len) {
  return count(masked, len, false);
}

int heap_search_backwards(const uint8_t *masked, size_t len) {
  return count(masked, len, true);
}
