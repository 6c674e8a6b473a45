#include "crypto/token.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#undef iv_len /* that header renames members of structures by macros, ours too */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/text.h"
#include "crypto/padding.h"

enum {
  SLOTS_MAX = 32,
  LABEL_BYTES = 32, /* of a token, padded with blanks */
  DATA_MAX_BYTES = 64 * 1024,
  POINT_MAX_BYTES = 2 * 66 + 8,
  WAIT_MS = 60000
};

struct ekm_token {
  CK_FUNCTION_LIST *module;
  const ekm_crypto *crypto;
  CK_SLOT_ID slot;
  bool initialized;
  ekm_secret pin;

  ekm_mutex lock; /* of what is below */
  ekm_cond freed;
  CK_SESSION_HANDLE idle[EKM_TOKEN_SESSIONS];
  size_t idle_count, open_count;
};

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static const struct {
  CK_RV code;
  const char *name;
} names[] = {
#define NAME(code) \
  { code, #code }
    NAME(CKR_HOST_MEMORY),
    NAME(CKR_SLOT_ID_INVALID),
    NAME(CKR_GENERAL_ERROR),
    NAME(CKR_FUNCTION_FAILED),
    NAME(CKR_ARGUMENTS_BAD),
    NAME(CKR_ATTRIBUTE_READ_ONLY),
    NAME(CKR_ATTRIBUTE_SENSITIVE),
    NAME(CKR_ATTRIBUTE_TYPE_INVALID),
    NAME(CKR_ATTRIBUTE_VALUE_INVALID),
    NAME(CKR_DATA_INVALID),
    NAME(CKR_DATA_LEN_RANGE),
    NAME(CKR_DEVICE_ERROR),
    NAME(CKR_DEVICE_MEMORY),
    NAME(CKR_DEVICE_REMOVED),
    NAME(CKR_ENCRYPTED_DATA_INVALID),
    NAME(CKR_ENCRYPTED_DATA_LEN_RANGE),
    NAME(CKR_FUNCTION_NOT_SUPPORTED),
    NAME(CKR_KEY_HANDLE_INVALID),
    NAME(CKR_KEY_SIZE_RANGE),
    NAME(CKR_KEY_TYPE_INCONSISTENT),
    NAME(CKR_KEY_FUNCTION_NOT_PERMITTED),
    NAME(CKR_MECHANISM_INVALID),
    NAME(CKR_MECHANISM_PARAM_INVALID),
    NAME(CKR_OBJECT_HANDLE_INVALID),
    NAME(CKR_PIN_INCORRECT),
    NAME(CKR_PIN_LOCKED),
    NAME(CKR_PIN_EXPIRED),
    NAME(CKR_PIN_LEN_RANGE),
    NAME(CKR_SESSION_CLOSED),
    NAME(CKR_SESSION_COUNT),
    NAME(CKR_SESSION_HANDLE_INVALID),
    NAME(CKR_SESSION_READ_ONLY),
    NAME(CKR_TEMPLATE_INCOMPLETE),
    NAME(CKR_TEMPLATE_INCONSISTENT),
    NAME(CKR_TOKEN_NOT_PRESENT),
    NAME(CKR_TOKEN_NOT_RECOGNIZED),
    NAME(CKR_TOKEN_WRITE_PROTECTED),
    NAME(CKR_USER_NOT_LOGGED_IN),
    NAME(CKR_USER_PIN_NOT_INITIALIZED),
    NAME(CKR_CRYPTOKI_NOT_INITIALIZED),
    NAME(CKR_DOMAIN_PARAMS_INVALID),
    NAME(CKR_CURVE_NOT_SUPPORTED),
    NAME(CKR_BUFFER_TOO_SMALL),
#undef NAME
};

static bool is_about_pin(CK_RV code) {
  return code == CKR_PIN_INCORRECT || code == CKR_PIN_LOCKED || code == CKR_PIN_EXPIRED || code == CKR_PIN_LEN_RANGE ||
         code == CKR_PIN_INVALID || code == CKR_USER_PIN_NOT_INITIALIZED;
}

static bool failed(const char *call, CK_RV code, ekm_err *err) {
  const char *name = NULL;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].code == code) name = names[i].name;
  }
  ekm_err_id id = is_about_pin(code) ? EKM_E_TOKEN_PIN : EKM_E_TOKEN;
  if (name != NULL) return EKM_FAIL(err, id, "%s: %s", call, name);
  return EKM_FAIL(err, id, "%s: code 0x%lx", call, (unsigned long)code);
}

/* What a token says against a ciphertext; in one and the same words. */
static bool is_about_data(CK_RV code) {
  return code == CKR_ENCRYPTED_DATA_INVALID || code == CKR_ENCRYPTED_DATA_LEN_RANGE || code == CKR_DATA_INVALID ||
         code == CKR_DATA_LEN_RANGE || code == CKR_GENERAL_ERROR || code == CKR_FUNCTION_FAILED;
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

/* The session is of no use any more; the next one logs in again. */
static bool is_lost(CK_RV code) {
  return code == CKR_SESSION_HANDLE_INVALID || code == CKR_SESSION_CLOSED || code == CKR_USER_NOT_LOGGED_IN ||
         code == CKR_DEVICE_REMOVED || code == CKR_TOKEN_NOT_PRESENT || code == CKR_CRYPTOKI_NOT_INITIALIZED;
}

static bool open_session(ekm_token *token, CK_SESSION_HANDLE *out, ekm_err *err) {
  ekm_view pin = ekm_secret_reveal(&token->pin);
  CK_RV code = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, out);
  if (code != CKR_OK) return failed("C_OpenSession", code, err);
  code = token->module->C_Login(*out, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin.ptr, pin.len);
  if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) return true;
  (void)token->module->C_CloseSession(*out);
  return failed("C_Login", code, err);
}

