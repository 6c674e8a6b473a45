/* libopenekm.so as the engine sees it: loaded by its path, configured by a file, used through its 17 entry points.
 *
 *   folder (removed at the end)/openekm.conf  <-- OPENEKM_CONF
 *
 * What a function answers is the provider's own code, 0 for success; an answer that breaks a rule of the interface
 * fails the test at once. Threads: functions with a session from any thread, the others from one. */
#ifndef EKM_TESTS_SUPPORT_CONNECTOR_H
#define EKM_TESTS_SUPPORT_CONNECTOR_H

#include "base/buf.h"
#include "host/host_key.h"
#include "host/host_session.h"

typedef struct connector {
  char folder[128];
  host_module *module;
} connector;

/* connector_set_up(connector), connector_tear_down(connector): a new folder; unload, and remove the folder. */
void connector_set_up(connector *c);
void connector_tear_down(connector *c);

/* connector_configure(connector, fmt, ...): write openekm.conf; it counts from the next connector_load. */
void connector_configure(connector *c, const char *fmt, ...) EKM_PRINTF(2, 3);

/* connector_load(connector), connector_unload(connector): Initialize and describe; Free. Unload without load is fine.
 */
void connector_load(connector *c);
void connector_unload(connector *c);

/* connector_open(connector, identity, secret, out_session): close with host_session_close. */
uint32_t connector_open(connector *c, const char *identity, const char *secret, host_session **out_session);

uint32_t connector_by_name(const host_session *session, const char *name, host_key *out_key);
uint32_t connector_by_thumb(const host_session *session, ekm_view thumb, host_key *out_key);
uint32_t connector_wrap(const host_session *session, const host_key *key, ekm_view plaintext, ekm_buf *out);
uint32_t connector_unwrap(const host_session *session, const host_key *key, ekm_view ciphertext, ekm_buf *out);

/* connector_assert(code, id): fails the test with both names if ${code} is not the provider code of ${id}. */
#define connector_assert(code, id) connector_assert_at((code), (id), "", __FILE__, __LINE__)
void connector_assert_at(uint32_t code, ekm_err_id id, const char *what, const char *file, int line);

#endif
