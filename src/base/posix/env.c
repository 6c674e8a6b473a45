#include "base/env.h"

#include <stdlib.h>

static const char *process_get(const ekm_env *self, const char *name) {
  (void)self;
  return getenv(name);
}

const ekm_env *ekm_env_process(void) {
  static const ekm_env process = {process_get};
  return &process;
}

const char *ekm_env_get(const ekm_env *env, const char *name) {
  return env->get(env, name);
}
