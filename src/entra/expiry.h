/* What ends some day, and is warned of ahead: client certificates, and client secrets whose end the configuration
 * states, since no answer of a sign-in service does. */
#ifndef EKM_ENTRA_EXPIRY_H
#define EKM_ENTRA_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

enum { ENTRA_EXPIRY_WARN_DAYS = 30 };

/* Something that ends. */
typedef struct entra_expiry {
  const char *event;     /* of the log: "entra.secret_expiry" */
  const char *client_id; /* whose it is */
  int64_t at_wall_s;     /* 0: nobody knows when */
} entra_expiry;

/* entra_expiry_days(at_wall_s, now_wall_s): whole days that are left, 0 on the last; negative when it is over. */
int64_t entra_expiry_days(int64_t at_wall_s, int64_t now_wall_s);

/* entra_expiry_is_near(at_wall_s, now_wall_s): is it over, or has it less than ENTRA_EXPIRY_WARN_DAYS left? Never where
 * ${at_wall_s} is 0. */
bool entra_expiry_is_near(int64_t at_wall_s, int64_t now_wall_s);

/* entra_expiry_warn(expiry, now_wall_s, log): one line of level warn if it is near. ${log} may be NULL. */
void entra_expiry_warn(const entra_expiry *expiry, int64_t now_wall_s, ekm_log *log);

#endif
