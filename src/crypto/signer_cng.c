/* Client certificates on Windows: refused until the entries of its certificate stores can be named. */
#include "crypto/signer.h"

bool ekm_signer_open(ekm_view file, ekm_view password, ekm_signer **out_signer, ekm_err *err) {
  (void)file, (void)password;
  *out_signer = NULL;
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED,
                  "client certificates are not read on Windows; use a client secret or a managed identity");
}

void ekm_signer_free(ekm_signer **signer) {
  *signer = NULL;
}

const ekm_signer_info *ekm_signer_about(const ekm_signer *signer) {
  static const ekm_signer_info nothing;
  (void)signer;
  return &nothing;
}

bool ekm_signer_sign(ekm_signer *signer, ekm_view bytes, ekm_buf *out_signature, ekm_err *err) {
  (void)signer, (void)bytes, (void)out_signature;
  return EKM_FAIL(err, EKM_E_INTERNAL, "there is no signer on Windows");
}
