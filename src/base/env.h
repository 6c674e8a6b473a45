/* The environment, injected: config takes an ekm_env, so that a test brings its own.
 * Platform code: posix/env.c, windows/env.c. */
#ifndef EKM_BASE_ENV_H
#define EKM_BASE_ENV_H

typedef struct ekm_env ekm_env;
struct ekm_env {
  /* The value of ${name}, borrowed, or NULL. */
  const char *(*get)(const ekm_env *self, const char *name);
};

/* ekm_env_process(): the environment of this process. Static. */
const ekm_env *ekm_env_process(void);

/* ekm_env_get(env, name): the value, borrowed, or NULL if there is none. */
const char *ekm_env_get(const ekm_env *env, const char *name);

#endif
