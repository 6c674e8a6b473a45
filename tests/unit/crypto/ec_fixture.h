/* What the tests of elliptic-curve keys and of their signatures share. What fails in here fails the test. */
#ifndef EKM_TESTS_UNIT_CRYPTO_EC_FIXTURE_H
#define EKM_TESTS_UNIT_CRYPTO_EC_FIXTURE_H

#include "crypto/keys.h"
#include "unit/crypto/ec_vectors.h"

enum { EC_FIELD_MAX = 66, EC_RAW_MAX = 2 * EC_FIELD_MAX };

/* The parts of a row of ec_cases. */
enum { EC_ORDER, EC_D, EC_X, EC_Y, EC_DIGEST, EC_SIGNER_X, EC_SIGNER_Y, EC_SIGNATURE, EC_PARTS };

typedef struct ec_loaded {
  ekm_buf parts[EC_PARTS];
} ec_loaded;

extern ekm_crypto *ec_crypto;
extern ekm_key *ec_own[EC_CURVES]; /* generated, one for each row of ec_cases */
extern const ekm_view ec_none;
extern const uint8_t ec_message[65]; /* stands for a digest */

/* ec_set_up(state), ec_tear_down(state): of a group of tests. */
int ec_set_up(void **state);
int ec_tear_down(void **state);

/* ec_load(row, l), ec_unload(l), ec_part(l, i): the bytes of a row. */
void ec_load(const ec_case *row, ec_loaded *l);
void ec_unload(ec_loaded *l);
ekm_view ec_part(const ec_loaded *l, size_t i);

/* ec_import(curve, x, y, d): a key, which the caller frees. */
ekm_key *ec_import(const char *curve, ekm_view x, ekm_view y, ekm_view d);

/* ec_verifies(key, alg, digest, signature): is it one? */
bool ec_verifies(const ekm_key *key, const char *alg, ekm_view digest, ekm_view signature);

#endif
