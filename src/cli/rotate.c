/* ekmctl rotate: what a rotation would do, and what must not be touched. Nothing is changed, here or in the vault.
 *
 *   inventory --> thumbprints --\
 *                                +--> versions, each with who needs it --> report (rotation.h)
 *   vault ------> key versions -/
 *
 * The key that is named is looked at first; other keys only until every thumbprint has found its version. */
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/rotation.h"

typedef struct plan {
  reach way;
  inventory inv;
  version_list list;
  keyring_list names; /* of the vault's keys */
} plan;

static bool check_given(const cli *c, ekm_err *err) {
  if (!c->options.dry_run) {
    return EKM_FAIL(
        err, EKM_E_USAGE,
        "rotate changes nothing itself: --dry-run shows the steps; 'az keyvault key rotate' makes a version, "
        "and 'ekmctl sql rotate' writes the script that moves a database to it");
  }
  if (c->options.inventory != NULL) return true;
  return EKM_FAIL(err, EKM_E_USAGE, "needed: --inventory, the result of the query of 'ekmctl sql inventory'");
}

static bool add_name(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  (void)created_s;
  return keyring_list_add(arg, text, err);
}

static bool all_found(const plan *p) {
  for (size_t thumb = 0; thumb < p->inv.thumb_count; thumb++) {
    bool found = false;
    for (size_t i = 0; i < p->list.count && !found; i++) found = p->list.items[i].means[thumb] != KEYRING_MATCH_NONE;
    if (!found) return false;
  }
  return true;
}

/* A key may vanish while the vault is looked through. */
static bool look_at_others(plan *p, const char *key, ekm_err *err) {
  const akv_call call = reach_call();
  if (!akv_list_names(p->way.client, &call, (akv_sink){add_name, &p->names}, err)) return false;
  for (size_t i = 0; i < p->names.count && (key == NULL || !all_found(p)); i++) {
    const char *name = p->names.items[i];
    if (key != NULL && ekm_text_ieq(name, key)) continue;
    if (versions_of_key(&p->way, name, &p->list, err)) continue;
    if (err->id != EKM_E_KEY_NOT_FOUND) return false;
    ekm_err_clear(err);
  }
  return true;
}

static bool look(plan *p, const char *key, ekm_err *err) {
  if (key != NULL && !versions_of_key(&p->way, key, &p->list, err)) return false;
  return (key != NULL && all_found(p)) || look_at_others(p, key, err);
}

static bool is_named(const plan *p, const key_version *version) {
  for (size_t thumb = 0; thumb < p->inv.thumb_count; thumb++) {
    if (version->means[thumb] != KEYRING_MATCH_NONE) return true;
  }
  return false;
}

/* The key that was asked for, or all that the inventory names. */
static void report(const plan *p, const cli *c, const char *key, json_t *doc) {
  const char *last = "";
  cli_set_text(doc, "vault", p->way.host);
  cli_set_text(doc, "inventory", c->options.inventory);
  if (key != NULL) rotation_append_key(&p->list, p->way.host, key, doc);
  for (size_t i = 0; key == NULL && i < p->list.count; i++) {
    const key_version *version = &p->list.items[i];
    if (strcmp(version->name, last) == 0 || !is_named(p, version)) continue;
    last = version->name;
    rotation_append_key(&p->list, p->way.host, last, doc);
  }
  rotation_append_missing(&p->list, doc);
  rotation_append_notes(doc);
}

bool cli_rotate(cli *c, json_t *doc, ekm_err *err) {
  bool ok = false;
  reach_key key = {.name = ""};
  plan p = {.way = {.c = c}};
  if (!check_given(c, err)) return false;
  p.list.inv = &p.inv;
  EKM_TRY(inventory_read(c->options.inventory, &p.inv, err));
  EKM_TRY(reach_open(&p.way, err));
  if (c->options.key != NULL) EKM_TRY(reach_key_parse(&p.way, c->options.key, &key, err));
  const char *name = key.name[0] == '\0' ? NULL : key.name; /* all versions of it are looked at, whichever was named */
  EKM_TRY(look(&p, name, err));
  report(&p, c, name, doc);
  if (!c->options.json) rotation_print(doc);
  ok = rotation_judge(&p.list, name, err);
  if (!c->options.json) (void)json_object_clear(doc); /* it is printed */
done:
  versions_clear(&p.list);
  keyring_list_clear(&p.names);
  inventory_clear(&p.inv);
  reach_clear(&p.way);
  return ok;
}
