/* ekmctl encrypt, decrypt. */
#include "base/file.h"
#include "cli/command.h"

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

bool cli_encrypt(cli *c, json_t *doc, ekm_err *err) {
  bool ok = false;
  ekm_buf plaintext, ciphertext;
  ekm_buf_init(&plaintext, HOST_DATA_MAX_BYTES);
  ekm_buf_init(&ciphertext, HOST_DATA_MAX_BYTES);
  EKM_TRY(cli_read_input(c, &plaintext, err));
  EKM_TRY(
      host_key_encrypt(c->session, host_key_thumb(&c->key), ekm_buf_view(&plaintext), &ciphertext, &c->result, err));
  EKM_TRY(deliver(c, doc, "ciphertext", ekm_buf_view(&ciphertext), err));
  ok = true;
done:
  ekm_buf_clear(&ciphertext);
  ekm_buf_clear(&plaintext);
  return ok;
}

bool cli_decrypt(cli *c, json_t *doc, ekm_err *err) {
  bool ok = false;
  ekm_secret plaintext = {0};
  ekm_buf ciphertext;
  ekm_buf_init(&ciphertext, HOST_DATA_MAX_BYTES);
  EKM_TRY(cli_read_input(c, &ciphertext, err));
  EKM_TRY(
      host_key_decrypt(c->session, host_key_thumb(&c->key), ekm_buf_view(&ciphertext), &plaintext, &c->result, err));
  EKM_TRY(deliver(c, doc, "plaintext", ekm_secret_reveal(&plaintext), err));
  ok = true;
done:
  ekm_secret_clear(&plaintext);
  ekm_buf_clear(&ciphertext);
  return ok;
}
