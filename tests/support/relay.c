#include "support/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "support/cmocka_all.h"

enum { MAX_PAIRS = 1024, PIECE_BYTES = 16 * 1024, HEAD_MAX_BYTES = 16 * 1024, BACKLOG = 256, ALL = 10000 };

typedef struct piece {
  struct piece *next;
  int64_t due_ms;
  size_t at, len;
  bool is_half; /* and then the pair ends */
  relay_end end;
  uint8_t bytes[PIECE_BYTES];
} piece;

/* One way of a pair: from one socket into the queue, out of it into the other. */
typedef struct flow {
  piece *first, *last;
  bool has_ended; /* a FIN came, and goes on behind the last piece */
  bool is_shut;
} flow;

typedef struct pair {
  int fds[2]; /* the client's, the server's; -1: none. Both -1: free */
  flow flows[2];
  bool is_silent;
  bool greets;
  ekm_buf head;
} pair;

struct relay {
  relay_options options;
  struct sockaddr_in at;
  ekm_thread *thread;
  int wake_fd;

  ekm_mutex lock; /* everything below */
  int listen_fd;  /* -1: absent */
  bool is_hole, stopping;
  relay_weather weather;
  uint64_t random;
  struct {
    relay_way way;
    relay_end end;
    int skip, left;
  } trap;
  int trapped, connections;
  pair pairs[MAX_PAIRS];
};

/* --- pairs: all of it under the lock ------------------------------------------------------------------------------ */

static int64_t now_ms(void) {
  return ekm_clock_mono_ms(ekm_clock_system());
}

/* xorshift64*: 0 to ${range} - 1. */
static unsigned draw(relay *r, unsigned range) {
  r->random ^= r->random >> 12;
  r->random ^= r->random << 25;
  r->random ^= r->random >> 27;
  return range == 0 ? 0 : (unsigned)(((r->random * UINT64_C(2685821657736338717)) >> 33) % range);
}

static void drop_pieces(flow *f) {
  while (f->first != NULL) {
    piece *next = f->first->next;
    ekm_mem_free(f->first);
    f->first = next;
  }
  *f = (flow){0};
}

