/* An ekm_http that gives a target's input as the answer: for clients whose readers of answers are not public.
 *
 *   200                    the first line: the status
 *   {"access_token":...    the rest: the body */
#ifndef EKM_TESTS_FUZZ_FUZZ_HTTP_H
#define EKM_TESTS_FUZZ_FUZZ_HTTP_H

#include "fuzz/fuzz.h"
#include "http/http.h"

/* What a client tells a sign-in service; no error may repeat it. */
#define FUZZ_SECRET "planted-client-secret"

typedef struct fuzz_answer {
  int status;
  ekm_view body;
} fuzz_answer;

/* fuzz_answer_take(in, out): read the status; the body is borrowed. False if there is none. */
static inline bool fuzz_answer_take(ekm_view in, fuzz_answer *out) {
  char *line = fuzz_line(&in);
  bool ok = strlen(line) == 3 && line[strspn(line, "0123456789")] == '\0' && line[0] != '0';
  *out = (fuzz_answer){ok ? (int)strtol(line, NULL, 10) : 0, in};
  free(line);
  return ok;
}

/* fuzz_answer_put(response, status, body): answer. */
static inline bool fuzz_answer_put(ekm_http_response *response, int status, ekm_view body) {
  response->status = status;
  ekm_buf_append_view(&response->body, body);
  ekm_buf_append_text(&response->request_id, "01234567-89ab-cdef-0123-456789abcdef");
  return true;
}

#endif
