/*   head    "OPENEKM1"  8
 *           thumbprint of the key that wrapped the DEK   20
 *           length of the plaintext                       8   little-endian
 *           length of the wrapped DEK                     4   little-endian
 *           wrapped DEK                                 256, 384 or 512
 *   chunk   ciphertext of 64 kB (the last one: the rest), tag of 16 bytes; AES-256-GCM
 *           nonce  4 zero bytes, number of the chunk (8, little-endian): a DEK seals one file only
 *           aad    SHA-256 of the head
 *   ...
 *
 * The number in the nonce fixes each chunk's place; the length in the authenticated head fixes how many there are. */
#include "demo/sealed_file.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/gcm.h"

static const char magic[8] = "OPENEKM1";

enum { HEAD_FIXED_BYTES = 8 + SEALED_THUMB_BYTES + 8 + 4, WRAPPED_MAX_BYTES = 512 };

static void append_le(ekm_buf *out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) ekm_buf_append_char(out, (char)(value >> (8 * i)));
}

static uint64_t read_le(const uint8_t *at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | at[i];
  return value;
}

static bool encode_head(const sealed_head *head, ekm_buf *out, ekm_err *err) {
  ekm_buf_append(out, magic, sizeof magic);
  ekm_buf_append(out, head->thumb, sizeof head->thumb);
  append_le(out, head->plain_bytes, 8);
  append_le(out, head->wrapped_dek.len, 4);
  ekm_buf_append_view(out, ekm_buf_view(&head->wrapped_dek));
  return ekm_buf_ok(out, "the head of a sealed file", err);
}

/* Read the head where ${file} stands; the raw bytes too, because the chunks authenticate them. */
static bool read_head(FILE *file, sealed_head *out_head, ekm_buf *out_raw, ekm_err *err) {
  uint8_t *fixed = ekm_buf_extend(out_raw, HEAD_FIXED_BYTES);
  if (!ekm_buf_ok(out_raw, "the head of a sealed file", err)) return false;
  if (fread(fixed, 1, HEAD_FIXED_BYTES, file) != HEAD_FIXED_BYTES || memcmp(fixed, magic, sizeof magic) != 0) {
    return EKM_FAIL(err, EKM_E_MISMATCH, "this is no sealed file");
  }
  memcpy(out_head->thumb, fixed + 8, SEALED_THUMB_BYTES);
  out_head->plain_bytes = read_le(fixed + 8 + SEALED_THUMB_BYTES, 8);
  size_t wrapped_bytes = (size_t)read_le(fixed + 8 + SEALED_THUMB_BYTES + 8, 4);
  uint8_t *wrapped = wrapped_bytes > WRAPPED_MAX_BYTES ? NULL : ekm_buf_extend(out_raw, wrapped_bytes);
  if (wrapped == NULL || fread(wrapped, 1, wrapped_bytes, file) != wrapped_bytes) {
    return EKM_FAIL(err, EKM_E_MISMATCH, "the head of the sealed file is damaged");
  }
  ekm_buf_init(&out_head->wrapped_dek, WRAPPED_MAX_BYTES);
  ekm_buf_append(&out_head->wrapped_dek, wrapped, wrapped_bytes);
  return ekm_buf_ok(&out_head->wrapped_dek, "a wrapped key", err);
}

bool sealed_file_head(const char *path, sealed_head *out_head, ekm_err *err) {
  ekm_buf raw;
  memset(out_head, 0, sizeof *out_head);
  FILE *file = fopen(path, "rb");
  if (file == NULL) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s'", path);
  ekm_buf_init(&raw, HEAD_FIXED_BYTES + WRAPPED_MAX_BYTES);
  bool ok = read_head(file, out_head, &raw, err);
  ekm_buf_clear(&raw);
  (void)fclose(file);
  return ok;
}

/* --- chunks ------------------------------------------------------------------------------------------------------- */

/* What sealing and opening need at every chunk. */
typedef struct chunks {
  const ekm_crypto *crypto;
  const ekm_secret *dek;
  uint8_t head_digest[EKM_SHA256_BYTES];
  FILE *in, *out;
  ekm_buf input, output; /* one chunk */
} chunks;

typedef bool (*chunk_step)(chunks *c, const uint8_t *nonce, ekm_err *err);

static bool seal_step(chunks *c, const uint8_t *nonce, ekm_err *err) {
  return ekm_gcm_seal(c->crypto, c->dek, nonce, ekm_view_of(c->head_digest, sizeof c->head_digest),
                      ekm_buf_view(&c->input), &c->output, err);
}

static bool open_step(chunks *c, const uint8_t *nonce, ekm_err *err) {
  return ekm_gcm_open(c->crypto, c->dek, nonce, ekm_view_of(c->head_digest, sizeof c->head_digest),
                      ekm_buf_view(&c->input), &c->output, err);
}

static bool run_chunk(chunks *c, uint64_t number, size_t in_bytes, chunk_step step, ekm_err *err) {
  uint8_t nonce[EKM_GCM_NONCE_BYTES] = {0};
  for (size_t i = 0; i < 8; i++) nonce[4 + i] = (uint8_t)(number >> (8 * i));

  ekm_buf_reset(&c->input);
  ekm_buf_reset(&c->output);
  uint8_t *at = ekm_buf_extend(&c->input, in_bytes);
  if (!ekm_buf_ok(&c->input, "a chunk", err)) return false;
  if (fread(at, 1, in_bytes, c->in) != in_bytes) return EKM_FAIL(err, EKM_E_MISMATCH, "the file ends too early");
  if (!step(c, nonce, err)) return false;
  if (fwrite(c->output.ptr, 1, c->output.len, c->out) != c->output.len) {
    return EKM_FAIL(err, EKM_E_FILE_WRITE, "is the disk full?");
  }
  return true;
}

