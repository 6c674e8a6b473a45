#include "crypto/token_p11.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

enum {
  SLOTS_MAX = 32,
  LABEL_BYTES = 32, /* of a token, padded with blanks */
  NUMBER_MAX_BYTES = 4096,
  POINT_MAX_BYTES = 2 * 66 + 8,
  WAIT_MS = 60000
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

bool token_do(ekm_token *token, token_work *w, CK_RV *out_code, ekm_err *err) {
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
  size_t len = strlen(label);
  bool same = len <= LABEL_BYTES;
  for (size_t i = 0; same && i < LABEL_BYTES; i++) same = info->label[i] == (CK_UTF8CHAR)(i < len ? label[i] : ' ');
  return same;
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
CK_RV token_find(ekm_token *token, CK_SESSION_HANDLE session, const ekm_token_key *key, CK_OBJECT_CLASS class,
                 CK_OBJECT_HANDLE *out, token_work *work) {
  CK_ULONG count = 0;
  ekm_view name = ekm_view_of(key->id, sizeof key->id);
  CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class), BYTES(CKA_ID, name)};
  work->call = "C_FindObjects";
  CK_RV code = token->module->C_FindObjectsInit(session, template, sizeof template / sizeof template[0]);
  if (code != CKR_OK) return code;
  code = token->module->C_FindObjects(session, out, 1, &count);
  CK_RV end = token->module->C_FindObjectsFinal(session);
  if (code == CKR_OK) code = end;
  if (code == CKR_OK && count == 0) return CKR_OBJECT_HANDLE_INVALID;
  return code;
}

CK_OBJECT_CLASS token_class(ekm_token_kind kind) {
  return kind == EKM_TOKEN_AES ? CKO_SECRET_KEY : CKO_PRIVATE_KEY;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

typedef struct making {
  token_work base;
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
  if (attribute.ulValueLen > NUMBER_MAX_BYTES) return CKR_DEVICE_ERROR;
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

static CK_RV make_pair(ekm_token *token, CK_SESSION_HANDLE session, token_work *w, ekm_err *err) {
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

static CK_RV make_aes(ekm_token *token, CK_SESSION_HANDLE session, token_work *w, ekm_err *err) {
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

bool ekm_token_make(ekm_token *token, const ekm_token_spec *spec, ekm_token_key *out_key, ekm_buf *out_a,
                    ekm_buf *out_b, ekm_err *err) {
  CK_RV code;
  bool is_ec = spec->kind == EKM_TOKEN_EC;
  const curve_info *info = is_ec ? curve_of(spec->curve, err) : NULL;
  if (is_ec && info == NULL) return false;
  *out_key = (ekm_token_key){spec->kind, is_ec ? info->bits : spec->bits, is_ec ? info->name : NULL, {0}};
  making m = {
      {spec->kind == EKM_TOKEN_AES ? make_aes : make_pair, "", true}, out_key, spec->exponent, info, out_a, out_b};
  return name_key(token, out_key, err) && made(token, out_key, token_do(token, &m.base, &code, err), err);
}

/* ---- importing --------------------------------------------------------------------------------------------------- */

typedef struct importing {
  token_work base;
  CK_ATTRIBUTE *template;
  CK_ULONG count;
} importing;

static CK_RV create(ekm_token *token, CK_SESSION_HANDLE session, token_work *w, ekm_err *err) {
  importing *i = (importing *)w;
  CK_OBJECT_HANDLE object;
  (void)err;
  w->call = "C_CreateObject";
  return token->module->C_CreateObject(session, i->template, i->count, &object);
}

static bool put(ekm_token *token, CK_ATTRIBUTE *template, size_t count, ekm_err *err) {
  CK_RV code;
  importing i = {{create, "", true}, template, count};
  return token_do(token, &i.base, &code, err);
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
  token_work base;
  const ekm_token_key *key;
} destroying;

static CK_RV destroy_class(ekm_token *token, CK_SESSION_HANDLE session, destroying *d, CK_OBJECT_CLASS class) {
  CK_OBJECT_HANDLE object;
  CK_RV code = token_find(token, session, d->key, class, &object, &d->base);
  if (code == CKR_OBJECT_HANDLE_INVALID) return CKR_OK;
  if (code != CKR_OK) return code;
  d->base.call = "C_DestroyObject";
  return token->module->C_DestroyObject(session, object);
}

static CK_RV destroy(ekm_token *token, CK_SESSION_HANDLE session, token_work *w, ekm_err *err) {
  destroying *d = (destroying *)w;
  (void)err;
  CK_RV code = destroy_class(token, session, d, token_class(d->key->kind));
  return code == CKR_OK ? destroy_class(token, session, d, CKO_PUBLIC_KEY) : code;
}

bool ekm_token_destroy(ekm_token *token, const ekm_token_key *key, ekm_err *err) {
  CK_RV code;
  destroying d = {{destroy, "", true}, key};
  return token_do(token, &d.base, &code, err);
}
