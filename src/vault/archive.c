#include "vault/archive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "crypto/gcm.h"
#include "crypto/passphrase.h"
#include "vault/master_key.h"
#include "vault/store_state.h"

enum {
  CHUNK_BYTES = 64 * 1024,
  SALT_BYTES = 16,
  PREFIX_BYTES = 7,
  PATH_MAX_BYTES = 4096,
};
static const char magic[] = "akvd backup 1\n";

/* What seals or opens the chunks, one after the other. */
typedef struct stream {
  const ekm_crypto *crypto;
  ekm_secret key;
  uint8_t prefix[PREFIX_BYTES];
  uint32_t number;
  ekm_buf head; /* both lines: associated data */
} stream;

static void stream_init(stream *s, const ekm_crypto *crypto) {
  memset(s, 0, sizeof *s);
  s->crypto = crypto;
  ekm_buf_init(&s->head, VAULT_ARCHIVE_HEAD_BYTES);
}

static void stream_clear(stream *s) {
  ekm_secret_clear(&s->key);
  ekm_buf_clear(&s->head);
}

static void next_nonce(stream *s, bool is_last, uint8_t out[EKM_GCM_NONCE_BYTES]) {
  memcpy(out, s->prefix, PREFIX_BYTES);
  for (int i = 0; i < 4; i++) out[PREFIX_BYTES + i] = (uint8_t)(s->number >> (24 - 8 * i));
  out[EKM_GCM_NONCE_BYTES - 1] = is_last ? 1 : 0;
  s->number++;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool begin_head(stream *s, json_t *head, const ekm_secret *passphrase, ekm_err *err) {
  uint8_t random[SALT_BYTES + PREFIX_BYTES];
  const ekm_passphrase_cost cost = {EKM_PASSPHRASE_N, EKM_PASSPHRASE_R, EKM_PASSPHRASE_P};
  const ekm_rng *rng = ekm_crypto_rng(s->crypto);
  ekm_view salt = ekm_view_of(random, SALT_BYTES);
  if (!rng->fill(rng, random, sizeof random, err)) return false;
  memcpy(s->prefix, random + SALT_BYTES, PREFIX_BYTES);
  bool set = json_object_set_new(head, "n", json_integer(EKM_PASSPHRASE_N)) == 0 &&
             json_object_set_new(head, "r", json_integer(EKM_PASSPHRASE_R)) == 0 &&
             json_object_set_new(head, "p", json_integer(EKM_PASSPHRASE_P)) == 0 &&
             ekm_json_set_bytes(head, "salt", salt) &&
             ekm_json_set_bytes(head, "nonce", ekm_view_of(s->prefix, PREFIX_BYTES));
  if (!set) return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for the head of a backup");
  ekm_buf_append_text(&s->head, magic);
  if (!ekm_json_write(head, &s->head, err)) return false;
  ekm_buf_append_char(&s->head, '\n');
  return ekm_buf_ok(&s->head, "the head of a backup", err) &&
         ekm_passphrase_key(s->crypto, passphrase, salt, &cost, EKM_GCM_KEY_BYTES, &s->key, err);
}

static bool write_chunk(stream *s, ekm_file_draft *to, ekm_buf *plain, bool is_last, ekm_err *err) {
  uint8_t nonce[EKM_GCM_NONCE_BYTES];
  ekm_buf sealed;
  ekm_buf_init(&sealed, CHUNK_BYTES + EKM_GCM_TAG_BYTES);
  next_nonce(s, is_last, nonce);
  bool ok = ekm_gcm_seal(s->crypto, &s->key, nonce, ekm_buf_view(&s->head), ekm_buf_view(plain), &sealed, err) &&
            ekm_buf_ok(&sealed, "a part of a backup", err) && ekm_file_draft_write(to, ekm_buf_view(&sealed), err);
  ekm_buf_clear(&sealed);
  ekm_buf_reset(plain);
  return ok;
}

/* The rest of ${from} behind what is in ${plain} already. A chunk goes out when it is known that it is not the last. */
static bool write_all(stream *s, FILE *from, const char *name, ekm_buf *plain, ekm_file_draft *to, ekm_err *err) {
  int c = fgetc(from);
  while (c != EOF) {
    if (plain->len == CHUNK_BYTES && !write_chunk(s, to, plain, false, err)) return false;
    ekm_buf_append_char(plain, (char)c);
    size_t room = CHUNK_BYTES - plain->len;
    uint8_t *at = ekm_buf_extend(plain, room);
    if (!ekm_buf_ok(plain, "a part of a backup", err)) return false;
    size_t got = fread(at, 1, room, from);
    ekm_buf_truncate(plain, plain->len - room + got);
    c = fgetc(from);
  }
  if (ferror(from) != 0) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': %s", name, strerror(errno));
  return write_chunk(s, to, plain, true, err);
}

static bool write_file(stream *s, vault_store *store, const char *image, const char *path, ekm_err *err) {
  bool ok = false;
  FILE *from = fopen(image, "rb");
  ekm_file_draft *to = NULL;
  ekm_secret master = {0};
  ekm_buf plain;

  ekm_buf_init(&plain, CHUNK_BYTES);
  if (from == NULL) EKM_BAIL(err, EKM_E_FILE_READ, "'%s': %s", image, strerror(errno));
  EKM_TRY(vault_master_key_read(store->master_key, store->shop.token, &master, err));
  ekm_buf_append_view(&plain, ekm_secret_reveal(&master));
  EKM_TRY(ekm_file_draft_begin(path, &to, err));
  EKM_TRY(ekm_file_draft_write(to, ekm_buf_view(&s->head), err));
  EKM_TRY(write_all(s, from, image, &plain, to, err));
  EKM_TRY(ekm_file_draft_finish(&to, err));
  ok = true;
done:
  if (from != NULL) (void)fclose(from);
  ekm_file_draft_drop(&to);
  ekm_secret_clear(&master);
  ekm_buf_clear(&plain);
  return ok;
}

static bool make_head(vault_store *store, json_t **out, ekm_err *err) {
  ekm_buf created;
  size_t keys = 0;
  ekm_buf_init(&created, 64);
  ekm_clock_append_iso(ekm_clock_wall_s(store->clock), &created);
  bool ok = vault_store_count_keys(store, &keys, err);
  *out = json_pack("{s:s, s:s, s:I, s:I}", "created", ekm_buf_text(&created), "database", store->database_id, "vaults",
                   (json_int_t)store->dir->vault_count, "keys", (json_int_t)keys);
  ekm_buf_clear(&created);
  return ok && (*out != NULL || EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for the head of a backup"));
}

bool vault_archive_write(vault_store *store, const ekm_crypto *crypto, const ekm_secret *passphrase, const char *path,
                         json_t **out_head, ekm_err *err) {
  bool ok = false;
  stream s;
  ekm_buf image;

  *out_head = NULL;
  stream_init(&s, crypto);
  ekm_buf_init(&image, PATH_MAX_BYTES);
  ekm_buf_append_fmt(&image, "%s.image", path); /* beside the backup: sealed rows, nothing in clear */
  EKM_TRY(ekm_buf_ok(&image, "a path", err));
  if (passphrase->len < VAULT_PASSPHRASE_MIN_CHARS) {
    EKM_BAIL(err, EKM_E_BAD_ARGUMENT, "a passphrase of %zu characters; use %d at least, better 20", passphrase->len,
             VAULT_PASSPHRASE_MIN_CHARS);
  }
  (void)remove(ekm_buf_text(&image));
  EKM_TRY(vault_store_copy(store, ekm_buf_text(&image), err));
  EKM_TRY(make_head(store, out_head, err));
  EKM_TRY(begin_head(&s, *out_head, passphrase, err));
  EKM_TRY(write_file(&s, store, ekm_buf_text(&image), path, err));
  ok = true;
done:
  if (image.len > 0) (void)remove(ekm_buf_text(&image));
  ekm_buf_clear(&image);
  stream_clear(&s);
  if (!ok) ekm_json_free(out_head);
  return ok;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool read_head(FILE *from, const char *path, ekm_buf *out, json_t **out_head, ekm_err *err) {
  ekm_err ignored = {0};
  int lines = 0;
  int c = 0;
  while (lines < 2 && out->len < VAULT_ARCHIVE_HEAD_BYTES - 1 && (c = fgetc(from)) != EOF) {
    ekm_buf_append_char(out, (char)c);
    lines += c == '\n';
  }
  if (ferror(from) != 0) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(errno));
  size_t magic_len = strlen(magic);
  bool is_one = lines == 2 && out->len > magic_len && ekm_buf_ok(out, "the head of a backup", &ignored) &&
                ekm_view_equal(ekm_view_of(out->ptr, magic_len), ekm_view_text(magic)) &&
                ekm_json_parse(ekm_view_of(out->ptr + magic_len, out->len - magic_len), out_head, &ignored);
  return is_one || EKM_FAIL(err, EKM_E_MISMATCH, "'%s' is no backup of akvd", path);
}

static bool take_numbers(const json_t *head, const char *path, stream *s, ekm_buf *salt, ekm_passphrase_cost *cost,
                         ekm_err *err) {
  ekm_err ignored = {0};
  ekm_buf prefix;
  ekm_buf_init(&prefix, PREFIX_BYTES);
  json_int_t n = ekm_json_int(head, "n", 0), r = ekm_json_int(head, "r", 0), p = ekm_json_int(head, "p", 0);
  bool ok = n > 0 && r > 0 && r < UINT32_MAX && p > 0 && p < UINT32_MAX &&
            ekm_json_bytes(head, "salt", salt, &ignored) && salt->len == SALT_BYTES &&
            ekm_json_bytes(head, "nonce", &prefix, &ignored) && prefix.len == PREFIX_BYTES;
  if (ok) memcpy(s->prefix, prefix.ptr, PREFIX_BYTES);
  *cost = (ekm_passphrase_cost){(uint64_t)n, (uint32_t)r, (uint32_t)p};
  ekm_buf_clear(&prefix);
  return ok || EKM_FAIL(err, EKM_E_MISMATCH, "the head of '%s' is damaged", path);
}

static bool open_stream(stream *s, FILE *from, const char *path, const ekm_secret *passphrase, ekm_err *err) {
  bool ok = false;
  json_t *head = NULL;
  ekm_passphrase_cost cost;
  ekm_buf salt;

  ekm_buf_init(&salt, SALT_BYTES);
  EKM_TRY(read_head(from, path, &s->head, &head, err));
  EKM_TRY(take_numbers(head, path, s, &salt, &cost, err));
  EKM_TRY(ekm_passphrase_key(s->crypto, passphrase, ekm_buf_view(&salt), &cost, EKM_GCM_KEY_BYTES, &s->key, err));
  ok = true;
done:
  ekm_json_free(&head);
  ekm_buf_clear(&salt);
  return ok;
}

bool vault_archive_head(const char *path, json_t **out_head, ekm_err *err) {
  ekm_buf head;
  *out_head = NULL;
  FILE *from = fopen(path, "rb");
  if (from == NULL) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(errno));
  ekm_buf_init(&head, VAULT_ARCHIVE_HEAD_BYTES);
  bool ok = read_head(from, path, &head, out_head, err);
  (void)fclose(from);
  ekm_buf_clear(&head);
  return ok;
}

/* The next chunk; whether it is the last shows by what is behind it. */
static bool read_chunk(stream *s, FILE *from, const char *path, ekm_buf *plain, bool *out_last, ekm_err *err) {
  bool ok = false;
  uint8_t nonce[EKM_GCM_NONCE_BYTES];
  ekm_buf sealed;

  ekm_buf_init(&sealed, CHUNK_BYTES + EKM_GCM_TAG_BYTES);
  uint8_t *at = ekm_buf_extend(&sealed, CHUNK_BYTES + EKM_GCM_TAG_BYTES);
  EKM_TRY(ekm_buf_ok(&sealed, "a part of a backup", err));
  ekm_buf_truncate(&sealed, fread(at, 1, CHUNK_BYTES + EKM_GCM_TAG_BYTES, from));
  int c = fgetc(from);
  if (c != EOF) (void)ungetc(c, from);
  if (ferror(from) != 0) EKM_BAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(errno));
  *out_last = c == EOF;
  uint32_t number = s->number;
  next_nonce(s, *out_last, nonce);
  ekm_buf_reset(plain);
  if (!ekm_gcm_open(s->crypto, &s->key, nonce, ekm_buf_view(&s->head), ekm_buf_view(&sealed), plain, err)) {
    if (err->id != EKM_E_MISMATCH && err->id != EKM_E_BAD_ARGUMENT) goto done;
    ekm_err_clear(err);
    EKM_BAIL(err, EKM_E_MISMATCH, "%s",
             number == 0 ? "the passphrase is wrong, or the backup was changed" : "the backup was changed or cut off");
  }
  ok = true;
done:
  ekm_buf_clear(&sealed);
  return ok;
}

