#include "vault/master_key.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

static const char head[] = "openekm-master-key v1\n";

enum { HEAD_BYTES = sizeof head - 1, DIGITS = 2 * VAULT_MASTER_KEY_BYTES, FILE_MAX_BYTES = 4096 };

bool vault_master_key_make(const char *path, const ekm_rng *rng, ekm_err *err) {
  bool ok = false;
  uint8_t bytes[VAULT_MASTER_KEY_BYTES] = {0};
  ekm_buf text;

  ekm_buf_init(&text, FILE_MAX_BYTES);
  if (ekm_file_exists(path)) EKM_BAIL(err, EKM_E_EXISTS, "'%s'", path);
  EKM_TRY(rng->fill(rng, bytes, sizeof bytes, err));
  ekm_buf_append_text(&text, head);
  ekm_hex_encode(ekm_view_of(bytes, sizeof bytes), &text);
  ekm_buf_append_char(&text, '\n');
  EKM_TRY(ekm_buf_ok(&text, "a master key", err));
  EKM_TRY(ekm_file_write_private(path, ekm_buf_view(&text), err));
  ok = true;
done:
  ekm_mem_wipe(bytes, sizeof bytes);
  ekm_buf_clear(&text);
  return ok;
}

bool vault_master_key_read(const char *path, ekm_secret *out_key, ekm_err *err) {
  bool ok = false;
  ekm_buf text, bytes;

  ekm_secret_clear(out_key);
  ekm_buf_init(&text, FILE_MAX_BYTES);
  ekm_buf_init(&bytes, VAULT_MASTER_KEY_BYTES);
  EKM_TRY(ekm_file_is_private(path, err));
  EKM_TRY(ekm_file_read(path, &text, err));
  while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) {
    ekm_buf_truncate(&text, text.len - 1);
  }
  bool shaped = text.len == HEAD_BYTES + DIGITS && strncmp(ekm_buf_text(&text), head, HEAD_BYTES) == 0 &&
                ekm_hex_is(ekm_buf_text(&text) + HEAD_BYTES, DIGITS);
  if (!shaped) EKM_BAIL(err, EKM_E_MASTER_KEY, "'%s' is not a master key file of version 1", path);
  EKM_TRY(ekm_hex_decode(ekm_buf_text(&text) + HEAD_BYTES, DIGITS, &bytes, "a master key", err));
  EKM_TRY(ekm_secret_set(out_key, ekm_buf_view(&bytes), err));
  ok = true;
done:
  ekm_buf_clear(&text);
  ekm_buf_clear(&bytes);
  return ok;
}
