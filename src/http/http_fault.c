#include "base/mem.h"
#include "http/http.h"

typedef struct http_fault {
  ekm_http base;
  ekm_http *lower;
  bool (*fault)(void *arg, const ekm_http_request *request, ekm_err *err);
  void *arg;
} http_fault;

static bool fault_perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  http_fault *http = (http_fault *)self;
  return http->fault(http->arg, request, err) && ekm_http_perform(http->lower, request, response, err);
}

static void fault_destroy(ekm_http *self) {
  http_fault *http = (http_fault *)self;
  ekm_http_free(&http->lower);
  ekm_mem_free(http);
}

bool ekm_http_fault_new(ekm_http *lower, bool (*fault)(void *arg, const ekm_http_request *request, ekm_err *err),
                        void *arg, ekm_http **out_http, ekm_err *err) {
  *out_http = NULL;
  http_fault *http = ekm_mem_alloc(sizeof *http, err);
  if (http == NULL) {
    ekm_http_free(&lower);
    return false;
  }
  *http = (http_fault){{fault_perform, fault_destroy}, lower, fault, arg};
  *out_http = &http->base;
  return true;
}
