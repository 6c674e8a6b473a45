#include "vault/proof.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "vault/aad_answer.h"
#include "vault/assertion.h"
#include "vault/federation.h"
#include "vault/service.h"

#define JWT_BEARER "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

enum { TIME_BYTES = 24, URL_BYTES = 512 };

static bool check_secret(vault_exchange *x, const char *secret, const vault_app *app) {
  vault_secret_check check;
  if (!vault_store_check_secret(x->service->store, app, ekm_view_text(secret), &check, &x->err)) return false;
  switch (check) {
    case VAULT_SECRET_RIGHT: return true;
    case VAULT_SECRET_EXPIRED: return vault_aad_refuse(x, VAULT_AAD_SECRET_EXPIRED, app->client_id, "");
    default: return vault_aad_refuse(x, VAULT_AAD_SECRET_WRONG, app->client_id, "");
  }
}

/* ---- an assertion, whoever made it ------------------------------------------------------------------------------- */

static void time_text(int64_t wall_s, char out[TIME_BYTES]) {
  ekm_err ignored = {0};
  ekm_buf text;
  ekm_buf_init(&text, TIME_BYTES);
  ekm_clock_append_iso(wall_s, &text);
  bool ok =
      ekm_buf_ok(&text, "a time", &ignored) && ekm_text_copy(out, TIME_BYTES, ekm_buf_text(&text), "a time", &ignored);
  if (!ok) out[0] = '\0';
  ekm_buf_clear(&text);
}

static bool refuse_time(vault_exchange *x, const vault_assertion *assertion) {
  char now[TIME_BYTES], from[TIME_BYTES], until[TIME_BYTES];
  time_text(ekm_clock_wall_s(x->service->clock), now);
  time_text(assertion->not_before, from);
  time_text(assertion->expires, until);
  return vault_aad_refuse_with(x, VAULT_AAD_ASSERTION_TIME, (const char *const[VAULT_FAULT_ARGS]){now, from, until});
}

static bool parse_assertion(vault_exchange *x, const char *text, vault_assertion *out) {
  vault_assertion_verdict verdict;
  if (!vault_assertion_parse(ekm_view_text(text), out, &verdict, &x->err)) return false;
  switch (verdict) {
    case VAULT_ASSERTION_GOOD: return true;
    case VAULT_ASSERTION_TYPE: return vault_aad_refuse(x, VAULT_AAD_ASSERTION_TYPE, "", "");
    case VAULT_ASSERTION_ALGORITHM: return vault_aad_refuse(x, VAULT_AAD_ASSERTION_ALGORITHM, out->alg, "RS256,PS256");
    case VAULT_ASSERTION_MISSING: return vault_aad_refuse(x, VAULT_AAD_ASSERTION_FIELD, out->missing, "");
    default: return vault_aad_refuse(x, VAULT_AAD_ASSERTION_MALFORMED, "", "");
  }
}

static bool is_signed_by(vault_exchange *x, const vault_assertion *assertion, ekm_view public_key, bool *out_valid) {
  ekm_key *key = NULL;
  *out_valid = false;
  bool ok = ekm_key_from_public_der(x->service->crypto, public_key, &key, &x->err) &&
            vault_assertion_verify(x->service->crypto, assertion, key, out_valid, &x->err);
  ekm_key_free(&key);
  return ok;
}

/* ---- made by the application itself ------------------------------------------------------------------------------ */

/* The token endpoint as the client wrote it: at the host and port of this request, or at the name that akvd gives to
 * itself; with the port or without it; one of the two endpoints, or the tenant alone. */
