#include "vault/tls_files.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "crypto/cert.h"

enum {
  DAY_S = 86400,
  RENEW_S = 30 * DAY_S,
  SERVER_LIFE_S = 397 * DAY_S, /* what browsers and Apple's TLS accept at most */
  AUTHORITY_LIFE_S = 3650 * DAY_S,
  BACKDATE_S = DAY_S, /* for clients whose clock is behind */
  PATH_MAX_BYTES = 4096,
  FIXED_NAMES = 6
};

/* "*.vault.localhost" is asked for and covers every vault with the default suffix; the same for Managed HSMs. */
static const char *const fixed_names[FIXED_NAMES] = {"localhost",           VAULT_LOGIN_HOST, "*." VAULT_DEFAULT_SUFFIX,
                                                     "*." VAULT_HSM_SUFFIX, "127.0.0.1",      "::1"};

typedef struct pem_pair {
  ekm_buf cert, key;
} pem_pair;

static void pair_init(pem_pair *pair) {
  ekm_buf_init(&pair->cert, VAULT_TLS_PEM_MAX_BYTES);
  ekm_buf_init(&pair->key, VAULT_TLS_PEM_MAX_BYTES);
}

static void pair_clear(pem_pair *pair) {
  ekm_buf_clear(&pair->cert);
  ekm_buf_clear(&pair->key);
}

static bool path_of(const vault_tls_options *options, const char *name, ekm_buf *out, ekm_err *err) {
  ekm_buf_reset(out);
  ekm_buf_append_fmt(out, "%s/tls%s", options->folder, name);
  return ekm_buf_ok(out, "a path", err);
}

static bool holds(const ekm_buf *text, const char *what, const char *path, ekm_err *err) {
  return strstr(ekm_buf_text(text), what) != NULL || EKM_FAIL(err, EKM_E_SERVE, "'%s' has no %s in it", path, what);
}

/* *${out_found} is false, and the pair empty, if one of the two files is missing. */
static bool read_pair(const vault_tls_options *options, const char *cert, const char *key, pem_pair *out,
                      bool *out_found, ekm_err *err) {
  bool ok = false;
  ekm_buf cert_path, key_path;

  *out_found = false;
  ekm_buf_init(&cert_path, PATH_MAX_BYTES);
  ekm_buf_init(&key_path, PATH_MAX_BYTES);
  EKM_TRY(path_of(options, cert, &cert_path, err));
  EKM_TRY(path_of(options, key, &key_path, err));
  if (ekm_file_exists(ekm_buf_text(&cert_path)) && ekm_file_exists(ekm_buf_text(&key_path))) {
    EKM_TRY(ekm_file_is_private(ekm_buf_text(&key_path), err));
    EKM_TRY(ekm_file_read(ekm_buf_text(&cert_path), &out->cert, err));
    EKM_TRY(ekm_file_read(ekm_buf_text(&key_path), &out->key, err));
    EKM_TRY(holds(&out->cert, "BEGIN CERTIFICATE", ekm_buf_text(&cert_path), err));
    EKM_TRY(holds(&out->key, "PRIVATE KEY", ekm_buf_text(&key_path), err));
    *out_found = true;
  }
  ok = true;
done:
  ekm_buf_clear(&cert_path);
  ekm_buf_clear(&key_path);
  return ok;
}

/* The key first: after a crash between the two, a certificate that does not fit is not left as if it did, because the
 * old certificate is removed before. */
static bool write_pair(const vault_tls_options *options, const char *cert, const char *key, const pem_pair *pair,
                       ekm_err *err) {
  bool ok = false;
  ekm_buf path;

  ekm_buf_init(&path, PATH_MAX_BYTES);
  EKM_TRY(path_of(options, "", &path, err));
  EKM_TRY(ekm_file_make_folder(ekm_buf_text(&path), err));
  EKM_TRY(path_of(options, cert, &path, err));
  (void)remove(ekm_buf_text(&path));
  EKM_TRY(path_of(options, key, &path, err));
  EKM_TRY(ekm_file_write_private(ekm_buf_text(&path), ekm_buf_view(&pair->key), err));
  EKM_TRY(path_of(options, cert, &path, err));
  EKM_TRY(ekm_file_write_public(ekm_buf_text(&path), ekm_buf_view(&pair->cert), err));
  ok = true;
done:
  ekm_buf_clear(&path);
  return ok;
}

