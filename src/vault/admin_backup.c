/* Backups of the whole folder, and another master key for it. */
#include <stdio.h>

#include "vault/admin.h"
#include "vault/archive.h"

static bool passphrase(const admin *a, ekm_secret *out, ekm_err *err) {
  const vault_settings *s = a->settings;
  if (s->passphrase_file == NULL && !s->passphrase_stdin) {
    return EKM_FAIL(err, EKM_E_USAGE, "say where the passphrase is: --passphrase-file FILE or --passphrase-stdin");
  }
  return admin_secret(s->passphrase_file, s->passphrase_stdin, out, err);
}

/* Salt and cost are nobody's concern. */
static bool print_head(const admin *a, json_t **head, ekm_err *err) {
  json_t *doc = *head == NULL
                    ? NULL
                    : json_pack("{s:s, s:O, s:O, s:O, s:O}", "file", a->settings->file, "created",
                                json_object_get(*head, "created"), "database", json_object_get(*head, "database"),
                                "vaults", json_object_get(*head, "vaults"), "keys", json_object_get(*head, "keys"));
  ekm_json_free(head);
  return admin_print(a, &doc, err);
}

bool admin_backup_create(admin *a, ekm_err *err) {
  ekm_secret secret = {0};
  json_t *head = NULL;
  bool ok = passphrase(a, &secret, err) &&
            vault_archive_write(a->store, a->options.crypto, &secret, a->settings->file, &head, err) &&
            print_head(a, &head, err);
  ekm_secret_clear(&secret);
  return ok;
}

bool admin_backup_show(admin *a, ekm_err *err) {
  json_t *head = NULL;
  if (!vault_archive_head(a->settings->file, &head, err)) return false;
  bool whole = json_is_string(json_object_get(head, "created")) && json_is_string(json_object_get(head, "database")) &&
               json_is_integer(json_object_get(head, "vaults")) && json_is_integer(json_object_get(head, "keys"));
  if (whole) return print_head(a, &head, err);
  ekm_json_free(&head);
  return EKM_FAIL(err, EKM_E_MISMATCH, "the head of '%s' is damaged", a->settings->file);
}

/* Two folders of one backup must not share a master key: this one gets its own at once. */
bool admin_backup_restore(admin *a, ekm_err *err) {
  ekm_secret secret = {0};
  json_t *head = NULL;
  bool ok = passphrase(a, &secret, err) &&
            vault_archive_restore(a->options.crypto, a->options.master_key_in_token ? a->options.token : NULL,
                                  a->settings->file, &secret, a->settings->data, err) &&
            vault_store_open(&a->options, &a->store, err) && vault_store_master_rotate(a->store, NULL, err) &&
            vault_archive_head(a->settings->file, &head, err) && print_head(a, &head, err);
  ekm_secret_clear(&secret);
  return ok;
}

/* On the way, for who waits at a terminal; what is printed at the end says it to all. */
static void say(void *arg, size_t rows) {
  const admin *a = arg;
  if (!a->settings->json) (void)fprintf(stderr, "%zu rows are sealed anew\n", rows);
}

bool admin_master_rotate(admin *a, ekm_err *err) {
  const vault_progress progress = {say, a};
  if (!vault_store_master_rotate(a->store, &progress, err)) return false;
  json_t *doc = json_pack("{s:s, s:b}", "data", a->settings->data, "rotated", 1);
  return admin_print(a, &doc, err);
}
