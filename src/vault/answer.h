/* What akvd sends back: a status, a JSON body, and the headers that a vault or a sign-in service adds to every answer.
 *
 *   {"error":{"code":"Forbidden","message":"...","innererror":{"code":"KeyDisabled"}}}
 *
 * Threads: an answer belongs to one request. */
#ifndef EKM_VAULT_ANSWER_H
#define EKM_VAULT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"

enum {
  VAULT_FAULT_ARGS = 5,             /* %1 ... %5 of a fault's text */
  VAULT_ANSWER_MAX_BYTES = 5 << 20, /* a body; the longest is the backup of a key */
  VAULT_ANSWER_HEADERS = 20,
  VAULT_ID_BYTES = 37 /* a GUID's text and its NUL */
};

typedef enum vault_fault {
  VAULT_FAULT_NONE = 0,
#define VAULT_FAULT(name, status, code, inner, text) VAULT_FAULT_##name,
#include "vault/fault_table.def"
#undef VAULT_FAULT
  VAULT_FAULT_COUNT
} vault_fault;

typedef struct vault_fault_info {
  int status;
  const char *code;
  const char *inner; /* NULL: no innererror */
  const char *text;
} vault_fault_info;

/* What is left out of an answer on purpose; see trouble.h. */
typedef enum vault_cut { VAULT_CUT_NOTHING, VAULT_CUT_HALF, VAULT_CUT_ALL } vault_cut;

typedef struct vault_answer {
  int status;
  bool from_sign_in;        /* a token endpoint's headers instead of a vault's */
  bool from_hsm;            /* a Managed HSM's headers */
  const char *content_type; /* NULL: JSON */
  ekm_buf body;
  char request_id[VAULT_ID_BYTES];
  char challenge[600];  /* WWW-Authenticate, or "" */
  char retry_after[16]; /* seconds, or "" */
  char date[32];        /* "Sun, 06 Nov 1994 08:49:37 GMT"; a Managed HSM sends none */
  char latency[24];     /* milliseconds; a Managed HSM sends it */
  char network[120];    /* how the client's address looked to the vault, or "" */
  vault_cut cut;
} vault_answer;

typedef struct vault_header {
  const char *name;
  const char *value;
} vault_header;

/* vault_answer_init(answer), vault_answer_clear(answer): the body is wiped. */
void vault_answer_init(vault_answer *answer);
void vault_answer_clear(vault_answer *answer);

/* vault_fault_info_of(fault): the row of the table. */
const vault_fault_info *vault_fault_info_of(vault_fault fault);

/* vault_answer_json(answer, status, doc, err):
 * Answer with ${doc}, which is freed here; NULL is what jansson gives when it finds no memory. */
EKM_MUST_USE bool vault_answer_json(vault_answer *answer, int status, json_t *doc, ekm_err *err);

/* vault_answer_empty(answer, status): answer without a body. */
void vault_answer_empty(vault_answer *answer, int status);

/* vault_answer_fault(answer, fault, args):
 * Answer with an error. ${args} (or NULL) are the texts for %1 ...; what is not printable ASCII in them is shown as
 * '?', and they are cut at 512 bytes: they often come from the request. Cannot fail: without memory the body stays
 * empty. */
void vault_answer_fault(vault_answer *answer, vault_fault fault, const char *const args[VAULT_FAULT_ARGS]);

/* vault_answer_append_filled(text, args, out): append ${text} with %1 ... filled in as vault_answer_fault does. */
void vault_answer_append_filled(const char *text, const char *const args[VAULT_FAULT_ARGS], ekm_buf *out);

/* vault_answer_stamp(answer, wall_s, us): the moment of the answer, and how long it took, for the headers. */
void vault_answer_stamp(vault_answer *answer, int64_t wall_s, int64_t us);

/* vault_answer_network(answer, peer): the client's address (NULL: unknown), for the headers of vaults. */
void vault_answer_network(vault_answer *answer, const char *peer);

/* vault_answer_headers(answer, client_request_id, out):
 * The headers of this answer, borrowed from it; ${client_request_id} (NULL: none) is echoed if it is harmless.
 * Returns their number. */
size_t vault_answer_headers(const vault_answer *answer, const char *client_request_id,
                            vault_header out[VAULT_ANSWER_HEADERS]);

/* vault_guid_new(rng, out, err): a random GUID (RFC 9562 version 4). */
EKM_MUST_USE bool vault_guid_new(const ekm_rng *rng, char out[VAULT_ID_BYTES], ekm_err *err);

/* vault_guid_is(text, len): 8-4-4-4-12 hexadecimal digits? */
bool vault_guid_is(const char *text, size_t len);

#endif
