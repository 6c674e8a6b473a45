#include "host/host_key.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/limits.h"
#include "host/guard.h"
#include "host/text.h"

/* "key 0123...", "key 'name'", "key id 3": the subject of messages. */
enum { SUBJECT_BYTES = 160 };

/* The ABI has no const for what a provider only reads. */
static SqlCpData abi_data(ekm_view bytes) {
  union {
    const uint8_t *in;
    uint8_t *out;
  } ptr = {.in = bytes.ptr};
  return (SqlCpData){(uint32_t)bytes.len, ptr.out};
}

static void thumb_subject(ekm_view thumb, char *subject) {
  char digits[2 * SQLCP_MAX_THUMBPRINT_BYTES + 1];
  ekm_hex_text(thumb, digits, sizeof digits);
  (void)snprintf(subject, SUBJECT_BYTES, "key %s", digits);
}

/* --- one key's description: three functions, one shape ------------------------------------------------------------ */

typedef struct lookup {
  host_fn fn;
  SqlCpStr name;
  SqlCpData thumb;
  SqlCpKeyId id;
  char subject[SUBJECT_BYTES];
} lookup;

static SqlCpError ask(const host_session *session, const lookup *what, SqlCpKeyInfo *info) {
  const host_calls *calls = host_module_calls(host_session_module(session));
  const SqlCpSession *handle = host_session_handle(session);
  SqlCpError code;
  if (what->fn == HOST_FN_GetKeyInfoByName) {
    HOST_CALL(code, calls, GetKeyInfoByName, (handle, &what->name, info));
  } else if (what->fn == HOST_FN_GetKeyInfoByThumb) {
    HOST_CALL(code, calls, GetKeyInfoByThumb, (handle, &what->thumb, info));
  } else {
    HOST_CALL(code, calls, GetKeyInfoByKeyId, (handle, what->id, info));
  }
  return code;
}

static bool keep(const SqlCpKeyInfo *info, host_key *out_key, ekm_err *err) {
  memcpy(out_key->thumb, info->thumb.pb, info->thumb.cb);
  out_key->thumb_len = info->thumb.cb;
  out_key->algorithm = info->algId;
  out_key->flags = info->flags;
  return host_text_from_abi(&info->name, out_key->name, sizeof out_key->name, "the key name", err);
}

static bool look_up(const host_session *session, const lookup *what, host_key *out_key, host_result *result,
                    ekm_err *err) {
  bool ok = false;
  SqlCpKeyInfo info = {0};
  host_guard name = {0}, thumb = {0};
  host_question question = host_module_question(host_session_module(session), what->fn, what->subject);
  memset(out_key, 0, sizeof *out_key);

  SqlCpError code = ask(session, what, &info);
  if (code != scp_err_InsufficientBuffer) EKM_TRY(host_result_take(&question, code, result, err));
  host_guard_seen seen_name = {.fn = what->fn, .what = "the key name", .cb = info.name.cb};
  host_guard_seen seen_thumb = {.fn = what->fn, .what = "the thumbprint", .cb = info.thumb.cb};
  EKM_TRY(host_guard_need(&seen_name, code, SQLCP_MAX_KEY_NAME_BYTES, err));
  EKM_TRY(host_guard_need(&seen_thumb, code, SQLCP_MAX_THUMBPRINT_BYTES, err));
  EKM_TRY(host_guard_take(&name, info.name.cb, err));
  EKM_TRY(host_guard_take(&thumb, info.thumb.cb, err));

  info = (SqlCpKeyInfo){.name = {name.cap, (SqlCpWchar *)(void *)name.mem}, .thumb = {thumb.cap, thumb.mem}};
  code = ask(session, what, &info);
  EKM_TRY(host_result_take(&question, code, result, err));
  seen_name.ptr = info.name.ws;
  seen_name.cb = info.name.cb;
  seen_thumb.ptr = info.thumb.pb;
  seen_thumb.cb = info.thumb.cb;
  EKM_TRY(host_guard_check(&name, &seen_name, err));
  EKM_TRY(host_guard_check(&thumb, &seen_thumb, err));
  EKM_TRY(keep(&info, out_key, err));
  ok = true;
done:
  host_guard_drop(&thumb);
  host_guard_drop(&name);
  return ok;
}

bool host_key_by_name(const host_session *session, const char *name, host_key *out_key, host_result *result,
                      ekm_err *err) {
  bool ok = false;
  lookup what = {.fn = HOST_FN_GetKeyInfoByName};
  ekm_buf units;
  ekm_buf_init(&units, EKM_LIMIT_CREDENTIAL_CHARS * 2);
  memset(out_key, 0, sizeof *out_key);
  (void)snprintf(what.subject, sizeof what.subject, "key '%.130s'", name);
  EKM_TRY(host_text_to_abi(name, &units, &what.name, err));
  EKM_TRY(look_up(session, &what, out_key, result, err));
  ok = true;
done:
  ekm_buf_clear(&units);
  return ok;
}

