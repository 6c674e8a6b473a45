/* A file encrypted in authenticated chunks under a data-encryption key (DEK), with what is needed to get the DEK back:
 * the thumbprint of the key that wrapped it, and the wrapped DEK. See sealed_file.c for the format.
 *
 * Threads: one file by one thread. */
#ifndef EKM_DEMO_SEALED_FILE_H
#define EKM_DEMO_SEALED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/crypto.h"

enum { SEALED_THUMB_BYTES = 20, SEALED_DEK_BYTES = 32, SEALED_CHUNK_BYTES = 64 * 1024 };

/* The readable head of a sealed file. ekm_buf_clear what is in it. */
typedef struct sealed_head {
  uint8_t thumb[SEALED_THUMB_BYTES];
  ekm_buf wrapped_dek;
  uint64_t plain_bytes;
} sealed_head;

/* sealed_file_write(crypto, dek, head, in_path, out_path, err):
 * Encrypt the file ${in_path} under ${dek} into ${out_path}; head->plain_bytes is set. */
EKM_MUST_USE bool sealed_file_write(const ekm_crypto *crypto, const ekm_secret *dek, sealed_head *head,
                                    const char *in_path, const char *out_path, ekm_err *err);

/* sealed_file_head(path, out_head, err): read the head of ${path}; MISMATCH if it is none. */
EKM_MUST_USE bool sealed_file_head(const char *path, sealed_head *out_head, ekm_err *err);

/* sealed_file_open(crypto, dek, in_path, out_path, err):
 * Decrypt. MISMATCH, and no output file, if one bit of the sealed file was changed, or chunks were cut off, moved or
 * exchanged. */
EKM_MUST_USE bool sealed_file_open(const ekm_crypto *crypto, const ekm_secret *dek, const char *in_path,
                                   const char *out_path, ekm_err *err);

#endif
