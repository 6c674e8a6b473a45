/* What each entry point does when memory or an exchange fails: see tests/support/fault_loop.h. The provider stands on
 * the real keyring, keyvault and entra, over a vault on paper. */
#include <stdlib.h>
#include <string.h>

#include "entra/token.h"
#include "keyring/keyring_keyvault.h"
#include "provider/wire.h"
#include "support/cmocka_all.h"
#include "support/engine.h"
#include "support/fault_loop.h"

#define NEWEST "tde/" PAPER_VAULT_NEWEST

enum { UNTOUCHED = 0xA5, ROOM = 300 };

/* --- the wiring --------------------------------------------------------------------------------------------------- */

static paper_vault vault;
static keyring_thumb_kind reported;

bool provider_wire(provider_wiring *out, ekm_err *err) {
  static const akv_vault others = {.host = NULL};
  memset(out, 0, sizeof *out);
  out->clock = ekm_clock_system();
  out->call_timeout_ms = 10000;
  out->allow_drop_key = true;
  out->public_key_format = KEYRING_BLOB_PKCS1;
  bool ok = ekm_crypto_new(&out->crypto, err);
  keyring_keyvault_options options = {
      .http = &vault.base,
      .vault_suffix = "vault.azure.net",
      .others = &others,
      .keyring = {
          .crypto = out->crypto, .clock = out->clock, .wrap_alg = "RSA-OAEP-256", .report = reported, .keep_ms = 1000}};
  ok = ok && keyring_keyvault_connector_new(&options, &out->connector, err);
  if (!ok) provider_unwire(out);
  return ok;
}

void provider_unwire(provider_wiring *wiring) {
  if (wiring->connector != NULL) wiring->connector->destroy(wiring->connector);
  ekm_crypto_free(&wiring->crypto);
  memset(wiring, 0, sizeof *wiring);
}

/* --- what is worked on -------------------------------------------------------------------------------------------- */

typedef struct subject {
  bool initialized;
  SqlCpSession session; /* not NULL: open */
} subject;

static SqlCpByte thumbs[3][20]; /* of "tde", newest and oldest version, and "old" */
static SqlCpByte packed_thumb[32];
static uint32_t packed_bytes;

static bool answer(SqlCpError code, ekm_err *err) {
  const ekm_err_info *info = ekm_err_info_by_code(code);
  if (code == scp_err_Success) return true;
  return EKM_FAIL(err, info == NULL ? EKM_E_INTERNAL : info->id, "code %u", (unsigned)code);
}

static void *make_nothing(paper_vault *v) {
  (void)v;
  return calloc(1, sizeof(subject));
}

static void *make_initialized(paper_vault *v) {
  subject *s = make_nothing(v);
  paper_vault_fail(v, SIZE_MAX, PAPER_CONNECT);
  assert_int_equal(SqlCryptInitializeProvider(), scp_err_Success);
  s->initialized = true;
  return s;
}

static void *make_session(paper_vault *v) {
  subject *s = make_initialized(v);
  assert_int_equal(engine_open("v", ENGINE_GOOD_SECRET, &s->session), scp_err_Success);
  return s;
}

static void clear(void *arg) {
  subject *s = arg;
  if (s->session != NULL) assert_int_equal(SqlCryptCloseSession(&s->session, 0), scp_err_Success);
  if (s->initialized) assert_int_equal(SqlCryptFreeProvider(), scp_err_Success);
  free(s);
}

/* Bytes that a failure must not touch. */
static void fill(SqlCpByte *bytes, SqlCpData *data) {
  memset(bytes, UNTOUCHED, ROOM);
  *data = (SqlCpData){ROOM, bytes};
}

static void check_untouched(const SqlCpByte *bytes, size_t len, const SqlCpData *data) {
  assert_int_equal(data->cb, ROOM);
  assert_ptr_equal(data->pb, bytes);
  for (size_t i = 0; i < len; i++) assert_int_equal(bytes[i], UNTOUCHED);
}

/* --- without a session -------------------------------------------------------------------------------------------- */

static bool initialize(void *arg, ekm_err *err) {
  subject *s = arg;
  bool ok = answer(SqlCryptInitializeProvider(), err);
  if (ok && s->initialized) assert_int_equal(SqlCryptFreeProvider(), scp_err_Success);
  if (ok) s->initialized = true;
  return ok;
}

