/* Rules about keys. */
#include <string.h>

#include "host/conform_probe.h"
#include "host/public_key.h"

enum { LISTED_MAX = 256, LIST_END_MAX = 100000, OTHERS_MAX = 16 };

#define NO_PUBLIC_HALF "a symmetric key has no public half"

conform_verdict conform_keys_end(conform_state *state) {
  SqlCpKeyId id = 0;
  for (size_t i = 0; i < LIST_END_MAX; i++) {
    SqlCpError code;
    HOST_CALL(code, state->calls, GetNextKeyId, (conform_handle(state), &id));
    if (code == scp_err_NotFound) return CONFORM_OK;
    CONFORM_EXPECT(state, code == scp_err_Success, "SqlCryptGetNextKeyId ended the list with %u (%s), not 4 (NotFound)",
                   code, host_result_name(code));
  }
  return conform_broken(state, "SqlCryptGetNextKeyId goes on after %d keys", LIST_END_MAX);
}

static size_t list_keys(const conform_state *state, SqlCpKeyId *ids) {
  SqlCpError code;
  SqlCpKeyId id = 0;
  size_t count = 0;
  while (count < LISTED_MAX) {
    HOST_CALL(code, state->calls, GetNextKeyId, (conform_handle(state), &id));
    if (code != scp_err_Success) break;
    ids[count++] = id;
  }
  return count;
}

conform_verdict conform_key_ids(conform_state *state) {
  SqlCpKeyId ids[LISTED_MAX], again[LISTED_MAX];
  size_t count = list_keys(state, ids);
  CONFORM_EXPECT(state, list_keys(state, again) == count, "two lists have different lengths");
  for (size_t i = 0; i < count; i++) {
    CONFORM_EXPECT(state, ids[i] != 0, "the list has id 0");
    CONFORM_EXPECT(state, ids[i] == again[i], "two lists differ at position %zu", i);
    for (size_t j = 0; j < i; j++) CONFORM_EXPECT(state, ids[i] != ids[j], "id %u is listed twice", ids[i]);
  }
  return CONFORM_OK;
}

/* A description with room for every name and thumbprint. */
typedef struct roomy_info {
  SqlCpWchar name[SQLCP_MAX_KEY_NAME_BYTES / 2];
  uint8_t thumb[SQLCP_MAX_THUMBPRINT_BYTES];
  SqlCpKeyInfo info;
} roomy_info;

static void make_room(roomy_info *room) {
  room->info = (SqlCpKeyInfo){.name = {sizeof room->name, room->name}, .thumb = {sizeof room->thumb, room->thumb}};
}

conform_verdict conform_key_missing(conform_state *state) {
  SqlCpWchar name[] = {'c', 'o', 'n', 'f', 'o', 'r', 'm', '-', 'n', 'o', 'b', 'o', 'd', 'y'};
  SqlCpStr missing_name = {sizeof name, name};
  uint8_t thumb[20];
  SqlCpData missing_thumb = {sizeof thumb, thumb};
  roomy_info room;
  SqlCpError code;
  memset(thumb, 0xEE, sizeof thumb);

  make_room(&room);
  HOST_CALL(code, state->calls, GetKeyInfoByName, (conform_handle(state), &missing_name, &room.info));
  CONFORM_EXPECT(state, code == scp_err_NotFound,
                 "SqlCryptGetKeyInfoByName answered %u (%s) for a name that is not there", code,
                 host_result_name(code));
  make_room(&room);
  HOST_CALL(code, state->calls, GetKeyInfoByThumb, (conform_handle(state), &missing_thumb, &room.info));
  CONFORM_EXPECT(state, code == scp_err_NotFound,
                 "SqlCryptGetKeyInfoByThumb answered %u (%s) for an unknown thumbprint", code, host_result_name(code));
  make_room(&room);
  HOST_CALL(code, state->calls, GetKeyInfoByKeyId, (conform_handle(state), 0xFFFFFFF0u, &room.info));
  CONFORM_EXPECT(state, code == scp_err_NotFound, "SqlCryptGetKeyInfoByKeyId answered %u (%s) for an unknown id", code,
                 host_result_name(code));
  make_room(&room);
  HOST_CALL(code, state->calls, GetKeyInfoByKeyId, (conform_handle(state), 0, &room.info));
  CONFORM_EXPECT(state, code != scp_err_Success, "SqlCryptGetKeyInfoByKeyId found a key with id 0");
  return CONFORM_OK;
}

