/* The path of a request as segments, with the tolerance that real clients need (facts/azure-key-vault.md section 1.2):
 * repeated slashes count once, a slash at the end counts not at all.
 *
 *   //keys/Name//wrapkey/   ->   keys, Name, wrapkey
 *
 * and patterns over such segments:
 *
 *   keys/{name}/{version?}/wrapkey
 *
 * A literal is compared without case; {name} and {tenant} stand for any segment, {version?} for one of 32 hexadecimal
 * digits or for none.
 *
 * Threads: pure. */
#ifndef EKM_VAULT_PATH_H
#define EKM_VAULT_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { VAULT_PATH_BYTES = 1024, VAULT_PATH_SEGMENTS = 6 };

typedef struct vault_path {
  char text[VAULT_PATH_BYTES]; /* the decoded segments, each with its NUL */
  const char *segments[VAULT_PATH_SEGMENTS];
  size_t count;
} vault_path;

typedef struct vault_path_match {
  const char *name; /* borrowed from the path; NULL where the pattern has none */
  const char *tenant;
  const char *version; /* NULL: absent */
} vault_path_match;

/* vault_path_parse(text, out, err):
 * Percent-decode each segment. LIMIT for a longer path or more segments, TEXT_ENCODING for a broken escape. */
EKM_MUST_USE bool vault_path_parse(const char *text, vault_path *out, ekm_err *err);

/* vault_path_matches(path, pattern, out_match): does the whole path match? */
bool vault_path_matches(const vault_path *path, const char *pattern, vault_path_match *out_match);

#endif