static bool initialize_and_free(void *arg, ekm_err *err) {
  (void)arg;
  return answer(SqlCryptInitializeProvider(), err) && answer(SqlCryptFreeProvider(), err);
}

static bool provider_info(void *arg, ekm_err *err) {
  SqlCpWchar name[64];
  SqlCpProviderInfo info = {.name = {sizeof name, name}};
  (void)arg;
  return answer(SqlCryptGetProviderInfo(&info), err);
}

static bool algorithms(void *arg, ekm_err *err) {
  SqlCpAlgId id = 0;
  SqlCpWchar tag[64];
  SqlCpAlgorithmInfo info = {.algTag = {sizeof tag, tag}};
  (void)arg;
  return answer(SqlCryptGetNextAlgorithmId(&id), err) && answer(SqlCryptGetAlgorithmInfo(id, &info), err);
}

static bool open_session(void *arg, ekm_err *err) {
  SqlCpSession session = (SqlCpSession)(uintptr_t)1;
  (void)arg;
  bool ok = answer(engine_open("v", ENGINE_GOOD_SECRET, &session), err);
  assert_int_equal(ok, session != NULL);
  if (ok) assert_int_equal(SqlCryptCloseSession(&session, 0), scp_err_Success);
  return ok;
}

static const fault_row rows_without[] = {
    {"Initialize", initialize, FORGIVES_NOTHING},
    {"Initialize and Free", initialize_and_free, FORGIVES_NOTHING},
    {"GetProviderInfo", provider_info, FORGIVES_NOTHING},
};

static const fault_row rows_initialized[] = {
    {"OpenSession", open_session, FORGIVES_NOTHING},
    {"GetNextAlgorithmId, GetAlgorithmInfo", algorithms, FORGIVES_NOTHING},
};

/* --- with a session ----------------------------------------------------------------------------------------------- */

static bool info_by(SqlCpError code, engine_key_info *info, const SqlCpByte *thumb, ekm_err *err) {
  static const SqlCpByte zeros[32];
  bool ok = answer(code, err);
  assert_memory_equal(info->thumb, ok ? thumb : zeros, 20);
  if (!ok) assert_int_equal(info->info.thumb.cb, sizeof info->thumb);
  if (!ok) assert_int_equal(info->info.name.cb, sizeof info->name);
  return ok;
}

static bool info_by_name(void *arg, ekm_err *err) {
  subject *s = arg;
  engine_text name;
  engine_key_info info;
  return info_by(SqlCryptGetKeyInfoByName(&s->session, engine_text_set(&name, "tde"), engine_key_info_room(&info)),
                 &info, thumbs[0], err);
}

static bool info_by_version(void *arg, ekm_err *err) {
  subject *s = arg;
  engine_text name;
  engine_key_info info;
  return info_by(SqlCryptGetKeyInfoByName(&s->session, engine_text_set(&name, NEWEST), engine_key_info_room(&info)),
                 &info, thumbs[0], err);
}

/* The search goes through all names and to the older versions. */
static bool info_by_thumb(void *arg, ekm_err *err) {
  subject *s = arg;
  engine_key_info info;
  const SqlCpKeyThumbprint oldest = {20, thumbs[1]};
  return info_by(SqlCryptGetKeyInfoByThumb(&s->session, &oldest, engine_key_info_room(&info)), &info, thumbs[1], err);
}

static bool info_by_packed_name(void *arg, ekm_err *err) {
  subject *s = arg;
  engine_key_info info;
  const SqlCpKeyThumbprint packed = {packed_bytes, packed_thumb};
  bool ok = answer(SqlCryptGetKeyInfoByThumb(&s->session, &packed, engine_key_info_room(&info)), err);
  if (ok) assert_int_equal(info.info.thumb.cb, packed_bytes);
  return ok;
}

