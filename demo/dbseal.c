/* dbseal: encrypt a file with a data-encryption key (DEK) that an EKM provider wraps, and get it back.
 *
 *   dbseal protect FILE SEALED KEYNAME     open the key by name, wrap a fresh DEK, encrypt
 *   dbseal recover SEALED FILE             find the key by its thumbprint alone, unwrap, decrypt
 *
 * The provider, IDENTITY and the file with SECRET come from the environment: EKM_PROVIDER, EKM_IDENTITY,
 * EKM_SECRET_FILE. It plays the part of a database engine: it talks to the provider through the 17 SqlCrypt functions
 * only, and knows nothing of vaults. Exit codes: 0 done, 1 failed, 2 usage. */
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "crypto/crypto.h"
#include "demo/sealed_file.h"
#include "host/host_key.h"
#include "host/host_session.h"

typedef struct seal_job {
  ekm_crypto *crypto;
  host_module *module;
  host_session *session;
} seal_job;

static void say_failed(const ekm_err *err) {
  const ekm_err_info *info = ekm_err_info_of(err->id);
  (void)fprintf(stderr, "dbseal: %s: %s\n  what to do: %s\n", info->text, err->detail, info->remedy);
}

static const char *need_env(const char *name, ekm_err *err) {
  const char *value = ekm_env_get(ekm_env_process(), name);
  if (value == NULL) (void)EKM_FAIL(err, EKM_E_USAGE, "the environment has no %s", name);
  return value;
}

static bool read_secret(const char *path, ekm_secret *out, ekm_err *err) {
  ekm_buf text;
  ekm_buf_init(&text, EKM_LIMIT_CREDENTIAL_CHARS);
  bool ok = ekm_file_is_private(path, err) && ekm_file_read(path, &text, err);
  while (ok && text.len > 0 && text.ptr[text.len - 1] == '\n') ekm_buf_truncate(&text, text.len - 1);
  ok = ok && ekm_secret_set(out, ekm_buf_view(&text), err);
  ekm_buf_clear(&text);
  return ok;
}

static bool job_start(seal_job *job, ekm_err *err) {
  bool ok = false;
  ekm_secret secret = {0};
  const char *provider = need_env("EKM_PROVIDER", err);
  const char *identity = provider == NULL ? NULL : need_env("EKM_IDENTITY", err);
  const char *secret_file = identity == NULL ? NULL : need_env("EKM_SECRET_FILE", err);

  if (secret_file == NULL) return false;
  EKM_TRY(read_secret(secret_file, &secret, err));
  EKM_TRY(ekm_crypto_new(&job->crypto, err));
  EKM_TRY(host_module_load(provider, NULL, &job->module, NULL, err));
  EKM_TRY(host_session_open(job->module, identity, &secret, &job->session, NULL, err));
  ok = true;
done:
  ekm_secret_clear(&secret);
  return ok;
}

static void job_end(seal_job *job) {
  host_session_close(&job->session);
  host_module_unload(&job->module);
  ekm_crypto_free(&job->crypto);
}

static void print_summary(const char *what, const sealed_head *head) {
  char thumb[2 * SEALED_THUMB_BYTES + 1];
  ekm_hex_text(ekm_view_of(head->thumb, sizeof head->thumb), thumb, sizeof thumb);
  (void)printf("%s %llu bytes; thumbprint 0x%s, wrapped DEK %zu bytes\n", what, (unsigned long long)head->plain_bytes,
               thumb, head->wrapped_dek.len);
}

static bool protect(seal_job *job, char **args, ekm_err *err) {
  bool ok = false;
  const ekm_rng *rng = ekm_crypto_rng(job->crypto);
  host_key key;
  sealed_head head = {0};
  ekm_secret dek = {0};

  ekm_buf_init(&head.wrapped_dek, 512);
  EKM_TRY(host_key_by_name(job->session, args[2], &key, NULL, err));
  if (key.thumb_len != SEALED_THUMB_BYTES) EKM_BAIL(err, EKM_E_MISMATCH, "a thumbprint of %zu bytes", key.thumb_len);
  memcpy(head.thumb, key.thumb, SEALED_THUMB_BYTES);
  EKM_TRY(ekm_secret_resize(&dek, SEALED_DEK_BYTES, err));
  EKM_TRY(rng->fill(rng, ekm_secret_bytes(&dek), SEALED_DEK_BYTES, err));
  EKM_TRY(host_key_encrypt(job->session, host_key_thumb(&key), ekm_secret_reveal(&dek), &head.wrapped_dek, NULL, err));
  EKM_TRY(sealed_file_write(job->crypto, &dek, &head, args[0], args[1], err));
  print_summary("sealed", &head);
  ok = true;
done:
  ekm_secret_clear(&dek);
  ekm_buf_clear(&head.wrapped_dek);
  return ok;
}

static bool recover(seal_job *job, char **args, ekm_err *err) {
  bool ok = false;
  host_key key;
  sealed_head head = {0};
  ekm_secret dek = {0};

  EKM_TRY(sealed_file_head(args[0], &head, err));
  EKM_TRY(host_key_by_thumb(job->session, ekm_view_of(head.thumb, sizeof head.thumb), &key, NULL, err));
  EKM_TRY(host_key_decrypt(job->session, host_key_thumb(&key), ekm_buf_view(&head.wrapped_dek), &dek, NULL, err));
  EKM_TRY(sealed_file_open(job->crypto, &dek, args[0], args[1], err));
  print_summary("opened", &head);
  ok = true;
done:
  ekm_secret_clear(&dek);
  ekm_buf_clear(&head.wrapped_dek);
  return ok;
}

static const struct {
  const char *name;
  int args;
  bool (*run)(seal_job *job, char **args, ekm_err *err);
} commands[] = {{"protect", 3, protect}, {"recover", 2, recover}};

int main(int argc, char **argv) {
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (argc != commands[i].args + 2 || strcmp(argv[1], commands[i].name) != 0) continue;
    ekm_err err = {0};
    seal_job job = {0};
    bool ok = job_start(&job, &err) && commands[i].run(&job, argv + 2, &err);
    job_end(&job);
    if (!ok) say_failed(&err);
    return ok ? 0 : 1;
  }
  (void)fprintf(stderr, "usage: dbseal protect FILE SEALED KEYNAME\n       dbseal recover SEALED FILE\n");
  return 2;
}
