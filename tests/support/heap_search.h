/* Does something stand in the heap of the main thread? What is looked for is only ever held masked, so that the search
 * does not find itself. */
#ifndef EKM_TESTS_SUPPORT_HEAP_SEARCH_H
#define EKM_TESTS_SUPPORT_HEAP_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEAP_SEARCH_MASK = 0x5A };

/* heap_search(masked, len): how often these bytes, each XOR HEAP_SEARCH_MASK, stand there, as they are in DER.
 * heap_search_backwards(masked, len): the same from the last to the first, as OpenSSL's numbers are. */
int heap_search(const uint8_t *masked, size_t len);
int heap_search_backwards(const uint8_t *masked, size_t len);

#endif
