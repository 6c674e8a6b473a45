#include "keyring/search.h"

/* Read one version (NULL: the newest) and show it to the visitor. */
static bool look_at(keyring_backend *backend, const char *name, const char *version, const keyring_visit *visitor,
                    const keyring_call *call, bool *out_found, ekm_err *err) {
  keyring_record record;
  keyring_record_init(&record);
  bool ok = backend->get(backend, name, version, call, &record, err);
  if (ok) {
    ok = visitor->visit(visitor->arg, &record, out_found, err);
  } else if (err->id == EKM_E_KEY_NOT_FOUND) {
    ekm_err_clear(err); /* deleted between the list and the look */
    ok = true;
  }
  keyring_record_clear(&record);
  return ok;
}

static bool look_at_older_versions(keyring_backend *backend, const char *name, const keyring_visit *visitor,
                                   const keyring_call *call, bool *out_found, ekm_err *err) {
  bool ok = false;
  keyring_list versions = {0};

  if (!backend->list_versions(backend, name, call, &versions, err)) {
    if (err->id != EKM_E_KEY_NOT_FOUND) goto done;
    ekm_err_clear(err);
  }
  for (size_t i = 0; i < versions.count && !*out_found; i++) {
    if (visitor->seen(visitor->arg, name, versions.items[i])) continue;
    EKM_TRY(look_at(backend, name, versions.items[i], visitor, call, out_found, err));
  }
  ok = true;
done:
  keyring_list_clear(&versions);
  return ok;
}

/* The steps of a search: the newest version of each name, then the older ones of each name. */
static bool take_step(keyring_backend *backend, const keyring_list *names, size_t step, const keyring_visit *visitor,
                      const keyring_call *call, bool *out_found, ekm_err *err) {
  if (step < names->count) return look_at(backend, names->items[step], NULL, visitor, call, out_found, err);
  return look_at_older_versions(backend, names->items[step - names->count], visitor, call, out_found, err);
}

bool keyring_search(keyring_backend *backend, const keyring_visit *visitor, const keyring_call *call, size_t *resume_at,
                    bool *out_found, ekm_err *err) {
  bool ok = false;
  size_t start = *resume_at;
  keyring_list names = {0};

  *out_found = false;
  EKM_TRY(backend->list_names(backend, call, &names, err));
  *resume_at = 0;
  for (size_t i = 0; i < 2 * names.count && !*out_found; i++) {
    size_t step = (start + i) % (2 * names.count);
    if (take_step(backend, &names, step, visitor, call, out_found, err)) continue;
    *resume_at = step + 1;
    goto done;
  }
  ok = true;
done:
  keyring_list_clear(&names);
  return ok;
}
