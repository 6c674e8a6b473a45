/* The identity that Azure gave the machine: tokens come from something beside it, without any secret
 * (facts/azure-key-vault.md section 2.5).
 *
 *   where                 how it is known                            what is asked
 *   App Service           IDENTITY_ENDPOINT, IDENTITY_HEADER         GET endpoint, X-IDENTITY-HEADER
 *   Azure Arc             IDENTITY_ENDPOINT, IMDS_ENDPOINT; or its   GET endpoint, Metadata: true
 *                         agent is installed                         --> 401 Basic realm=FILE, GET with its content
 *   virtual machine       otherwise                                  GET http://169.254.169.254/metadata/identity/...
 *   Service Fabric        IDENTITY_SERVER_THUMBPRINT as well         GET endpoint, Secret; its own certificate, and no
 *                                                                    other, has that thumbprint
 *
 * An identity of Service Fabric is chosen by its application's manifest, one of Azure Arc is the only one: neither is
 * asked for by a client id.
 *
 * AZURE_POD_IDENTITY_AUTHORITY_HOST stands for http://169.254.169.254 where it is set. Only this machine and that
 * address are asked, never through a proxy.
 *
 * A metadata service that is away while its host is updated (404, 410) is waited for, within the call: http_retry.c.
 *
 * The token is one for the resource that the vault's challenge named and sign_in has checked; authority and tenant of
 * the challenge are not needed.
 *
 * Errors: TOKEN_REFUSED where the answer says that there is no such identity, TOKEN_FAILED, TOKEN_ANSWER, CONFIG_VALUE
 * for an environment that makes no sense, those of http, NOT_SUPPORTED, FILE_READ for Arc's file. */
#ifndef EKM_ENTRA_MANAGED_IDENTITY_H
#define EKM_ENTRA_MANAGED_IDENTITY_H

#include "base/env.h"
#include "entra/token.h"

/* All borrowed, and outlive the source, but ${client_id}, which is copied. */
typedef struct entra_managed_identity_options {
  ekm_http *http;
  const ekm_clock *clock;
  const ekm_env *env;
  const char *client_id;  /* of a user-assigned identity; "" for the system's own */
  const char *arc_agent;  /* the program whose presence says that this is Arc; NULL: /opt/azcmagent/bin/himds */
  const char *arc_folder; /* where Arc's files must lie; NULL: /var/opt/azcmagent/tokens */
} entra_managed_identity_options;

/* entra_managed_identity_new(options, out_source, err): no request; where to ask is found out at each fetch. */
EKM_MUST_USE bool entra_managed_identity_new(const entra_managed_identity_options *options, entra_source **out_source,
                                             ekm_err *err);

#endif