static void free_pair(pair *p, bool reset) {
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  for (int i = 0; i < 2; i++) {
    if (p->fds[i] >= 0 && reset) (void)setsockopt(p->fds[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (p->fds[i] >= 0) (void)close(p->fds[i]);
    p->fds[i] = -1;
    drop_pieces(&p->flows[i]);
  }
  ekm_buf_clear(&p->head);
  p->is_silent = false;
}

static void end_pair(pair *p, relay_end end) {
  if (end != RELAY_SILENCE) {
    free_pair(p, end == RELAY_RESET);
    return;
  }
  p->is_silent = true;
  for (int i = 0; i < 2; i++) drop_pieces(&p->flows[i]);
}

static bool is_free(const pair *p) {
  return p->fds[0] < 0 && p->fds[1] < 0;
}

static void no_delay(int fd) {
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static int dial(uint16_t port) {
  const struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
    (void)close(fd);
    fd = -1;
  }
  if (fd >= 0) no_delay(fd);
  return fd;
}

static void open_server_side(const relay *r, pair *p) {
  p->fds[1] = dial(r->options.target);
  if (p->fds[1] < 0) free_pair(p, true);
}

static void take_connection(relay *r) {
  int fd = accept4(r->listen_fd, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) return;
  r->connections++;
  no_delay(fd);
  pair *p = NULL;
  for (size_t i = 0; p == NULL && i < MAX_PAIRS; i++) {
    if (is_free(&r->pairs[i])) p = &r->pairs[i];
  }
  if (p == NULL) {
    (void)close(fd);
    return;
  }
  p->fds[0] = fd;
  p->greets = r->options.greeting != NULL;
  ekm_buf_init(&p->head, HEAD_MAX_BYTES);
  if (r->is_hole) {
    end_pair(p, RELAY_SILENCE);
  } else if (draw(r, ALL) < r->weather.refusals) {
    free_pair(p, true);
  } else if (!p->greets) {
    open_server_side(r, p);
  }
}

/* --- pieces ------------------------------------------------------------------------------------------------------- */

static void queue(relay *r, flow *f, piece *fresh) {
  const relay_weather *w = &r->weather;
  fresh->due_ms = now_ms() + w->delay_ms + draw(r, w->delay_spread_ms);
  if (draw(r, ALL) < w->stalls) fresh->due_ms += w->stall_ms;
  if (f->last != NULL && fresh->due_ms < f->last->due_ms) fresh->due_ms = f->last->due_ms;
  if (f->first == NULL) f->first = fresh;
  if (f->last != NULL) f->last->next = fresh;
  f->last = fresh;
}

static void halve(piece *p, relay_end end) {
  p->len /= 2;
  p->is_half = true;
  p->end = end;
}

static void afflict(relay *r, relay_way way, piece *fresh) {
  const relay_weather *w = &r->weather;
  unsigned lot = draw(r, ALL);
  bool is_way = r->trap.left > 0 && r->trap.way == way;
  if (is_way && r->trap.skip > 0) {
    r->trap.skip--;
  } else if (is_way) {
    r->trap.left--;
    r->trapped++;
    halve(fresh, r->trap.end);
  } else if (lot < w->resets) {
    halve(fresh, RELAY_RESET);
  } else if (lot < w->resets + w->closes) {
    halve(fresh, RELAY_CLOSE);
  } else if (lot < w->resets + w->closes + w->silences) {
    halve(fresh, RELAY_SILENCE);
  }
}

static piece *new_piece(void) {
  ekm_err err = {0};
  piece *fresh = ekm_mem_alloc(sizeof *fresh, &err);
  assert_non_null(fresh);
  return fresh;
}

/* A head that is whole is answered; the pair opens, or ends. */
static void greet(relay *r, pair *p, const piece *got) {
  ekm_buf out;
  ekm_buf_append(&p->head, got->bytes, got->len);
  if (strstr(ekm_buf_text(&p->head), "\r\n\r\n") == NULL) {
    if (p->head.too_long) free_pair(p, true);
    return;
  }
  ekm_buf_init(&out, HEAD_MAX_BYTES);
  p->greets = false;
  bool opens = r->options.greeting(r->options.greeting_arg, ekm_buf_text(&p->head), &out);
  (void)send(p->fds[0], out.ptr, out.len, MSG_NOSIGNAL);
  ekm_buf_clear(&out);
  if (opens) open_server_side(r, p);
  if (!opens) free_pair(p, false);
}

static void read_piece(relay *r, pair *p, int side) {
  piece *fresh = new_piece();
  ssize_t got = recv(p->fds[side], fresh->bytes, sizeof fresh->bytes, MSG_DONTWAIT);
  if (got > 0) {
    fresh->len = (size_t)got;
    if (p->greets) {
      greet(r, p, fresh);
    } else {
      afflict(r, (relay_way)side, fresh);
      queue(r, &p->flows[side], fresh);
      return;
    }
  } else if (got == 0 && p->fds[1] >= 0) {
    p->flows[side].has_ended = true;
  } else if (got == 0 || errno != EAGAIN) {
    free_pair(p, true);
  }
  ekm_mem_free(fresh);
}

/* Pass what is due; false: the pair is gone or silent now. */
static bool write_pieces(pair *p, int side, int64_t now) {
  flow *f = &p->flows[side];
  int to = p->fds[1 - side];
  while (f->first != NULL && f->first->due_ms <= now) {
    piece *each = f->first;
    ssize_t sent = send(to, each->bytes + each->at, each->len - each->at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) each->at += (size_t)sent;
    if (each->at < each->len) return true; /* the other side reads no more, or is gone, which poll will tell */
    if (each->is_half) {
      end_pair(p, each->end);
      return false;
    }
    f->first = each->next;
    if (f->first == NULL) f->last = NULL;
    ekm_mem_free(each);
  }
  if (f->first == NULL && f->has_ended && !f->is_shut) {
    (void)shutdown(to, SHUT_WR);
    f->is_shut = true;
  }
  if (!p->flows[0].is_shut || !p->flows[1].is_shut) return true;
  free_pair(p, false);
  return false;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

/* One entry for each side of a pair, and what poll is to wait for there. */
typedef struct watch {
  struct pollfd fds[2 + 2 * MAX_PAIRS];
  int pair_of[2 + 2 * MAX_PAIRS];
  nfds_t count;
  int64_t next_due_ms; /* 0: nothing waits */
} watch;

static short events_of(const pair *p, int side, int64_t now, int64_t *next_due_ms) {
  short events = p->flows[side].has_ended ? 0 : POLLIN;
  const piece *out = p->flows[1 - side].first; /* what this side is to be sent */
  if (p->is_silent) return POLLRDHUP;          /* whoever gives up */
  if (out != NULL && out->due_ms <= now) events |= POLLOUT;
  if (out != NULL && out->due_ms > now && (*next_due_ms == 0 || out->due_ms < *next_due_ms)) {
    *next_due_ms = out->due_ms;
  }
  return events;
}

static void add(watch *w, int fd, short events, int index) {
  w->pair_of[w->count] = index;
  w->fds[w->count++] = (struct pollfd){.fd = fd, .events = events};
}

static void look(relay *r, watch *w) {
  int64_t now = now_ms();
  w->count = 0;
  w->next_due_ms = 0;
  add(w, r->wake_fd, POLLIN, -1);
  add(w, r->listen_fd, POLLIN, -1); /* poll leaves a negative one out */
  for (int i = 0; i < MAX_PAIRS; i++) {
    pair *p = &r->pairs[i];
    for (int side = 0; side < 2; side++) {
      if (p->is_silent && side == 1) continue;
      if (p->fds[side] >= 0) add(w, p->fds[side], events_of(p, side, now, &w->next_due_ms), i);
    }
  }
}

/* Nothing can be passed any more: it broke, or it is gone while something is left for it, or nobody would be told. */
static bool is_lost(const pair *p, int side, short seen) {
  if (p->is_silent) return (seen & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  if ((seen & (POLLERR | POLLNVAL)) != 0) return true;
  return (seen & POLLHUP) != 0 && p->flows[side].has_ended && p->flows[1 - side].first != NULL;
}

static void serve_side(relay *r, pair *p, const struct pollfd *seen) {
  int side = p->fds[0] == seen->fd ? 0 : 1;
  if (p->fds[side] != seen->fd) return; /* it went while others were served */
  if (is_lost(p, side, seen->revents)) {
    free_pair(p, true);
  } else if (!p->is_silent && (seen->revents & (POLLIN | POLLHUP)) != 0 && !p->flows[side].has_ended) {
    read_piece(r, p, side);
  }
}

static void serve(relay *r, const watch *w) {
  uint64_t ignored;
  if (w->fds[0].revents != 0) (void)!read(r->wake_fd, &ignored, sizeof ignored);
  for (nfds_t i = 2; i < w->count; i++) {
    if (w->fds[i].revents != 0) serve_side(r, &r->pairs[w->pair_of[i]], &w->fds[i]);
  }
  /* Last: a new connection may get the place and the number of one that this round still knows. */
  if (w->fds[1].revents != 0 && r->listen_fd == w->fds[1].fd) take_connection(r);
  int64_t now = now_ms();
  for (size_t i = 0; i < MAX_PAIRS; i++) {
    pair *p = &r->pairs[i];
    if (p->fds[0] < 0 || p->fds[1] < 0 || p->is_silent) continue;
    if (write_pieces(p, 0, now)) (void)write_pieces(p, 1, now);
  }
}

static void run(void *arg) {
  static const int idle_ms = 60000;
  relay *r = arg;
  ekm_err err = {0};
  watch *w = ekm_mem_alloc(sizeof *w, &err);
  assert_non_null(w);
  ekm_mutex_lock(&r->lock);
  while (!r->stopping) {
    look(r, w);
    ekm_mutex_unlock(&r->lock);
    int64_t left = w->next_due_ms == 0 ? idle_ms : w->next_due_ms - now_ms();
    (void)poll(w->fds, w->count, left < 0 ? 0 : (int)left);
    ekm_mutex_lock(&r->lock);
    serve(r, w);
  }
  ekm_mutex_unlock(&r->lock);
  ekm_mem_free(w);
}

/* --- what a test says and asks ------------------------------------------------------------------------------------ */

static void wake(const relay *r) {
  (void)!write(r->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

/* On the same port again after an absence, too. */
static void start_to_listen(relay *r) {
  socklen_t len = sizeof r->at;
  r->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_true(r->listen_fd >= 0);
  (void)setsockopt(r->listen_fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  assert_int_equal(bind(r->listen_fd, (struct sockaddr *)&r->at, sizeof r->at), 0);
  assert_int_equal(listen(r->listen_fd, BACKLOG), 0);
  assert_int_equal(getsockname(r->listen_fd, (struct sockaddr *)&r->at, &len), 0);
}

relay *relay_start(const relay_options *options) {
  ekm_err err = {0};
  relay *r = ekm_mem_alloc(sizeof *r, &err);
  assert_non_null(r);
  r->options = *options;
  r->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options->port)};
  const char *address = options->address == NULL ? "127.0.0.1" : options->address;
  assert_int_equal(inet_pton(AF_INET, address, &r->at.sin_addr), 1);
  r->random = options->seed == 0 ? 1 : options->seed;
  for (size_t i = 0; i < MAX_PAIRS; i++) r->pairs[i].fds[0] = r->pairs[i].fds[1] = -1;
  ekm_mutex_init(&r->lock);
  r->wake_fd = eventfd(0, EFD_CLOEXEC);
  assert_true(r->wake_fd >= 0);
  start_to_listen(r);
  assert_true(ekm_thread_start(&r->thread, run, r, &err));
  return r;
}

void relay_stop(relay **relay_at) {
  relay *r = *relay_at;
  if (r == NULL) return;
  ekm_mutex_lock(&r->lock);
  r->stopping = true;
  ekm_mutex_unlock(&r->lock);
  wake(r);
  ekm_thread_join(&r->thread);
  for (size_t i = 0; i < MAX_PAIRS; i++) free_pair(&r->pairs[i], true);
  if (r->listen_fd >= 0) (void)close(r->listen_fd);
  (void)close(r->wake_fd);
  ekm_mem_free(r);
  *relay_at = NULL;
}

uint16_t relay_port(const relay *r) {
  return ntohs(r->at.sin_port);
}

void relay_set_weather(relay *r, const relay_weather *weather) {
  ekm_mutex_lock(&r->lock);
  r->weather = weather == NULL ? (relay_weather){0} : *weather;
  ekm_mutex_unlock(&r->lock);
}

void relay_set_trap(relay *r, relay_way way, int skip, relay_end end, int times) {
  ekm_mutex_lock(&r->lock);
  r->trap.way = way;
  r->trap.end = end;
  r->trap.skip = skip;
  r->trap.left = times;
  r->trapped = 0;
  ekm_mutex_unlock(&r->lock);
}

int relay_trapped(relay *r) {
  ekm_mutex_lock(&r->lock);
  int trapped = r->trapped;
  ekm_mutex_unlock(&r->lock);
  return trapped;
}

/* The lock is held. */
static void end_all(relay *r, relay_end end) {
  for (size_t i = 0; i < MAX_PAIRS; i++) {
    if (!is_free(&r->pairs[i])) end_pair(&r->pairs[i], end);
  }
}

void relay_set_hole(relay *r, bool yes) {
  ekm_mutex_lock(&r->lock);
  r->is_hole = yes;
  if (yes) end_all(r, RELAY_SILENCE);
  ekm_mutex_unlock(&r->lock);
  wake(r);
}

void relay_set_absent(relay *r, bool yes) {
  ekm_mutex_lock(&r->lock);
  if (yes && r->listen_fd >= 0) {
    (void)shutdown(r->listen_fd, SHUT_RDWR); /* poll may hold it */
    (void)close(r->listen_fd);
    r->listen_fd = -1;
  } else if (!yes && r->listen_fd < 0) {
    start_to_listen(r);
  }
  ekm_mutex_unlock(&r->lock);
  wake(r);
}

void relay_end_all(relay *r, relay_end end) {
  ekm_mutex_lock(&r->lock);
  end_all(r, end);
  ekm_mutex_unlock(&r->lock);
  wake(r);
}

int relay_connections(relay *r) {
  ekm_mutex_lock(&r->lock);
  int connections = r->connections;
  ekm_mutex_unlock(&r->lock);
  return connections;
}
