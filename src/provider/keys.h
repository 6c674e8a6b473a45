/* Keys as the engine asks for them: by id, thumbprint or name; created, dropped, exported.
 * Each function works on a call that has begun with a session, and raises into call->err. */
#ifndef EKM_PROVIDER_KEYS_H
#define EKM_PROVIDER_KEYS_H

#include "provider/call.h"

/* keys_next_id(call, id): turn *${id} into the id behind it; 0 starts. END_OF_LIST behind the last. */
EKM_MUST_USE bool keys_next_id(provider_call *call, SqlCpKeyId *id);

/* keys_info_by_id(call, id, info), keys_info_by_thumb(call, thumb, info): one key; warm, no vault is asked. */
EKM_MUST_USE bool keys_info_by_id(provider_call *call, SqlCpKeyId id, SqlCpKeyInfo *info);
EKM_MUST_USE bool keys_info_by_thumb(provider_call *call, const SqlCpKeyThumbprint *thumb, SqlCpKeyInfo *info);

/* keys_info_by_name(call, name, info):
 * ${name} is "name" or "name/version". Without a version the vault is asked, so that a rotated key is seen; a probe
 * and the fill that follows it share one answer. */
EKM_MUST_USE bool keys_info_by_name(provider_call *call, const SqlCpStr *name, SqlCpKeyInfo *info);

/* keys_create(call, name, algId, flags, thumb): a too small ${thumb} is answered before anything is created. */
EKM_MUST_USE bool keys_create(provider_call *call, const SqlCpStr *name, SqlCpAlgId algId, SqlCpKeyFlags flags,
                              SqlCpKeyThumbprint *thumb);

/* keys_drop(call, thumb): DROP_REFUSED unless the configuration allows it. */
EKM_MUST_USE bool keys_drop(provider_call *call, const SqlCpKeyThumbprint *thumb);

/* keys_export(call, thumb, encryptor, type, blob): the public key, in the encoding of the configuration. */
EKM_MUST_USE bool keys_export(provider_call *call, const SqlCpKeyThumbprint *thumb, const SqlCpKeyThumbprint *encryptor,
                              SqlCpKeyBlobType type, SqlCpKeyBlob *blob);

#endif
