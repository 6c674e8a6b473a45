/* The commands of akvd: what they are handed, how they print, and their table.
 *
 *   akvd WORDS --options --> settings.c --> the row of the table --> its function with an admin
 *
 * They work directly on the folder: who may read and write its files is the administrator. A running server sees every
 * change at its next request.
 *
 * Threads: one. */
#ifndef EKM_VAULT_ADMIN_H
#define EKM_VAULT_ADMIN_H

#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/config.h"
#include "vault/settings.h"
#include "vault/store.h"

/* What a command works with. store is NULL for those that make one. */
typedef struct admin {
  const vault_settings *settings;
  vault_store_options options; /* folder, master key, crypto, clock, log */
  vault_store *store;
  struct vault_audit *audit; /* NULL: none */
  const ekm_config *config;  /* of the file; NULL if there is none */
} admin;

/* One command. ${needs} and ${takes} are the options of vault_settings_check, besides what every command takes. */
typedef struct admin_command {
  const char *words; /* "app add" */
  const char *needs, *takes;
  const char *help;
  bool (*run)(admin *a, ekm_err *err);
  bool makes_store; /* it runs without an open store */
} admin_command;

/* admin_commands(out_count): the table. Static. */
const admin_command *admin_commands(size_t *out_count);

/* admin_set(doc, name, value), admin_append(rows, row):
 * Add a member or an item, which is taken over. Without memory *${doc} becomes NULL and stays it: admin_print says so,
 * and nothing is shown that lacks a part. */
void admin_set(json_t **doc, const char *name, json_t *value);
void admin_append(json_t **rows, json_t *row);

/* admin_time(wall_s): a moment as text, "2026-11-24T08:00:00Z"; NULL without memory, which json_pack hands on. */
json_t *admin_time(int64_t wall_s);

/* admin_print(a, doc, err), admin_print_list(a, name, rows, err):
 * Show an answer, or one whose only member is a list: as one JSON object with --json, else as lines. *${doc} and
 * *${rows} are taken over; NULL is OUT_OF_MEMORY. */
EKM_MUST_USE bool admin_print(const admin *a, json_t **doc, ekm_err *err);
EKM_MUST_USE bool admin_print_list(const admin *a, const char *name, json_t **rows, ekm_err *err);

/* admin_vault(a, dir, out_vault, err): the vault that --vault names, or the only one there is. ABSENT otherwise. */
EKM_MUST_USE bool admin_vault(const admin *a, const vault_directory *dir, const vault_info **out_vault, ekm_err *err);

/* admin_secret(file, from_stdin, out, err): a secret out of a file that is nobody else's, or out of the first line
 * of the standard input. */
EKM_MUST_USE bool admin_secret(const char *file, bool from_stdin, ekm_secret *out, ekm_err *err);

/* admin_audit_path(settings, out, err): where the audit log is; empty for none. */
EKM_MUST_USE bool admin_audit_path(const vault_settings *settings, ekm_buf *out, ekm_err *err);

enum { ADMIN_ADDRESS_BYTES = 64, ADMIN_WHERE_BYTES = ADMIN_ADDRESS_BYTES + 16 };

/* admin_address(option, text, address, out_port, err): "127.0.0.1:0" or "[::1]:8443" in its parts; USAGE, which names
 * ${option}. admin_where(address, port, out): the way back. */
EKM_MUST_USE bool admin_address(const char *option, const char *text, char address[ADMIN_ADDRESS_BYTES],
                                uint16_t *out_port, ekm_err *err);
void admin_where(const char *address, uint16_t port, char out[ADMIN_WHERE_BYTES]);

/* admin_certificate_rows(app), admin_federation_rows(app): an application's certificates and federated credentials, for
 * the list of applications; NULL without memory. */
json_t *admin_certificate_rows(const vault_app *app);
json_t *admin_federation_rows(const vault_app *app);

/* The commands, by noun. */
EKM_MUST_USE bool admin_init(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_serve(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_vault_add(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_vault_list(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_app_add(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_app_list(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_app_remove(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_certificate_add(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_certificate_remove(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_federation_add(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_federation_remove(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_secret_add(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_secret_remove(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_policy_set(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_policy_show(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_policy_remove(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_audit_show(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_config_show(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_backup_create(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_backup_show(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_backup_restore(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_master_rotate(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_role_add(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_role_list(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_role_remove(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_key_create(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_key_list(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_key_show(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_key_enable(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_key_disable(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_key_delete(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_key_recover(admin *a, ekm_err *err);
EKM_MUST_USE bool admin_key_purge(admin *a, ekm_err *err);

#endif