static bool all_ids(void *arg, ekm_err *err) {
  subject *s = arg;
  SqlCpKeyId id = 0;
  for (unsigned count = 0;; count++) {
    SqlCpKeyId before = id;
    engine_key_info info;
    SqlCpError code = SqlCryptGetNextKeyId(&s->session, &id);
    if (code == scp_err_NotFound) return count == 2 || EKM_FAIL(err, EKM_E_INTERNAL, "%u keys", count);
    if (code != scp_err_Success) assert_int_equal(id, before);
    if (!answer(code, err) || !answer(SqlCryptGetKeyInfoByKeyId(&s->session, id, engine_key_info_room(&info)), err)) {
      return false;
    }
    assert_memory_equal(info.thumb, thumbs[count == 0 ? 2 : 0], 20);
  }
}

static bool create(void *arg, ekm_err *err) {
  subject *s = arg;
  engine_text name;
  SqlCpByte bytes[ROOM];
  SqlCpKeyThumbprint thumb;
  fill(bytes, &thumb);
  bool ok = answer(SqlCryptCreateKey(&s->session, engine_text_set(&name, "new"), 1, 0, &thumb), err);
  if (ok) assert_memory_equal(bytes, thumbs[2], 20);
  if (!ok) check_untouched(bytes, sizeof bytes, &thumb);
  return ok;
}

static bool drop(void *arg, ekm_err *err) {
  subject *s = arg;
  const SqlCpKeyThumbprint old = {20, thumbs[2]};
  return answer(SqlCryptDropKey(&s->session, &old), err);
}

static bool export_key(void *arg, ekm_err *err) {
  subject *s = arg;
  SqlCpByte bytes[ROOM];
  SqlCpKeyBlob blob;
  const SqlCpKeyThumbprint newest = {20, thumbs[0]};
  fill(bytes, &blob);
  bool ok = answer(SqlCryptExportKey(&s->session, &newest, NULL, SQLCP_BLOB_PUBLIC_KEY, &blob), err);
  if (ok) assert_int_equal(blob.cb, 270);
  if (!ok) check_untouched(bytes, sizeof bytes, &blob);
  return ok;
}

static bool seal(void *arg, ekm_err *err) {
  subject *s = arg;
  SqlCpByte bytes[ROOM], expected[PAPER_VAULT_KEY_BYTES];
  SqlCpData dek = {sizeof PAPER_VAULT_DEK - 1, (SqlCpByte *)(uintptr_t)PAPER_VAULT_DEK}, sealed;
  const SqlCpKeyThumbprint newest = {20, thumbs[0]};
  fill(bytes, &sealed);
  paper_vault_sealed(expected);
  bool ok = answer(SqlCryptEncrypt(&s->session, &newest, 1, NULL, 0, &dek, &sealed), err);
  if (ok) assert_memory_equal(bytes, expected, sizeof expected);
  if (!ok) check_untouched(bytes, sizeof bytes, &sealed);
  return ok;
}

static bool open_with(void *arg, const SqlCpKeyThumbprint *thumb, ekm_err *err) {
  subject *s = arg;
  SqlCpByte bytes[ROOM], sealed_bytes[PAPER_VAULT_KEY_BYTES];
  SqlCpData sealed = {sizeof sealed_bytes, sealed_bytes}, dek;
  fill(bytes, &dek);
  paper_vault_sealed(sealed_bytes);
  bool ok = answer(SqlCryptDecrypt(&s->session, thumb, 1, NULL, 0, &sealed, &dek), err);
  if (ok) assert_int_equal(dek.cb, sizeof PAPER_VAULT_DEK - 1);
  if (ok) assert_memory_equal(bytes, PAPER_VAULT_DEK, sizeof PAPER_VAULT_DEK - 1);
  if (!ok) check_untouched(bytes, sizeof bytes, &dek);
  return ok;
}

static bool open_newest(void *arg, ekm_err *err) {
  return open_with(arg, &(SqlCpKeyThumbprint){20, thumbs[0]}, err);
}

static bool open_packed(void *arg, ekm_err *err) {
  return open_with(arg, &(SqlCpKeyThumbprint){packed_bytes, packed_thumb}, err);
}

