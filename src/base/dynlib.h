/* Loading a foreign library, by absolute path only. Platform code: posix/dynlib.c, windows/dynlib.c. */
#ifndef EKM_BASE_DYNLIB_H
#define EKM_BASE_DYNLIB_H

#include <stdbool.h>

#include "base/err.h"

typedef struct ekm_dynlib ekm_dynlib;

/* ekm_dynlib_open(path, out_lib, err): MODULE_LOAD with the system's own words if it cannot be loaded. */
EKM_MUST_USE bool ekm_dynlib_open(const char *path, ekm_dynlib **out_lib, ekm_err *err);

/* ekm_dynlib_symbol(lib, name): the address of an export, or NULL. Cast through memcpy to a function pointer. */
void *ekm_dynlib_symbol(const ekm_dynlib *lib, const char *name);

/* ekm_dynlib_close(lib): unload; sets the caller's pointer to NULL. */
void ekm_dynlib_close(ekm_dynlib **lib);

/* ekm_dynlib_stay():
 * The library that holds this code stays mapped until the process ends, however often it is closed: for code that a
 * thread may still run in. On POSIX systems the linker has promised it already (-z nodelete). */
void ekm_dynlib_stay(void);

#endif
