#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { ERR_NO = 0, ERR_LATER = 1 };

static const ekm_err_info err_table[] = {
#define no ERR_NO
#define later ERR_LATER
#define EKM_ERR(name, id, code, retry, text, remedy) \
  [id] = {EKM_E_##name, (code), (retry) == ERR_LATER, #name, (text), (remedy)},
#include "base/err_table.def"
#undef EKM_ERR
#undef no
#undef later
};

_Static_assert(sizeof err_table / sizeof err_table[0] == EKM_ERR_COUNT, "error ids have no gap");

void ekm_err_raise(ekm_err *err, ekm_err_id id, const char *file, int line, const char *fmt, ...) {
  va_list args;

  err->id = id;
  err->file = file;
  err->line = line;
  va_start(args, fmt);
  (void)vsnprintf(err->detail, sizeof err->detail, fmt, args);
  va_end(args);
  ekm_text_trim_partial_utf8(err->detail);
}

void ekm_err_clear(ekm_err *err) {
  memset(err, 0, sizeof *err);
}

const ekm_err_info *ekm_err_info_of(ekm_err_id id) {
  if ((unsigned)id >= (unsigned)EKM_ERR_COUNT) return &err_table[EKM_E_INTERNAL];
  return &err_table[id];
}

const ekm_err_info *ekm_err_info_by_code(uint32_t code) {
  for (size_t i = 0; i < EKM_ERR_COUNT; i++) {
    if (err_table[i].code == code) return &err_table[i];
  }
  return NULL;
}
