#include "base/dynlib.h"

#include <string.h>
#include <windows.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf16.h"

struct ekm_dynlib {
  HMODULE handle;
};

bool ekm_dynlib_open(const char *path, ekm_dynlib **out_lib, ekm_err *err) {
  bool ok = false;
  ekm_dynlib *lib = NULL;
  ekm_buf wide;

  *out_lib = NULL;
  ekm_buf_init(&wide, 2 * EKM_LIMIT_URL_BYTES);
  if (!ekm_file_is_absolute(path)) EKM_BAIL(err, EKM_E_MODULE_LOAD, "'%s' is not an absolute path", path);
  EKM_TRY(ekm_utf16_from_utf8(path, &wide, err));
  ekm_buf_append(&wide, "\0", 2);
  EKM_TRY(ekm_buf_ok(&wide, path, err));
  EKM_TRY((lib = ekm_mem_alloc(sizeof *lib, err)) != NULL);
  lib->handle =
      LoadLibraryExW((LPCWSTR)(void *)wide.ptr, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
  if (lib->handle == NULL) EKM_BAIL(err, EKM_E_MODULE_LOAD, "'%s': Windows error %lu", path, GetLastError());
  *out_lib = lib;
  ok = true;
done:
  if (!ok) ekm_mem_free(lib);
  ekm_buf_clear(&wide);
  return ok;
}

void *ekm_dynlib_symbol(const ekm_dynlib *lib, const char *name) {
  FARPROC found = GetProcAddress(lib->handle, name);
  void *address = NULL;
  memcpy(&address, &found, sizeof address);
  return address;
}

void ekm_dynlib_close(ekm_dynlib **lib) {
  if (*lib == NULL) return;
  (void)FreeLibrary((*lib)->handle);
  ekm_mem_free(*lib);
  *lib = NULL;
}

/* Cannot fail for code that is running. */
void ekm_dynlib_stay(void) {
  static const char here;
  HMODULE self;
  (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                           (LPCWSTR)(const void *)&here, &self);
}
