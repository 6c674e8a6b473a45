/* The tables of vault.db and the text of every statement (pictured in store_db.h). */
#ifndef EKM_VAULT_STORE_SCHEMA_H
#define EKM_VAULT_STORE_SCHEMA_H

#include "base/buf.h"
#include "vault/store_db.h"

enum {
  STORE_SCHEMA_VERSION = 3,         /* PRAGMA user_version */
  STORE_APPLICATION_ID = 0x614b5644 /* PRAGMA application_id: "aKVD" */
};

typedef struct store_table_info {
  const char *name;
  int columns;          /* without the MAC */
  int keys;             /* the first of them */
  const char *keys_are; /* "vault_id = ?1 AND name = ?2" */
  const char *order;    /* "vault_id, name" */
} store_table_info;

/* store_schema_table(table): what there is to know about ${table}. Static. */
const store_table_info *store_schema_table(store_table table);

/* store_schema_sql(query, out): append the text of a statement. */
void store_schema_sql(store_query query, ekm_buf *out);

/* The statements that make an empty database: its tables, as SQLite keeps their text, each with a ';' behind it; and
 * what tells whose file it is. */
const char *store_schema_tables(void);
const char *store_schema_marks(void);

#endif
