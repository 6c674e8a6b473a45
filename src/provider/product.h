/* Constants of the product line. SQL Server stores them in its catalog when the provider is created and compares them
 * at every load: another GUID is refused (33024), another version until ALTER CRYPTOGRAPHIC PROVIDER. So they do not
 * follow the package's version; tests/unit/provider/test_product.c fails when somebody changes them by accident. */
#ifndef EKM_PROVIDER_PRODUCT_H
#define EKM_PROVIDER_PRODUCT_H

#include "keyring/keyring.h"
#include "openekm/sqlcrypt_abi.h"

#define PROVIDER_NAME "OpenEKM for Azure Key Vault"

/* clang-format off */
/* {d310a4eb-bb1e-4798-8945-2a8fbba61d68} */
#define PROVIDER_GUID {0xd310a4ebu, 0xbb1eu, 0x4798u, {0x89, 0x45, 0x2a, 0x8f, 0xbb, 0xa6, 0x1d, 0x68}}

#define PROVIDER_VERSION {1, 0, 0, 0}

/* The API version of 2008, the only one that SQL Server accepts (33032). */
#define PROVIDER_SQLCRYPT_VERSION {1, 1, 0, 0}
/* clang-format on */

enum { PROVIDER_THUMB_BYTES = KEYRING_THUMB_BYTES };

#endif
