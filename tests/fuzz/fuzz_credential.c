/* SECRET of a SQL Server credential: whatever is taken has its parts, and no error shows any of it. */
#include "fuzz/fuzz.h"
#include "keyring/credential.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/text.h"

static void check_parts(const keyring_credential *credential, size_t size) {
  bool has_id = credential->client_id[0] != '\0';
  bool is_certificate = credential->kind == AKV_CERTIFICATE;
  FUZZ_CHECK(!has_id || (ekm_text_starts_guid(credential->client_id) && credential->client_id[36] == '\0'));
  FUZZ_CHECK(has_id || credential->kind == AKV_MANAGED_IDENTITY || credential->kind == AKV_WORKLOAD_IDENTITY);
  bool is_entry = credential->entry[0] != '\0';
  FUZZ_CHECK(!is_entry || (is_certificate && strlen(credential->entry) == EKM_SIGNER_ENTRY_CHARS &&
                           ekm_hex_is(credential->entry, EKM_SIGNER_ENTRY_CHARS) && credential->secret.len == 0));
  FUZZ_CHECK(is_certificate && !is_entry
                 ? ekm_file_is_absolute(credential->path) && strchr(credential->path, '|') == NULL
                 : credential->path[0] == '\0');
  FUZZ_CHECK((credential->kind == AKV_CLIENT_SECRET) <= (credential->secret.len > 0));
  FUZZ_CHECK(credential->secret.len < size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  keyring_credential credential = {0};
  ekm_secret text = {0};
  ekm_err err = {0};
  if (size == 0 || size > EKM_LIMIT_SECRET_BYTES) return 0;
  FUZZ_CHECK(ekm_secret_set(&text, ekm_view_of(data, size), &err));
  if (keyring_credential_parse(&text, &credential, &err)) {
    check_parts(&credential, size);
  } else {
    FUZZ_CHECK(err.id == EKM_E_SECRET_SHORT || err.id == EKM_E_SECRET_CLIENT_ID || err.id == EKM_E_CERT_FILE ||
               err.id == EKM_E_CERT_PASSWORD);
    fuzz_check_err(&err);
  }
  keyring_credential_clear(&credential);
  ekm_secret_clear(&text);
  return 0;
}
