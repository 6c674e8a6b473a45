/* A name service on 127.0.0.1, port 53, inside a namespace of the test's own (namespace.h): every name has one IPv4
 * address, the one that it has now, or none.
 *
 * Threads: any; it runs on one of its own. */
#ifndef EKM_TESTS_SUPPORT_DNS_SERVER_H
#define EKM_TESTS_SUPPORT_DNS_SERVER_H

#include <stdbool.h>

typedef struct dns_server dns_server;

/* dns_server_start(), dns_server_stop(server): every name is 127.0.0.1 at first. What is held is answered at the end.
 */
dns_server *dns_server_start(void);
void dns_server_stop(dns_server **server_at);

/* dns_server_set(server, address): of every name from now on; NULL: no name exists. */
void dns_server_set(dns_server *server, const char *address);

/* dns_server_hold(server, yes): questions that come while it holds get no answer.
 * dns_server_release(server): what was held is answered now. */
void dns_server_hold(dns_server *server, bool yes);
void dns_server_release(dns_server *server);

/* dns_server_wait(server, questions): until so many were asked since dns_server_forget; fails the test after
 * some seconds. */
void dns_server_wait(dns_server *server, int questions);

/* dns_server_forget(server): questions count from here. */
void dns_server_forget(dns_server *server);

#endif
