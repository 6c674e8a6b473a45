#include "base/file.h"

#include <windows.h>

#include <aclapi.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf16.h"

/* A path as the wide functions want it; false when it is not UTF-8 or too long. */
static bool wide_path(const char *path, ekm_buf *out, ekm_err *err) {
  ekm_buf_init(out, 2 * EKM_LIMIT_URL_BYTES);
  return ekm_utf16_from_utf8(path, out, err) && (ekm_buf_append(out, "\0", 2), ekm_buf_ok(out, path, err));
}

static bool fail_with_system(ekm_err *err, ekm_err_id id, const char *path) {
  return EKM_FAIL(err, id, "'%s': Windows error %lu", path, GetLastError());
}

bool ekm_file_read(const char *path, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  HANDLE file = INVALID_HANDLE_VALUE;
  uint8_t chunk[4096];
  DWORD got = 0;
  ekm_buf wide;

  EKM_TRY(wide_path(path, &wide, err));
  file = CreateFileW((LPCWSTR)(void *)wide.ptr, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                     0, NULL);
  if (file == INVALID_HANDLE_VALUE) EKM_TRY(fail_with_system(err, EKM_E_FILE_READ, path));
  do {
    if (!ReadFile(file, chunk, sizeof chunk, &got, NULL)) EKM_TRY(fail_with_system(err, EKM_E_FILE_READ, path));
    ekm_buf_append(out, chunk, got);
  } while (got > 0 && !out->too_long && !out->no_memory);
  ok = ekm_buf_ok(out, path, err);
done:
  ekm_mem_wipe(chunk, sizeof chunk); /* it may have been a key */
  if (file != INVALID_HANDLE_VALUE) (void)CloseHandle(file);
  ekm_buf_clear(&wide);
  return ok;
}

bool ekm_file_read_ordinary(const char *path, ekm_buf *out, ekm_err *err) {
  return ekm_file_read(path, out, err);
}

/* Files inherit the ACL of their folder, which the installer restricts; there is no mode to set. */
struct ekm_file_draft {
  HANDLE file;
  ekm_buf path, target, temporary; /* as it was given; both as the wide functions want them */
};

