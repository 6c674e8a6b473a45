/* What an instance of SQL Server says of the keys that it needs: the result of the query that "ekmctl sql inventory"
 * writes, as people save it.
 *
 *   kind,name,thumbprint,at                                                          the heading, which must be there
 *   ----,----,----------,--                                                          sqlcmd's line under it
 *   asymmetric key,OpenEKM_Key,0x5F3759DF...,2026-11-24T08:00:00
 *   backup,Sales,0x5F3759DF...,2026-11-25T01:00:00
 *   database,Sales,0x5F3759DF...,2026-11-24T08:01:00
 *   log,Sales,0x5F3759DF...,NULL
 *                                                                                    empty lines
 *   (4 rows affected)                                                                the end; in any language
 *
 * The heading tells what separates: a comma, semicolon, tab or bar. Values may be quoted as in CSV (RFC 4180) and have
 * spaces around them. A name that is not quoted may hold the separator, because sqlcmd does not quote and only the name
 * can have one. UTF-8 with or without its mark, and UTF-16, as SQL Server's tools write. Files of several instances may
 * be put behind one another: each begins with a heading.
 *
 * Anything else is an error that names the line: what is overlooked here is a key that somebody disables.
 *
 * Threads: no state. */
#ifndef EKM_CLI_INVENTORY_H
#define EKM_CLI_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

typedef enum inventory_kind {
  INVENTORY_KEY, /* SQL Server knows the key; alone, that is no need of it */
  INVENTORY_DATABASE,
  INVENTORY_LOG,
  INVENTORY_BACKUP
} inventory_kind;

enum { INVENTORY_NAME_BYTES = 513, INVENTORY_AT_BYTES = 31, INVENTORY_THUMB_BYTES = 32 };

typedef struct inventory_row {
  inventory_kind kind;
  char name[INVENTORY_NAME_BYTES]; /* of the key or database; no control characters */
  char at[INVENTORY_AT_BYTES];     /* "2026-11-24T08:00:00", in the instance's time; "" where it says none */
  size_t thumb;                    /* in thumbs */
} inventory_row;

typedef struct inventory_thumb {
  uint8_t bytes[INVENTORY_THUMB_BYTES];
  size_t len;
} inventory_thumb;

/* Zero-initialise. */
typedef struct inventory {
  inventory_row *rows; /* in the order of the file */
  size_t count, cap;
  inventory_thumb *thumbs; /* each once */
  size_t thumb_count, thumb_cap;
} inventory;

/* inventory_parse(text, name, out, err): ${name} stands in messages. INVENTORY, with the number of the line, for what
 * is not as above, and for an inventory without a row. ${out} is cleared on failure. */
EKM_MUST_USE bool inventory_parse(ekm_view text, const char *name, inventory *out, ekm_err *err);

/* inventory_read(path, out, err): a file. FILE_READ, and as above. */
EKM_MUST_USE bool inventory_read(const char *path, inventory *out, ekm_err *err);

void inventory_clear(inventory *inv);

/* inventory_kind_name(kind): as in the file: "database". */
const char *inventory_kind_name(inventory_kind kind);

/* inventory_thumb_view(inv, index): borrowed. */
ekm_view inventory_thumb_view(const inventory *inv, size_t index);

#endif