/* By name, and then with the thumbprint that it has. */
static bool with_aes(subject *s, bool encrypts, ekm_err *err) {
  SqlCpByte bytes[ROOM], in_bytes[PAPER_VAULT_AES_BYTES] = {2}, iv[16] = {1};
  engine_text name;
  engine_key_info key;
  SqlCpData in = {encrypts ? 33 : sizeof in_bytes, in_bytes}, out;
  const SqlCpEncryptionParam param = {SQLCP_PARAM_IV, sizeof iv, iv};
  fill(bytes, &out);
  SqlCpError code =
      SqlCryptGetKeyInfoByName(&s->session, engine_text_set(&name, PAPER_VAULT_AES), engine_key_info_room(&key));
  if (code == scp_err_Success) {
    code = encrypts ? SqlCryptEncrypt(&s->session, &key.info.thumb, 1, &param, 1, &in, &out)
                    : SqlCryptDecrypt(&s->session, &key.info.thumb, 1, &param, 1, &in, &out);
  }
  bool ok = answer(code, err);
  if (ok) assert_int_equal(out.cb, encrypts ? PAPER_VAULT_AES_BYTES : sizeof PAPER_VAULT_DEK - 1);
  if (ok && !encrypts) assert_memory_equal(bytes, PAPER_VAULT_DEK, sizeof PAPER_VAULT_DEK - 1);
  if (!ok) check_untouched(bytes, sizeof bytes, &out);
  return ok;
}

static bool aes_encrypt(void *arg, ekm_err *err) {
  return with_aes(arg, true, err);
}

static bool aes_decrypt(void *arg, ekm_err *err) {
  return with_aes(arg, false, err);
}

/* A session that is there already must be closed and opened without the network. */
static bool close_and_open(void *arg, ekm_err *err) {
  subject *s = arg;
  SqlCpSession second = NULL;
  if (!answer(engine_open("v", ENGINE_GOOD_SECRET, &second), err)) return false;
  return answer(SqlCryptCloseSession(&second, 1), err) && s->session != NULL;
}

/* A list of versions after a creation, and the answer to a deletion, are done without. A version that cannot be
 * compared for want of memory is read again; what cannot be kept for want of it is not. */
static const fault_row rows_session[] = {
    {"GetKeyInfoByName", info_by_name, FORGIVES_NOTHING},
    {"GetKeyInfoByName of a version", info_by_version, FORGIVES_NOTHING},
    {"GetKeyInfoByThumb", info_by_thumb, FORGIVES_MEMORY},
    {"GetKeyInfoByThumb of a packed name", info_by_packed_name, FORGIVES_NOTHING},
    {"GetNextKeyId, GetKeyInfoByKeyId", all_ids, FORGIVES_NOTHING},
    {"CreateKey", create, FORGIVES_MEMORY | FORGIVES_EXCHANGES},
    {"DropKey", drop, FORGIVES_EXCHANGES},
    {"ExportKey", export_key, FORGIVES_NOTHING},
    {"Encrypt", seal, FORGIVES_NOTHING},
    {"Decrypt", open_newest, FORGIVES_MEMORY},
    {"Decrypt by a packed name", open_packed, FORGIVES_MEMORY},
    {"Encrypt with an AES key", aes_encrypt, FORGIVES_NOTHING},
    {"Decrypt with an AES key", aes_decrypt, FORGIVES_NOTHING},
    {"OpenSession again, CloseSession", close_and_open, FORGIVES_NOTHING},
};

#define LAYER(make, rows) \
  { &vault, make, clear, rows, sizeof(rows) / sizeof((rows)[0]) }

static void learn_thumbs(void) {
  static const char oldest[] = "tde/" PAPER_VAULT_OLDEST;
  static const char *const names[] = {"tde", oldest, "old"};
  subject *s = make_session(&vault);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    engine_text name;
    engine_key_info info;
    assert_int_equal(
        SqlCryptGetKeyInfoByName(&s->session, engine_text_set(&name, names[i]), engine_key_info_room(&info)),
        scp_err_Success);
    if (reported == KEYRING_THUMB_OWN) memcpy(thumbs[i], info.thumb, 20);
    if (reported == KEYRING_THUMB_NAME) memcpy(packed_thumb, info.thumb, packed_bytes = info.info.thumb.cb);
    if (reported == KEYRING_THUMB_NAME) break;
  }
  clear(s);
}

static int set_up(void **state) {
  (void)state;
  paper_vault_init(&vault);
  reported = KEYRING_THUMB_NAME;
  learn_thumbs();
  reported = KEYRING_THUMB_OWN;
  learn_thumbs();
  return 0;
}

