#include "vault/fake_arc.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/text.h"

enum { NAME_BYTES = 16, SECRET_BYTES = 32, FOLDER_BYTES = FAKE_ARC_PATH_BYTES - 64 };

/* What was in a file is remembered as its hash only. */
typedef struct arc_file {
  char path[FAKE_ARC_PATH_BYTES]; /* "": none */
  uint8_t hash[EKM_SHA256_BYTES];
} arc_file;

struct fake_arc {
  const ekm_crypto *crypto;
  char folder[FOLDER_BYTES];
  ekm_mutex lock;
  size_t next;
  arc_file files[FAKE_ARC_FILES];
};

bool fake_arc_new(const ekm_crypto *crypto, const char *folder, fake_arc **out_arc, ekm_err *err) {
  *out_arc = NULL;
  fake_arc *arc = ekm_mem_alloc(sizeof *arc, err);
  if (arc == NULL) return false;
  arc->crypto = crypto;
  ekm_mutex_init(&arc->lock);
  if (!ekm_text_copy(arc->folder, sizeof arc->folder, folder, "a folder's path", err) ||
      !ekm_file_make_folder(folder, err)) {
    fake_arc_free(&arc);
    return false;
  }
  *out_arc = arc;
  return true;
}

static void forget(arc_file *file) {
  if (file->path[0] != '\0') (void)remove(file->path);
  memset(file, 0, sizeof *file);
}

void fake_arc_free(fake_arc **arc) {
  if (*arc == NULL) return;
  for (size_t i = 0; i < FAKE_ARC_FILES; i++) forget(&(*arc)->files[i]);
  ekm_mem_free(*arc);
  *arc = NULL;
}

static bool make_file(const fake_arc *arc, arc_file *out, ekm_err *err) {
  bool ok = false;
  uint8_t name[NAME_BYTES], bytes[SECRET_BYTES];
  char digits[2 * NAME_BYTES + 1];
  ekm_buf secret;
  const ekm_rng *rng = ekm_crypto_rng(arc->crypto);

  ekm_buf_init(&secret, 2 * SECRET_BYTES);
  EKM_TRY(rng->fill(rng, name, sizeof name, err));
  EKM_TRY(rng->fill(rng, bytes, sizeof bytes, err));
  ekm_hex_encode(ekm_view_of(bytes, sizeof bytes), &secret);
  EKM_TRY(ekm_buf_ok(&secret, "a key", err));
  EKM_TRY(ekm_crypto_sha256(arc->crypto, ekm_buf_view(&secret), out->hash, err));
  ekm_hex_text(ekm_view_of(name, sizeof name), digits, sizeof digits);
  (void)snprintf(out->path, sizeof out->path, "%s/%s.key", arc->folder, digits);
  ok = ekm_file_write_private(out->path, ekm_buf_view(&secret), err);
done:
  ekm_mem_wipe(bytes, sizeof bytes);
  ekm_buf_clear(&secret);
  return ok;
}

bool fake_arc_challenge(fake_arc *arc, char out_path[FAKE_ARC_PATH_BYTES], ekm_err *err) {
  arc_file made = {.path = ""};
  if (!make_file(arc, &made, err)) {
    forget(&made);
    return false;
  }
  memcpy(out_path, made.path, sizeof made.path);
  ekm_mutex_lock(&arc->lock);
  arc_file *place = &arc->files[arc->next];
  forget(place);
  *place = made;
  arc->next = (arc->next + 1) % FAKE_ARC_FILES;
  ekm_mutex_unlock(&arc->lock);
  return true;
}

bool fake_arc_take(fake_arc *arc, ekm_view content, bool *out_is_right, ekm_err *err) {
  uint8_t hash[EKM_SHA256_BYTES];
  *out_is_right = false;
  if (!ekm_crypto_sha256(arc->crypto, content, hash, err)) return false;
  ekm_mutex_lock(&arc->lock);
  for (size_t i = 0; i < FAKE_ARC_FILES; i++) {
    arc_file *file = &arc->files[i];
    if (file->path[0] == '\0' || !ekm_mem_equal(file->hash, hash, sizeof hash)) continue;
    *out_is_right = true;
    forget(file);
  }
  ekm_mutex_unlock(&arc->lock);
  return true;
}
