/* Bodies of HTML forms (application/x-www-form-urlencoded), as token endpoints read them:
 *
 *   grant_type=client_credentials&client_id=...&client_secret=a%2Bb&scope=https%3A%2F%2Fvault.localhost%2F.default
 *
 * Strict: a field at most once (RFC 6749 section 3.2), valid UTF-8, no NUL. The values may be secrets: they are wiped.
 *
 * Threads: one thread at a time. */
#ifndef EKM_VAULT_FORM_H
#define EKM_VAULT_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { VAULT_FORM_FIELDS = 32, VAULT_FORM_NAME_BYTES = 64, VAULT_FORM_VALUE_BYTES = 16 * 1024 };

typedef struct vault_form_field {
  char name[VAULT_FORM_NAME_BYTES];
  ekm_buf value;
} vault_form_field;

typedef struct vault_form {
  vault_form_field fields[VAULT_FORM_FIELDS];
  size_t count;
} vault_form;

/* vault_form_parse(text, out, err):
 * TEXT_ENCODING for what is no form, LIMIT for more fields or longer ones than the limits above. ${out} is empty after
 * a failure. */
EKM_MUST_USE bool vault_form_parse(ekm_view text, vault_form *out, ekm_err *err);

/* vault_form_clear(form): wipe. */
void vault_form_clear(vault_form *form);

/* vault_form_text(form, name): the value of ${name}, "" if there is none. Borrowed. */
const char *vault_form_text(const vault_form *form, const char *name);

#endif
