/* The api-version of a request: "7.4", "7.6-preview.1", "2025-07-01", "2026-03-01-preview".
 *
 * Threads: pure. */
#ifndef EKM_VAULT_API_VERSION_H
#define EKM_VAULT_API_VERSION_H

#include <stdbool.h>

/* vault_api_version_is_supported(text):
 * Is it written like a version, and 7.0 or newer? Clients send new ones before this server knows them, and the shapes
 * of what it offers have only been added to since 7.0. */
bool vault_api_version_is_supported(const char *text);

/* vault_api_version_has(text, major, minor): is a supported version that one or newer? Those that are dates are. */
bool vault_api_version_has(const char *text, unsigned major, unsigned minor);

#endif
