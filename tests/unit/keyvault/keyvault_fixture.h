/* A client of the vault "v" over a script, and the steps that most scripts begin with. */
#ifndef EKM_TESTS_UNIT_KEYVAULT_KEYVAULT_FIXTURE_H
#define EKM_TESTS_UNIT_KEYVAULT_KEYVAULT_FIXTURE_H

#include "keyvault/client.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/scripted_http.h"

#define HOST "v.vault.azure.net"
#define BASE "https://" HOST
#define VERSION "0123456789abcdef0123456789abcdef"
#define OTHER_VERSION "ffffffffffffffffffffffffffffffff"
#define KID BASE "/keys/k/" VERSION
#define SECRET "planted-client-secret"
#define TOKEN "planted.token"

#define CHALLENGE_URL BASE "/keys?api-version=7.4&maxresults=1"
#define TOKEN_URL "https://login.microsoftonline.com/tenant.example/oauth2/v2.0/token"
#define GOOD_CHALLENGE \
  "Bearer authorization=\"https://login.microsoftonline.com/tenant.example\", resource=\"https://vault.azure.net\""
#define TOKEN_ANSWER(token) "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"" token "\"}"

#define ASK_CHALLENGE \
  { "GET", CHALLENGE_URL, NULL, NULL, .status = 401, .challenge = GOOD_CHALLENGE }
#define ASK_TOKEN \
  { "POST", TOKEN_URL, "client_secret=" SECRET, NULL, .status = 200, .answer = TOKEN_ANSWER(TOKEN) }
#define SIGN_IN ASK_CHALLENGE, ASK_TOKEN

typedef struct keyvault_fixture {
  fake_clock clock;
  scripted_http script;
  akv_vault vault;
  akv_client *client;
  akv_call call;
  ekm_err err;
} keyvault_fixture;

/* keyvault_fixture_start(f, vault, steps, count): ${vault} NULL: only the host is known. */
void keyvault_fixture_start(keyvault_fixture *f, const akv_vault *vault, const scripted_step *steps, size_t count);

/* keyvault_fixture_end(f): free, and fail the test if the script was not followed to its end. */
void keyvault_fixture_end(keyvault_fixture *f);

#define START(f, steps) keyvault_fixture_start((f), NULL, (steps), sizeof(steps) / sizeof((steps)[0]))

#endif
