#include "support/connect_proxy.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/mutex.h"
#include "support/cmocka_all.h"

enum { ASKED_MAX_BYTES = 1024 * 1024 };

struct connect_proxy {
  relay *relay;
  ekm_mutex lock; /* everything below */
  char login[256];
  int status, tunnels, refusals;
  ekm_buf asked; /* " host:port" of each */
};

static bool is_login(const connect_proxy *proxy, const char *head) {
  char line[512];
  (void)snprintf(line, sizeof line, "\r\nProxy-Authorization: Basic %s\r\n", proxy->login);
  return proxy->login[0] == '\0' || strstr(head, line) != NULL;
}

static void append_refusal(int status, ekm_buf *out) {
  ekm_buf_append_fmt(out, "HTTP/1.1 %d No\r\n", status);
  if (status == 407)
    ekm_buf_append_text(out, "Proxy-Authenticate: Basic realm=\"test\"\r\nProxy-Authenticate: NTLM\r\n");
  ekm_buf_append_text(out, "Connection: close\r\nContent-Length: 0\r\n\r\n");
}

static bool greet(void *arg, const char *head, ekm_buf *out) {
  connect_proxy *proxy = arg;
  ekm_mutex_lock(&proxy->lock);
  int status = strncmp(head, "CONNECT ", 8) != 0 ? 405 : proxy->status != 0 ? proxy->status : 0;
  if (status == 0 && !is_login(proxy, head)) status = 407;
  if (status != 405) ekm_buf_append_fmt(&proxy->asked, " %.*s", (int)strcspn(head + 8, " \r"), head + 8);
  if (status == 0) ekm_buf_append_text(out, "HTTP/1.1 200 Connection established\r\n\r\n");
  if (status != 0) append_refusal(status, out);
  if (status == 0) proxy->tunnels++;
  if (status != 0) proxy->refusals++;
  ekm_mutex_unlock(&proxy->lock);
  return status == 0;
}

connect_proxy *connect_proxy_start(uint16_t target) {
  ekm_err err = {0};
  connect_proxy *proxy = ekm_mem_alloc(sizeof *proxy, &err);
  assert_non_null(proxy);
  ekm_mutex_init(&proxy->lock);
  ekm_buf_init(&proxy->asked, ASKED_MAX_BYTES);
  proxy->relay = relay_start(&(relay_options){.target = target, .greeting = greet, .greeting_arg = proxy});
  return proxy;
}

void connect_proxy_stop(connect_proxy **proxy_at) {
  connect_proxy *proxy = *proxy_at;
  if (proxy == NULL) return;
  relay_stop(&proxy->relay);
  ekm_buf_clear(&proxy->asked);
  ekm_mem_free(proxy);
  *proxy_at = NULL;
}

uint16_t connect_proxy_port(const connect_proxy *proxy) {
  return relay_port(proxy->relay);
}

void connect_proxy_demand(connect_proxy *proxy, const char *login) {
  ekm_mutex_lock(&proxy->lock);
  (void)snprintf(proxy->login, sizeof proxy->login, "%s", login == NULL ? "" : login);
  ekm_mutex_unlock(&proxy->lock);
  relay_end_all(proxy->relay, RELAY_CLOSE);
}

void connect_proxy_refuse(connect_proxy *proxy, int status) {
  ekm_mutex_lock(&proxy->lock);
  proxy->status = status;
  ekm_mutex_unlock(&proxy->lock);
  relay_end_all(proxy->relay, RELAY_CLOSE);
}

int connect_proxy_tunnels(connect_proxy *proxy) {
  ekm_mutex_lock(&proxy->lock);
  int tunnels = proxy->tunnels;
  ekm_mutex_unlock(&proxy->lock);
  return tunnels;
}

int connect_proxy_refusals(connect_proxy *proxy) {
  ekm_mutex_lock(&proxy->lock);
  int refusals = proxy->refusals;
  ekm_mutex_unlock(&proxy->lock);
  return refusals;
}

bool connect_proxy_asked(connect_proxy *proxy, const char *host) {
  char start[300];
  ekm_mutex_lock(&proxy->lock);
  (void)snprintf(start, sizeof start, " %s:", host);
  bool asked = strstr(ekm_buf_text(&proxy->asked), start) != NULL;
  ekm_mutex_unlock(&proxy->lock);
  return asked;
}
