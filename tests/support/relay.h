/* A TCP relay between a client and a server on this machine: the network as it is on bad days.
 *
 *   client --> relay, a free port --> 127.0.0.1, the server's port
 *
 * It reads no protocol: it passes pieces, as they come from one side, on to the other; later, in parts, or not at all.
 * With a greeting it is also what a proxy is: it reads one head, and what it says to that decides whether a pair opens.
 *
 * All that happens to a pair of connections:
 *
 *   reset    the client gets a RST, the server too
 *   close    both get a FIN
 *   silence  nothing more passes, and nobody is told: a machine or a firewall between them has forgotten the pair
 *
 * Threads: any; the relay runs on one of its own. */
#ifndef EKM_TESTS_SUPPORT_RELAY_H
#define EKM_TESTS_SUPPORT_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

typedef struct relay relay;

typedef enum relay_end { RELAY_RESET, RELAY_CLOSE, RELAY_SILENCE } relay_end;
typedef enum relay_way { RELAY_REQUEST, RELAY_ANSWER } relay_way; /* from the client; from the server */

/* What may happen to any piece at random, in parts of 10,000; and how late each is. */
typedef struct relay_weather {
  unsigned delay_ms, delay_spread_ms; /* each piece: so much and up to so much more */
  unsigned stalls, stall_ms;          /* a piece comes so much later still, as after a loss */
  unsigned resets, closes, silences;  /* a half of the piece is passed, then this */
  unsigned refusals;                  /* of new connections, which are reset at once */
} relay_weather;

/* A proxy's greeting: ${head} is all up to the empty line, NUL behind it; the answer is appended to ${out}. False: the
 * connection ends behind it. On the relay's thread. */
typedef bool relay_greeting(void *arg, const char *head, ekm_buf *out);

typedef struct relay_options {
  const char *address; /* to listen on; NULL: 127.0.0.1 */
  uint16_t port;       /* to listen on; 0: any free one */
  uint16_t target;     /* the server's port */
  uint64_t seed;       /* of the weather */
  relay_greeting *greeting;
  void *greeting_arg;
} relay_options;

/* relay_start(options), relay_stop(relay): stop resets what is open and sets the caller's pointer to NULL. */
relay *relay_start(const relay_options *options);
void relay_stop(relay **relay_at);

uint16_t relay_port(const relay *r);

/* relay_set_weather(relay, weather): from now on; NULL: fine. */
void relay_set_weather(relay *r, const relay_weather *weather);

/* relay_set_trap(relay, way, skip, end, times):
 * ${skip} pieces of this way pass; of each of the next ${times} a half is passed, then ${end}.
 * relay_trapped(relay): how many were. */
void relay_set_trap(relay *r, relay_way way, int skip, relay_end end, int times);
int relay_trapped(relay *r);

/* relay_set_hole(relay, yes): a black hole: connections are taken, and none, new or old, ever passes anything again.
 * Afterwards new ones do. */
void relay_set_hole(relay *r, bool yes);

/* relay_set_absent(relay, yes): nobody listens; connections that are open stay. */
void relay_set_absent(relay *r, bool yes);

/* relay_end_all(relay, end): this happens to all that are open. */
void relay_end_all(relay *r, relay_end end);

/* relay_connections(relay): that were taken so far. */
int relay_connections(relay *r);

#endif
