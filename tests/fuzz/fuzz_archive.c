/* Backup files: what is no whole backup under the passphrase leaves no database behind.
 *
 *   akvd backup 1                (archive.h)
 *   {"salt":...,"n":...}         its cost is made small here, so that runs are many; larger ones have a limit
 *   bytes */
#include "fuzz/fuzz_folder.h"
#include "vault/archive.h"

static char folder[FUZZ_FOLDER_BYTES], path[FUZZ_FOLDER_BYTES + 16], target[FUZZ_FOLDER_BYTES + 16],
    database[FUZZ_FOLDER_BYTES + 32];
static ekm_crypto *crypto;
static ekm_secret passphrase;

static void remove_folder(void) {
  fuzz_folder_remove(folder);
  ekm_secret_clear(&passphrase);
  ekm_crypto_free(&crypto);
}

static void begin(void) {
  ekm_err err = {0};
  if (crypto != NULL) return;
  fuzz_folder_make(folder);
  (void)snprintf(path, sizeof path, "%s/backup", folder);
  (void)snprintf(target, sizeof target, "%s/restored", folder);
  (void)snprintf(database, sizeof database, "%s/vault.db", target);
  FUZZ_CHECK(ekm_crypto_new(&crypto, &err));
  FUZZ_CHECK(ekm_secret_set(&passphrase, ekm_view_text("correct horse battery staple"), &err));
  FUZZ_CHECK(atexit(remove_folder) == 0);
}

static void put(const uint8_t *data, size_t size) {
  FILE *file = fopen(path, "wb");
  FUZZ_CHECK(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static bool is_cheap(const json_t *head) {
  return ekm_json_int(head, "n", 0) <= 1024 && ekm_json_int(head, "r", 0) <= 8 && ekm_json_int(head, "p", 0) <= 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *head = NULL;
  ekm_err err = {0};
  begin();
  put(data, size);
  if (!vault_archive_head(path, &head, &err)) {
    FUZZ_CHECK(err.id == EKM_E_MISMATCH && head == NULL);
    fuzz_check_err(&err);
    return 0;
  }
  if (is_cheap(head)) {
    FUZZ_CHECK(!vault_archive_restore(crypto, NULL, path, &passphrase, target, &err));
    FUZZ_CHECK(err.id == EKM_E_MISMATCH || err.id == EKM_E_BAD_ARGUMENT || err.id == EKM_E_LIMIT);
    fuzz_check_err(&err);
    FUZZ_CHECK(access(database, F_OK) != 0);
    fuzz_folder_remove(target);
  }
  ekm_json_free(&head);
  return 0;
}
