/* Where openekm.conf is: the file that the environment names, else that of the machine, else the machine's registry,
 * else nowhere. */
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/machine_config.h"
#include "settings/settings.h"

static const char path_variable[] = "OPENEKM_CONF";

bool settings_file(const ekm_env *env, const char **out_path, ekm_err *err) {
  const char *path = ekm_env_get(env, path_variable);
  *out_path = NULL;
  if (path != NULL && path[0] != '\0') {
    if (!ekm_file_is_absolute(path)) {
      return EKM_FAIL(err, EKM_E_CONFIG_READ, "%s: '%.200s' is not an absolute path", path_variable, path);
    }
    *out_path = path;
  } else if (ekm_file_exists(ekm_machine_config_path())) {
    *out_path = ekm_machine_config_path();
  }
  return true;
}

static bool load_file(const char *path, const ekm_env *env, ekm_config **out, ekm_err *err) {
  if (!ekm_file_is_trusted(path, err)) {
    if (err->id == EKM_E_FILE_READ) err->id = EKM_E_CONFIG_READ;
    return false;
  }
  return ekm_config_load(settings_schema(), path, env, out, err);
}

static bool load_registry(const ekm_env *env, ekm_config **out, ekm_err *err) {
  bool found = false;
  ekm_buf text;
  ekm_buf_init(&text, EKM_LIMIT_CONFIG_BYTES);
  bool ok = ekm_machine_config_read(&text, &found, err);
  if (ok && found) {
    ok = ekm_config_load_text(settings_schema(), ekm_buf_view(&text), ekm_machine_config_registry(), env, out, err);
  } else if (ok) {
    ok = ekm_config_load(settings_schema(), NULL, env, out, err);
  }
  ekm_buf_clear(&text);
  return ok;
}

bool settings_load_file(const char *path, const ekm_env *env, provider_settings *out, ekm_err *err) {
  ekm_config *config = NULL;
  memset(out, 0, sizeof *out);
  if (path == NULL && !settings_file(env, &path, err)) return false;
  bool ok = path != NULL ? load_file(path, env, &config, err) : load_registry(env, &config, err);
  return ok && settings_read(config, out, err);
}

bool settings_load(const ekm_env *env, provider_settings *out, ekm_err *err) {
  return settings_load_file(NULL, env, out, err);
}
