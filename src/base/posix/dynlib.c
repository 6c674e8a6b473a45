#include "base/dynlib.h"

#include <dlfcn.h>

#include "base/file.h"
#include "base/mem.h"

struct ekm_dynlib {
  void *handle;
};

bool ekm_dynlib_open(const char *path, ekm_dynlib **out_lib, ekm_err *err) {
  *out_lib = NULL;
  if (!ekm_file_is_absolute(path)) return EKM_FAIL(err, EKM_E_MODULE_LOAD, "'%s' is not an absolute path", path);
  ekm_dynlib *lib = ekm_mem_alloc(sizeof *lib, err);
  if (lib == NULL) return false;
  lib->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (lib->handle == NULL) {
    const char *why = dlerror();
    ekm_mem_free(lib);
    return EKM_FAIL(err, EKM_E_MODULE_LOAD, "%s", why == NULL ? path : why);
  }
  *out_lib = lib;
  return true;
}

void *ekm_dynlib_symbol(const ekm_dynlib *lib, const char *name) {
  return dlsym(lib->handle, name);
}

void ekm_dynlib_close(ekm_dynlib **lib) {
  if (*lib == NULL) return;
  (void)dlclose((*lib)->handle);
  ekm_mem_free(*lib);
  *lib = NULL;
}

void ekm_dynlib_stay(void) {}
