/* The 17 entry points of the SqlCrypt interface, thin: what they have in common is in call.h, their work in the file
 * that carries its noun. Nothing here may write to standard output or error, install handlers, start threads or leave
 * anything behind but the library's own mapping. */
#include <string.h>

#include "openekm/sqlcrypt_abi.h"
#include "provider/algorithms.h"
#include "provider/argument.h"
#include "provider/call.h"
#include "provider/connect.h"
#include "provider/crypt.h"
#include "provider/keys.h"

/* The compiler proves each definition against the interface. */
#define DECLARE_ENTRY(name, parameters) extern SqlCrypt##name##_fn SqlCrypt##name;
SQLCRYPT_FUNCTIONS(DECLARE_ENTRY)
#undef DECLARE_ENTRY

SqlCpError SqlCryptInitializeProvider(void) {
  ekm_err err = {0};
  return instance_initialize(&err) ? scp_err_Success : call_code(&err, false);
}

SqlCpError SqlCryptFreeProvider(void) {
  ekm_err err = {0};
  return instance_give_up(&err) ? scp_err_Success : call_code(&err, false);
}

SqlCpError SqlCryptOpenSession(const SqlCpCredential *auth, SqlCpSession *session) {
  provider_call call;
  bool ok = call_begin(&call, "SqlCryptOpenSession") && connect_open(&call, auth, session);
  return call_end(&call, ok);
}

SqlCpError SqlCryptCloseSession(SqlCpSession *session, SqlCpBoolean fAbort) {
  provider_call call;
  bool ok = call_begin(&call, "SqlCryptCloseSession") && connect_close(&call, session, fAbort != 0);
  return call_end(&call, ok);
}

/* Constants, and so also given before Initialize: a host can learn whose library it is that refuses to start. */
SqlCpError SqlCryptGetProviderInfo(SqlCpProviderInfo *info) {
  ekm_err err = {0};
  return algorithms_provider_info(info, &err) ? scp_err_Success : call_code(&err, false);
}

SqlCpError SqlCryptGetNextAlgorithmId(SqlCpAlgId *algId) {
  provider_call call;
  bool ok = call_begin(&call, "SqlCryptGetNextAlgorithmId") && algorithms_next(algId, &call.err);
  return call_end(&call, ok);
}

SqlCpError SqlCryptGetAlgorithmInfo(SqlCpAlgId algId, SqlCpAlgorithmInfo *info) {
  provider_call call;
  bool ok = call_begin(&call, "SqlCryptGetAlgorithmInfo") && algorithms_info(algId, info, &call.err);
  return call_end(&call, ok);
}

SqlCpError SqlCryptCreateKey(const SqlCpSession *session, const SqlCpStr *name, SqlCpAlgId algId, SqlCpKeyFlags flags,
                             SqlCpKeyThumbprint *thumb) {
  provider_call call;
  bool ok = call_begin_session(&call, "SqlCryptCreateKey", session) && keys_create(&call, name, algId, flags, thumb);
  return call_end(&call, ok);
}

SqlCpError SqlCryptDropKey(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb) {
  provider_call call;
  bool ok = call_begin_session(&call, "SqlCryptDropKey", session) && keys_drop(&call, thumb);
  return call_end(&call, ok);
}

SqlCpError SqlCryptGetNextKeyId(const SqlCpSession *session, SqlCpKeyId *keyId) {
  provider_call call;
  bool ok = call_begin_session(&call, "SqlCryptGetNextKeyId", session) && keys_next_id(&call, keyId);
  return call_end(&call, ok);
}

SqlCpError SqlCryptGetKeyInfoByKeyId(const SqlCpSession *session, SqlCpKeyId keyId, SqlCpKeyInfo *info) {
  provider_call call;
  bool ok = call_begin_session(&call, "SqlCryptGetKeyInfoByKeyId", session) && keys_info_by_id(&call, keyId, info);
  return call_end(&call, ok);
}

SqlCpError SqlCryptGetKeyInfoByThumb(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb, SqlCpKeyInfo *info) {
  provider_call call;
  bool ok = call_begin_session(&call, "SqlCryptGetKeyInfoByThumb", session) && keys_info_by_thumb(&call, thumb, info);
  return call_end(&call, ok);
}

SqlCpError SqlCryptGetKeyInfoByName(const SqlCpSession *session, const SqlCpStr *name, SqlCpKeyInfo *info) {
  provider_call call;
  bool ok = call_begin_session(&call, "SqlCryptGetKeyInfoByName", session) && keys_info_by_name(&call, name, info);
  return call_end(&call, ok);
}

SqlCpError SqlCryptExportKey(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb,
                             const SqlCpKeyThumbprint *encryptorThumb, SqlCpKeyBlobType type, SqlCpKeyBlob *blob) {
  provider_call call;
  bool ok =
      call_begin_session(&call, "SqlCryptExportKey", session) && keys_export(&call, thumb, encryptorThumb, type, blob);
  return call_end(&call, ok);
}

/* The engine never calls it; keys are made in the vault. */
SqlCpError SqlCryptImportKey(const SqlCpSession *session, const SqlCpStr *name,
                             const SqlCpKeyThumbprint *decryptorThumb, SqlCpKeyBlobType type, SqlCpKeyFlags flags,
                             const SqlCpKeyBlob *blob) {
  provider_call call;
  (void)name, (void)decryptorThumb, (void)type, (void)flags, (void)blob;
  bool ok = call_begin_session(&call, "SqlCryptImportKey", session) &&
            EKM_FAIL(&call.err, EKM_E_NOT_SUPPORTED, "keys are imported in the vault, not through the engine");
  return call_end(&call, ok);
}

SqlCpError SqlCryptEncrypt(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb, SqlCpBoolean fFinal,
                           const SqlCpEncryptionParam *params, uint32_t nParams, const SqlCpData *plaintext,
                           SqlCpData *ciphertext) {
  provider_call call;
  crypt_input input = {thumb, fFinal, params, nParams, plaintext};
  bool ok = call_begin_session(&call, "SqlCryptEncrypt", session) && crypt_wrap(&call, &input, ciphertext);
  return call_end(&call, ok);
}

SqlCpError SqlCryptDecrypt(const SqlCpSession *session, const SqlCpKeyThumbprint *thumb, SqlCpBoolean fFinal,
                           const SqlCpEncryptionParam *params, uint32_t nParams, const SqlCpData *ciphertext,
                           SqlCpData *plaintext) {
  provider_call call;
  crypt_input input = {thumb, fFinal, params, nParams, ciphertext};
  bool ok = call_begin_session(&call, "SqlCryptDecrypt", session) && crypt_unwrap(&call, &input, plaintext);
  return call_end(&call, ok);
}
