/* What numbers mean that are not OpenEKM's own: see known_codes.def. */
#ifndef EKM_CLI_KNOWN_CODES_H
#define EKM_CLI_KNOWN_CODES_H

#include <stdbool.h>
#include <stdint.h>

typedef enum known_code_whose { KNOWN_CODE_CONNECTOR, KNOWN_CODE_SQL_SERVER, KNOWN_CODE_WHOSE_COUNT } known_code_whose;

typedef struct known_code {
  known_code_whose whose;
  uint32_t first, last;
  const char *meaning; /* lower case, no full stop */
  const char *advice;  /* sentences */
} known_code;

/* known_code_find(whose, code): the row, or NULL. Static. */
const known_code *known_code_find(known_code_whose whose, uint32_t code);

/* known_code_is_near(code): is it among Microsoft's connector's numbers, of which not all are documented? */
bool known_code_is_near(uint32_t code);

#endif
