#include "vault/store_load.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* What all of one pass share. */
typedef struct loader {
  store_db *db;
  vault_seal_set *set;
  vault_directory *dir;
} loader;

/* One kind of row, and how one is read. */
typedef struct load_plan {
  store_table table;
  size_t thing_bytes;
  bool (*read)(void *thing, const store_row *row, vault_directory *dir, ekm_err *err);
  size_t things_at, count_at; /* in vault_directory: the array, and how many are in it */
} load_plan;

/* Columns are in the order of the picture in store_db.h. What has a valid MAC was written by store_manage.c, which
 * checks lengths; a copy that does not fit is still an error, never a cut. */
static bool copy(char *to, size_t to_bytes, const store_row *row, int column, ekm_err *err) {
  return ekm_text_copy(to, to_bytes, store_value_text(&row->values[column]), "a text of the database", err);
}

static bool read_vault(void *thing, const store_row *row, vault_directory *dir, ekm_err *err) {
  vault_info *vault = thing;
  (void)dir;
  vault->id = row->values[0].number;
  vault->retention_days = (unsigned)row->values[5].number;
  vault->is_hsm = row->values[7].number != 0;
  vault->purge_protection = row->values[8].number != 0;
  vault->by_roles = row->values[9].number != 0;
  return copy(vault->name, sizeof vault->name, row, 1, err) && copy(vault->host, sizeof vault->host, row, 2, err) &&
         copy(vault->tenant, sizeof vault->tenant, row, 3, err) &&
         copy(vault->resource, sizeof vault->resource, row, 4, err);
}

static bool read_app(void *thing, const store_row *row, vault_directory *dir, ekm_err *err) {
  vault_app *app = thing;
  (void)dir;
  return copy(app->client_id, sizeof app->client_id, row, 0, err) &&
         copy(app->tenant, sizeof app->tenant, row, 1, err) &&
         copy(app->object_id, sizeof app->object_id, row, 2, err) && copy(app->name, sizeof app->name, row, 3, err);
}

/* Secrets are read after the applications, both in order of client id; an application takes its secrets along, and its
 * certificates and federated credentials too. */
static bool read_secret(void *thing, const store_row *row, vault_directory *dir, ekm_err *err) {
  vault_secret *secret = thing;
  vault_app *app = (vault_app *)(uintptr_t)vault_directory_app(dir, store_value_text(&row->values[0]));
  bool shaped =
      app != NULL && row->values[5].bytes.len == sizeof secret->salt && row->values[6].bytes.len == sizeof secret->hash;
  if (!shaped) return EKM_FAIL(err, EKM_E_STORE_TAMPERED, "a secret belongs to no application");
  app->secret_count++;
  secret->created = row->values[3].number;
  secret->expires = row->values[4].number;
  memcpy(secret->salt, row->values[5].bytes.ptr, sizeof secret->salt);
  memcpy(secret->hash, row->values[6].bytes.ptr, sizeof secret->hash);
  return copy(secret->id, sizeof secret->id, row, 1, err) && copy(secret->hint, sizeof secret->hint, row, 2, err);
}

static bool copy_bytes(uint8_t *to, size_t bytes, const store_row *row, int column) {
  ekm_view from = row->values[column].bytes;
  if (from.len == bytes) memcpy(to, from.ptr, bytes);
  return from.len == bytes;
}

static bool read_certificate(void *thing, const store_row *row, vault_directory *dir, ekm_err *err) {
  vault_certificate *certificate = thing;
  vault_app *app = (vault_app *)(uintptr_t)vault_directory_app(dir, store_value_text(&row->values[0]));
  size_t key_len = row->values[7].bytes.len;
  bool shaped = app != NULL && key_len > 0 && key_len <= sizeof certificate->public_key &&
                copy_bytes(certificate->x5t, sizeof certificate->x5t, row, 5) &&
                copy_bytes(certificate->x5t_s256, sizeof certificate->x5t_s256, row, 6) &&
                copy_bytes(certificate->public_key, key_len, row, 7);
  if (!shaped) return EKM_FAIL(err, EKM_E_STORE_TAMPERED, "a certificate belongs to no application");
  app->certificate_count++;
  certificate->public_key_len = key_len;
  certificate->created = row->values[2].number;
  certificate->begins = row->values[3].number;
  certificate->ends = row->values[4].number;
  return copy(certificate->id, sizeof certificate->id, row, 1, err);
}

static bool read_federation(void *thing, const store_row *row, vault_directory *dir, ekm_err *err) {
  vault_federation *federation = thing;
  vault_app *app = (vault_app *)(uintptr_t)vault_directory_app(dir, store_value_text(&row->values[0]));
  if (app == NULL) return EKM_FAIL(err, EKM_E_STORE_TAMPERED, "a federated credential belongs to no application");
  federation->created = row->values[2].number;
  bool ok = copy(federation->id, sizeof federation->id, row, 1, err) &&
            copy(federation->issuer, sizeof federation->issuer, row, 3, err) &&
            copy(federation->subject, sizeof federation->subject, row, 4, err) &&
            copy(federation->audience, sizeof federation->audience, row, 5, err);
  if (ok) federation->keys = ekm_text_dup(store_value_text(&row->values[6]), err); /* last: it would have to be freed */
  if (!ok || federation->keys == NULL) return false;
  app->federation_count++;
  return true;
}

static bool read_grant(void *thing, const store_row *row, vault_directory *dir, ekm_err *err) {
  vault_grant *grant = thing;
  (void)dir;
  grant->vault_id = row->values[0].number;
  grant->permissions = (vault_permissions)row->values[2].number;
  return copy(grant->client_id, sizeof grant->client_id, row, 1, err);
}

