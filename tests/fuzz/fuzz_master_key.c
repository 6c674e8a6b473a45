/* Files of master keys: 32 bytes, or a key in a token, or a refusal. */
#include <sys/stat.h>

#include "fuzz/fuzz_folder.h"
#include "vault/master_key.h"

static char folder[FUZZ_FOLDER_BYTES], path[FUZZ_FOLDER_BYTES + 16];

static void remove_folder(void) {
  fuzz_folder_remove(folder);
}

static void put(const uint8_t *data, size_t size) {
  if (folder[0] == '\0') {
    fuzz_folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/master.key", folder);
    FUZZ_CHECK(atexit(remove_folder) == 0);
  }
  (void)umask(077);
  FILE *file = fopen(path, "wb");
  FUZZ_CHECK(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ekm_err err = {0};
  ekm_secret key = {0};
  ekm_token_key wrapper;
  bool wrapped = false;
  put(data, size);
  bool is_one = vault_master_key_wrapped_by(path, &wrapper, &wrapped, &err);
  if (!is_one) fuzz_check_err(&err);
  err = (ekm_err){0};
  bool is_read = vault_master_key_read(path, NULL, &key, &err);
  FUZZ_CHECK(is_read == (is_one && !wrapped) && key.len == (is_read ? VAULT_MASTER_KEY_BYTES : 0));
  if (!is_read) FUZZ_CHECK(err.id == (wrapped ? EKM_E_TOKEN : EKM_E_MASTER_KEY) || err.id == EKM_E_LIMIT);
  ekm_secret_clear(&key);
  return 0;
}