static bool is_endpoint(const vault_exchange *x, const char *audience) {
  static const char *const endings[] = {"/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/", ""};
  const char *port = vault_exchange_port(x);
  int host_len = (int)(strlen(x->request.host) - strlen(port));
  const char *const ports[] = {"", port};
  for (size_t i = 0; i < 2 * (sizeof endings / sizeof endings[0]); i++) {
    char asked[URL_BYTES], named[URL_BYTES];
    (void)snprintf(asked, sizeof asked, "https://%.*s%s/%s%s", host_len, x->request.host, ports[i % 2], x->tenant,
                   endings[i / 2]);
    (void)snprintf(named, sizeof named, "https://" VAULT_LOGIN_HOST "%s/%s%s", ports[i % 2], x->tenant, endings[i / 2]);
    if (ekm_text_ieq(audience, asked) || ekm_text_ieq(audience, named)) return true;
  }
  return false;
}

/* The thumbprint that the header has, as Entra shows it: in upper case. */
static void shown_thumbprint(const vault_assertion *assertion, char out[2 * EKM_SHA256_BYTES + 1]) {
  if (assertion->has_x5t_s256) {
    ekm_hex_text(ekm_view_of(assertion->x5t_s256, sizeof assertion->x5t_s256), out, 2 * EKM_SHA256_BYTES + 1);
  } else if (assertion->has_x5t) {
    ekm_hex_text(ekm_view_of(assertion->x5t, sizeof assertion->x5t), out, 2 * EKM_SHA256_BYTES + 1);
  } else {
    (void)snprintf(out, 2 * EKM_SHA256_BYTES + 1, "%.64s", assertion->kid);
  }
  for (char *at = out; *at != '\0'; at++) {
    if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
  }
}

static bool refuse_key(vault_exchange *x, vault_aad_fault fault, const vault_assertion *assertion, const vault_app *app,
                       const vault_certificate *found) {
  char thumbprint[2 * EKM_SHA256_BYTES + 1], begins[TIME_BYTES] = "", ends[TIME_BYTES] = "";
  shown_thumbprint(assertion, thumbprint);
  if (found != NULL) time_text(found->begins, begins);
  if (found != NULL) time_text(found->ends, ends);
  return vault_aad_refuse_with(x, fault,
                               (const char *const[VAULT_FAULT_ARGS]){thumbprint, app->client_id, begins, ends});
}

static const vault_certificate *find_certificate(const vault_assertion *assertion, const vault_app *app) {
  for (size_t i = 0; i < app->certificate_count; i++) {
    if (vault_assertion_is_of(assertion, &app->certificates[i])) return &app->certificates[i];
  }
  return NULL;
}

/* What the claims say counts only behind a good signature. */
static bool check_own(vault_exchange *x, const vault_assertion *assertion, const vault_app *app) {
  int64_t now = ekm_clock_wall_s(x->service->clock);
  bool valid;
  if (!ekm_text_ieq(assertion->issuer, app->client_id) || !ekm_text_ieq(assertion->subject, app->client_id)) {
    return vault_aad_refuse(x, VAULT_AAD_ASSERTION_APPLICATION, "", "");
  }
  if (!assertion->has_x5t && !assertion->has_x5t_s256 && assertion->kid[0] == '\0') {
    return vault_aad_refuse(x, VAULT_AAD_ASSERTION_NO_KEY, "", "");
  }
  const vault_certificate *certificate = find_certificate(assertion, app);
  if (certificate == NULL) return refuse_key(x, VAULT_AAD_CERTIFICATE_UNKNOWN, assertion, app, NULL);
  ekm_view public_key = ekm_view_of(certificate->public_key, certificate->public_key_len);
  if (!is_signed_by(x, assertion, public_key, &valid)) return false;
  if (!valid) return refuse_key(x, VAULT_AAD_ASSERTION_SIGNATURE, assertion, app, certificate);
  if (now < certificate->begins) return refuse_key(x, VAULT_AAD_CERTIFICATE_EARLY, assertion, app, certificate);
  if (now > certificate->ends) return refuse_key(x, VAULT_AAD_CERTIFICATE_EXPIRED, assertion, app, certificate);
  if (!is_endpoint(x, assertion->audience)) return vault_aad_refuse(x, VAULT_AAD_ASSERTION_AUDIENCE, "", "");
  bool is_short = assertion->expires - now <= VAULT_ASSERTION_LIFE_S + VAULT_ASSERTION_LEEWAY_S;
  return (vault_assertion_is_timely(assertion, now) && is_short) || refuse_time(x, assertion);
}