bool host_key_by_thumb(const host_session *session, ekm_view thumb, host_key *out_key, host_result *result,
                       ekm_err *err) {
  lookup what = {.fn = HOST_FN_GetKeyInfoByThumb, .thumb = abi_data(thumb)};
  thumb_subject(thumb, what.subject);
  return look_up(session, &what, out_key, result, err);
}

bool host_key_by_id(const host_session *session, SqlCpKeyId id, host_key *out_key, host_result *result, ekm_err *err) {
  lookup what = {.fn = HOST_FN_GetKeyInfoByKeyId, .id = id};
  (void)snprintf(what.subject, sizeof what.subject, "key id %u", id);
  return look_up(session, &what, out_key, result, err);
}

bool host_key_next(const host_session *session, SqlCpKeyId *id, bool *out_more, host_result *result, ekm_err *err) {
  SqlCpError code;
  host_module *module = host_session_module(session);
  host_question question = host_module_question(module, HOST_FN_GetNextKeyId, "");
  *out_more = false;
  HOST_CALL(code, host_module_calls(module), GetNextKeyId, (host_session_handle(session), id));
  if (code == scp_err_NotFound) {
    if (result != NULL) *result = (host_result){HOST_FN_GetNextKeyId, scp_err_Success};
    return true;
  }
  if (!host_result_take(&question, code, result, err)) return false;
  *out_more = true;
  return true;
}

/* --- making and dropping ------------------------------------------------------------------------------------------ */

/* One call and not two: the buffer has the largest size of all thumbprints, because a first call without one could
 * already make the key. */
bool host_key_create(const host_session *session, const host_key_wish *wish, host_key *out_key, host_result *result,
                     ekm_err *err) {
  bool ok = false;
  SqlCpError code;
  SqlCpStr name;
  ekm_buf units;
  host_guard guard = {0};
  char subject[SUBJECT_BYTES];
  host_module *module = host_session_module(session);
  ekm_buf_init(&units, EKM_LIMIT_CREDENTIAL_CHARS * 2);
  memset(out_key, 0, sizeof *out_key);
  (void)snprintf(subject, sizeof subject, "key '%.130s'", wish->name);

  EKM_TRY(host_text_to_abi(wish->name, &units, &name, err));
  EKM_TRY(host_guard_take(&guard, SQLCP_MAX_THUMBPRINT_BYTES, err));
  SqlCpKeyThumbprint thumb = {guard.cap, guard.mem};
  HOST_CALL(code, host_module_calls(module), CreateKey,
            (host_session_handle(session), &name, wish->algorithm, wish->flags, &thumb));
  host_question question = host_module_question(module, HOST_FN_CreateKey, subject);
  EKM_TRY(host_result_take(&question, code, result, err));
  host_guard_seen seen = {HOST_FN_CreateKey, "the thumbprint", thumb.pb, thumb.cb};
  EKM_TRY(host_guard_check(&guard, &seen, err));
  EKM_TRY(host_key_by_thumb(session, ekm_view_of(thumb.pb, thumb.cb), out_key, result, err));
  ok = true;
done:
  host_guard_drop(&guard);
  ekm_buf_clear(&units);
  return ok;
}

bool host_key_drop(const host_session *session, ekm_view thumb, host_result *result, ekm_err *err) {
  SqlCpError code;
  char subject[SUBJECT_BYTES];
  host_module *module = host_session_module(session);
  SqlCpKeyThumbprint abi_thumb = abi_data(thumb);
  thumb_subject(thumb, subject);
  HOST_CALL(code, host_module_calls(module), DropKey, (host_session_handle(session), &abi_thumb));
  host_question question = host_module_question(module, HOST_FN_DropKey, subject);
  return host_result_take(&question, code, result, err);
}

/* --- bytes out: three functions, one shape ------------------------------------------------------------------------ */

typedef struct request {
  host_fn fn;
  const char *what; /* the answer, in messages */
  uint32_t max;     /* bytes of the longest answer */
  SqlCpData thumb;
  SqlCpData in;
  SqlCpEncryptionParam iv;
  uint32_t iv_count; /* 0 or 1 */
} request;

static void set_iv(request *what, ekm_view iv) {
  const SqlCpData bytes = abi_data(iv);
  what->iv = (SqlCpEncryptionParam){.type = SQLCP_PARAM_IV, .cb = bytes.cb, .pb = bytes.pb};
  what->iv_count = iv.len > 0 ? 1 : 0;
}

