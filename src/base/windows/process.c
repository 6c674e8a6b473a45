#include "base/process.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#include <shellapi.h>

#include "base/env.h"
#include "base/mem.h"

static HANDLE stop_event;

void ekm_process_begin(void) {
  (void)SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
  (void)_setmode(_fileno(stdin), _O_BINARY);
  (void)_setmode(_fileno(stdout), _O_BINARY);
  (void)_setmode(_fileno(stderr), _O_BINARY);
}

static char *narrow(const wchar_t *wide) {
  ekm_err ignored = {0};
  int bytes = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
  char *text = bytes <= 0 ? NULL : ekm_mem_alloc((size_t)bytes, &ignored);
  if (text != NULL) (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, bytes, NULL, NULL);
  return text;
}

void ekm_process_arguments(int *argc, char ***argv) {
  ekm_err ignored = {0};
  int count = 0;
  LPWSTR *wide = CommandLineToArgvW(GetCommandLineW(), &count);
  char **narrowed = wide == NULL ? NULL : ekm_mem_alloc(((size_t)count + 1) * sizeof *narrowed, &ignored);
  bool ok = narrowed != NULL;
  for (int i = 0; i < count && ok; i++) ok = (narrowed[i] = narrow(wide[i])) != NULL;
  if (ok) {
    *argc = count;
    *argv = narrowed;
  }
  (void)LocalFree(wide);
}

bool ekm_process_harden(void) {
  (void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
  return true;
}

/* Windows has no such limit. */
void ekm_process_many_files(void) {}

/* There is no such call: single pages are locked in pages.c. */
bool ekm_process_lock_memory(void) {
  return false;
}

static BOOL WINAPI on_control(DWORD kind) {
  (void)kind;
  return SetEvent(stop_event);
}

void ekm_process_catch_stop(void) {
  stop_event = CreateEventW(NULL, TRUE, FALSE, NULL);
  (void)SetConsoleCtrlHandler(on_control, TRUE);
}

void ekm_process_wait_stop(void) {
  (void)WaitForSingleObject(stop_event, INFINITE);
}

/* The system's copy and the C library's. */
bool ekm_process_unset(const char *name) {
  bool was_there = ekm_env_get(ekm_env_process(), name) != NULL;
  (void)SetEnvironmentVariableA(name, NULL);
  return _putenv_s(name, "") == 0 && was_there;
}

void ekm_process_user(char out[EKM_PROCESS_USER_BYTES]) {
  DWORD len = EKM_PROCESS_USER_BYTES;
  if (!GetUserNameA(out, &len)) out[0] = '\0';
}

int64_t ekm_process_id(void) {
  return (int64_t)GetCurrentProcessId();
}
