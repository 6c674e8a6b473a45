#include "support/counting_backend.h"

#include "base/mem.h"

static counting_backend *count(keyring_backend *self, size_t offset) {
  counting_backend *backend = (counting_backend *)(void *)self;
  atomic_int *counter = (atomic_int *)(void *)((char *)backend + offset);
  atomic_fetch_add(counter, 1);
  return backend;
}
#define COUNT(member) count(self, offsetof(counting_backend, member))

static bool refuses(counting_backend *backend, ekm_err *err) {
  int id = atomic_load(&backend->fail_with);
  return id != 0 && !EKM_FAIL(err, (ekm_err_id)id, "refused by the test");
}

static bool counting_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                         keyring_record *out, ekm_err *err) {
  counting_backend *b = COUNT(gets);
  return !refuses(b, err) && b->lower->get(b->lower, name, version, call, out, err);
}

static bool counting_list_names(keyring_backend *self, const keyring_call *call, keyring_list *out, ekm_err *err) {
  counting_backend *b = COUNT(name_lists);
  if (b->meanwhile != NULL) b->meanwhile(b->meanwhile_arg);
  return !refuses(b, err) && b->lower->list_names(b->lower, call, out, err);
}

static bool counting_list_versions(keyring_backend *self, const char *name, const keyring_call *call, keyring_list *out,
                                   ekm_err *err) {
  counting_backend *b = COUNT(version_lists);
  return !refuses(b, err) && b->lower->list_versions(b->lower, name, call, out, err);
}

static bool counting_create(keyring_backend *self, const char *name, keyring_kind kind, unsigned bits,
                            const keyring_call *call, keyring_record *out, ekm_err *err) {
  counting_backend *b = COUNT(creates);
  return !refuses(b, err) && b->lower->create(b->lower, name, kind, bits, call, out, err);
}

static bool counting_drop(keyring_backend *self, const char *name, const keyring_call *call, ekm_err *err) {
  counting_backend *b = COUNT(drops);
  return !refuses(b, err) && b->lower->drop(b->lower, name, call, err);
}

static bool counting_wrap(keyring_backend *self, const char *name, const char *version, const char *alg, ekm_view in,
                          const keyring_call *call, ekm_buf *out, ekm_err *err) {
  counting_backend *b = COUNT(wraps);
  return !refuses(b, err) && b->lower->wrap(b->lower, name, version, alg, in, call, out, err);
}

static bool counting_unwrap(keyring_backend *self, const char *name, const char *version, const char *alg, ekm_view in,
                            const keyring_call *call, ekm_buf *out, ekm_err *err) {
  counting_backend *b = COUNT(unwraps);
  return !refuses(b, err) && b->lower->unwrap(b->lower, name, version, alg, in, call, out, err);
}

static bool counting_encrypt(keyring_backend *self, const keyring_cipher *cipher, ekm_view in, const keyring_call *call,
                             ekm_buf *out, ekm_err *err) {
  counting_backend *b = COUNT(encrypts);
  return !refuses(b, err) && b->lower->encrypt(b->lower, cipher, in, call, out, err);
}

static bool counting_decrypt(keyring_backend *self, const keyring_cipher *cipher, ekm_view in, const keyring_call *call,
                             ekm_buf *out, ekm_err *err) {
  counting_backend *b = COUNT(decrypts);
  return !refuses(b, err) && b->lower->decrypt(b->lower, cipher, in, call, out, err);
}

static void counting_destroy(keyring_backend *self) {
  counting_backend *b = (counting_backend *)(void *)self;
  if (!b->borrowed) b->lower->destroy(b->lower);
  ekm_mem_free(b);
}

counting_backend *counting_backend_over(keyring_backend *lower) {
  ekm_err err = {0};
  counting_backend *b = ekm_mem_alloc(sizeof *b, &err);
  b->base = (keyring_backend){.get = counting_get,
                              .list_names = counting_list_names,
                              .list_versions = counting_list_versions,
                              .create = counting_create,
                              .drop = counting_drop,
                              .wrap = counting_wrap,
                              .unwrap = counting_unwrap,
                              .encrypt = counting_encrypt,
                              .decrypt = counting_decrypt,
                              .destroy = counting_destroy};
  b->lower = lower;
  return b;
}

int counting_backend_calls(counting_backend *b) {
  return atomic_load(&b->gets) + atomic_load(&b->name_lists) + atomic_load(&b->version_lists) +
         atomic_load(&b->creates) + atomic_load(&b->drops) + atomic_load(&b->wraps) + atomic_load(&b->unwraps) +
         atomic_load(&b->encrypts) + atomic_load(&b->decrypts);
}
