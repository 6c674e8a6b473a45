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
  return !refuses(b, err) && b->lower->list_names(b->lower, call, out, err);
}

static bool counting_list_versions(keyring_backend *self, const char *name, const keyring_call *call, keyring_list *out,
                                   ekm_err *err) {
  counting_backend *b = COUNT(version_lists);
  return !refuses(b, err) && b->lower->list_versions(b->lower, name, call, out, err);
}

static bool counting_create(keyring_backend *self, const char *name, unsigned bits, const keyring_call *call,
                            keyring_record *out, ekm_err *err) {
  counting_backend *b = COUNT(creates);
  return !refuses(b, err) && b->lower->create_rsa(b->lower, name, bits, call, out, err);
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

static void counting_destroy(keyring_backend *self) {
  counting_backend *b = (counting_backend *)(void *)self;
  if (!b->borrowed) b->lower->destroy(b->lower);
  ekm_mem_free(b);
}

counting_backend *counting_backend_over(keyring_backend *lower) {
  ekm_err err = {0};
  counting_backend *b = ekm_mem_alloc(sizeof *b, &err);
  b->base = (keyring_backend){counting_get,  counting_list_names, counting_list_versions, counting_create,
                              counting_drop, counting_wrap,       counting_unwrap,        counting_destroy};
  b->lower = lower;
  return b;
}

int counting_backend_calls(counting_backend *b) {
  return atomic_load(&b->gets) + atomic_load(&b->name_lists) + atomic_load(&b->version_lists) +
         atomic_load(&b->creates) + atomic_load(&b->drops) + atomic_load(&b->wraps) + atomic_load(&b->unwraps);
}