/* For whoever waits: a line about once a second, none for what is done sooner. */
static void show_progress(uint64_t done, uint64_t total, int64_t *last_ms) {
  int64_t now_ms = ekm_clock_mono_ms(ekm_clock_system());
  if (*last_ms == 0) *last_ms = now_ms;
  if (now_ms - *last_ms < 1000) return;
  *last_ms = now_ms;
  (void)fprintf(stderr, "    %3d %%\n", (int)(done * 100 / total));
}

static bool run_chunks(chunks *c, uint64_t plain_bytes, size_t in_overhead, chunk_step step, ekm_err *err) {
  int64_t last_ms = 0;
  for (uint64_t done = 0, number = 0; done < plain_bytes; number++) {
    uint64_t left = plain_bytes - done;
    size_t piece = left < SEALED_CHUNK_BYTES ? (size_t)left : (size_t)SEALED_CHUNK_BYTES;
    if (!run_chunk(c, number, piece + in_overhead, step, err)) return false;
    done += piece;
    show_progress(done, plain_bytes, &last_ms);
  }
  if (fgetc(c->in) != EOF) return EKM_FAIL(err, EKM_E_MISMATCH, "the file goes on behind its end");
  return true;
}

static void chunks_start(chunks *c, const ekm_crypto *crypto, const ekm_secret *dek) {
  memset(c, 0, sizeof *c);
  c->crypto = crypto;
  c->dek = dek;
  ekm_buf_init(&c->input, SEALED_CHUNK_BYTES + EKM_GCM_TAG_BYTES);
  ekm_buf_init(&c->output, SEALED_CHUNK_BYTES + EKM_GCM_TAG_BYTES);
}

static bool open_files(chunks *c, const char *in_path, const char *out_path, ekm_err *err) {
  c->in = fopen(in_path, "rb");
  if (c->in == NULL) return EKM_FAIL(err, EKM_E_FILE_READ, "'%s'", in_path);
  c->out = fopen(out_path, "wb");
  return c->out != NULL || EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s'", out_path);
}

/* Close everything; an output that is not whole is removed. */
static bool chunks_end(chunks *c, bool ok, const char *out_path, ekm_err *err) {
  if (c->in != NULL) (void)fclose(c->in);
  if (c->out != NULL && fclose(c->out) != 0 && ok) ok = EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s'", out_path);
  if (c->out != NULL && !ok) (void)remove(out_path);
  ekm_buf_clear(&c->input);
  ekm_buf_clear(&c->output);
  return ok;
}

static bool file_length(FILE *file, uint64_t *out_bytes, ekm_err *err) {
  long end = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (end < 0 || fseek(file, 0, SEEK_SET) != 0) return EKM_FAIL(err, EKM_E_FILE_READ, "its length is unknown");
  *out_bytes = (uint64_t)end;
  return true;
}

bool sealed_file_write(const ekm_crypto *crypto, const ekm_secret *dek, sealed_head *head, const char *in_path,
                       const char *out_path, ekm_err *err) {
  bool ok = false;
  chunks c;
  ekm_buf raw;

  chunks_start(&c, crypto, dek);
  ekm_buf_init(&raw, HEAD_FIXED_BYTES + WRAPPED_MAX_BYTES);
  EKM_TRY(open_files(&c, in_path, out_path, err));
  EKM_TRY(file_length(c.in, &head->plain_bytes, err));
  EKM_TRY(encode_head(head, &raw, err));
  EKM_TRY(ekm_crypto_sha256(crypto, ekm_buf_view(&raw), c.head_digest, err));
  if (fwrite(raw.ptr, 1, raw.len, c.out) != raw.len) EKM_BAIL(err, EKM_E_FILE_WRITE, "'%s'", out_path);
  ok = run_chunks(&c, head->plain_bytes, 0, seal_step, err);
done:
  ekm_buf_clear(&raw);
  return chunks_end(&c, ok, out_path, err);
}

bool sealed_file_open(const ekm_crypto *crypto, const ekm_secret *dek, const char *in_path, const char *out_path,
                      ekm_err *err) {
  bool ok = false;
  chunks c;
  ekm_buf raw;
  sealed_head head = {0};

  chunks_start(&c, crypto, dek);
  ekm_buf_init(&raw, HEAD_FIXED_BYTES + WRAPPED_MAX_BYTES);
  EKM_TRY(open_files(&c, in_path, out_path, err));
  EKM_TRY(read_head(c.in, &head, &raw, err));
  EKM_TRY(ekm_crypto_sha256(crypto, ekm_buf_view(&raw), c.head_digest, err));
  ok = run_chunks(&c, head.plain_bytes, EKM_GCM_TAG_BYTES, open_step, err);
done:
  ekm_buf_clear(&head.wrapped_dek);
  ekm_buf_clear(&raw);
  return chunks_end(&c, ok, out_path, err);
}
