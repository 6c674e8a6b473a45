/* The identity of an application with a client certificate: it proves itself by an assertion (assertion.h) that the
 * certificate's private key signs.
 *
 *   file (PEM or PFX), or entry of a store --> signer --> assertion --> token_request.h
 *
 * The file is read at each request, so that a new one counts from the next sign-in on, and so that no private key stays
 * in memory between them. Nobody but its owner may have access to it. An entry is opened at each request.
 *
 * Errors: those of token_request.h, of ekm_signer_open and ekm_signer_open_store; FILE_READ for a file that is not
 * there, or that others may read; CERT_EXPIRED, and then nothing was sent to the sign-in service. From
 * ENTRA_EXPIRY_WARN_DAYS before the end on each request leaves a line of level warn, entra.certificate_expiry. */
#ifndef EKM_ENTRA_CERTIFICATE_H
#define EKM_ENTRA_CERTIFICATE_H

#include "base/log.h"
#include "base/rng.h"
#include "crypto/signer.h"
#include "entra/token_request.h"

enum { ENTRA_CERTIFICATE_PATH_MAX_CHARS = 1023 };

/* What the certificate is of. */
typedef struct entra_certificate_file {
  const char *client_id;      /* a GUID with hyphens */
  const char *path;           /* absolute; not read where there is an entry */
  const ekm_secret *password; /* of the file; empty for none */
  const char *entry;          /* of the machine's store: ekm_signer_open_store; NULL: the file */
} entra_certificate_file;

/* All borrowed, and outlive the source; ${log} may be NULL. */
typedef struct entra_certificate_options {
  ekm_http *http;
  const ekm_clock *clock;
  const ekm_rng *rng;
  ekm_log *log;
} entra_certificate_options;

/* entra_certificate_new(options, file, out_source, err): ${file} is copied; nothing is read yet. LIMIT for a path that
 * is too long. */
EKM_MUST_USE bool entra_certificate_new(const entra_certificate_options *options, const entra_certificate_file *file,
                                        entra_source **out_source, ekm_err *err);

/* entra_certificate_is(source, file): is this source, made by entra_certificate_new, the one of this identity? The
 * password is compared in constant time. */
bool entra_certificate_is(const entra_source *source, const entra_certificate_file *file);

/* entra_certificate_open(file, now_wall_s, out_signer, err): what a request begins with; for those who only look. */
EKM_MUST_USE bool entra_certificate_open(const entra_certificate_file *file, int64_t now_wall_s,
                                         ekm_signer **out_signer, ekm_err *err);

#endif