static bool take_session(ekm_token *token, CK_SESSION_HANDLE *out, ekm_err *err) {
  bool ok = true;
  bool is_new = false;
  ekm_mutex_lock(&token->lock);
  while (token->idle_count == 0 && token->open_count == EKM_TOKEN_SESSIONS) {
    ekm_cond_wait(&token->freed, &token->lock, WAIT_MS);
  }
  if (token->idle_count > 0) {
    *out = token->idle[--token->idle_count];
  } else {
    is_new = true;
    token->open_count++;
  }
  ekm_mutex_unlock(&token->lock);
  if (is_new) ok = open_session(token, out, err);
  if (ok) return true;
  ekm_mutex_lock(&token->lock);
  token->open_count--;
  ekm_cond_wake_all(&token->freed);
  ekm_mutex_unlock(&token->lock);
  return false;
}

static void give_session(ekm_token *token, CK_SESSION_HANDLE session, CK_RV last) {
  bool lost = is_lost(last);
  if (lost) (void)token->module->C_CloseSession(session);
  ekm_mutex_lock(&token->lock);
  if (lost) {
    token->open_count--;
  } else {
    token->idle[token->idle_count++] = session;
  }
  ekm_cond_wake_all(&token->freed);
  ekm_mutex_unlock(&token->lock);
}

/* One piece of work in a session. What it returns is the token's code; CKR_OK with *${out_ok} false is an error of our
 * own. It is done again, once, in a new session if the one that it had was lost. */
typedef struct work work;
struct work {
  CK_RV (*run)(ekm_token *token, CK_SESSION_HANDLE session, work *w, ekm_err *err);
  const char *call; /* the function that failed last */
  bool ok;
};

