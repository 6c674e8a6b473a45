#include "cli/known_codes.h"

#include <stddef.h>

/* What helps, by the kind of trouble. */
#define NOTHING "Nothing needs to be done."
#define MEMORY "Look at the memory of the machine; OpenEKM answers 2051 then."
#define NETWORK                                                                                                       \
  "OpenEKM tells DNS (3900), connection (3103), TLS (5030, 5031), proxy (5034, 5077) and the deadline (5005) apart; " \
  "ekmctl doctor finds the step."
#define SIGN_IN                                                                                               \
  "Check client id, secret and tenant, and that the secret has not expired; ekmctl doctor shows the sign-in " \
  "service's "                                                                                                \
  "own words."
#define KEY "Check the key's name and version, and whether it was deleted; OpenEKM answers 4."
#define NAMES \
  "OpenEKM takes names of up to 127 characters, and its thumbprints are made of the key and not of its name."
#define REGISTRY "OpenEKM needs no registry: a thumbprint finds its key in the vault."
#define THROTTLE "Spread the load, or let OpenEKM keep unwrapped keys (unwrap_cache_s); it repeats with growing pauses."
#define SERVER "Repeat later, and look at the status page of the vault's region."
#define ANSWER \
  "Mostly a proxy or portal answers in the place of the vault or the sign-in service; ekmctl doctor shows who."
#define PERMISSION \
  "OpenEKM tells the reasons of a 403 apart: access policy (3113), role (5084), firewall (5052), private link (5085)."
#define CERTIFICATE "Check the file, its password, its dates and who may read it; see credentials.md."
#define LOAD                                                                                                         \
  "The path must be absolute and the file signed by an authority that the machine trusts; ekmctl conform loads and " \
  "tests the library as SQL Server does."
#define UPGRADE "ALTER CRYPTOGRAPHIC PROVIDER ... FROM FILE takes a new build of the same provider; its GUID stays."
#define CODE "Look the provider's code up with ekmctl explain, and its sentence in the provider's log."
#define ENABLE \
  "ekmctl sql setup writes it: sp_configure 'EKM provider enabled', 1, and ALTER CRYPTOGRAPHIC PROVIDER ... ENABLE."
#define ALGORITHM "See ekmctl algorithms for what the provider offers, and ekmctl sql for scripts that work."
#define CREDENTIAL \
  "A login has one credential for a provider, and the key's own login needs it too; ekmctl sql setup has the order."
#define CRASH "Keep the dump, and ask the maker of the provider; ekmctl conform finds the call."
#define KEY_CHANGED "The thumbprint leads to another key than before: look for a changed provider or a restored vault."
#define THUMBPRINT                                                                                                   \
  "Create the asymmetric key from the version that protected it, with its credential; OpenEKM finds thumbprints of " \
  "Microsoft's connector as well, and ekmctl rotate --dry-run shows what an instance needs."
#define WAIT "Wait until encryption_state in sys.dm_database_encryption_keys is 3 or 1."

static const known_code codes[] = {
#define CONNECTOR(first, last, meaning, advice) {KNOWN_CODE_CONNECTOR, first, last, meaning, advice},
#define SQL_SERVER(first, last, meaning, advice) {KNOWN_CODE_SQL_SERVER, first, last, meaning, advice},
#include "cli/known_codes.def"
#undef CONNECTOR
#undef SQL_SERVER
};

const known_code *known_code_find(known_code_whose whose, uint32_t code) {
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    if (codes[i].whose == whose && codes[i].first <= code && code <= codes[i].last) return &codes[i];
  }
  return NULL;
}

/* The blocks of its numbers: what is not documented in them belongs to newer builds. */
bool known_code_is_near(uint32_t code) {
  return (code >= 2049 && code <= 2099) || (code >= 3000 && code <= 4099);
}
