/* The report of a rotation for people:
 *
 *   vault      v.vault.azure.net
 *   inventory  inventory.csv
 *
 *   key 'tde'
 *     version 4f1c...  newest, enabled
 *       nothing of the inventory names it
 *     version 9a02...  DISABLED                  ERROR: it is disabled, and still needed
 *       needed by database 'Sales', 2026-11-24T08:01:00
 *       needed by 3 backups of 'Sales', the last 2026-11-25T01:00:00
 *   what a rotation of 'tde' takes
 *     1. make a new version ...
 *        az keyvault key rotate ...
 *
 * What comes from the inventory has no control characters (inventory.h). */
#include <stdio.h>
#include <string.h>

#include "cli/rotation.h"

static const char *text_of(const json_t *row, const char *name) {
  const char *text = ekm_json_text(row, name);
  return text == NULL ? "" : text;
}

static void print_use(const json_t *use) {
  const char *kind = text_of(use, "kind"), *last = text_of(use, "last");
  long long count = (long long)ekm_json_int(use, "count", 1);
  bool is_key = strcmp(kind, inventory_kind_name(INVENTORY_KEY)) == 0;
  bool has_of = strcmp(kind, "log") == 0 || strcmp(kind, "backup") == 0;
  printf("    %s%s by ", ekm_json_bool(use, "surely", false) ? "" : "perhaps ", is_key ? "known" : "needed");
  if (count > 1) printf("%lld ", count);
  printf("%s%s%s '%s'", kind, count > 1 ? "s" : "", has_of ? " of" : "", text_of(use, "name"));
  if (last[0] != '\0') printf(", %s%s", count > 1 ? "the last " : "", last);
  printf("\n");
}

static void print_uses(const json_t *uses) {
  const json_t *use;
  size_t index;
  if (json_array_size(uses) == 0) printf("    nothing of the inventory names it\n");
  json_array_foreach(uses, index, use) print_use(use);
}

static void print_version(const json_t *version) {
  const char *expires = text_of(version, "expires"), *problem = text_of(version, "problem");
  printf("  version %s  %s%s", text_of(version, "version"), ekm_json_bool(version, "newest", false) ? "newest, " : "",
         ekm_json_bool(version, "enabled", true) ? "enabled" : "DISABLED");
  if (expires[0] != '\0') printf(", %s %s", ekm_json_bool(version, "expired", false) ? "EXPIRED" : "expires", expires);
  printf("%s%s\n", problem[0] == '\0' ? "" : "  ERROR: ", problem);
  print_uses(ekm_json_array(version, "used_by"));
}

static void print_key(const json_t *key) {
  const json_t *row;
  size_t index;
  printf("\nkey '%s'\n", text_of(key, "key"));
  json_array_foreach(ekm_json_array(key, "versions"), index, row) print_version(row);
  printf("what a rotation of '%s' takes\n", text_of(key, "key"));
  json_array_foreach(ekm_json_array(key, "steps"), index, row) {
    printf("  %zu. %s\n     %s\n", index + 1, text_of(row, "what"), text_of(row, "command"));
  }
}

void rotation_print(const json_t *doc) {
  const json_t *row;
  size_t index;
  printf("vault      %s\ninventory  %s\n", text_of(doc, "vault"), text_of(doc, "inventory"));
  json_array_foreach(ekm_json_array(doc, "keys"), index, row) print_key(row);
  json_array_foreach(ekm_json_array(doc, "missing"), index, row) {
    printf("\nno key version that can be seen has the thumbprint %s%s\n", text_of(row, "thumbprint"),
           ekm_json_bool(row, "needed", false) ? "  ERROR: it is still needed" : "");
    print_uses(ekm_json_array(row, "used_by"));
  }
  printf("\nnotes\n");
  json_array_foreach(ekm_json_array(doc, "notes"), index, row) printf("  - %s\n", json_string_value(row));
}