static bool do_work(ekm_token *token, work *w, CK_RV *out_code, ekm_err *err) {
  for (int attempt = 0;; attempt++) {
    CK_SESSION_HANDLE session;
    w->ok = true;
    *out_code = CKR_OK;
    if (!take_session(token, &session, err)) return false;
    *out_code = w->run(token, session, w, err);
    give_session(token, session, *out_code);
    if (*out_code == CKR_OK) return w->ok;
    if (attempt > 0 || !is_lost(*out_code)) return failed(w->call, *out_code, err);
  }
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static bool has_label(const CK_TOKEN_INFO *info, const char *label) {
  char padded[LABEL_BYTES];
  size_t len = strlen(label);
  if (len > sizeof padded) return false;
  memset(padded, ' ', sizeof padded);
  memcpy(padded, label, len);
  return ekm_view_equal(ekm_view_of(padded, sizeof padded), ekm_view_of(info->label, sizeof info->label));
}

static bool find_slot(ekm_token *token, const char *label, ekm_err *err) {
  CK_SLOT_ID slots[SLOTS_MAX];
  CK_ULONG count = SLOTS_MAX;
  CK_TOKEN_INFO info;
  size_t found = 0;
  CK_RV code = token->module->C_GetSlotList(CK_TRUE, slots, &count);
  if (code != CKR_OK) return failed("C_GetSlotList", code, err);
  for (CK_ULONG i = 0; i < count && i < SLOTS_MAX; i++) {
    if (token->module->C_GetTokenInfo(slots[i], &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    if (label != NULL && !has_label(&info, label)) continue;
    token->slot = slots[i];
    found++;
  }
  if (found == 1) return true;
  if (label != NULL) return EKM_FAIL(err, EKM_E_TOKEN, "the module has %zu tokens with the label '%s'", found, label);
  return EKM_FAIL(err, EKM_E_TOKEN, "the module has %zu tokens; say which by its label", found);
}

static bool open_all(ekm_token *token, const ekm_token_options *options, ekm_err *err) {
  CK_SESSION_HANDLE session;
  token->module = p11_kit_module_load(options->module, 0);
  if (token->module == NULL) return EKM_FAIL(err, EKM_E_TOKEN, "'%s': %s", options->module, p11_kit_message());
  CK_RV code = p11_kit_module_initialize(token->module);
  if (code != CKR_OK) return failed("C_Initialize", code, err);
  token->initialized = true;
  if (!find_slot(token, options->label, err) || !ekm_secret_set(&token->pin, ekm_secret_reveal(options->pin), err)) {
    return false;
  }
  if (!take_session(token, &session, err)) return false; /* a wrong PIN is known at once, and tried once */
  give_session(token, session, CKR_OK);
  return true;
}

bool ekm_token_open(const ekm_token_options *options, ekm_token **out_token, ekm_err *err) {
  ekm_token *token = ekm_mem_alloc(sizeof *token, err);
  *out_token = token;
  if (token == NULL) return false;
  token->crypto = options->crypto;
  ekm_mutex_init(&token->lock);
  ekm_cond_init(&token->freed);
  if (open_all(token, options, err)) return true;
  ekm_token_close(out_token);
  return false;
}

void ekm_token_close(ekm_token **token) {
  ekm_token *t = *token;
  if (t == NULL) return;
  if (t->initialized) {
    for (size_t i = 0; i < t->idle_count; i++) (void)t->module->C_CloseSession(t->idle[i]);
    (void)p11_kit_module_finalize(t->module);
  }
  if (t->module != NULL) p11_kit_module_release(t->module);
  ekm_secret_clear(&t->pin);
  ekm_mem_free(t);
  *token = NULL;
}

/* ---- templates --------------------------------------------------------------------------------------------------- */

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

#define ATTRIBUTE(type, value) \
  { type, &(value), sizeof(value) }
#define BYTES(type, view) \
  { type, (void *)(uintptr_t)(view).ptr, (view).len }

/* Parameters of a curve: the DER of its object identifier (SEC 2, RFC 5480). */
typedef struct curve_info {
  const char *name;
  unsigned bits;
  size_t field_bytes, oid_len;
  uint8_t oid[11];
} curve_info;
static const curve_info curves[] = {
    {"P-256", 256, 32, 10, {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07}},
    {"P-384", 384, 48, 7, {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22}},
    {"P-521", 521, 66, 7, {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23}},
    {"P-256K", 256, 32, 7, {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x0A}},
};

static const curve_info *curve_of(const char *name, ekm_err *err) {
  for (size_t i = 0; name != NULL && i < sizeof curves / sizeof curves[0]; i++) {
    if (strcmp(curves[i].name, name) == 0) return &curves[i];
  }
  (void)EKM_FAIL(err, EKM_E_KEY_KIND, "the curve '%s'", name == NULL ? "" : name);
  return NULL;
}

const char *ekm_token_curve(const char *name) {
  const curve_info *info = curve_of(name, &(ekm_err){0});
  return info == NULL ? NULL : info->name;
}

/* A key is found by its id and what it is for. */
static CK_RV find_object(ekm_token *token, CK_SESSION_HANDLE session, const uint8_t id[EKM_TOKEN_ID_BYTES],
                         CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *out, work *w) {
  CK_ULONG count = 0;
  ekm_view name = ekm_view_of(id, EKM_TOKEN_ID_BYTES);
  CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class), BYTES(CKA_ID, name)};
  w->call = "C_FindObjects";
  CK_RV code = token->module->C_FindObjectsInit(session, template, sizeof template / sizeof template[0]);
  if (code != CKR_OK) return code;
  code = token->module->C_FindObjects(session, out, 1, &count);
  CK_RV end = token->module->C_FindObjectsFinal(session);
  if (code == CKR_OK) code = end;
  if (code == CKR_OK && count == 0) return CKR_OBJECT_HANDLE_INVALID;
  return code;
}

static CK_OBJECT_CLASS private_class(ekm_token_kind kind) {
  return kind == EKM_TOKEN_AES ? CKO_SECRET_KEY : CKO_PRIVATE_KEY;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

typedef struct making {
  work base;
  ekm_token_key *key;
  uint32_t exponent;
  const curve_info *curve;
  ekm_buf *a, *b;
} making;

static CK_RV read_attribute(ekm_token *token, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                            CK_ATTRIBUTE_TYPE type, ekm_buf *out, making *m, ekm_err *err) {
  CK_ATTRIBUTE attribute = {type, NULL, 0};
  m->base.call = "C_GetAttributeValue";
  CK_RV code = token->module->C_GetAttributeValue(session, object, &attribute, 1);
  if (code != CKR_OK) return code;
  if (attribute.ulValueLen > DATA_MAX_BYTES) return CKR_DEVICE_ERROR;
  attribute.pValue = ekm_buf_extend(out, attribute.ulValueLen);
  m->base.ok = ekm_buf_ok(out, "a public number", err);
  return m->base.ok ? token->module->C_GetAttributeValue(session, object, &attribute, 1) : CKR_OK;
}

/* CKA_EC_POINT is an octet string around 04 | x | y; some tokens leave the string away. */
static bool split_point(const making *m, ekm_view point, ekm_err *err) {
  size_t field = m->curve->field_bytes;
  size_t raw = 1 + 2 * field;
  if (point.len < raw || point.ptr[point.len - raw] != 4) return EKM_FAIL(err, EKM_E_TOKEN, "a point of the token");
  const uint8_t *x = point.ptr + point.len - 2 * field;
  ekm_buf_append(m->a, x, field);
  ekm_buf_append(m->b, x + field, field);
  return ekm_buf_ok(m->a, "a public number", err) && ekm_buf_ok(m->b, "a public number", err);
}

static void drop_zeros(ekm_buf *number) {
  size_t zeros = 0;
  while (zeros < number->len && number->ptr[zeros] == 0) zeros++;
  memmove(number->ptr, number->ptr + zeros, number->len - zeros);
  ekm_buf_truncate(number, number->len - zeros);
}

static CK_RV read_public(ekm_token *token, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, making *m,
                         ekm_err *err) {
  ekm_buf point;
  CK_RV code;
  if (m->curve == NULL) {
    code = read_attribute(token, session, object, CKA_MODULUS, m->a, m, err);
    if (code == CKR_OK && m->base.ok) code = read_attribute(token, session, object, CKA_PUBLIC_EXPONENT, m->b, m, err);
    drop_zeros(m->a);
    drop_zeros(m->b);
    return code;
  }
  ekm_buf_init(&point, POINT_MAX_BYTES);
  code = read_attribute(token, session, object, CKA_EC_POINT, &point, m, err);
  if (code == CKR_OK && m->base.ok) m->base.ok = split_point(m, ekm_buf_view(&point), err);
  ekm_buf_clear(&point);
  return code;
}

static CK_RV make_pair(ekm_token *token, CK_SESSION_HANDLE session, work *w, ekm_err *err) {
  making *m = (making *)w;
  CK_OBJECT_HANDLE public_key, private_key;
  uint8_t exponent[4];
  for (int i = 0; i < 4; i++) exponent[i] = (uint8_t)(m->exponent >> (24 - 8 * i));
  CK_ULONG bits = m->key->bits;
  bool is_ec = m->curve != NULL;
  ekm_view id = ekm_view_of(m->key->id, sizeof m->key->id);
  ekm_view oid = is_ec ? ekm_view_of(m->curve->oid, m->curve->oid_len) : ekm_view_of(NULL, 0);
  CK_ATTRIBUTE public_rsa[] = {ATTRIBUTE(CKA_TOKEN, yes), ATTRIBUTE(CKA_PRIVATE, no), BYTES(CKA_ID, id),
                               ATTRIBUTE(CKA_MODULUS_BITS, bits), ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent)};
  CK_ATTRIBUTE public_ec[] = {ATTRIBUTE(CKA_TOKEN, yes), ATTRIBUTE(CKA_PRIVATE, no), BYTES(CKA_ID, id),
                              BYTES(CKA_EC_PARAMS, oid)};
  CK_ATTRIBUTE private[] = {ATTRIBUTE(CKA_TOKEN, yes),     ATTRIBUTE(CKA_PRIVATE, yes),    BYTES(CKA_ID, id),
                            ATTRIBUTE(CKA_SENSITIVE, yes), ATTRIBUTE(CKA_EXTRACTABLE, no), ATTRIBUTE(CKA_SIGN, yes),
                            ATTRIBUTE(CKA_DECRYPT, yes)};
  CK_MECHANISM mechanism = {is_ec ? CKM_EC_KEY_PAIR_GEN : CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
  CK_ULONG private_count = sizeof private / sizeof private[0] - (is_ec ? 1 : 0); /* EC keys only sign */
  w->call = "C_GenerateKeyPair";
  CK_RV code = is_ec ? token->module->C_GenerateKeyPair(session, &mechanism, public_ec, 4, private, private_count,
                                                        &public_key, &private_key)
                     : token->module->C_GenerateKeyPair(session, &mechanism, public_rsa, 5, private, private_count,
                                                        &public_key, &private_key);
  return code == CKR_OK ? read_public(token, session, public_key, m, err) : code;
}

/* What an AES key is for: the vault's key_ops say more. */
#define AES_USES                                                                         \
  ATTRIBUTE(CKA_TOKEN, yes), ATTRIBUTE(CKA_PRIVATE, yes), ATTRIBUTE(CKA_SENSITIVE, yes), \
      ATTRIBUTE(CKA_EXTRACTABLE, no), ATTRIBUTE(CKA_ENCRYPT, yes), ATTRIBUTE(CKA_DECRYPT, yes)

static CK_RV make_aes(ekm_token *token, CK_SESSION_HANDLE session, work *w, ekm_err *err) {
  making *m = (making *)w;
  CK_OBJECT_HANDLE object;
  CK_ULONG bytes = m->key->bits / 8;
  ekm_view id = ekm_view_of(m->key->id, sizeof m->key->id);
  CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
  CK_ATTRIBUTE template[] = {AES_USES, BYTES(CKA_ID, id), ATTRIBUTE(CKA_VALUE_LEN, bytes)};
  (void)err;
  w->call = "C_GenerateKey";
  return token->module->C_GenerateKey(session, &mechanism, template, sizeof template / sizeof template[0], &object);
}

/* Memory ended behind the making: nobody knows the key, so it must not stay. */
static bool made(ekm_token *token, const ekm_token_key *key, bool ok, ekm_err *err) {
  ekm_err ignored = {0};
  if (!ok && err->id == EKM_E_OUT_OF_MEMORY) (void)!ekm_token_destroy(token, key, &ignored);
  return ok;
}

static bool name_key(const ekm_token *token, ekm_token_key *out, ekm_err *err) {
  const ekm_rng *rng = ekm_crypto_rng(token->crypto);
  return rng->fill(rng, out->id, sizeof out->id, err);
}

bool ekm_token_make(ekm_token *token, ekm_token_kind kind, unsigned bits, uint32_t exponent, const char *curve,
                    ekm_token_key *out_key, ekm_buf *out_a, ekm_buf *out_b, ekm_err *err) {
  CK_RV code;
  const curve_info *info = kind == EKM_TOKEN_EC ? curve_of(curve, err) : NULL;
  if (kind == EKM_TOKEN_EC && info == NULL) return false;
  *out_key = (ekm_token_key){kind, info == NULL ? bits : info->bits, info == NULL ? NULL : info->name, {0}};
  making m = {{kind == EKM_TOKEN_AES ? make_aes : make_pair, "", true}, out_key, exponent, info, out_a, out_b};
  return name_key(token, out_key, err) && made(token, out_key, do_work(token, &m.base, &code, err), err);
}

/* ---- importing --------------------------------------------------------------------------------------------------- */

typedef struct importing {
  work base;
  CK_ATTRIBUTE *template;
  CK_ULONG count;
} importing;

static CK_RV create(ekm_token *token, CK_SESSION_HANDLE session, work *w, ekm_err *err) {
  importing *i = (importing *)w;
  CK_OBJECT_HANDLE object;
  (void)err;
  w->call = "C_CreateObject";
  return token->module->C_CreateObject(session, i->template, i->count, &object);
}

static bool put(ekm_token *token, CK_ATTRIBUTE *template, size_t count, ekm_err *err) {
  CK_RV code;
  importing i = {{create, "", true}, template, count};
  return do_work(token, &i.base, &code, err);
}

bool ekm_token_import_rsa(ekm_token *token, const ekm_rsa_numbers *numbers, ekm_token_key *out_key, ekm_err *err) {
  CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
  CK_KEY_TYPE type = CKK_RSA;
  size_t zeros = 0;
  while (zeros < numbers->n.len && numbers->n.ptr[zeros] == 0) zeros++;
  ekm_view n = ekm_view_of(numbers->n.ptr + zeros, numbers->n.len - zeros);
  *out_key = (ekm_token_key){.kind = EKM_TOKEN_RSA, .bits = (unsigned)n.len * 8};
  if (!name_key(token, out_key, err)) return false;
  ekm_view id = ekm_view_of(out_key->id, sizeof out_key->id);
  CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class),
                             ATTRIBUTE(CKA_KEY_TYPE, type),
                             ATTRIBUTE(CKA_TOKEN, yes),
                             ATTRIBUTE(CKA_PRIVATE, yes),
                             ATTRIBUTE(CKA_SENSITIVE, yes),
                             ATTRIBUTE(CKA_EXTRACTABLE, no),
                             ATTRIBUTE(CKA_SIGN, yes),
                             ATTRIBUTE(CKA_DECRYPT, yes),
                             BYTES(CKA_ID, id),
                             BYTES(CKA_MODULUS, n),
                             BYTES(CKA_PUBLIC_EXPONENT, numbers->e),
                             BYTES(CKA_PRIVATE_EXPONENT, numbers->d),
                             BYTES(CKA_PRIME_1, numbers->p),
                             BYTES(CKA_PRIME_2, numbers->q),
                             BYTES(CKA_EXPONENT_1, numbers->dp),
                             BYTES(CKA_EXPONENT_2, numbers->dq),
                             BYTES(CKA_COEFFICIENT, numbers->qi)};
  return put(token, template, sizeof template / sizeof template[0], err);
}

