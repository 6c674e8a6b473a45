/* The hint file: where keys were found, so that the next process need not search for them.
 *
 *   5f1c...40 hexadecimal digits  myvault.vault.azure.net  tde-key  4f1c...32 hexadecimal digits
 *   thumbprint                    host                     name     version
 *
 * One line a key version; lines are only ever added, each in one piece, so that several processes may share the file.
 * The last line of a thumbprint counts. Nothing has to be right in it: whoever follows a hint reads the key from the
 * vault and compares its thumbprint, and a file that is missing, damaged, full or not writable only costs a search. No
 * secret is in it.
 *
 * Threads: any. */
#ifndef EKM_KEYRING_HINTS_H
#define EKM_KEYRING_HINTS_H

#include "keyring/keyring.h"

typedef struct keyring_hint {
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
} keyring_hint;

/* keyring_hints_new(path, log, out, err): ${path} is copied, ${log} (NULL: none) borrowed; the file need not exist.
 * keyring_hints_free(hints): NULL is fine; sets the caller's pointer to NULL. */
EKM_MUST_USE bool keyring_hints_new(const char *path, ekm_log *log, keyring_hints **out_hints, ekm_err *err);
void keyring_hints_free(keyring_hints **hints);

/* keyring_hints_find(hints, host, thumb, out): is there a hint to a key of ${host}? Reads the file. */
bool keyring_hints_find(keyring_hints *hints, const char *host, ekm_view thumb, keyring_hint *out);

/* keyring_hints_note(hints, host, thumb, found): add a line, unless the file says so already. */
void keyring_hints_note(keyring_hints *hints, const char *host, ekm_view thumb, const keyring_hint *found);

#endif
