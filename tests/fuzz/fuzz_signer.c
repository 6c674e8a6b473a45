/* Files of client certificates, PEM and PKCS#12: what is taken signs, everything else is refused by its name.
 * PKCS#12 is opened with the seeds' password, PEM without one, so that no number of rounds from the input is gone
 * through. */
#include "crypto/signer.h"
#include "fuzz/fuzz.h"

static void check_signer(ekm_signer *signer) {
  ekm_err err = {0};
  ekm_buf signature;
  const ekm_signer_info *about = ekm_signer_about(signer);
  FUZZ_CHECK(about->not_before_wall_s != INT64_MIN && about->not_after_wall_s != INT64_MIN);
  ekm_buf_init(&signature, 512);
  bool ok = ekm_signer_sign(signer, ekm_view_text("text"), &signature, &err);
  FUZZ_CHECK(ok ? signature.len >= 256 && signature.len <= 512 : err.id == EKM_E_CRYPTO && signature.len == 0);
  ekm_buf_clear(&signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ekm_signer *signer = NULL;
  ekm_err err = {0};
  uint8_t *file = fuzz_copy(ekm_view_of(data, size));
  bool is_der = size > 0 && data[0] == 0x30;
  if (ekm_signer_open(ekm_view_of(file, size), ekm_view_text(is_der ? "p\xc3\xa4ssword" : ""), &signer, &err)) {
    check_signer(signer);
  } else {
    FUZZ_CHECK(signer == NULL && (err.id == EKM_E_CERT_FILE || err.id == EKM_E_CERT_NO_KEY ||
                                  err.id == EKM_E_CERT_PASSWORD || err.id == EKM_E_LIMIT || err.id == EKM_E_CRYPTO));
    fuzz_check_err(&err);
  }
  ekm_signer_free(&signer);
  free(file);
  return 0;
}