static bool ends_soon(const vault_tls_options *options, const ekm_buf *cert, bool *out_soon, int64_t *out_end,
                      ekm_err *err) {
  if (!ekm_cert_not_after(options->crypto, ekm_buf_view(cert), out_end, err)) return false;
  *out_soon = *out_end < ekm_clock_wall_s(options->clock) + RENEW_S;
  return true;
}

static bool authority(const vault_tls_options *options, pem_pair *out, int64_t *out_end, bool *out_is_new,
                      ekm_err *err) {
  bool found = false;
  bool soon = true;
  int64_t now = ekm_clock_wall_s(options->clock);
  const ekm_cert_request request = {.common_name = "akvd local authority",
                                    .not_before_wall_s = now - BACKDATE_S,
                                    .not_after_wall_s = now + AUTHORITY_LIFE_S};
  if (!read_pair(options, "/ca.pem", "/ca.key", out, &found, err)) return false;
  if (found && !ends_soon(options, &out->cert, &soon, out_end, err)) return false;
  *out_is_new = !found || soon;
  if (!*out_is_new) return true;
  ekm_buf_reset(&out->cert);
  ekm_buf_reset(&out->key);
  *out_end = request.not_after_wall_s;
  EKM_LOG(options->log, EKM_LOG_INFO, "vault.certificate", EKM_LOG_TEXT("made", "authority"));
  return ekm_cert_make_authority(options->crypto, &request, &out->cert, &out->key, err) &&
         write_pair(options, "/ca.pem", "/ca.key", out, err);
}

static bool covers_all(const vault_tls_options *options, ekm_view cert, bool *out_covers, ekm_err *err) {
  size_t count;
  char any[EKM_LIMIT_HOST_BYTES];
  const vault_info *vaults = vault_directory_vaults(options->dir, &count);
  *out_covers = true;
  for (size_t i = 0; *out_covers && i < FIXED_NAMES + count; i++) {
    const char *name = i < FIXED_NAMES ? fixed_names[i] : vaults[i - FIXED_NAMES].host;
    (void)snprintf(any, sizeof any, "any%s", name + 1);
    if (name[0] == '*') name = any;
    if (!ekm_cert_covers(options->crypto, cert, name, out_covers, err)) return false;
  }
  return true;
}

/* A wildcard stands for one label: it covers a.vault.localhost, not a.b.vault.localhost. */
static bool is_covered_by_wildcard(const char *host) {
  const char *dot = strchr(host, '.');
  return dot != NULL && (strcmp(dot + 1, VAULT_DEFAULT_SUFFIX) == 0 || strcmp(dot + 1, VAULT_HSM_SUFFIX) == 0);
}

static bool make_server(const vault_tls_options *options, const pem_pair *ca, int64_t ca_end, pem_pair *out,
                        ekm_err *err) {
  size_t count;
  const vault_info *vaults = vault_directory_vaults(options->dir, &count);
  int64_t now = ekm_clock_wall_s(options->clock);
  int64_t end = now + SERVER_LIFE_S < ca_end ? now + SERVER_LIFE_S : ca_end;
  const char **names = ekm_mem_array(FIXED_NAMES + count, sizeof *names, err);
  if (names == NULL) return false;
  ekm_cert_request request = {"akvd", names, FIXED_NAMES, now - BACKDATE_S, end};
  for (size_t i = 0; i < FIXED_NAMES; i++) names[i] = fixed_names[i];
  for (size_t i = 0; i < count; i++) {
    if (!is_covered_by_wildcard(vaults[i].host)) names[request.name_count++] = vaults[i].host;
  }
  ekm_buf_reset(&out->cert);
  ekm_buf_reset(&out->key);
  EKM_LOG(options->log, EKM_LOG_INFO, "vault.certificate", EKM_LOG_TEXT("made", "server"),
          EKM_LOG_INT("names", request.name_count));
  bool ok = ekm_cert_make_server(options->crypto, &request, ekm_buf_view(&ca->cert), ekm_buf_view(&ca->key), &out->cert,
                                 &out->key, err) &&
            write_pair(options, "/server.pem", "/server.key", out, err);
  ekm_mem_free(names);
  return ok;
}

