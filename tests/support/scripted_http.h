/* An ekm_http without a network: it checks each request against the next step of a script, and answers what the step
 * says. A request that is not the expected one fails with INTERNAL, and scripted_http_complaint says why.
 *
 * Threads: any; the steps are walked in the order in which requests come. */
#ifndef EKM_TESTS_SUPPORT_SCRIPTED_HTTP_H
#define EKM_TESTS_SUPPORT_SCRIPTED_HTTP_H

#include "base/mutex.h"
#include "http/http.h"

typedef struct scripted_step {
  /* The request. */
  const char *method;
  const char *url;
  const char *body;                    /* a part of it; NULL: there must be none */
  const char *bearer;                  /* NULL: there must be none */
  const char *fields[EKM_HTTP_FIELDS]; /* as sent; NULL: there must be none */
  const char *certificate_sha1;        /* that the route pins; NULL: none */
  /* The answer. */
  ekm_err_id fails; /* raise this instead of answering */
  int status;
  const char *answer;
  const char *challenge;
  const char *date;
  const char *request_id;
  const char *retry_after; /* milliseconds */
  int64_t silent_ms;
  void (*then)(void *arg); /* called before the answer is given; may be NULL */
  void *arg;
} scripted_step;

typedef struct scripted_http {
  ekm_http base; /* give &script.base to whoever wants an ekm_http */
  ekm_mutex lock;
  const scripted_step *steps;
  size_t step_count;
  size_t at;             /* requests so far */
  const char *forbidden; /* a text that no request may hold; NULL: none */
  bool saw_forbidden;
  bool saw_send_once, saw_metadata; /* of the last request */
  char last_request_id[64];
  char complaint[600];
} scripted_http;

/* scripted_http_init(script, steps, count): ${steps} is borrowed. */
void scripted_http_init(scripted_http *script, const scripted_step *steps, size_t count);

/* scripted_http_complaint(script): what went otherwise than the script says, steps left over included; "" if nothing.
 */
const char *scripted_http_complaint(scripted_http *script);

#define SCRIPT(script, steps) scripted_http_init((script), (steps), sizeof(steps) / sizeof((steps)[0]))

#endif
