/* Form bodies of the token endpoint: what was read is written and read again as the same. */
#include "base/url.h"
#include "base/utf16.h"
#include "fuzz/fuzz.h"
#include "vault/form.h"

enum { TEXT_MAX_BYTES = 1 << 16 };

static void write_form(const vault_form *form, ekm_buf *out) {
  for (size_t i = 0; i < form->count; i++) {
    if (i > 0) ekm_buf_append_char(out, '&');
    ekm_url_append_encoded(ekm_view_text(form->fields[i].name), out);
    ekm_buf_append_char(out, '=');
    ekm_url_append_encoded(ekm_buf_view(&form->fields[i].value), out);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vault_form form = {0}, again = {0};
  ekm_err err = {0};
  ekm_buf text;

  if (!vault_form_parse(ekm_view_of(data, size), &form, &err)) {
    FUZZ_CHECK(form.count == 0 && (err.id == EKM_E_TEXT_ENCODING || err.id == EKM_E_LIMIT));
    fuzz_check_err(&err);
    return 0;
  }
  ekm_buf_init(&text, TEXT_MAX_BYTES);
  write_form(&form, &text);
  FUZZ_CHECK(vault_form_parse(ekm_buf_view(&text), &again, &err) && again.count == form.count);
  for (size_t i = 0; i < form.count; i++) {
    const ekm_buf *value = &form.fields[i].value;
    FUZZ_CHECK(strlen(ekm_buf_text(value)) == value->len && ekm_utf16_is_utf8(ekm_buf_text(value), value->len));
    FUZZ_CHECK(strcmp(vault_form_text(&form, form.fields[i].name), ekm_buf_text(value)) == 0);
    FUZZ_CHECK(strcmp(vault_form_text(&again, form.fields[i].name), ekm_buf_text(value)) == 0);
  }
  vault_form_clear(&form);
  vault_form_clear(&again);
  ekm_buf_clear(&text);
  return 0;
}