bool ekm_file_draft_begin(const char *path, ekm_file_draft **out_draft, ekm_err *err) {
  bool ok = false;
  ekm_buf name;
  ekm_file_draft *draft = ekm_mem_alloc(sizeof *draft, err);
  *out_draft = draft;
  if (draft == NULL) return false;
  draft->file = INVALID_HANDLE_VALUE;
  ekm_buf_init(&name, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&draft->path, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&draft->temporary, 0);
  EKM_TRY(wide_path(path, &draft->target, err));
  ekm_buf_append_text(&draft->path, path);
  ekm_buf_append_fmt(&name, "%s.%lu.tmp", path, GetCurrentProcessId());
  EKM_TRY(wide_path(ekm_buf_text(&name), &draft->temporary, err));
  draft->file = CreateFileW((LPCWSTR)(void *)draft->temporary.ptr, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
  if (draft->file == INVALID_HANDLE_VALUE) EKM_TRY(fail_with_system(err, EKM_E_FILE_WRITE, path));
  ok = true;
done:
  ekm_buf_clear(&name);
  if (!ok) ekm_file_draft_drop(out_draft);
  return ok;
}

bool ekm_file_draft_write(ekm_file_draft *draft, ekm_view bytes, ekm_err *err) {
  DWORD put = 0;
  bool ok = WriteFile(draft->file, bytes.ptr, (DWORD)bytes.len, &put, NULL) && put == bytes.len;
  return ok || fail_with_system(err, EKM_E_FILE_WRITE, ekm_buf_text(&draft->path));
}

bool ekm_file_draft_finish(ekm_file_draft **draft, ekm_err *err) {
  ekm_file_draft *d = *draft;
  bool ok = FlushFileBuffers(d->file) != 0;
  (void)CloseHandle(d->file);
  d->file = INVALID_HANDLE_VALUE;
  ok = ok && MoveFileExW((LPCWSTR)(void *)d->temporary.ptr, (LPCWSTR)(void *)d->target.ptr,
                         MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) != 0;
  if (!ok) ok = fail_with_system(err, EKM_E_FILE_WRITE, ekm_buf_text(&d->path));
  ekm_file_draft_drop(draft);
  return ok;
}

/* What was renamed is not there any more under its temporary name. */
void ekm_file_draft_drop(ekm_file_draft **draft) {
  ekm_file_draft *d = *draft;
  if (d == NULL) return;
  if (d->file != INVALID_HANDLE_VALUE) (void)CloseHandle(d->file);
  if (d->temporary.ptr != NULL) (void)DeleteFileW((LPCWSTR)(void *)d->temporary.ptr);
  ekm_buf_clear(&d->path);
  ekm_buf_clear(&d->target);
  ekm_buf_clear(&d->temporary);
  ekm_mem_free(d);
  *draft = NULL;
}

static bool replace_file(const char *path, ekm_view bytes, ekm_err *err) {
  ekm_file_draft *draft = NULL;
  if (!ekm_file_draft_begin(path, &draft, err)) return false;
  if (ekm_file_draft_write(draft, bytes, err)) return ekm_file_draft_finish(&draft, err);
  ekm_file_draft_drop(&draft);
  return false;
}

bool ekm_file_write_private(const char *path, ekm_view bytes, ekm_err *err) {
  return replace_file(path, bytes, err);
}

bool ekm_file_write_public(const char *path, ekm_view bytes, ekm_err *err) {
  return replace_file(path, bytes, err);
}

bool ekm_file_is_private(const char *path, ekm_err *err) {
  ekm_buf wide;
  bool ok = wide_path(path, &wide, err);
  DWORD attributes = ok ? GetFileAttributesW((LPCWSTR)(void *)wide.ptr) : 0;
  if (ok && attributes == INVALID_FILE_ATTRIBUTES) {
    ok = fail_with_system(err, EKM_E_FILE_READ, path);
  } else if (ok && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
    ok = EKM_FAIL(err, EKM_E_FILE_READ, "'%s' is a folder", path);
  }
  ekm_buf_clear(&wide);
  return ok;
}

bool ekm_file_read_private(const char *path, ekm_buf *out, ekm_err *err) {
  return ekm_file_is_private(path, err) && ekm_file_read(path, out, err);
}

/* --- who may write ------------------------------------------------------------------------------------------------ */

enum { SID_BYTES = SECURITY_MAX_SID_SIZE, TRUSTED_MAX = 4 };

/* Rights by which a file, or what a folder holds, becomes another. */
static const DWORD writing = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER |
                             GENERIC_WRITE | GENERIC_ALL;

typedef struct trusted_sids {
  _Alignas(DWORD) uint8_t sids[TRUSTED_MAX][SID_BYTES];
  size_t count;
} trusted_sids;

static PSID next_place(trusted_sids *trusted) {
  return trusted->sids[trusted->count];
}

static void add_well_known(trusted_sids *trusted, WELL_KNOWN_SID_TYPE type) {
  DWORD len = SID_BYTES;
  if (CreateWellKnownSid(type, NULL, next_place(trusted), &len)) trusted->count++;
}

/* NT SERVICE\\TrustedInstaller: S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464 */
static void add_trusted_installer(trusted_sids *trusted) {
  static const DWORD parts[] = {80, 956008885u, 3418522649u, 1831038044u, 1853292631u, 2271478464u};
  SID_IDENTIFIER_AUTHORITY authority = SECURITY_NT_AUTHORITY;
  PSID sid = next_place(trusted);
  if (!InitializeSid(sid, &authority, sizeof parts / sizeof parts[0])) return;
  for (DWORD i = 0; i < sizeof parts / sizeof parts[0]; i++) *GetSidSubAuthority(sid, i) = parts[i];
  trusted->count++;
}

/* The account that this process runs as: SQL Server's service, or whoever runs the tool. */
static void add_own_account(trusted_sids *trusted) {
  _Alignas(TOKEN_USER) uint8_t user[sizeof(TOKEN_USER) + SID_BYTES];
  HANDLE token = NULL;
  DWORD len = 0;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return;
  if (GetTokenInformation(token, TokenUser, user, sizeof user, &len) &&
      CopySid(SID_BYTES, next_place(trusted), ((TOKEN_USER *)(void *)user)->User.Sid)) {
    trusted->count++;
  }
  (void)CloseHandle(token);
}

static bool is_trusted_sid(trusted_sids *trusted, PSID sid) {
  for (size_t i = 0; i < trusted->count; i++) {
    if (EqualSid(trusted->sids[i], sid)) return true;
  }
  return false;
}

/* Does an entry of the list let somebody else write? Entries that only folders below inherit do not count, nor do those
 * of CREATOR OWNER, which name nobody here. */
static bool lets_others_write(trusted_sids *trusted, PACL list) {
  for (DWORD i = 0; i < list->AceCount; i++) {
    void *entry = NULL;
    if (!GetAce(list, i, &entry)) return true;
    const ACE_HEADER *header = entry;
    if (header->AceType == ACCESS_DENIED_ACE_TYPE || (header->AceFlags & INHERIT_ONLY_ACE) != 0) continue;
    if (header->AceType != ACCESS_ALLOWED_ACE_TYPE) return true; /* of a kind that files do not have by themselves */
    ACCESS_ALLOWED_ACE *allowed = entry;
    if ((allowed->Mask & writing) != 0 && !is_trusted_sid(trusted, &allowed->SidStart)) return true;
  }
  return false;
}

static bool judge_writers(trusted_sids *trusted, LPWSTR wide, const char *path, ekm_err *err) {
  PSID owner = NULL;
  PACL list = NULL;
  PSECURITY_DESCRIPTOR descriptor = NULL;
  DWORD code = GetNamedSecurityInfoW(wide, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                                     &owner, NULL, &list, NULL, &descriptor);
  if (code != ERROR_SUCCESS) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': Windows error %lu", path, code);
  bool ok = true;
  if (owner == NULL || !is_trusted_sid(trusted, owner)) {
    ok = EKM_FAIL(err, EKM_E_CONFIG_UNTRUSTED,
                  "'%s' belongs to another account; run: icacls \"%s\" /setowner *S-1-5-32-544", path, path);
  } else if (list == NULL || lets_others_write(trusted, list)) {
    ok = EKM_FAIL(err, EKM_E_CONFIG_UNTRUSTED, "'%s' may be written by others; look at: icacls \"%s\"", path, path);
  }
  (void)LocalFree(descriptor);
  return ok;
}

/* Cut the last part of a path off; what has none is in the working folder. */
static void cut_last_part(ekm_buf *path) {
  const char *text = ekm_buf_text(path);
  size_t len = path->len;
  while (len > 0 && text[len - 1] != '\\' && text[len - 1] != '/') len--;
  bool is_root = len <= 3; /* "C:\\" keeps its separator */
  ekm_buf_truncate(path, is_root || len == 0 ? len : len - 1);
  if (path->len == 0) ekm_buf_append_char(path, '.');
}

bool ekm_file_is_trusted(const char *path, ekm_err *err) {
  bool ok = false;
  trusted_sids trusted = {.count = 0};
  ekm_buf wide, folder, wide_folder;

  add_well_known(&trusted, WinLocalSystemSid);
  add_well_known(&trusted, WinBuiltinAdministratorsSid);
  add_trusted_installer(&trusted);
  add_own_account(&trusted);
  ekm_buf_init(&folder, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&wide_folder, 0);
  EKM_TRY(wide_path(path, &wide, err));
  EKM_TRY(judge_writers(&trusted, (LPWSTR)(void *)wide.ptr, path, err));
  ekm_buf_append_text(&folder, path);
  EKM_TRY(ekm_buf_ok(&folder, "a path", err));
  cut_last_part(&folder);
  EKM_TRY(wide_path(ekm_buf_text(&folder), &wide_folder, err));
  ok = judge_writers(&trusted, (LPWSTR)(void *)wide_folder.ptr, ekm_buf_text(&folder), err);
done:
  ekm_buf_clear(&wide);
  ekm_buf_clear(&folder);
  ekm_buf_clear(&wide_folder);
  return ok;
}

bool ekm_file_exists(const char *path) {
  ekm_err ignored = {0};
  ekm_buf wide;
  bool there = wide_path(path, &wide, &ignored);
  if (there && GetFileAttributesW((LPCWSTR)(void *)wide.ptr) == INVALID_FILE_ATTRIBUTES) {
    DWORD why = GetLastError();
    there = why != ERROR_FILE_NOT_FOUND && why != ERROR_PATH_NOT_FOUND;
  }
  ekm_buf_clear(&wide);
  return there;
}

bool ekm_file_make_folder(const char *path, ekm_err *err) {
  ekm_buf wide;
  bool ok = wide_path(path, &wide, err);
  if (ok && !CreateDirectoryW((LPCWSTR)(void *)wide.ptr, NULL) && GetLastError() != ERROR_ALREADY_EXISTS) {
    ok = fail_with_system(err, EKM_E_FILE_WRITE, path);
  }
  ekm_buf_clear(&wide);
  return ok;
}

FILE *ekm_file_open_append(const char *path, ekm_err *err) {
  FILE *file = NULL;
  ekm_buf wide;
  if (wide_path(path, &wide, err)) {
    file = _wfopen((const wchar_t *)(void *)wide.ptr, L"abN");
    if (file == NULL) (void)fail_with_system(err, EKM_E_FILE_WRITE, path);
  }
  ekm_buf_clear(&wide);
  return file;
}

FILE *ekm_file_open_log(const char *path, ekm_err *err) {
  return ekm_file_open_append(path, err);
}

/* A file that is open cannot be moved there. */
bool ekm_file_is_at(FILE *file, const char *path) {
  (void)file;
  return ekm_file_exists(path);
}

bool ekm_file_is_absolute(const char *path) {
  bool drive = path[0] != '\0' && path[1] == ':' && (path[2] == '\\' || path[2] == '/');
  return drive || (path[0] == '\\' && path[1] == '\\');
}
