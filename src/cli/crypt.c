/* ekmctl encrypt, decrypt. */
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "cli/command.h"

enum { IV_MAX_BYTES = 64 };

/* The result into --out, or as hexadecimal digits into the document. */
static bool deliver(const cli *c, json_t *doc, const char *what, ekm_view bytes, ekm_err *err) {
  cli_set_text(doc, "key", c->key.name);
  cli_set_hex(doc, "thumbprint", host_key_thumb(&c->key));
  cli_set_int(doc, "bytes", (json_int_t)bytes.len);
  if (c->options.out == NULL) {
    cli_set_hex(doc, what, bytes);
    return true;
  }
  cli_set_text(doc, "written_to", c->options.out);
  return ekm_file_write_private(c->options.out, bytes, err);
}

/* An initialisation vector is given where the key wants one, and nowhere else. */
static bool read_iv(cli *c, ekm_buf *out, ekm_err *err) {
  size_t wanted = 0;
  const char *text = c->options.iv;
  if (!cli_iv_bytes(c, &wanted, err)) return false;
  if (text == NULL && wanted == 0) return true;
  if (wanted == 0) return EKM_FAIL(err, EKM_E_USAGE, "'%s' is an asymmetric key, which takes no --iv", c->key.name);
  if (text == NULL || strlen(text) != 2 * wanted || !ekm_hex_is(text, 2 * wanted)) {
    return EKM_FAIL(err, EKM_E_USAGE,
                    "'%s' is a symmetric key: give --iv, %zu hexadecimal digits, the same to encrypt and to decrypt",
                    c->key.name, 2 * wanted);
  }
  return ekm_hex_decode(text, 2 * wanted, out, "--iv", err);
}

bool cli_encrypt(cli *c, json_t *doc, ekm_err *err) {
  bool ok = false;
  ekm_buf plaintext, ciphertext, iv;
  ekm_buf_init(&iv, IV_MAX_BYTES);
  ekm_buf_init(&plaintext, HOST_DATA_MAX_BYTES);
  ekm_buf_init(&ciphertext, HOST_DATA_MAX_BYTES);
  EKM_TRY(read_iv(c, &iv, err));
  EKM_TRY(cli_read_input(c, &plaintext, err));
  EKM_TRY(host_key_encrypt_iv(c->session, host_key_thumb(&c->key), ekm_buf_view(&iv), ekm_buf_view(&plaintext),
                              &ciphertext, &c->result, err));
  EKM_TRY(deliver(c, doc, "ciphertext", ekm_buf_view(&ciphertext), err));
  ok = true;
done:
  ekm_buf_clear(&ciphertext);
  ekm_buf_clear(&plaintext);
  ekm_buf_clear(&iv);
  return ok;
}

bool cli_decrypt(cli *c, json_t *doc, ekm_err *err) {
  bool ok = false;
  ekm_secret plaintext = {0};
  ekm_buf ciphertext, iv;
  ekm_buf_init(&iv, IV_MAX_BYTES);
  ekm_buf_init(&ciphertext, HOST_DATA_MAX_BYTES);
  EKM_TRY(read_iv(c, &iv, err));
  EKM_TRY(cli_read_input(c, &ciphertext, err));
  EKM_TRY(host_key_decrypt_iv(c->session, host_key_thumb(&c->key), ekm_buf_view(&iv), ekm_buf_view(&ciphertext),
                              &plaintext, &c->result, err));
  EKM_TRY(deliver(c, doc, "plaintext", ekm_secret_reveal(&plaintext), err));
  ok = true;
done:
  ekm_secret_clear(&plaintext);
  ekm_buf_clear(&ciphertext);
  ekm_buf_clear(&iv);
  return ok;
}
