/* The api-version of a request: "7.4", "7.6-preview.1", "2025-07-01", "2026-03-01-preview".
 *
 * Threads: pure. */
#ifndef EKM_VAULT_API_VERSION_H
#define EKM_VAULT_API_VERSION_H

#include <stdbool.h>

/* vault_api_version_is_supported(text):
 * Is it written like a version, and 7.0 or newer? Clients send new ones before this server knows them, and the shapes
 * of what it offers have not changed since 7.0, so the value decides nothing else. */
bool vault_api_version_is_supported(const char *text);

#endif