/* The database of the stream into ${to}, the master key in front of it into ${out_master}. */
static bool read_all(stream *s, FILE *from, const char *path, ekm_file_draft *to, ekm_secret *out_master,
                     ekm_err *err) {
  bool ok = false;
  bool is_last = false;
  ekm_buf plain;

  ekm_buf_init(&plain, CHUNK_BYTES);
  for (bool is_first = true; !is_last; is_first = false) {
    size_t skip = is_first ? VAULT_MASTER_KEY_BYTES : 0;
    EKM_TRY(read_chunk(s, from, path, &plain, &is_last, err));
    if (plain.len < skip) EKM_BAIL(err, EKM_E_MISMATCH, "the backup is too short");
    if (is_first) EKM_TRY(ekm_secret_set(out_master, ekm_view_of(plain.ptr, skip), err));
    EKM_TRY(ekm_file_draft_write(to, ekm_view_of(plain.ptr + skip, plain.len - skip), err));
  }
  ok = true;
done:
  ekm_buf_clear(&plain);
  return ok;
}

static bool path_in(const char *folder, const char *name, ekm_buf *out, ekm_err *err) {
  ekm_buf_init(out, PATH_MAX_BYTES);
  ekm_buf_append_fmt(out, "%s/%s", folder, name);
  if (!ekm_buf_ok(out, "a path", err)) return false;
  return !ekm_file_exists(ekm_buf_text(out)) || EKM_FAIL(err, EKM_E_EXISTS, "'%s'", ekm_buf_text(out));
}

