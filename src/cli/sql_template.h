/* T-SQL with places for names and texts, filled so that no value can leave its place:
 *
 *   CREATE CREDENTIAL $[credential] WITH IDENTITY = $'identity'
 *   CREATE CREDENTIAL [a]]b]        WITH IDENTITY = 'it''s'
 *
 *   $[place]   an identifier: brackets around it, ']' doubled
 *   $'place'   a string: quotes around it, "'" doubled, N in front if it is not all ASCII
 *
 * Threads: no state. */
#ifndef EKM_CLI_SQL_TEMPLATE_H
#define EKM_CLI_SQL_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

typedef struct sql_value {
  const char *place;
  const char *text;
} sql_value;

enum { SQL_NAME_MAX_CHARS = 128 }; /* sysname */

/* sql_template_fill(text, values, count, out, err):
 * Append ${text}. USAGE for a name that is empty or longer than SQL Server takes, and for control characters in any
 * value; INTERNAL for a place without a value. */
EKM_MUST_USE bool sql_template_fill(const char *text, const sql_value *values, size_t count, ekm_buf *out,
                                    ekm_err *err);

#endif
