/* Values of settings: which ones a type allows, and what they mean. */
#ifndef EKM_CONFIG_VALUE_H
#define EKM_CONFIG_VALUE_H

#include "config/config.h"

/* ekm_value_check(setting, value, where, err): CONFIG_VALUE, beginning with ${where}, if the type does not allow it. */
EKM_MUST_USE bool ekm_value_check(const ekm_config_setting *setting, const char *value, const char *where,
                                  ekm_err *err);

/* ekm_value_int(value), ekm_value_bool(value), ekm_value_date(value):
 * The meaning of a value that was checked; 0 and false for others. */
int64_t ekm_value_int(const char *value);
bool ekm_value_bool(const char *value);
int64_t ekm_value_date(const char *value);

/* ekm_value_describe(setting, out): append what is allowed: "one of off, error, warn"; nothing for TEXT. */
void ekm_value_describe(const ekm_config_setting *setting, ekm_buf *out);

#endif
