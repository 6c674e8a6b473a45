/* Load, sign in, unwrap, unload, 200 times, and two threads at once: nothing of it stays in the process.
 *
 *   rounds.exe PROVIDER IDENTITY SECRET_FILE THUMBPRINT WRAPPED_FILE
 *
 * Closes with "N passed, N failed". Memory is the working set and handles are counted by the system's list of them:
 * Wine knows no other measure (facts/windows-mingw-wine.md section 3). */
#include <windows.h>

#include <psapi.h>
#include <stdio.h>
#include <winternl.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/process.h"
#include "base/thread.h"
#include "host/host_key.h"
#include "host/module.h"

enum { WARM_UP_ROUNDS = 60, ROUNDS = 200, GROWTH_MAX_KB = 1000, TEXT_MAX_BYTES = 4096 };

typedef struct input {
  const char *provider, *identity;
  ekm_secret secret;
  ekm_buf thumb, wrapped;
  host_module *module;
} input;

typedef struct held {
  size_t memory_kb, handles;
} held;

static size_t count_handles(void) {
  static struct {
    ULONG count;
    SYSTEM_HANDLE_ENTRY entries[100000];
  } list;
  ULONG len = 0;
  size_t own = 0;
  if (NtQuerySystemInformation(SystemHandleInformation, &list, sizeof list, &len) != 0) return 0;
  for (ULONG i = 0; i < list.count; i++) own += list.entries[i].OwnerPid == GetCurrentProcessId();
  return own;
}

static held look(void) {
  PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof memory};
  (void)K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory);
  return (held){memory.WorkingSetSize / 1024, count_handles()};
}

static bool read_input(char **words, input *out, ekm_err *err) {
  bool ok = false;
  ekm_buf secret;
  ekm_buf_init(&secret, TEXT_MAX_BYTES);
  ekm_buf_init(&out->thumb, SQLCP_MAX_THUMBPRINT_BYTES);
  ekm_buf_init(&out->wrapped, TEXT_MAX_BYTES);
  out->provider = words[1];
  out->identity = words[2];
  EKM_TRY(ekm_file_read(words[3], &secret, err));
  EKM_TRY(ekm_secret_set(&out->secret, ekm_buf_view(&secret), err));
  EKM_TRY(ekm_hex_decode(words[4], strlen(words[4]), &out->thumb, "the thumbprint", err));
  ok = ekm_file_read(words[5], &out->wrapped, err);
done:
  ekm_buf_clear(&secret);
  return ok;
}

static bool unwrap(const input *in, ekm_err *err) {
  host_session *session = NULL;
  ekm_secret plain = {0};
  bool ok = host_session_open(in->module, in->identity, &in->secret, &session, NULL, err) &&
            host_key_decrypt(session, ekm_buf_view(&in->thumb), ekm_buf_view(&in->wrapped), &plain, NULL, err);
  ekm_secret_clear(&plain);
  host_session_close(&session);
  return ok;
}

typedef struct worker {
  const input *in;
  bool ok;
  ekm_err err;
} worker;

static void work(void *arg) {
  worker *self = arg;
  self->ok = unwrap(self->in, &self->err);
}

static bool one_round(input *in, ekm_err *err) {
  ekm_thread *thread = NULL;
  worker there = {.in = in};
  if (!host_module_load(in->provider, NULL, &in->module, NULL, err)) return false;
  bool ok = ekm_thread_start(&thread, work, &there, err) && unwrap(in, err);
  ekm_thread_join(&thread);
  host_module_unload(&in->module);
  if (ok && !there.ok) *err = there.err;
  return ok && there.ok;
}

static bool rounds(input *in, int count, ekm_err *err) {
  for (int i = 0; i < count; i++) {
    if (!one_round(in, err)) return false;
  }
  return true;
}

static bool nothing_stays(input *in, ekm_err *err) {
  if (!rounds(in, WARM_UP_ROUNDS, err)) return false;
  held before = look();
  if (!rounds(in, ROUNDS, err)) return false;
  held after = look();
  printf("memory: %zu kB, then %zu kB; handles: %zu, then %zu\n", before.memory_kb, after.memory_kb, before.handles,
         after.handles);
  if (before.memory_kb == 0 || before.handles == 0) return EKM_FAIL(err, EKM_E_INTERNAL, "nothing was measured");
  if (after.handles > before.handles) return EKM_FAIL(err, EKM_E_INTERNAL, "handles stayed");
  return after.memory_kb <= before.memory_kb + GROWTH_MAX_KB || EKM_FAIL(err, EKM_E_INTERNAL, "memory stayed");
}

int main(int argc, char **argv) {
  ekm_err err = {0};
  static input in;
  ekm_process_begin();
  bool ok = argc == 6 && read_input(argv, &in, &err) && nothing_stays(&in, &err);
  ekm_secret_clear(&in.secret);
  ekm_buf_clear(&in.thumb);
  ekm_buf_clear(&in.wrapped);
  if (!ok) printf("%s\n", err.detail);
  printf("%d passed, %d failed\n", ok, !ok);
  return ok ? 0 : 1;
}