static SqlCpError send(const host_session *session, const request *what, SqlCpData *out) {
  const host_calls *calls = host_module_calls(host_session_module(session));
  const SqlCpSession *handle = host_session_handle(session);
  const SqlCpEncryptionParam *iv = what->iv_count == 0 ? NULL : &what->iv;
  SqlCpError code;
  if (what->fn == HOST_FN_ExportKey) {
    HOST_CALL(code, calls, ExportKey, (handle, &what->thumb, NULL, SQLCP_BLOB_PUBLIC_KEY, out));
  } else if (what->fn == HOST_FN_Encrypt) {
    HOST_CALL(code, calls, Encrypt, (handle, &what->thumb, 1, iv, what->iv_count, &what->in, out));
  } else {
    HOST_CALL(code, calls, Decrypt, (handle, &what->thumb, 1, iv, what->iv_count, &what->in, out));
  }
  return code;
}

/* Leave the answer in ${guard}, *${out_len} bytes of it. */
static bool fetch(const host_session *session, const request *what, host_guard *guard, uint32_t *out_len,
                  host_result *result, ekm_err *err) {
  SqlCpData out = {0};
  char subject[SUBJECT_BYTES];
  thumb_subject(ekm_view_of(what->thumb.pb, what->thumb.cb), subject);
  host_question question = host_module_question(host_session_module(session), what->fn, subject);
  *out_len = 0;

  SqlCpError code = send(session, what, &out);
  if (code != scp_err_InsufficientBuffer && !host_result_take(&question, code, result, err)) return false;
  host_guard_seen seen = {.fn = what->fn, .what = what->what, .cb = out.cb};
  if (!host_guard_need(&seen, code, what->max, err)) return false;
  if (!host_guard_take(guard, out.cb, err)) return false;

  out = (SqlCpData){guard->cap, guard->mem};
  code = send(session, what, &out);
  if (!host_result_take(&question, code, result, err)) return false;
  seen.ptr = out.pb;
  seen.cb = out.cb;
  if (!host_guard_check(guard, &seen, err)) return false;
  *out_len = out.cb;
  return true;
}

static bool append_answer(const host_session *session, const request *what, ekm_buf *out, host_result *result,
                          ekm_err *err) {
  bool ok = false;
  uint32_t len = 0;
  host_guard guard = {0};
  EKM_TRY(fetch(session, what, &guard, &len, result, err));
  ekm_buf_append(out, guard.mem, len);
  EKM_TRY(ekm_buf_ok(out, what->what, err));
  ok = true;
done:
  host_guard_drop(&guard);
  return ok;
}

bool host_key_export(const host_session *session, ekm_view thumb, ekm_buf *out_blob, host_result *result,
                     ekm_err *err) {
  request what = {.fn = HOST_FN_ExportKey, .what = "the key blob", .max = SQLCP_MAX_KEY_BLOB_BYTES};
  what.thumb = abi_data(thumb);
  return append_answer(session, &what, out_blob, result, err);
}

bool host_key_encrypt(const host_session *session, ekm_view thumb, ekm_view plaintext, ekm_buf *out_ciphertext,
                      host_result *result, ekm_err *err) {
  return host_key_encrypt_iv(session, thumb, ekm_view_of(NULL, 0), plaintext, out_ciphertext, result, err);
}

bool host_key_encrypt_iv(const host_session *session, ekm_view thumb, ekm_view iv, ekm_view plaintext,
                         ekm_buf *out_ciphertext, host_result *result, ekm_err *err) {
  request what = {.fn = HOST_FN_Encrypt, .what = "the ciphertext", .max = HOST_DATA_MAX_BYTES};
  what.thumb = abi_data(thumb);
  what.in = abi_data(plaintext);
  set_iv(&what, iv);
  return append_answer(session, &what, out_ciphertext, result, err);
}

bool host_key_decrypt(const host_session *session, ekm_view thumb, ekm_view ciphertext, ekm_secret *out_plaintext,
                      host_result *result, ekm_err *err) {
  return host_key_decrypt_iv(session, thumb, ekm_view_of(NULL, 0), ciphertext, out_plaintext, result, err);
}

bool host_key_decrypt_iv(const host_session *session, ekm_view thumb, ekm_view iv, ekm_view ciphertext,
                         ekm_secret *out_plaintext, host_result *result, ekm_err *err) {
  bool ok = false;
  uint32_t len = 0;
  host_guard guard = {0};
  request what = {.fn = HOST_FN_Decrypt, .what = "the plaintext", .max = HOST_DATA_MAX_BYTES};
  what.thumb = abi_data(thumb);
  what.in = abi_data(ciphertext);
  set_iv(&what, iv);
  ekm_secret_clear(out_plaintext);
  EKM_TRY(fetch(session, &what, &guard, &len, result, err));
  EKM_TRY(ekm_secret_set(out_plaintext, ekm_view_of(guard.mem, len), err));
  ok = true;
done:
  host_guard_drop(&guard);
  return ok;
}

ekm_view host_key_thumb(const host_key *key) {
  return ekm_view_of(key->thumb, key->thumb_len);
}
