/* openekm_sample: print docs/openekm.conf, made of the provider's own table of settings, so that it cannot be wrong.
 * Not installed; make docs and the lint test conf_page run it. */
#include <stdio.h>

#include "settings/settings.h"

int main(void) {
  ekm_err err = {0};
  ekm_buf sample;
  ekm_buf_init(&sample, EKM_LIMIT_CONFIG_BYTES);
  bool ok = ekm_config_write_sample(settings_schema(), &sample, &err);
  if (ok) (void)fwrite(sample.ptr, 1, sample.len, stdout);
  if (!ok) (void)fprintf(stderr, "openekm_sample: %s\n", err.detail);
  ekm_buf_clear(&sample);
  return ok ? 0 : 1;
}
