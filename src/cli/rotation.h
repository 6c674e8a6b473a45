/* The report of "ekmctl rotate --dry-run": one JSON document, and the same for people.
 *
 *   {"vault":"v.vault.azure.net","inventory":"inventory.csv",
 *    "keys":[{"key":"tde",
 *             "versions":[{"version":"...","newest":true,"enabled":true,"expires":"2027-...",
 *                          "needed":"yes"|"perhaps"|"no","named":true,"problem":"it is disabled, and still needed",
 *                          "used_by":[{"kind":"backup","name":"Sales","count":3,"last":"2026-...","surely":true}]}],
 *             "steps":[{"what":"...","command":"..."}]}],
 *    "missing":[{"thumbprint":"0x...","needed":true,"used_by":[...]}],
 *    "notes":["..."]}
 *
 * A packed name of Microsoft's old connector names all versions of a key: "perhaps". */
#ifndef EKM_CLI_ROTATION_H
#define EKM_CLI_ROTATION_H

#include "base/json.h"
#include "cli/versions.h"

/* rotation_append_key(list, host, name, doc): the key's versions, and what a rotation of it takes, behind "keys". */
void rotation_append_key(const version_list *list, const char *host, const char *name, json_t *doc);

/* rotation_append_missing(list, doc): what no version in ${list} is meant by. */
void rotation_append_missing(const version_list *list, json_t *doc);

/* rotation_append_notes(doc): what the inventory cannot know. */
void rotation_append_notes(json_t *doc);

/* rotation_print(doc): for people, to standard output. */
void rotation_print(const json_t *doc);

/* rotation_judge(list, key, err): KEY_DISABLED for the first version (of ${key}; NULL: of any) that is needed and
 * disabled, else KEY_NOT_FOUND for the first thumbprint that is needed and of no version. */
EKM_MUST_USE bool rotation_judge(const version_list *list, const char *key, ekm_err *err);

#endif
