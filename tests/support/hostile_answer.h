/* What hostile_server sends: honest answers as templates, and the ways in which an answer can be bad.
 *
 * Threads: the keys are read-only after hostile_keys_make; a wire belongs to one connection. */
#ifndef EKM_TESTS_SUPPORT_HOSTILE_ANSWER_H
#define EKM_TESTS_SUPPORT_HOSTILE_ANSWER_H

#include "crypto/keys.h"
#include "support/hostile_server.h"

typedef struct hostile_request {
  hostile_step step;
  char host[256]; /* without its port */
  char target[2048];
  bool has_token;
  ekm_buf raw; /* head and body as they came */
  size_t head_len;
  bool plays;        /* else the answer is honest */
  hostile_play play; /* its texts are in the buffers */
  ekm_buf play_headers, play_body;
} hostile_request;

typedef struct hostile_keys {
  ekm_crypto *crypto;
  ekm_key *key;
  ekm_buf n, e; /* base64url */
} hostile_keys;

/* hostile_keys_make(keys), hostile_keys_clear(keys): an RSA-2048 key; a test that cannot have one fails. */
void hostile_keys_make(hostile_keys *keys);
void hostile_keys_clear(hostile_keys *keys);

/* Where an answer goes. The functions are false when the peer or the server has ended the connection. */
typedef struct hostile_wire {
  bool (*send)(void *arg, const void *bytes, size_t len);
  bool (*pass)(void *arg, int ms); /* let time pass; ms < 0: until the connection is ended */
  void *arg;
} hostile_wire;

/* hostile_answer_send(keys, request, wire): answer as the request's play says. May the connection go on? */
bool hostile_answer_send(const hostile_keys *keys, const hostile_request *request, const hostile_wire *wire);

#endif