/* ---- made by another issuer -------------------------------------------------------------------------------------- */

static bool refuse_federation(vault_exchange *x, vault_aad_fault fault, const vault_assertion *a) {
  return vault_aad_refuse_with(x, fault,
                               (const char *const[VAULT_FAULT_ARGS]){a->issuer, a->subject, a->audience, a->kid});
}

/* The federated credential of the application that all three claims match; else refused, as precisely as Entra does. */
static bool find_federation(vault_exchange *x, const vault_assertion *a, const vault_app *app,
                            const vault_federation **out) {
  bool issuer = false;
  bool subject = false;
  bool subject_but_for_case = false;
  *out = NULL;
  for (size_t i = 0; i < app->federation_count; i++) {
    const vault_federation *known = &app->federations[i];
    if (strcmp(known->issuer, a->issuer) != 0) continue;
    issuer = true;
    subject_but_for_case = subject_but_for_case || ekm_text_ieq(known->subject, a->subject);
    if (strcmp(known->subject, a->subject) != 0) continue;
    subject = true;
    if (strcmp(known->audience, a->audience) == 0) *out = known;
  }
  if (*out != NULL) return true;
  return refuse_federation(x,
                           app->federation_count == 0 ? VAULT_AAD_FEDERATION_NONE
                           : !issuer                  ? VAULT_AAD_FEDERATION_ISSUER
                           : subject                  ? VAULT_AAD_FEDERATION_AUDIENCE
                           : subject_but_for_case     ? VAULT_AAD_FEDERATION_CASE
                                                      : VAULT_AAD_FEDERATION_SUBJECT,
                           a);
}

static bool check_federated(vault_exchange *x, const vault_assertion *assertion, const vault_app *app) {
  const vault_federation *federation;
  ekm_key *key = NULL;
  bool valid = false;
  if (!find_federation(x, assertion, app, &federation)) return false;
  if (strcmp(assertion->alg, "RS256") != 0) {
    return vault_aad_refuse(x, VAULT_AAD_ASSERTION_ALGORITHM, assertion->alg, "RS256");
  }
  if (!vault_federation_key(x->service->crypto, federation, assertion->kid, &key, &x->err)) return false;
  if (key == NULL) return refuse_federation(x, VAULT_AAD_FEDERATION_KEY, assertion);
  bool ok = vault_assertion_verify(x->service->crypto, assertion, key, &valid, &x->err);
  ekm_key_free(&key);
  if (!ok) return false;
  if (!valid) return refuse_federation(x, VAULT_AAD_FEDERATION_SIGNATURE, assertion);
  return vault_assertion_is_timely(assertion, ekm_clock_wall_s(x->service->clock)) || refuse_time(x, assertion);
}

static bool check_assertion(vault_exchange *x, const char *type, const char *text, const vault_app *app) {
  vault_assertion assertion;
  if (type[0] == '\0') return vault_aad_refuse(x, VAULT_AAD_PARAMETER, "client_assertion_type", "");
  if (strcmp(type, JWT_BEARER) != 0) return vault_aad_refuse(x, VAULT_AAD_MALFORMED, "", "");
  if (!parse_assertion(x, text, &assertion)) return false;
  bool is_federated = strstr(assertion.issuer, "://") != NULL; /* else it is, or should be, a client id */
  return is_federated ? check_federated(x, &assertion, app) : check_own(x, &assertion, app);
}

bool vault_proof_check(vault_exchange *x, const vault_form *form, const vault_app *app) {
  const char *secret = vault_form_text(form, "client_secret");
  const char *assertion = vault_form_text(form, "client_assertion");
  if (secret[0] != '\0') return check_secret(x, secret, app);
  if (assertion[0] == '\0') return vault_aad_refuse(x, VAULT_AAD_NO_CREDENTIAL, "", "");
  return check_assertion(x, vault_form_text(form, "client_assertion_type"), assertion, app);
}