bool vault_tls_files_ready(const vault_tls_options *options, ekm_buf *out_cert_pem, ekm_buf *out_key_pem,
                           ekm_err *err) {
  bool ok = false;
  bool found, is_new;
  bool soon = true;
  bool covers = false;
  int64_t ca_end, server_end;
  pem_pair ca, server;

  pair_init(&ca);
  pair_init(&server);
  EKM_TRY(authority(options, &ca, &ca_end, &is_new, err));
  EKM_TRY(read_pair(options, "/server.pem", "/server.key", &server, &found, err));
  if (found && !is_new) {
    EKM_TRY(ends_soon(options, &server.cert, &soon, &server_end, err));
    EKM_TRY(covers_all(options, ekm_buf_view(&server.cert), &covers, err));
  }
  if (!found || is_new || soon || !covers) EKM_TRY(make_server(options, &ca, ca_end, &server, err));
  ekm_buf_append_view(out_cert_pem, ekm_buf_view(&server.cert));
  ekm_buf_append_view(out_key_pem, ekm_buf_view(&server.key));
  EKM_TRY(ekm_buf_ok(out_cert_pem, "a certificate", err));
  EKM_TRY(ekm_buf_ok(out_key_pem, "a certificate's key", err));
  ok = true;
done:
  pair_clear(&ca);
  pair_clear(&server);
  return ok;
}

/* ---- an own certificate ------------------------------------------------------------------------------------------ */

static bool warn_of_names(const vault_tls_options *options, ekm_view cert, ekm_err *err) {
  size_t count;
  const vault_info *vaults = vault_directory_vaults(options->dir, &count);
  for (size_t i = 0; i <= count; i++) {
    bool covers = false;
    const char *name = i == count ? VAULT_LOGIN_HOST : vaults[i].host;
    if (!ekm_cert_covers(options->crypto, cert, name, &covers, err)) return false;
    if (covers) continue;
    EKM_LOG(options->log, EKM_LOG_WARN, "vault.certificate", EKM_LOG_TEXT("not_covered", name),
            EKM_LOG_TEXT("text", "clients that ask for this name will refuse the certificate"));
  }
  return true;
}

bool vault_tls_files_own(const vault_tls_options *options, const char *cert_path, const char *key_path,
                         ekm_buf *out_cert_pem, ekm_buf *out_key_pem, ekm_err *err) {
  int64_t end = 0;
  ekm_err why = {0};
  if (!ekm_file_is_private(key_path, err) || !ekm_file_read(cert_path, out_cert_pem, err) ||
      !ekm_file_read(key_path, out_key_pem, err)) {
    return false;
  }
  if (!holds(out_cert_pem, "BEGIN CERTIFICATE", cert_path, err) || !holds(out_key_pem, "PRIVATE KEY", key_path, err)) {
    return false;
  }
  if (!ekm_cert_not_after(options->crypto, ekm_buf_view(out_cert_pem), &end, &why)) {
    return EKM_FAIL(err, EKM_E_SERVE, "'%s' is no certificate", cert_path);
  }
  if (end <= ekm_clock_wall_s(options->clock)) return EKM_FAIL(err, EKM_E_SERVE, "'%s' has expired", cert_path);
  return warn_of_names(options, ekm_buf_view(out_cert_pem), err);
}