bool ekm_token_import_ec(ekm_token *token, const char *curve, const ekm_ec_numbers *numbers, ekm_token_key *out_key,
                         ekm_err *err) {
  CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
  CK_KEY_TYPE type = CKK_EC;
  const curve_info *info = curve_of(curve, err);
  if (info == NULL) return false;
  *out_key = (ekm_token_key){.kind = EKM_TOKEN_EC, .bits = info->bits, .curve = info->name};
  if (!name_key(token, out_key, err)) return false;
  ekm_view id = ekm_view_of(out_key->id, sizeof out_key->id);
  ekm_view oid = ekm_view_of(info->oid, info->oid_len);
  CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class),   ATTRIBUTE(CKA_KEY_TYPE, type),
                             ATTRIBUTE(CKA_TOKEN, yes),     ATTRIBUTE(CKA_PRIVATE, yes),
                             ATTRIBUTE(CKA_SENSITIVE, yes), ATTRIBUTE(CKA_EXTRACTABLE, no),
                             ATTRIBUTE(CKA_SIGN, yes),      BYTES(CKA_ID, id),
                             BYTES(CKA_EC_PARAMS, oid),     BYTES(CKA_VALUE, numbers->d)};
  return put(token, template, sizeof template / sizeof template[0], err);
}

bool ekm_token_import_aes(ekm_token *token, const ekm_secret *bytes, ekm_token_key *out_key, ekm_err *err) {
  CK_OBJECT_CLASS class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  *out_key = (ekm_token_key){.kind = EKM_TOKEN_AES, .bits = (unsigned)bytes->len * 8};
  if (!name_key(token, out_key, err)) return false;
  ekm_view id = ekm_view_of(out_key->id, sizeof out_key->id);
  ekm_view value = ekm_secret_reveal(bytes);
  CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class), ATTRIBUTE(CKA_KEY_TYPE, type), AES_USES, BYTES(CKA_ID, id),
                             BYTES(CKA_VALUE, value)};
  return put(token, template, sizeof template / sizeof template[0], err);
}

