/* An HTTP proxy that knows CONNECT and Basic, and whose every tunnel leads to one server of this machine, whatever name
 * was asked for.
 *
 *   CONNECT HOST:PORT              --> 407, Proxy-Authenticate: Basic
 *   the same with the right login  --> 200, and the tunnel
 *
 * Threads: any. */
#ifndef EKM_TESTS_SUPPORT_CONNECT_PROXY_H
#define EKM_TESTS_SUPPORT_CONNECT_PROXY_H

#include <stdint.h>

#include "support/relay.h"

typedef struct connect_proxy connect_proxy;

/* connect_proxy_start(target), connect_proxy_stop(proxy): nothing is demanded at first. */
connect_proxy *connect_proxy_start(uint16_t target);
void connect_proxy_stop(connect_proxy **proxy_at);

uint16_t connect_proxy_port(const connect_proxy *proxy);

/* connect_proxy_demand(proxy, login): "user:password" in base64, as it stands behind "Basic "; NULL: none. Tunnels that
 * are open end. */
void connect_proxy_demand(connect_proxy *proxy, const char *login);

/* connect_proxy_refuse(proxy, status): answer everything with this; 0: no more. Tunnels that are open end. */
void connect_proxy_refuse(connect_proxy *proxy, int status);

/* connect_proxy_tunnels(proxy): that were opened so far. connect_proxy_refusals(proxy): the same of others. */
int connect_proxy_tunnels(connect_proxy *proxy);
int connect_proxy_refusals(connect_proxy *proxy);

/* connect_proxy_asked(proxy, host): was a tunnel to ${host} asked for? */
bool connect_proxy_asked(connect_proxy *proxy, const char *host);

#endif