bool vault_archive_restore(const ekm_crypto *crypto, ekm_token *token, const char *path, const ekm_secret *passphrase,
                           const char *folder, ekm_err *err) {
  bool ok = false;
  FILE *from = fopen(path, "rb");
  ekm_file_draft *to = NULL;
  ekm_secret master = {0};
  stream s;
  ekm_buf db_path, key_path;

  stream_init(&s, crypto);
  ekm_buf_init(&key_path, PATH_MAX_BYTES);
  EKM_TRY(path_in(folder, "vault.db", &db_path, err));
  EKM_TRY(path_in(folder, "master.key", &key_path, err));
  if (from == NULL) EKM_BAIL(err, EKM_E_FILE_READ, "'%s': %s", path, strerror(errno));
  EKM_TRY(open_stream(&s, from, path, passphrase, err));
  EKM_TRY(ekm_file_make_folder(folder, err));
  EKM_TRY(ekm_file_draft_begin(ekm_buf_text(&db_path), &to, err));
  EKM_TRY(read_all(&s, from, path, to, &master, err));
  EKM_TRY(vault_master_key_write(ekm_buf_text(&key_path), token, &master, err));
  EKM_TRY(ekm_file_draft_finish(&to, err));
  ok = true;
done:
  if (from != NULL) (void)fclose(from);
  ekm_file_draft_drop(&to);
  ekm_secret_clear(&master);
  stream_clear(&s);
  ekm_buf_clear(&db_path);
  ekm_buf_clear(&key_path);
  return ok;
}