/* ---- destroying -------------------------------------------------------------------------------------------------- */

typedef struct destroying {
  work base;
  const ekm_token_key *key;
} destroying;

static CK_RV destroy_class(ekm_token *token, CK_SESSION_HANDLE session, destroying *d, CK_OBJECT_CLASS class) {
  CK_OBJECT_HANDLE object;
  CK_RV code = find_object(token, session, d->key->id, class, &object, &d->base);
  if (code == CKR_OBJECT_HANDLE_INVALID) return CKR_OK;
  if (code != CKR_OK) return code;
  d->base.call = "C_DestroyObject";
  return token->module->C_DestroyObject(session, object);
}

static CK_RV destroy(ekm_token *token, CK_SESSION_HANDLE session, work *w, ekm_err *err) {
  destroying *d = (destroying *)w;
  (void)err;
  CK_RV code = destroy_class(token, session, d, private_class(d->key->kind));
  return code == CKR_OK ? destroy_class(token, session, d, CKO_PUBLIC_KEY) : code;
}

bool ekm_token_destroy(ekm_token *token, const ekm_token_key *key, ekm_err *err) {
  CK_RV code;
  destroying d = {{destroy, "", true}, key};
  return do_work(token, &d.base, &code, err);
}

/* ---- using ------------------------------------------------------------------------------------------------------- */

typedef enum use_kind { USE_DECRYPT, USE_ENCRYPT, USE_SIGN } use_kind;

typedef struct using {
  work base;
  use_kind kind;
  const ekm_token_key *key;
  CK_MECHANISM *mechanism;
  ekm_view in;
  ekm_buf *out;
}
using;

typedef CK_RV (*begin_call)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
typedef CK_RV (*run_call)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);

static CK_RV use(ekm_token *token, CK_SESSION_HANDLE session, work *w, ekm_err *err) {
  using *u = (using *)w;
  CK_OBJECT_HANDLE object;
  const CK_FUNCTION_LIST *m = token->module;
  const struct {
    begin_call begin;
    run_call run;
    const char *name;
  } calls[] = {{m->C_DecryptInit, m->C_Decrypt, "C_Decrypt"},
               {m->C_EncryptInit, m->C_Encrypt, "C_Encrypt"},
               {m->C_SignInit, m->C_Sign, "C_Sign"}};
  CK_RV code = find_object(token, session, u->key->id, private_class(u->key->kind), &object, w);
  if (code != CKR_OK) return code;
  w->call = calls[u->kind].name;
  code = calls[u->kind].begin(session, u->mechanism, object);
  if (code != CKR_OK) return code;
  CK_ULONG len = u->in.len + EKM_LIMIT_RSA_MODULUS_BYTES; /* room for every padding, tag and signature */
  uint8_t *at = ekm_buf_extend(u->out, len);
  w->ok = ekm_buf_ok(u->out, "what a token gives", err);
  if (!w->ok) return CKR_OK;
  size_t before = u->out->len - len;
  CK_ULONG got = len;
  code = calls[u->kind].run(session, (CK_BYTE *)(uintptr_t)u->in.ptr, u->in.len, at, &got);
  ekm_buf_truncate(u->out, before + (code == CKR_OK && got <= len ? got : 0));
  return code;
}

