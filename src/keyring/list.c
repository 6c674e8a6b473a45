#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "keyring/keyring.h"

bool keyring_list_add(keyring_list *list, const char *text, ekm_err *err) {
  if (list->count >= EKM_LIMIT_KEYS_PER_VAULT) {
    return EKM_FAIL(err, EKM_E_LIMIT, "the vault lists more than %d names", EKM_LIMIT_KEYS_PER_VAULT);
  }
  if (list->count == list->cap) {
    size_t cap = list->cap == 0 ? 16 : list->cap * 2;
    void *grown = ekm_mem_grow(list->items, list->count, cap, sizeof list->items[0], err);
    if (grown == NULL) return false;
    list->items = grown;
    list->cap = cap;
  }
  if (!ekm_text_copy(list->items[list->count], sizeof list->items[0], text, "a key name", err)) return false;
  list->count++;
  return true;
}

void keyring_list_clear(keyring_list *list) {
  ekm_mem_free(list->items);
  memset(list, 0, sizeof *list);
}