conform_verdict conform_key_import(conform_state *state) {
  SqlCpError code;
  SqlCpWchar name[] = {'i', 'm', 'p', 'o', 'r', 't', 'e', 'd'};
  uint8_t bytes[64] = {1};
  SqlCpStr key_name = {sizeof name, name};
  SqlCpKeyBlob blob = {sizeof bytes, bytes};
  HOST_CALL(code, state->calls, ImportKey,
            (conform_handle(state), &key_name, NULL, SQLCP_BLOB_PUBLIC_KEY, SQLCP_KEY_SUPPORTED, &blob));
  CONFORM_EXPECT(state, code == scp_err_NotSupported, "SqlCryptImportKey answered %u (%s), not 3 (NotSupported)", code,
                 host_result_name(code));
  return CONFORM_OK;
}

/* --- the caller's memory ------------------------------------------------------------------------------------------ */

static SqlCpError ask_key_info(conform_state *state, const conform_output *self, conform_slot *slots) {
  SqlCpError code;
  SqlCpKeyInfo info = {.name = {slots[0].cb, slots[0].ptr}, .thumb = {slots[1].cb, slots[1].ptr}};
  if (self->fn == HOST_FN_GetKeyInfoByName) {
    HOST_CALL(code, state->calls, GetKeyInfoByName, (conform_handle(state), self->name, &info));
  } else if (self->fn == HOST_FN_GetKeyInfoByThumb) {
    HOST_CALL(code, state->calls, GetKeyInfoByThumb, (conform_handle(state), self->data, &info));
  } else {
    HOST_CALL(code, state->calls, GetKeyInfoByKeyId, (conform_handle(state), self->id, &info));
  }
  slots[0] = (conform_slot){info.name.ws, info.name.cb};
  slots[1] = (conform_slot){info.thumb.pb, info.thumb.cb};
  return code;
}

static conform_verdict key_info_by_name_and_id(conform_state *state, conform_output output) {
  SqlCpKeyId ids[LISTED_MAX];
  roomy_info room;
  SqlCpError code;
  SqlCpKeyThumbprint thumb = conform_key_thumb(state);
  make_room(&room);
  HOST_CALL(code, state->calls, GetKeyInfoByThumb, (conform_handle(state), &thumb, &room.info));
  CONFORM_EXPECT(state, code == scp_err_Success, "SqlCryptGetKeyInfoByThumb answered %u (%s)", code,
                 host_result_name(code));
  SqlCpStr name = {room.info.name.cb, room.name};
  output.fn = HOST_FN_GetKeyInfoByName;
  output.name = &name;
  if (conform_two_calls(state, &output) != CONFORM_OK) return CONFORM_BROKEN;

  if (list_keys(state, ids) == 0) return CONFORM_OK;
  output.fn = HOST_FN_GetKeyInfoByKeyId;
  output.id = ids[0];
  return conform_two_calls(state, &output);
}

conform_verdict conform_key_info(conform_state *state) {
  SqlCpKeyThumbprint thumb = conform_key_thumb(state);
  conform_output output = {.fn = HOST_FN_GetKeyInfoByThumb,
                           .slot_count = 2,
                           .names = {"the key name", "the thumbprint"},
                           .ask = ask_key_info,
                           .data = &thumb};
  if (conform_two_calls(state, &output) != CONFORM_OK) return CONFORM_BROKEN;
  return key_info_by_name_and_id(state, output);
}

static SqlCpError ask_blob(conform_state *state, const conform_output *self, conform_slot *slots) {
  SqlCpError code;
  SqlCpKeyBlob blob = {slots[0].cb, slots[0].ptr};
  HOST_CALL(code, state->calls, ExportKey, (conform_handle(state), self->data, NULL, SQLCP_BLOB_PUBLIC_KEY, &blob));
  slots[0] = (conform_slot){blob.pb, blob.cb};
  return code;
}

