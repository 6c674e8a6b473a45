#include "base/process.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#include "base/env.h"

static HANDLE stop_event;

void ekm_process_begin(void) {
  (void)SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
  (void)_setmode(_fileno(stdin), _O_BINARY);
  (void)_setmode(_fileno(stdout), _O_BINARY);
  (void)_setmode(_fileno(stderr), _O_BINARY);
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
