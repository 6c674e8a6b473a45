/* Rules about the provider itself and its algorithms. */
#include <string.h>

#include "host/conform_probe.h"
#include "host/text.h"

/* Loading found them all; a missing one is reported before any rule runs. */
conform_verdict conform_exports(conform_state *state) {
  const host_calls *calls = state->calls;
#define EXPECT_EXPORT(name, parameters) \
  CONFORM_EXPECT(state, calls->name != NULL, "%s is missing", host_fn_name(HOST_FN_##name));
  SQLCRYPT_FUNCTIONS(EXPECT_EXPORT)
#undef EXPECT_EXPORT
  return CONFORM_OK;
}

static SqlCpError ask_provider_name(conform_state *state, const conform_output *self, conform_slot *slots) {
  SqlCpError code;
  SqlCpProviderInfo info = {.name = {slots[0].cb, slots[0].ptr}};
  (void)self;
  HOST_CALL(code, state->calls, GetProviderInfo, (&info));
  slots[0] = (conform_slot){info.name.ws, info.name.cb};
  return code;
}

conform_verdict conform_provider_name(conform_state *state) {
  const conform_output output = {
      .fn = HOST_FN_GetProviderInfo, .slot_count = 1, .names = {"the provider's name"}, .ask = ask_provider_name};
  return conform_two_calls(state, &output);
}

/* The description with more room than any name needs. */
static SqlCpError ask_info(const conform_state *state, SqlCpWchar *room, SqlCpProviderInfo *info) {
  SqlCpError code;
  *info = (SqlCpProviderInfo){.name = {SQLCP_MAX_NAME_BYTES, room}};
  HOST_CALL(code, state->calls, GetProviderInfo, (info));
  return code;
}

conform_verdict conform_api_version(conform_state *state) {
  SqlCpWchar room[SQLCP_MAX_NAME_BYTES / 2];
  SqlCpProviderInfo info;
  SqlCpError code = ask_info(state, room, &info);
  CONFORM_EXPECT(state, code == scp_err_Success, "SqlCryptGetProviderInfo answered %u (%s)", code,
                 host_result_name(code));
  CONFORM_EXPECT(state, info.scpVersion.major == 1 && info.scpVersion.minor == 1,
                 "scpVersion is %u.%u and not 1.1 (SQL Server: error 33032)", info.scpVersion.major,
                 info.scpVersion.minor);
  return CONFORM_OK;
}

static bool same_product(const SqlCpProviderInfo *a, const SqlCpProviderInfo *b) {
  return ekm_view_equal(ekm_view_of(&a->guid, sizeof a->guid), ekm_view_of(&b->guid, sizeof b->guid)) &&
         a->version.major == b->version.major && a->version.minor == b->version.minor &&
         a->version.build == b->version.build && a->version.revision == b->version.revision;
}

conform_verdict conform_provider_limits(conform_state *state) {
  SqlCpWchar room[SQLCP_MAX_NAME_BYTES / 2];
  static const SqlCpGuid nil;
  SqlCpProviderInfo info, again;
  (void)ask_info(state, room, &info);
  SqlCpError code = ask_info(state, room, &again);
  CONFORM_EXPECT(state, code == scp_err_Success, "SqlCryptGetProviderInfo answered %u (%s)", code,
                 host_result_name(code));
  CONFORM_EXPECT(state, same_product(&info, &again), "GUID or version differ from call to call");
  CONFORM_EXPECT(state, !ekm_view_equal(ekm_view_of(&info.guid, sizeof nil), ekm_view_of(&nil, sizeof nil)),
                 "the GUID is all zero");
  CONFORM_EXPECT(state, info.authType <= SQLCP_AUTH_BASIC, "authType %u is unknown", info.authType);
  CONFORM_EXPECT(state, info.cbKeyThumbLen > 0 && info.cbKeyThumbLen <= SQLCP_MAX_THUMBPRINT_BYTES,
                 "cbKeyThumbLen is %u and not 1 to %d", info.cbKeyThumbLen, SQLCP_MAX_THUMBPRINT_BYTES);
  const SqlCpKeyFlags known = SQLCP_KEY_SUPPORTED | SQLCP_KEY_VOLATILE | SQLCP_KEY_EXPORTABLE | SQLCP_KEY_IMPORTABLE;
  CONFORM_EXPECT(state, ((info.symmKeySupport | info.asymmKeySupport) & ~known) == 0, "key support has unknown flags");
  CONFORM_EXPECT(state, ((info.symmKeySupport | info.asymmKeySupport) & SQLCP_KEY_SUPPORTED) != 0,
                 "neither symmetric nor asymmetric keys are supported");
  return CONFORM_OK;
}

conform_verdict conform_product_reload(conform_state *state) {
  SqlCpWchar room[SQLCP_MAX_NAME_BYTES / 2];
  SqlCpProviderInfo before, after;
  ekm_err err = {0};
  SqlCpError code = ask_info(state, room, &before);
  CONFORM_EXPECT(state, code == scp_err_Success, "SqlCryptGetProviderInfo answered %u (%s)", code,
                 host_result_name(code));
  CONFORM_EXPECT(state, conform_reload(state, &err), "%s", err.detail);
  code = ask_info(state, room, &after);
  CONFORM_EXPECT(state, code == scp_err_Success && same_product(&before, &after),
                 "GUID or version are others than before the load (SQL Server: error 33024)");
  return CONFORM_OK;
}

/* --- algorithms --------------------------------------------------------------------------------------------------- */

conform_verdict conform_algorithms_end(conform_state *state) {
  SqlCpAlgId id = 0;
  for (size_t i = 0; i <= CONFORM_ALGORITHMS; i++) {
    SqlCpError code;
    HOST_CALL(code, state->calls, GetNextAlgorithmId, (&id));
    if (code == scp_err_NotFound) return CONFORM_OK;
    CONFORM_EXPECT(state, code == scp_err_Success,
                   "SqlCryptGetNextAlgorithmId ended the list with %u (%s), not 4 (NotFound)", code,
                   host_result_name(code));
  }
  return conform_broken(state, "SqlCryptGetNextAlgorithmId goes on after %d algorithms", CONFORM_ALGORITHMS);
}

static SqlCpError ask_algorithm_tag(conform_state *state, const conform_output *self, conform_slot *slots) {
  SqlCpError code;
  SqlCpAlgorithmInfo info = {.algTag = {slots[0].cb, slots[0].ptr}};
  HOST_CALL(code, state->calls, GetAlgorithmInfo, (self->algorithm, &info));
  slots[0] = (conform_slot){info.algTag.ws, info.algTag.cb};
  return code;
}

conform_verdict conform_algorithm_tag(conform_state *state) {
  SqlCpAlgId ids[CONFORM_ALGORITHMS];
  size_t count = conform_list_algorithms(state, ids);
  conform_output output = {
      .fn = HOST_FN_GetAlgorithmInfo, .slot_count = 1, .names = {"the algorithm tag"}, .ask = ask_algorithm_tag};
  if (count == 0) return conform_skipped(state, "the provider lists no algorithm");
  for (size_t i = 0; i < count; i++) {
    output.algorithm = ids[i];
    if (conform_two_calls(state, &output) != CONFORM_OK) return CONFORM_BROKEN;
  }
  return CONFORM_OK;
}

static SqlCpError ask_algorithm(const conform_state *state, SqlCpAlgId id, SqlCpWchar *room, SqlCpAlgorithmInfo *info) {
  SqlCpError code;
  *info = (SqlCpAlgorithmInfo){.algTag = {SQLCP_MAX_ALG_TAG_BYTES, room}};
  HOST_CALL(code, state->calls, GetAlgorithmInfo, (id, info));
  return code;
}

conform_verdict conform_algorithm_ids(conform_state *state) {
  SqlCpAlgId ids[CONFORM_ALGORITHMS], again[CONFORM_ALGORITHMS];
  SqlCpWchar room[SQLCP_MAX_ALG_TAG_BYTES / 2];
  SqlCpAlgorithmInfo info;
  size_t count = conform_list_algorithms(state, ids);
  SqlCpAlgId unknown = 0xFFFFFFF0u;
  SqlCpError code;
  CONFORM_EXPECT(state, conform_list_algorithms(state, again) == count, "two lists have different lengths");
  for (size_t i = 0; i < count; i++) {
    CONFORM_EXPECT(state, ids[i] != 0, "the list has id 0");
    CONFORM_EXPECT(state, ids[i] == again[i], "two lists differ at position %zu", i);
    for (size_t j = 0; j < i; j++) CONFORM_EXPECT(state, ids[i] != ids[j], "id %u is listed twice", ids[i]);
    code = ask_algorithm(state, ids[i], room, &info);
    CONFORM_EXPECT(state, code == scp_err_Success && info.algId == ids[i],
                   "SqlCryptGetAlgorithmInfo(%u) answered %u (%s) and algId %u", ids[i], code, host_result_name(code),
                   info.algId);
  }
  CONFORM_EXPECT(state, ask_algorithm(state, 0, room, &info) != scp_err_Success, "id 0 has a description");
  CONFORM_EXPECT(state, ask_algorithm(state, unknown, room, &info) != scp_err_Success, "id %u has a description",
                 unknown);
  HOST_CALL(code, state->calls, GetNextAlgorithmId, (&unknown));
  CONFORM_EXPECT(state, code != scp_err_Success, "the list goes on behind an id that is not in it");
  return CONFORM_OK;
}

/* The names that the engine knows. bits 0: Microsoft's documents disagree on the length, so it is not checked. */
static const struct {
  const char *tag;
  SqlCpKeyType type;
  uint32_t bits;
} known_tags[] = {
    {"RSA_512", SQLCP_KEY_ASYMMETRIC, 512},
    {"RSA_1024", SQLCP_KEY_ASYMMETRIC, 1024},
    {"RSA_2048", SQLCP_KEY_ASYMMETRIC, 2048},
    {"RSA_3072", SQLCP_KEY_ASYMMETRIC, 3072},
    {"RSA_4096", SQLCP_KEY_ASYMMETRIC, 4096},
    {"AES_128", SQLCP_KEY_SYMMETRIC, 128},
    {"AES_192", SQLCP_KEY_SYMMETRIC, 192},
    {"AES_256", SQLCP_KEY_SYMMETRIC, 256},
    {"RC4_128", SQLCP_KEY_SYMMETRIC, 128},
    {"TRIPLE_DES", SQLCP_KEY_SYMMETRIC, 0},
    {"TRIPLE_DES_3KEY", SQLCP_KEY_SYMMETRIC, 0},
    {"DES", SQLCP_KEY_SYMMETRIC, 0},
    {"DESX", SQLCP_KEY_SYMMETRIC, 0},
    {"RC2", SQLCP_KEY_SYMMETRIC, 0},
    {"RC4", SQLCP_KEY_SYMMETRIC, 0},
};

static conform_verdict check_tag(conform_state *state, const char *tag, const SqlCpAlgorithmInfo *info) {
  for (size_t i = 0; i < sizeof known_tags / sizeof known_tags[0]; i++) {
    if (strcmp(tag, known_tags[i].tag) != 0) continue;
    CONFORM_EXPECT(state, info->type == known_tags[i].type, "%s has type %u", tag, info->type);
    CONFORM_EXPECT(state, known_tags[i].bits == 0 || info->bitLen == known_tags[i].bits, "%s has %u bits", tag,
                   info->bitLen);
    CONFORM_EXPECT(state, info->bitLen <= SQLCP_MAX_KEY_BITS, "%s has %u bits, more than the engine takes", tag,
                   info->bitLen);
    CONFORM_EXPECT(state, info->ivLen <= SQLCP_MAX_IV_BYTES, "%s has an IV of %u bytes", tag, info->ivLen);
    return CONFORM_OK;
  }
  return conform_broken(state, "the engine knows no algorithm '%s' (SQL Server: error 33039)", tag);
}

conform_verdict conform_algorithm_bits(conform_state *state) {
  SqlCpAlgId ids[CONFORM_ALGORITHMS];
  SqlCpWchar room[SQLCP_MAX_ALG_TAG_BYTES / 2];
  char tag[SQLCP_MAX_ALG_TAG_BYTES * 2];
  size_t count = conform_list_algorithms(state, ids);
  for (size_t i = 0; i < count; i++) {
    SqlCpAlgorithmInfo info;
    ekm_err err = {0};
    SqlCpError code = ask_algorithm(state, ids[i], room, &info);
    CONFORM_EXPECT(state,
                   code == scp_err_Success && info.algTag.ws == room && info.algTag.cb <= SQLCP_MAX_ALG_TAG_BYTES,
                   "SqlCryptGetAlgorithmInfo(%u) answered %u (%s)", ids[i], code, host_result_name(code));
    CONFORM_EXPECT(state, host_text_from_abi(&info.algTag, tag, sizeof tag, "the tag", &err), "algorithm %u: %s",
                   ids[i], err.detail);
    if (check_tag(state, tag, &info) != CONFORM_OK) return CONFORM_BROKEN;
  }
  return CONFORM_OK;
}
