#include "vault/form.h"

#include <string.h>

#include "base/text.h"
#include "base/url.h"
#include "base/utf16.h"

static bool append_name(ekm_view text, vault_form_field *field, ekm_err *err) {
  ekm_buf name;
  ekm_buf_init(&name, VAULT_FORM_NAME_BYTES - 1);
  bool ok = ekm_url_decode((const char *)text.ptr, text.len, true, &name, err) &&
            ekm_text_copy(field->name, sizeof field->name, ekm_buf_text(&name), "a form field's name", err);
  ekm_buf_clear(&name);
  return ok;
}

static bool parse_field(ekm_view pair, vault_form *form, ekm_err *err) {
  const uint8_t *equals = memchr(pair.ptr, '=', pair.len);
  size_t name_len = equals == NULL ? pair.len : (size_t)(equals - pair.ptr);
  size_t value_at = equals == NULL ? pair.len : name_len + 1;
  if (form->count == VAULT_FORM_FIELDS)
    return EKM_FAIL(err, EKM_E_LIMIT, "a form has more than %d fields", VAULT_FORM_FIELDS);

  vault_form_field *field = &form->fields[form->count];
  ekm_buf_init(&field->value, VAULT_FORM_VALUE_BYTES);
  form->count++;
  if (!append_name(ekm_view_of(pair.ptr, name_len), field, err)) return false;
  for (size_t i = 0; i + 1 < form->count; i++) {
    if (strcmp(form->fields[i].name, field->name) == 0) {
      return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "a form field occurs twice");
    }
  }
  if (!ekm_url_decode((const char *)pair.ptr + value_at, pair.len - value_at, true, &field->value, err)) return false;
  if (!ekm_utf16_is_utf8(ekm_buf_text(&field->value), field->value.len)) {
    return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "a form field is not UTF-8");
  }
  return true;
}

bool vault_form_parse(ekm_view text, vault_form *out, ekm_err *err) {
  size_t start = 0;

  out->count = 0;
  for (size_t i = 0; i <= text.len; i++) {
    if (i < text.len && text.ptr[i] != '&') continue;
    if (i > start && !parse_field(ekm_view_of(text.ptr + start, i - start), out, err)) {
      vault_form_clear(out);
      return false;
    }
    start = i + 1;
  }
  return true;
}

void vault_form_clear(vault_form *form) {
  for (size_t i = 0; i < form->count; i++) ekm_buf_clear(&form->fields[i].value);
  form->count = 0;
}

const char *vault_form_text(const vault_form *form, const char *name) {
  for (size_t i = 0; i < form->count; i++) {
    if (strcmp(form->fields[i].name, name) == 0) return ekm_buf_text(&form->fields[i].value);
  }
  return "";
}
