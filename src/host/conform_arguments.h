/* All functions with one set of arguments, of which a rule spoils one. */
#ifndef EKM_HOST_CONFORM_ARGUMENTS_H
#define EKM_HOST_CONFORM_ARGUMENTS_H

#include "host/conform_probe.h"

typedef struct conform_answer {
  bool refused; /* every function answered with an error */
  host_fn fn;   /* else the first that did not, and what it answered */
  SqlCpError code;
} conform_answer;

/* conform_call_all(state, handle): call each function that takes a session with ${handle}, which is not valid. A
 * question for a size counts as success: it must not be answered either. */
conform_answer conform_call_all(conform_state *state, const SqlCpSession *handle);

#endif