/* False with *${out_code} CKR_OK is an error of our own in ${err}; a code that is of the data is left to the caller. */
static bool run_use(ekm_token *token, const ekm_token_key *key, use_kind kind, CK_MECHANISM *mechanism, ekm_view in,
                    ekm_buf *out, CK_RV *out_code, ekm_err *err) {
  using u = {{use, "", true}, kind, key, mechanism, in, out};
  return do_work(token, &u.base, out_code, err);
}

static bool refused(ekm_err *err, const char *what) {
  ekm_err_clear(err);
  return EKM_FAIL(err, EKM_E_UNWRAP_REFUSED, "%s", what);
}

/* ---- RSA --------------------------------------------------------------------------------------------------------- */

static bool decrypt_raw(ekm_token *token, const ekm_token_key *key, bool with_sha256, ekm_view ciphertext,
                        ekm_buf *out_plaintext, ekm_err *err) {
  CK_RV code;
  ekm_buf raw, encoded;
  CK_MECHANISM mechanism = {CKM_RSA_X_509, NULL, 0};
  size_t bytes = key->bits / 8;

  ekm_buf_init(&raw, 3 * EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&encoded, EKM_LIMIT_RSA_MODULUS_BYTES);
  bool ok = run_use(token, key, USE_DECRYPT, &mechanism, ciphertext, &raw, &code, err);
  if (!ok && is_about_data(code)) ok = refused(err, "RSA-OAEP");
  if (ok) { /* a token may leave zeros at the front away */
    size_t missing = raw.len < bytes ? bytes - raw.len : 0;
    uint8_t *zeros = ekm_buf_extend(&encoded, missing);
    if (missing > 0 && zeros != NULL) memset(zeros, 0, missing);
    ekm_buf_append_view(&encoded, ekm_buf_view(&raw));
    ok = ekm_buf_ok(&encoded, "what a token gives", err) &&
         ekm_oaep_remove(token->crypto, with_sha256, ekm_buf_view(&encoded), out_plaintext, err);
  }
  ekm_buf_clear(&raw);
  ekm_buf_clear(&encoded);
  return ok;
}

static bool decrypt_oaep(ekm_token *token, const ekm_token_key *key, bool with_sha256, ekm_view ciphertext,
                         ekm_buf *out_plaintext, ekm_err *err) {
  CK_RV code;
  CK_RSA_PKCS_OAEP_PARAMS params = {.hashAlg = with_sha256 ? CKM_SHA256 : CKM_SHA_1,
                                    .mgf = with_sha256 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1,
                                    .source = CKZ_DATA_SPECIFIED};
  CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &params, sizeof params};
  if (run_use(token, key, USE_DECRYPT, &mechanism, ciphertext, out_plaintext, &code, err)) return true;
  bool lacks_hash = code == CKR_MECHANISM_PARAM_INVALID || code == CKR_ARGUMENTS_BAD || code == CKR_MECHANISM_INVALID;
  if (lacks_hash) {
    ekm_err_clear(err);
    return decrypt_raw(token, key, with_sha256, ciphertext, out_plaintext, err);
  }
  return is_about_data(code) ? refused(err, "RSA-OAEP") : false;
}

static bool decrypt_pkcs1(ekm_token *token, const ekm_token_key *key, ekm_view ciphertext, ekm_buf *out_plaintext,
                          ekm_err *err) {
  CK_RV code;
  CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
  if (run_use(token, key, USE_DECRYPT, &mechanism, ciphertext, out_plaintext, &code, err)) return true;
  return is_about_data(code) ? refused(err, "RSA1_5") : false;
}

bool ekm_token_rsa_decrypt(ekm_token *token, const ekm_token_key *key, const char *alg, ekm_view ciphertext,
                           ekm_buf *out_plaintext, ekm_err *err) {
  if (key->kind != EKM_TOKEN_RSA) return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "'%s' by a key that is not RSA", alg);
  if (strcmp(alg, "RSA-OAEP-256") == 0) return decrypt_oaep(token, key, true, ciphertext, out_plaintext, err);
  if (strcmp(alg, "RSA-OAEP") == 0) return decrypt_oaep(token, key, false, ciphertext, out_plaintext, err);
  if (strcmp(alg, "RSA1_5") == 0) return decrypt_pkcs1(token, key, ciphertext, out_plaintext, err);
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the algorithm '%s'", alg);
}

/* ---- signatures -------------------------------------------------------------------------------------------------- */

/* The hashes, with what PKCS #1 v1.5 puts in front of each (RFC 8017 section 9.2, note 1). */
typedef struct hash_info {
  const char *suffix; /* of RS and PS */
  size_t bytes;
  CK_MECHANISM_TYPE mechanism;
  CK_RSA_PKCS_MGF_TYPE mgf;
  uint8_t prefix[19];
} hash_info;
static const hash_info hashes[] = {
    {"256",
     32,
     CKM_SHA256,
     CKG_MGF1_SHA256,
     {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
      0x20}},
    {"384",
     48,
     CKM_SHA384,
     CKG_MGF1_SHA384,
     {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04,
      0x30}},
    {"512",
     64,
     CKM_SHA512,
     CKG_MGF1_SHA512,
     {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04,
      0x40}},
};

static bool sign_rsa(ekm_token *token, const ekm_token_key *key, const char *alg, const hash_info *hash,
                     ekm_view digest, ekm_buf *out_signature, ekm_err *err) {
  CK_RV code;
  ekm_buf in;
  bool with_pss = alg[0] == 'P';
  CK_RSA_PKCS_PSS_PARAMS params = {hash->mechanism, hash->mgf, hash->bytes};
  CK_MECHANISM pss = {CKM_RSA_PKCS_PSS, &params, sizeof params};
  CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};
  ekm_buf_init(&in, sizeof hash->prefix + 64);
  if (!with_pss) ekm_buf_append(&in, hash->prefix, sizeof hash->prefix);
  ekm_buf_append_view(&in, digest);
  bool ok = ekm_buf_ok(&in, "a digest", err) &&
            run_use(token, key, USE_SIGN, with_pss ? &pss : &pkcs1, ekm_buf_view(&in), out_signature, &code, err);
  ekm_buf_clear(&in);
  return ok;
}

