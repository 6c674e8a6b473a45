/* What the provider says about itself and its algorithms. Threads: no state. */
#ifndef EKM_PROVIDER_ALGORITHMS_H
#define EKM_PROVIDER_ALGORITHMS_H

#include "base/err.h"
#include "openekm/sqlcrypt_abi.h"

/* algorithms_provider_info(info, err): fill ${info}; the two-call rule holds for its name. */
EKM_MUST_USE bool algorithms_provider_info(SqlCpProviderInfo *info, ekm_err *err);

/* algorithms_next(id, err): the id behind *${id}, 0 for the first; END_OF_LIST at the end. */
EKM_MUST_USE bool algorithms_next(SqlCpAlgId *id, ekm_err *err);

/* algorithms_info(id, info, err): fill it; the two-call rule holds for the tag. KEY_NOT_FOUND for an unknown id. */
EKM_MUST_USE bool algorithms_info(SqlCpAlgId id, SqlCpAlgorithmInfo *info, ekm_err *err);

/* algorithms_bits(id): key length of an algorithm, 0 for an unknown id. */
unsigned algorithms_bits(SqlCpAlgId id);

/* algorithms_of_bits(bits): the id for a key length, 0 for none. */
SqlCpAlgId algorithms_of_bits(unsigned bits);

#endif
