/* What the provider says about itself and its algorithms. Threads: no state. */
#ifndef EKM_PROVIDER_ALGORITHMS_H
#define EKM_PROVIDER_ALGORITHMS_H

#include "base/err.h"
#include "keyring/keyring.h"
#include "openekm/sqlcrypt_abi.h"

/* algorithms_provider_info(info, err): fill ${info}; the two-call rule holds for its name. */
EKM_MUST_USE bool algorithms_provider_info(SqlCpProviderInfo *info, ekm_err *err);

/* algorithms_next(id, err): the id behind *${id}, 0 for the first; END_OF_LIST at the end. */
EKM_MUST_USE bool algorithms_next(SqlCpAlgId *id, ekm_err *err);

/* algorithms_info(id, info, err): fill it; the two-call rule holds for the tag. KEY_NOT_FOUND for an unknown id. */
EKM_MUST_USE bool algorithms_info(SqlCpAlgId id, SqlCpAlgorithmInfo *info, ekm_err *err);

/* algorithms_key(id, out_kind, out_bits): what a key of an algorithm is; false for an unknown id. */
bool algorithms_key(SqlCpAlgId id, keyring_kind *out_kind, unsigned *out_bits);

/* algorithms_of_key(kind, bits): the id for a key, 0 for none. */
SqlCpAlgId algorithms_of_key(keyring_kind kind, unsigned bits);

#endif