static bool read_assignment(void *thing, const store_row *row, vault_directory *dir, ekm_err *err) {
  vault_assignment *assignment = thing;
  (void)dir;
  assignment->vault_id = row->values[0].number;
  assignment->role = vault_role_named(store_value_text(&row->values[2]));
  if (assignment->role == NULL) return EKM_FAIL(err, EKM_E_STORE_TAMPERED, "a role is not one that akvd knows");
  return copy(assignment->client_id, sizeof assignment->client_id, row, 1, err) &&
         copy(assignment->scope, sizeof assignment->scope, row, 3, err);
}

static bool room_for_one(void **things, size_t count, size_t thing_bytes, ekm_err *err) {
  enum { FIRST = 16 };
  bool is_full = count == 0 || (count >= FIRST && (count & (count - 1)) == 0);
  if (!is_full) return true;
  void *grown = ekm_mem_grow(*things, count, count == 0 ? FIRST : count * 2, thing_bytes, err);
  if (grown != NULL) *things = grown;
  return grown != NULL;
}

/* Returns an array that the caller frees, also when it fails. */
static bool load_table(const loader *in, const load_plan *plan, void **out_things, size_t *out_count, ekm_err *err) {
  bool ok = false;
  bool found = false;
  store_row row;
  store_query scan = STORE_SCAN(plan->table);

  *out_things = NULL;
  *out_count = 0;
  EKM_TRY(store_db_query(in->db, scan, NULL, 0, err));
  for (;;) {
    EKM_TRY(store_db_next(in->db, scan, plan->table, &row, &found, err));
    if (!found) break;
    EKM_TRY(room_for_one(out_things, *out_count, plan->thing_bytes, err));
    EKM_TRY(store_db_count(in->db, row.mac, in->set, err));
    EKM_TRY(plan->read((uint8_t *)*out_things + *out_count * plan->thing_bytes, &row, in->dir, err));
    ++*out_count;
  }
  ok = true;
done:
  store_db_end(in->db, scan);
  return ok;
}

static void give_apps_their_own(vault_directory *dir) {
  size_t secret = 0;
  size_t certificate = 0;
  size_t federation = 0;
  for (size_t i = 0; i < dir->app_count; i++) {
    vault_app *app = &dir->apps[i];
    app->secrets = dir->secrets == NULL ? NULL : dir->secrets + secret;
    app->certificates = dir->certificates == NULL ? NULL : dir->certificates + certificate;
    app->federations = dir->federations == NULL ? NULL : dir->federations + federation;
    secret += app->secret_count;
    certificate += app->certificate_count;
    federation += app->federation_count;
  }
}

/* Vaults and applications first: what belongs to an application looks for it. */
static bool load_all(const loader *in, ekm_err *err) {
#define PLAN(table, type, read, things, count) \
  { table, sizeof(type), read, offsetof(vault_directory, things), offsetof(vault_directory, count) }
  static const load_plan plans[] = {
      PLAN(STORE_VAULT, vault_info, read_vault, vaults, vault_count),
      PLAN(STORE_APP, vault_app, read_app, apps, app_count),
      PLAN(STORE_SECRET, vault_secret, read_secret, secrets, secret_count),
      PLAN(STORE_CERTIFICATE, vault_certificate, read_certificate, certificates, certificate_count),
      PLAN(STORE_FEDERATION, vault_federation, read_federation, federations, federation_count),
      PLAN(STORE_PERMISSION, vault_grant, read_grant, grants, grant_count),
      PLAN(STORE_ROLE, vault_assignment, read_assignment, assignments, assignment_count),
  };
#undef PLAN
  bool ok = true;
  for (size_t i = 0; ok && i < sizeof plans / sizeof plans[0]; i++) {
    void *things = NULL;
    uint8_t *dir = (uint8_t *)in->dir;
    ok = load_table(in, &plans[i], &things, (size_t *)(void *)(dir + plans[i].count_at), err);
    memcpy(dir + plans[i].things_at, &things, sizeof things);
  }
  return ok;
}

bool store_load_directory(store_db *db, vault_seal_set *set, vault_directory **out_dir, ekm_err *err) {
  *out_dir = NULL;
  vault_directory *dir = ekm_mem_alloc(sizeof *dir, err);
  if (dir == NULL) return false;
  atomic_init(&dir->refs, 1);
  const loader in = {db, set, dir};
  if (!load_all(&in, err)) {
    const vault_directory *unfinished = dir;
    vault_directory_release(&unfinished);
    return false;
  }
  give_apps_their_own(dir);
  *out_dir = dir;
  return true;
}

bool store_load_keys(store_db *db, vault_seal_set *set, ekm_err *err) {
  return store_db_count_all(db, STORE_NAME_MACS, set, err) && store_db_count_all(db, STORE_VERSION_MACS, set, err) &&
         store_load_rows(db, STORE_DUE, set, err);
}

bool store_load_rows(store_db *db, store_table table, vault_seal_set *set, ekm_err *err) {
  store_row row;
  store_query scan = STORE_SCAN(table);
  bool found = true;
  bool ok = store_db_query(db, scan, NULL, 0, err);
  while (ok && found) {
    ok = store_db_next(db, scan, table, &row, &found, err) &&
         (!found || set == NULL || store_db_count(db, row.mac, set, err));
  }
  store_db_end(db, scan);
  return ok;
}