static bool sign_ec(ekm_token *token, const ekm_token_key *key, ekm_view digest, ekm_buf *out_signature, ekm_err *err) {
  CK_RV code;
  CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
  return run_use(token, key, USE_SIGN, &mechanism, digest, out_signature, &code, err);
}

/* Each curve has its one algorithm, and that its one hash. */
static const struct {
  const char *alg, *curve;
  size_t digest;
} ec_algs[] = {{"ES256", "P-256", 32}, {"ES384", "P-384", 48}, {"ES512", "P-521", 64}, {"ES256K", "P-256K", 32}};

static bool wrong_digest(ekm_view digest, ekm_err *err) {
  return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a digest of %zu bytes", digest.len);
}

bool ekm_token_sign(ekm_token *token, const ekm_token_key *key, const char *alg, ekm_view digest,
                    ekm_buf *out_signature, ekm_err *err) {
  bool is_rsa_alg = (alg[0] == 'R' || alg[0] == 'P') && alg[1] == 'S';
  for (size_t i = 0; key->kind == EKM_TOKEN_EC && i < sizeof ec_algs / sizeof ec_algs[0]; i++) {
    if (strcmp(ec_algs[i].alg, alg) != 0 || strcmp(ec_algs[i].curve, key->curve) != 0) continue;
    if (digest.len != ec_algs[i].digest) return wrong_digest(digest, err);
    return sign_ec(token, key, digest, out_signature, err);
  }
  for (size_t i = 0; key->kind == EKM_TOKEN_RSA && is_rsa_alg && i < sizeof hashes / sizeof hashes[0]; i++) {
    if (strcmp(hashes[i].suffix, alg + 2) != 0) continue;
    if (digest.len != hashes[i].bytes) return wrong_digest(digest, err);
    return sign_rsa(token, key, alg, &hashes[i], digest, out_signature, err);
  }
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "signatures by '%s' with this key in a token", alg);
}

/* ---- AES --------------------------------------------------------------------------------------------------------- */

typedef enum aes_mode { AES_GCM, AES_CBC, AES_CBCPAD, AES_KW, AES_KWPAD } aes_mode;

/* "A256CBCPAD" for a key of 256 bits; the CKM names for any. */
static bool find_mode(const ekm_token_key *key, const char *alg, aes_mode *out, ekm_err *err) {
  static const char *const modes[] = {"GCM", "CBC", "CBCPAD", "KW", "KWPAD"};
  static const char *const any[] = {[AES_KW] = "CKM_AES_KEY_WRAP", [AES_KWPAD] = "CKM_AES_KEY_WRAP_PAD"};
  char name[24];
  for (size_t i = 0; key->kind == EKM_TOKEN_AES && i < sizeof modes / sizeof modes[0]; i++) {
    (void)snprintf(name, sizeof name, "A%u%s", key->bits, modes[i]);
    bool is_it = strcmp(name, alg) == 0 || (i >= AES_KW && strcmp(any[i], alg) == 0);
    *out = (aes_mode)i;
    if (is_it) return true;
  }
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the algorithm '%s' with this key in a token", alg);
}

typedef struct block_user {
  ekm_token *token;
  const ekm_token_key *key;
} block_user;

static bool run_block(void *arg, bool encrypt, uint8_t block[16], ekm_err *err) {
  CK_RV code;
  ekm_buf out;
  const block_user *u = arg;
  CK_MECHANISM mechanism = {CKM_AES_ECB, NULL, 0};
  ekm_buf_init(&out, 2 * EKM_LIMIT_RSA_MODULUS_BYTES);
  bool ok = run_use(u->token, u->key, encrypt ? USE_ENCRYPT : USE_DECRYPT, &mechanism, ekm_view_of(block, 16), &out,
                    &code, err);
  if (ok && out.len != 16) ok = EKM_FAIL(err, EKM_E_TOKEN, "a block of %zu bytes", out.len);
  if (ok) memcpy(block, out.ptr, 16);
  ekm_buf_clear(&out);
  return ok;
}

static bool has_only(const ekm_cipher_input *in, bool iv, bool aad, bool tag, ekm_err *err) {
  bool wrong = (!iv && in->iv.len > 0) || (!aad && in->aad.len > 0) || (!tag && in->tag.len > 0);
  return !wrong || EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a part that the algorithm does not take");
}

static CK_GCM_PARAMS gcm_params(const uint8_t iv[EKM_CIPHER_GCM_IV_BYTES], ekm_view aad) {
  return (CK_GCM_PARAMS){.pIv = (CK_BYTE *)(uintptr_t)iv,
                         .ulIvLen = EKM_CIPHER_GCM_IV_BYTES,
                         .ulIvBits = EKM_CIPHER_GCM_IV_BYTES * 8,
                         .pAAD = (CK_BYTE *)(uintptr_t)aad.ptr,
                         .ulAADLen = aad.len,
                         .ulTagBits = EKM_CIPHER_TAG_BYTES * 8};
}

