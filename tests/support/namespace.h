/* A test program in a network of its own, with a name service that the test plays: a new user, network and mount
 * namespace, in which only a loopback is up, and 127.0.0.1 port 53 is asked for names.
 *
 * Nothing outside is touched, no right is needed but that of making a user namespace, and all of it goes with the
 * program. */
#ifndef EKM_TESTS_SUPPORT_NAMESPACE_H
#define EKM_TESTS_SUPPORT_NAMESPACE_H

/* namespace_enter(argv): first in main. Starts the program anew inside; returns there. Ends the program with a message
 * where that cannot be. */
void namespace_enter(char **argv);

/* namespace_resolve_here(folder): from now on names are asked of 127.0.0.1, port 53, one try of 30 seconds. ${folder}
 * holds the files that stand for /etc/resolv.conf and /etc/nsswitch.conf, and outlives the program's last lookup. */
void namespace_resolve_here(const char *folder);

#endif
