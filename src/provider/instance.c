#include "provider/instance.h"

#include "base/dynlib.h"
#include "base/mem.h"

static struct {
  ekm_mutex lock;
  provider_instance *instance; /* one reference belongs to this struct */
  unsigned users;              /* Initialize minus Free */
} module = {.lock = EKM_MUTEX_INIT};

static provider_instance *new_instance(ekm_err *err) {
  provider_instance *instance = ekm_mem_alloc(sizeof *instance, err);
  if (instance == NULL) return NULL;
  atomic_init(&instance->refs, 1);
  session_table_init(&instance->sessions);
  if (provider_wire(&instance->wiring, err)) return instance;
  ekm_mem_free(instance);
  return NULL;
}

bool instance_initialize(ekm_err *err) {
  ekm_dynlib_stay(); /* a name lookup that was abandoned at its deadline may still run when the host unloads us */
  ekm_mutex_lock(&module.lock);
  if (module.users == 0) module.instance = new_instance(err);
  bool ok = module.instance != NULL;
  if (ok) module.users++;
  ekm_mutex_unlock(&module.lock);
  return ok;
}

bool instance_give_up(ekm_err *err) {
  provider_instance *last = NULL;
  ekm_mutex_lock(&module.lock);
  bool ok = module.users > 0;
  if (ok && --module.users == 0) {
    last = module.instance;
    module.instance = NULL;
  }
  ekm_mutex_unlock(&module.lock);
  if (!ok) return EKM_FAIL(err, EKM_E_NOT_INITIALIZED, "SqlCryptFreeProvider without SqlCryptInitializeProvider");
  if (last != NULL) session_table_abort(&last->sessions);
  instance_release(&last);
  return true;
}

provider_instance *instance_acquire(ekm_err *err) {
  ekm_mutex_lock(&module.lock);
  provider_instance *instance = module.instance;
  if (instance != NULL) atomic_fetch_add_explicit(&instance->refs, 1, memory_order_relaxed);
  ekm_mutex_unlock(&module.lock);
  if (instance == NULL) (void)EKM_FAIL(err, EKM_E_NOT_INITIALIZED, "SqlCryptInitializeProvider was not called");
  return instance;
}

void instance_release(provider_instance **instance) {
  provider_instance *last = *instance;
  *instance = NULL;
  if (last == NULL || atomic_fetch_sub_explicit(&last->refs, 1, memory_order_acq_rel) != 1) return;
  session_table_clear(&last->sessions);
  provider_unwire(&last->wiring);
  ekm_mem_free(last);
}