conform_verdict conform_key_blob(conform_state *state) {
  if (state->iv_len != 0) return conform_skipped(state, NO_PUBLIC_HALF);
  SqlCpKeyThumbprint thumb = conform_key_thumb(state);
  const conform_output output = {
      .fn = HOST_FN_ExportKey, .slot_count = 1, .names = {"the key blob"}, .ask = ask_blob, .data = &thumb};
  return conform_two_calls(state, &output);
}

/* --- what a key is ------------------------------------------------------------------------------------------------ */

static SqlCpError by_thumb(conform_state *state, const SqlCpSession *handle, roomy_info *room) {
  SqlCpError code;
  SqlCpKeyThumbprint thumb = conform_key_thumb(state);
  make_room(room);
  HOST_CALL(code, state->calls, GetKeyInfoByThumb, (handle, &thumb, &room->info));
  return code;
}

static bool has_our_thumb(const conform_state *state, const roomy_info *room) {
  return ekm_view_equal(ekm_view_of(room->thumb, room->info.thumb.cb), host_key_thumb(&state->key));
}

/* A key of the list, by its thumbprint: whatever its name, it has that thumbprint. */
static bool leads_elsewhere(conform_state *state, roomy_info *listed) {
  SqlCpError code;
  SqlCpKeyThumbprint thumb = {listed->info.thumb.cb, listed->thumb};
  roomy_info found;
  make_room(&found);
  HOST_CALL(code, state->calls, GetKeyInfoByThumb, (conform_handle(state), &thumb, &found.info));
  return code == scp_err_Success && !ekm_view_equal(ekm_view_of(found.thumb, found.info.thumb.cb),
                                                    ekm_view_of(listed->thumb, listed->info.thumb.cb));
}

static conform_verdict same_in_list(conform_state *state) {
  SqlCpKeyId ids[LISTED_MAX];
  roomy_info room, again;
  size_t count = list_keys(state, ids);
  for (size_t i = 0; i < count; i++) {
    SqlCpError code;
    make_room(&room);
    HOST_CALL(code, state->calls, GetKeyInfoByKeyId, (conform_handle(state), ids[i], &room.info));
    if (code != scp_err_Success) continue;
    if (!has_our_thumb(state, &room)) {
      CONFORM_EXPECT(state, i >= OTHERS_MAX || !leads_elsewhere(state, &room),
                     "the thumbprint of the key with id %u leads to another key", ids[i]);
      continue;
    }
    CONFORM_EXPECT(
        state,
        by_thumb(state, conform_handle(state), &again) == scp_err_Success && again.info.algId == room.info.algId &&
            ekm_view_equal(ekm_view_of(again.name, again.info.name.cb), ekm_view_of(room.name, room.info.name.cb)),
        "the key with id %u has another name or algorithm by its thumbprint", ids[i]);
  }
  return CONFORM_OK;
}

conform_verdict conform_key_same(conform_state *state) {
  roomy_info room;
  host_session *other = NULL;
  ekm_err err = {0};
  SqlCpError code = by_thumb(state, conform_handle(state), &room);
  CONFORM_EXPECT(state, code == scp_err_Success && has_our_thumb(state, &room),
                 "the thumbprint of the name leads to another key, or none: %u (%s)", code, host_result_name(code));
  CONFORM_EXPECT(state, room.info.algId == state->key.algorithm, "by thumbprint the algorithm is another than by name");
  CONFORM_EXPECT(state,
                 host_session_open(state->module, state->options->identity, state->options->secret, &other, NULL, &err),
                 "a second session: %s", err.detail);
  code = by_thumb(state, host_session_handle(other), &room);
  host_session_close(&other);
  CONFORM_EXPECT(state, code == scp_err_Success && has_our_thumb(state, &room),
                 "another session does not know the thumbprint: %u (%s)", code, host_result_name(code));
  return same_in_list(state);
}

static bool is_listed(const conform_state *state, SqlCpAlgId algorithm) {
  SqlCpAlgId ids[CONFORM_ALGORITHMS];
  size_t count = conform_list_algorithms(state, ids);
  for (size_t i = 0; i < count; i++) {
    if (ids[i] == algorithm) return true;
  }
  return false;
}

