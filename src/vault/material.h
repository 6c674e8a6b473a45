/* The secret part of a key, whatever it is: an RSA or EC key of OpenSSL's, the bytes of a symmetric key, or a reference
 * to a key in a PKCS#11 token. The rest of the vault does not know which.
 *
 *   kind          sealed in the database as
 *   RSA, EC       PKCS#8 (begins with 0x30)
 *   symmetric     "o" and the bytes
 *   in a token    "t" and JSON: kind, bits, id, and the public numbers a and b with their curve
 *
 * Algorithms are Key Vault's; what fits a kind, and the errors, is in crypto/keys.h, crypto/cipher.h and crypto/mac.h.
 *
 * Threads: immutable once made; all threads may use it. */
#ifndef EKM_VAULT_MATERIAL_H
#define EKM_VAULT_MATERIAL_H

#include "crypto/cipher.h"
#include "crypto/keys.h"
#include "crypto/token.h"

typedef struct vault_material vault_material;

/* Where keys are made: in memory, or in the token if there is one. Borrowed. */
typedef struct vault_workshop {
  const ekm_crypto *crypto;
  ekm_token *token; /* NULL: there is none */
} vault_workshop;

/* vault_material_of_key(crypto, key, out, err), vault_material_of_bytes(crypto, bytes, out, err):
 * Take the key, or the bytes of a symmetric one, over; *${key} becomes NULL and ${bytes} empty, also when it fails. */
EKM_MUST_USE bool vault_material_of_key(const ekm_crypto *crypto, ekm_key **key, vault_material **out_material,
                                        ekm_err *err);
EKM_MUST_USE bool vault_material_of_bytes(const ekm_crypto *crypto, ekm_secret *bytes, vault_material **out_material,
                                          ekm_err *err);

/* vault_material_of_token(shop, key, a, b, out, err): of a key that is in the token, with its public numbers. */
EKM_MUST_USE bool vault_material_of_token(const vault_workshop *shop, const ekm_token_key *key, ekm_view a, ekm_view b,
                                          vault_material **out_material, ekm_err *err);

/* vault_material_read(shop, text, out, err), vault_material_write(material, out_text, err): the form that is sealed.
 * TOKEN for a key in a token if there is none. */
EKM_MUST_USE bool vault_material_read(const vault_workshop *shop, ekm_view text, vault_material **out_material,
                                      ekm_err *err);
EKM_MUST_USE bool vault_material_write(const vault_material *material, ekm_buf *out_text, ekm_err *err);

/* vault_material_free(material): wipe and free; NULL is fine; sets the caller's pointer to NULL. */
void vault_material_free(vault_material **material);

/* vault_material_in_token(material). vault_material_destroy(material, err): take a key out of its token for good; of
 * others nothing has to be taken. */
bool vault_material_in_token(const vault_material *material);
EKM_MUST_USE bool vault_material_destroy(const vault_material *material, ekm_err *err);

/* vault_material_bits(material): of the modulus, the curve's order or the symmetric key. */
unsigned vault_material_bits(const vault_material *material);

/* vault_material_curve(material): its name, static; NULL for what is no EC key. */
const char *vault_material_curve(const vault_material *material);

/* vault_material_public(material, out_a, out_b, err): append n and e of an RSA key, x and y of an EC key, nothing of a
 * symmetric one. */
EKM_MUST_USE bool vault_material_public(const vault_material *material, ekm_buf *out_a, ekm_buf *out_b, ekm_err *err);

/* Use. Of ${in}, RSA keys take the value only; ${out} gets what the algorithm has. NOT_SUPPORTED for an algorithm that
 * is not of this kind. */
EKM_MUST_USE bool vault_material_encrypt(const vault_material *material, const char *alg, const ekm_cipher_input *in,
                                         ekm_cipher_output *out, ekm_err *err);
EKM_MUST_USE bool vault_material_decrypt(const vault_material *material, const char *alg, const ekm_cipher_input *in,
                                         ekm_buf *out_plaintext, ekm_err *err);
EKM_MUST_USE bool vault_material_sign(const vault_material *material, const char *alg, ekm_view digest,
                                      ekm_buf *out_signature, ekm_err *err);
EKM_MUST_USE bool vault_material_verify(const vault_material *material, const char *alg, ekm_view digest,
                                        ekm_view signature, bool *out_valid, ekm_err *err);

#endif