static bool encrypt_gcm(ekm_token *token, const ekm_token_key *key, const ekm_cipher_input *in, ekm_cipher_output *out,
                        ekm_err *err) {
  CK_RV code;
  const ekm_rng *rng = ekm_crypto_rng(token->crypto);
  if (!has_only(in, false, true, false, err) || !rng->fill(rng, out->iv, EKM_CIPHER_GCM_IV_BYTES, err)) return false;
  CK_GCM_PARAMS params = gcm_params(out->iv, in->aad);
  CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof params};
  if (!run_use(token, key, USE_ENCRYPT, &mechanism, in->value, &out->value, &code, err)) return false;
  if (out->value.len < EKM_CIPHER_TAG_BYTES) return EKM_FAIL(err, EKM_E_TOKEN, "a ciphertext without a tag");
  size_t len = out->value.len - EKM_CIPHER_TAG_BYTES;
  memcpy(out->tag, out->value.ptr + len, EKM_CIPHER_TAG_BYTES);
  ekm_buf_truncate(&out->value, len);
  out->iv_len = EKM_CIPHER_GCM_IV_BYTES;
  out->tag_len = EKM_CIPHER_TAG_BYTES;
  return true;
}

static bool decrypt_gcm(ekm_token *token, const ekm_token_key *key, const ekm_cipher_input *in, ekm_buf *out,
                        ekm_err *err) {
  CK_RV code;
  ekm_buf sealed;
  if (in->iv.len != EKM_CIPHER_GCM_IV_BYTES || in->tag.len != EKM_CIPHER_TAG_BYTES) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "GCM without its iv of 12 bytes and its tag of 16");
  }
  ekm_buf_init(&sealed, DATA_MAX_BYTES);
  ekm_buf_append_view(&sealed, in->value);
  ekm_buf_append_view(&sealed, in->tag);
  CK_GCM_PARAMS params = gcm_params(in->iv.ptr, in->aad);
  CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof params};
  bool fits = ekm_buf_ok(&sealed, "a ciphertext", err);
  bool ok = fits && run_use(token, key, USE_DECRYPT, &mechanism, ekm_buf_view(&sealed), out, &code, err);
  if (fits && !ok && is_about_data(code)) ok = refused(err, "AES-GCM");
  ekm_buf_clear(&sealed);
  return ok;
}

static CK_MECHANISM_TYPE cbc_mechanism(aes_mode mode) {
  return mode == AES_CBC ? CKM_AES_CBC : CKM_AES_CBC_PAD;
}

static bool encrypt_cbc(ekm_token *token, const ekm_token_key *key, aes_mode mode, const ekm_cipher_input *in,
                        ekm_cipher_output *out, ekm_err *err) {
  CK_RV code;
  const ekm_rng *rng = ekm_crypto_rng(token->crypto);
  bool fits = in->iv.len == 0 || in->iv.len == EKM_CIPHER_CBC_IV_BYTES;
  if (!has_only(in, true, false, false, err)) return false;
  if (!fits || (mode == AES_CBC && (in->value.len == 0 || in->value.len % EKM_CIPHER_CBC_IV_BYTES != 0))) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "CBC takes an iv of 16 bytes, and without padding whole blocks");
  }
  if (in->iv.len > 0) memcpy(out->iv, in->iv.ptr, EKM_CIPHER_CBC_IV_BYTES);
  if (in->iv.len == 0 && !rng->fill(rng, out->iv, EKM_CIPHER_CBC_IV_BYTES, err)) return false;
  CK_MECHANISM mechanism = {cbc_mechanism(mode), out->iv, EKM_CIPHER_CBC_IV_BYTES};
  out->iv_len = EKM_CIPHER_CBC_IV_BYTES;
  return run_use(token, key, USE_ENCRYPT, &mechanism, in->value, &out->value, &code, err);
}

static bool decrypt_cbc(ekm_token *token, const ekm_token_key *key, aes_mode mode, const ekm_cipher_input *in,
                        ekm_buf *out, ekm_err *err) {
  CK_RV code;
  uint8_t iv[EKM_CIPHER_CBC_IV_BYTES];
  if (!has_only(in, true, false, false, err)) return false;
  if (in->iv.len != sizeof iv) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "CBC without its iv of 16 bytes");
  if (in->value.len == 0 || in->value.len % sizeof iv != 0) return EKM_FAIL(err, EKM_E_UNWRAP_REFUSED, "its length");
  memcpy(iv, in->iv.ptr, sizeof iv);
  CK_MECHANISM mechanism = {cbc_mechanism(mode), iv, sizeof iv};
  if (run_use(token, key, USE_DECRYPT, &mechanism, in->value, out, &code, err)) return true;
  return is_about_data(code) ? refused(err, "AES-CBC") : false;
}

bool ekm_token_aes_encrypt(ekm_token *token, const ekm_token_key *key, const char *alg, const ekm_cipher_input *in,
                           ekm_cipher_output *out, ekm_err *err) {
  aes_mode mode;
  block_user user = {token, key};
  const ekm_block_cipher cipher = {run_block, &user};
  out->iv_len = out->tag_len = 0;
  if (!find_mode(key, alg, &mode, err)) return false;
  if (mode == AES_GCM) return encrypt_gcm(token, key, in, out, err);
  if (mode == AES_CBC || mode == AES_CBCPAD) return encrypt_cbc(token, key, mode, in, out, err);
  return has_only(in, false, false, false, err) && ekm_keywrap(&cipher, mode == AES_KWPAD, in->value, &out->value, err);
}

bool ekm_token_aes_decrypt(ekm_token *token, const ekm_token_key *key, const char *alg, const ekm_cipher_input *in,
                           ekm_buf *out_plaintext, ekm_err *err) {
  aes_mode mode;
  block_user user = {token, key};
  const ekm_block_cipher cipher = {run_block, &user};
  if (!find_mode(key, alg, &mode, err)) return false;
  if (mode == AES_GCM) return decrypt_gcm(token, key, in, out_plaintext, err);
  if (mode == AES_CBC || mode == AES_CBCPAD) return decrypt_cbc(token, key, mode, in, out_plaintext, err);
  return has_only(in, false, false, false, err) &&
         ekm_keyunwrap(&cipher, mode == AES_KWPAD, in->value, out_plaintext, err);
}