conform_verdict conform_key_algorithm(conform_state *state) {
  SqlCpWchar room[SQLCP_MAX_NAME_BYTES / 2];
  SqlCpError code;
  SqlCpProviderInfo info = {.name = {sizeof room, room}};
  HOST_CALL(code, state->calls, GetProviderInfo, (&info));
  CONFORM_EXPECT(state, is_listed(state, state->key.algorithm), "the key has algorithm %u, which is not in the list",
                 state->key.algorithm);
  CONFORM_EXPECT(state, code == scp_err_Success && state->key.thumb_len <= info.cbKeyThumbLen,
                 "the thumbprint has %zu bytes, and the provider announced %u", state->key.thumb_len,
                 info.cbKeyThumbLen);
  return CONFORM_OK;
}

conform_verdict conform_key_export(conform_state *state) {
  if (state->iv_len != 0) return conform_skipped(state, NO_PUBLIC_HALF);
  uint8_t bytes[SQLCP_MAX_KEY_BLOB_BYTES];
  SqlCpWchar tag[SQLCP_MAX_ALG_TAG_BYTES / 2];
  SqlCpKeyBlob blob = {sizeof bytes, bytes};
  SqlCpAlgorithmInfo algorithm = {.algTag = {sizeof tag, tag}};
  SqlCpKeyThumbprint thumb = conform_key_thumb(state);
  SqlCpError code;
  host_public_key key;
  ekm_err err = {0};

  HOST_CALL(code, state->calls, ExportKey, (conform_handle(state), &thumb, NULL, SQLCP_BLOB_PUBLIC_KEY, &blob));
  CONFORM_EXPECT(state, code == scp_err_Success && blob.pb == bytes && blob.cb <= sizeof bytes,
                 "SqlCryptExportKey answered %u (%s)", code, host_result_name(code));
  CONFORM_EXPECT(state, host_public_key_parse(ekm_view_of(blob.pb, blob.cb), &key, &err), "%s", err.detail);
  HOST_CALL(code, state->calls, GetAlgorithmInfo, (state->key.algorithm, &algorithm));
  CONFORM_EXPECT(state, code == scp_err_Success && key.bits == algorithm.bitLen,
                 "the modulus has %u bits, and the key's algorithm %u", key.bits, algorithm.bitLen);
  return CONFORM_OK;
}

/* SIMPLEBLOB is the other form of the interface: a key that is encrypted for somebody, and leaves. */
conform_verdict conform_key_export_simple(conform_state *state) {
  uint8_t bytes[SQLCP_MAX_KEY_BLOB_BYTES];
  SqlCpKeyBlob blob = {sizeof bytes, bytes};
  SqlCpKeyThumbprint thumb = conform_key_thumb(state);
  SqlCpError code;
  HOST_CALL(code, state->calls, ExportKey, (conform_handle(state), &thumb, NULL, SQLCP_BLOB_SIMPLE, &blob));
  CONFORM_EXPECT(state, code != scp_err_Success, "SqlCryptExportKey gave a blob of type %d", SQLCP_BLOB_SIMPLE);
  return CONFORM_OK;
}

static conform_verdict found_by_thumb_alone(conform_state *state) {
  roomy_info room;
  ekm_err err = {0};
  CONFORM_EXPECT(state, conform_reload_blind(state, &err), "%s", err.detail);
  SqlCpError code = by_thumb(state, conform_handle(state), &room);
  CONFORM_EXPECT(state, code == scp_err_Success && has_our_thumb(state, &room),
                 "SqlCryptGetKeyInfoByThumb answered %u (%s) to a thumbprint whose key nobody had named since the load",
                 code, host_result_name(code));
  return CONFORM_OK;
}

/* The rules behind this one go on with a provider that has been asked for the name. */
conform_verdict conform_key_thumb_alone(conform_state *state) {
  ekm_err err = {0};
  conform_verdict verdict = found_by_thumb_alone(state);
  bool ok = conform_reload(state, &err);
  return verdict != CONFORM_OK || ok ? verdict : conform_broken(state, "%s", err.detail);
}

conform_verdict conform_key_reload(conform_state *state) {
  host_key before = state->key;
  ekm_err err = {0};
  CONFORM_EXPECT(state, conform_reload(state, &err), "%s", err.detail);
  CONFORM_EXPECT(state, ekm_view_equal(host_key_thumb(&before), host_key_thumb(&state->key)),
                 "the thumbprint is another than before");
  return CONFORM_OK;
}
