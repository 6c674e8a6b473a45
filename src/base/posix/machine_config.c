#include "base/machine_config.h"

const char *ekm_machine_config_path(void) {
  return "/etc/openekm/openekm.conf";
}

const char *ekm_machine_config_registry(void) {
  return "";
}

bool ekm_machine_config_read(ekm_buf *out, bool *out_found, ekm_err *err) {
  (void)out, (void)err;
  *out_found = false;
  return true;
}
