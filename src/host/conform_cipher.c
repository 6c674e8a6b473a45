/* Rules about Encrypt and Decrypt. */
#include <string.h>

#include "host/conform_probe.h"

/* Bytes that anybody may see: the suite encrypts nothing secret. */
typedef struct sample {
  uint8_t plain[32];
  uint8_t bytes[CONFORM_BUFFER_BYTES];
  SqlCpData cipher;
} sample;

static SqlCpError encrypt_sample(conform_state *state, uint32_t len, sample *out) {
  SqlCpError code;
  SqlCpKeyThumbprint thumb = conform_key_thumb(state);
  SqlCpEncryptionParam room;
  const SqlCpEncryptionParam *iv = conform_param(state, &room);
  for (size_t i = 0; i < sizeof out->plain; i++) out->plain[i] = (uint8_t)(0x40 + i);
  SqlCpData plain = {len, out->plain};
  out->cipher = (SqlCpData){sizeof out->bytes, out->bytes};
  HOST_CALL(code, state->calls, Encrypt,
            (conform_handle(state), &thumb, 1, iv, iv == NULL ? 0 : 1, &plain, &out->cipher));
  return code;
}

static SqlCpError decrypt(conform_state *state, const SqlCpData *cipher, SqlCpData *plain) {
  SqlCpError code;
  SqlCpKeyThumbprint thumb = conform_key_thumb(state);
  SqlCpEncryptionParam room;
  const SqlCpEncryptionParam *iv = conform_param(state, &room);
  HOST_CALL(code, state->calls, Decrypt, (conform_handle(state), &thumb, 1, iv, iv == NULL ? 0 : 1, cipher, plain));
  return code;
}

static SqlCpError ask_ciphertext(conform_state *state, const conform_output *self, conform_slot *slots) {
  SqlCpError code;
  SqlCpKeyThumbprint thumb = conform_key_thumb(state);
  SqlCpEncryptionParam room;
  const SqlCpEncryptionParam *iv = conform_param(state, &room);
  SqlCpData cipher = {slots[0].cb, slots[0].ptr};
  HOST_CALL(code, state->calls, Encrypt,
            (conform_handle(state), &thumb, 1, iv, iv == NULL ? 0 : 1, self->data, &cipher));
  slots[0] = (conform_slot){cipher.pb, cipher.cb};
  return code;
}

conform_verdict conform_ciphertext(conform_state *state) {
  uint8_t bytes[32] = {1, 2, 3};
  SqlCpData plain = {sizeof bytes, bytes};
  const conform_output output = {
      .fn = HOST_FN_Encrypt, .slot_count = 1, .names = {"the ciphertext"}, .ask = ask_ciphertext, .data = &plain};
  return conform_two_calls(state, &output);
}

static SqlCpError ask_plaintext(conform_state *state, const conform_output *self, conform_slot *slots) {
  SqlCpData plain = {slots[0].cb, slots[0].ptr};
  SqlCpError code = decrypt(state, self->data, &plain);
  slots[0] = (conform_slot){plain.pb, plain.cb};
  return code;
}

conform_verdict conform_plaintext(conform_state *state) {
  sample one;
  SqlCpError code = encrypt_sample(state, sizeof one.plain, &one);
  CONFORM_EXPECT(state, code == scp_err_Success, "SqlCryptEncrypt answered %u (%s)", code, host_result_name(code));
  const conform_output output = {.fn = HOST_FN_Decrypt,
                                 .slot_count = 1,
                                 .names = {"the plaintext"},
                                 .upper_bound = true,
                                 .ask = ask_plaintext,
                                 .data = &one.cipher};
  return conform_two_calls(state, &output);
}

conform_verdict conform_round_trip(conform_state *state) {
  static const uint32_t lengths[] = {1, 16, 32};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    sample one;
    uint8_t bytes[CONFORM_BUFFER_BYTES];
    SqlCpData plain = {sizeof bytes, bytes};
    SqlCpError code = encrypt_sample(state, lengths[i], &one);
    CONFORM_EXPECT(state, code == scp_err_Success, "SqlCryptEncrypt of %u bytes answered %u (%s)", lengths[i], code,
                   host_result_name(code));
    code = decrypt(state, &one.cipher, &plain);
    CONFORM_EXPECT(state, code == scp_err_Success, "SqlCryptDecrypt of %u bytes answered %u (%s)", lengths[i], code,
                   host_result_name(code));
    CONFORM_EXPECT(
        state,
        plain.cb == lengths[i] && ekm_view_equal(ekm_view_of(bytes, plain.cb), ekm_view_of(one.plain, lengths[i])),
        "%u bytes came back as others", lengths[i]);
  }
  return CONFORM_OK;
}

static conform_verdict expect_refused(conform_state *state, const sample *one, const char *damage) {
  uint8_t bytes[CONFORM_BUFFER_BYTES];
  SqlCpData plain = {sizeof bytes, bytes};
  SqlCpError code = decrypt(state, &one->cipher, &plain);
  CONFORM_EXPECT(state, code != scp_err_Success, "SqlCryptDecrypt succeeded on a ciphertext %s", damage);
  CONFORM_EXPECT(state, code != scp_err_InsufficientBuffer, "SqlCryptDecrypt asked for more room for a ciphertext %s",
                 damage);
  return CONFORM_OK;
}

conform_verdict conform_damaged(conform_state *state) {
  sample one;
  if (state->iv_len != 0) return conform_skipped(state, "a symmetric key takes most damage for other data");
  SqlCpError code = encrypt_sample(state, sizeof one.plain, &one);
  CONFORM_EXPECT(state, code == scp_err_Success && one.cipher.cb > 0, "SqlCryptEncrypt answered %u (%s)", code,
                 host_result_name(code));
  const size_t places[] = {0, one.cipher.cb / 2, one.cipher.cb - 1};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    one.bytes[places[i]] ^= 1;
    if (expect_refused(state, &one, "with one bit flipped") != CONFORM_OK) return CONFORM_BROKEN;
    one.bytes[places[i]] ^= 1;
  }
  one.cipher.cb--;
  if (expect_refused(state, &one, "without its last byte") != CONFORM_OK) return CONFORM_BROKEN;
  one.cipher.cb = 0;
  return expect_refused(state, &one, "of no bytes");
}
