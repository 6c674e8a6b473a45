/* akvd_sample: print docs/akvd.conf, made of akvd's own table of settings, so that it cannot be wrong.
 * Not installed; make docs and the lint test conf_page run it. */
#include <stdio.h>

#include "base/limits.h"
#include "vault/serve_config.h"

int main(void) {
  ekm_err err = {0};
  ekm_buf sample;
  ekm_buf_init(&sample, EKM_LIMIT_CONFIG_BYTES);
  bool ok = ekm_config_write_sample(vault_serve_schema(), &sample, &err);
  if (ok) (void)fwrite(sample.ptr, 1, sample.len, stdout);
  if (!ok) (void)fprintf(stderr, "akvd_sample: %s\n", err.detail);
  ekm_buf_clear(&sample);
  return ok ? 0 : 1;
}