static void memory_fails(void **state) {
  const fault_layer layers[] = {LAYER(make_nothing, rows_without), LAYER(make_initialized, rows_initialized),
                                LAYER(make_session, rows_session)};
  (void)state;
  for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) fault_loop_memory(&layers[i]);
}

/* Facts of the interface: a size probe must not cost a vault call. No rule of the conformance suite can see it. */
static void size_probes_cost_no_exchange(void **state) {
  SqlCpByte data[PAPER_VAULT_KEY_BYTES] = {1};
  SqlCpData in = {32, data}, sealed = {sizeof data, data};
  const SqlCpEncryptionParam param = {SQLCP_PARAM_IV, 16, data};
  const SqlCpKeyThumbprint cold = {20, thumbs[1]}, warm = {20, thumbs[0]};
  engine_text name;
  engine_key_info room;
  ekm_err err = {0};
  (void)state;
  subject *s = make_session(&vault);
  for (int i = 0; i < 2; i++) {
    const SqlCpKeyThumbprint *thumb = i == 0 ? &cold : &warm;
    if (i == 1) assert_true(info_by_name(s, &err));
    paper_vault_fail(&vault, SIZE_MAX, PAPER_CONNECT);
    SqlCpData probe = {0, NULL};
    assert_int_equal(SqlCryptEncrypt(&s->session, thumb, 1, NULL, 0, &in, &probe), scp_err_InsufficientBuffer);
    assert_int_equal(probe.cb, i == 0 ? 512 : PAPER_VAULT_KEY_BYTES);
    probe = (SqlCpData){0, NULL};
    assert_int_equal(SqlCryptDecrypt(&s->session, thumb, 1, NULL, 0, &sealed, &probe), scp_err_InsufficientBuffer);
    assert_int_equal(probe.cb, i == 0 ? 512 : PAPER_VAULT_KEY_BYTES);
    probe = (SqlCpData){0, NULL}; /* who brings an initialisation vector means an AES key */
    assert_int_equal(SqlCryptEncrypt(&s->session, thumb, 1, &param, 1, &in, &probe), scp_err_InsufficientBuffer);
    assert_int_equal(probe.cb, 48);
    probe = (SqlCpData){0, NULL};
    assert_int_equal(SqlCryptDecrypt(&s->session, thumb, 1, &param, 1, &sealed, &probe), scp_err_InsufficientBuffer);
    assert_true(probe.cb >= sealed.cb - 1);
    assert_int_equal(vault.asked, 0);
  }
  SqlCpKeyBlob blob = {0, NULL};
  SqlCpKeyInfo info = {.name = {0, NULL}};
  assert_int_equal(SqlCryptExportKey(&s->session, &warm, NULL, SQLCP_BLOB_PUBLIC_KEY, &blob),
                   scp_err_InsufficientBuffer);
  assert_int_equal(SqlCryptGetKeyInfoByThumb(&s->session, &warm, &info), scp_err_InsufficientBuffer);
  assert_int_equal(vault.asked, 0);
  /* A name is asked each time; its probe and the fill behind it share the answer. */
  info = (SqlCpKeyInfo){.name = {0, NULL}};
  assert_int_equal(SqlCryptGetKeyInfoByName(&s->session, engine_text_set(&name, "tde"), &info),
                   scp_err_InsufficientBuffer);
  assert_int_equal(SqlCryptGetKeyInfoByName(&s->session, engine_text_set(&name, "tde"), engine_key_info_room(&room)),
                   scp_err_Success);
  assert_int_equal(vault.asked, 1);
  /* A creation that is asked for the size of its thumbprint makes nothing. */
  SqlCpKeyThumbprint small = {0, NULL};
  assert_int_equal(SqlCryptCreateKey(&s->session, engine_text_set(&name, "new"), 1, 0, &small),
                   scp_err_InsufficientBuffer);
  assert_int_equal(vault.creates, 0);
  assert_int_equal(vault.asked, 1);
  clear(s);
}

static void exchanges_fail(void **state) {
  const fault_layer layers[] = {LAYER(make_initialized, rows_initialized), LAYER(make_session, rows_session)};
  (void)state;
  for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) fault_loop_exchanges(&layers[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_fails),
      cmocka_unit_test(size_probes_cost_no_exchange),
      cmocka_unit_test(exchanges_fail),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
