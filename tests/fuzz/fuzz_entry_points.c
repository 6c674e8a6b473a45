/* The 17 entry points over a vault in memory, as an engine that makes every mistake would call them.
 *
 * The input is a program: a letter for the function (A is the first of SQLCRYPT_FUNCTIONS), then its arguments in their
 * order. A pointer is '0' NULL, '1' misaligned, 'k' something that is known (the key "tde", its thumbprint, a good
 * credential), else a block of its own: a size (one byte; from 0x80 on in steps of eight), a pointer, and for inputs so
 * many bytes. A number is one byte. What is not there any more is 0.
 *
 * An output keeps the caller's pointer, and never gets more bytes than it has room for; an input stays as it was, which
 * the sanitizer and the copies here find out. */
#include "fuzz/fuzz.h"
#include "support/engine.h"

enum { BLOCKS_MAX = 16, PROGRAM_CALLS_MAX = 24, BLOCK_FILL = 0xA5, BYTES_MAX = 1040 };

static struct {
  ekm_view program;
  void *blocks[BLOCKS_MAX]; /* of one call */
  size_t block_count;
  SqlCpSession session;
  SqlCpByte thumb[20];
  unsigned users; /* Initialize minus Free */
} f;

static unsigned take(void) {
  if (f.program.len == 0) return 0;
  unsigned byte = f.program.ptr[0];
  f.program = ekm_view_of(f.program.ptr + 1, f.program.len - 1);
  return byte;
}

static uint32_t take_size(void) {
  unsigned byte = take();
  return byte < 0x80 ? byte : (byte - 0x7F) * 8;
}

static void *block(size_t size) {
  void *new_block = malloc(size == 0 ? 1 : size);
  FUZZ_CHECK(new_block != NULL && f.block_count < BLOCKS_MAX);
  memset(new_block, BLOCK_FILL, size);
  f.blocks[f.block_count++] = new_block;
  return new_block;
}

static void free_blocks(void) {
  while (f.block_count > 0) free(f.blocks[--f.block_count]);
}

/* ${good}, or a pointer that no function may follow. */
static void *choose(unsigned choice, void *good) {
  return choice == '0' ? NULL : choice == '1' ? (char *)good + 1 : good;
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

/* The bytes of an input, where its struct says: nowhere, at an odd address (which only texts mind), or in a block. */
static SqlCpByte *place(unsigned choice, uint32_t cb, const SqlCpByte *bytes) {
  size_t skip = choice == '1' ? 1 : 0;
  SqlCpByte *at = (SqlCpByte *)block(cb + skip) + skip;
  memcpy(at, bytes, cb);
  return choice == '0' ? NULL : at;
}

static SqlCpData *input(ekm_view known) {
  unsigned choice = take();
  SqlCpByte bytes[BYTES_MAX] = {0};
  SqlCpData *data = block(sizeof *data);
  if (choice == 'k') {
    *data = (SqlCpData){(uint32_t)known.len, place('k', (uint32_t)known.len, known.ptr)};
    return data;
  }
  data->cb = take_size();
  for (uint32_t i = 0; i < data->cb; i++) bytes[i] = (SqlCpByte)take();
  data->pb = place(take(), data->cb, bytes);
  return choose(choice, data);
}

static SqlCpStr *text(const char *known) {
  SqlCpWchar units[64];
  size_t len = strlen(known);
  FUZZ_CHECK(len <= sizeof units / sizeof units[0]);
  for (size_t i = 0; i < len; i++) units[i] = (SqlCpWchar)(unsigned char)known[i];
  return (SqlCpStr *)(void *)input(ekm_view_of(units, len * sizeof units[0])); /* the two are laid out alike */
}

static SqlCpData *thumb(void) {
  return input(ekm_view_of(f.thumb, sizeof f.thumb));
}

/* A struct with room that the function may write to. */
typedef struct output {
  SqlCpData *data; /* as it is handed over */
  SqlCpData before;
} output;

static void make_room(SqlCpData *out) {
  out->cb = take_size();
  out->pb = block(out->cb);
  if (take() == '0') out->pb = NULL;
}

static output take_output(void) {
  unsigned choice = take();
  SqlCpData *data = block(sizeof *data);
  make_room(data);
  return (output){choose(choice, data), *data};
}

static SqlCpSession *session(void) {
  unsigned choice = take();
  SqlCpSession *handle = block(sizeof *handle);
  *handle = choice == 'k' ? f.session : (SqlCpSession)(uintptr_t)choice;
  return choose(choice, handle);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void check_code(SqlCpError code) {
  const ekm_err_info *info = ekm_err_info_by_code(code);
  FUZZ_CHECK(info != NULL && info->id != EKM_E_INTERNAL && info->id != EKM_E_OUT_OF_MEMORY);
}

static void check_room(const SqlCpData *after, const SqlCpData *before, SqlCpError code) {
  FUZZ_CHECK(after->pb == before->pb);
  if (code == scp_err_Success) FUZZ_CHECK(after->pb != NULL && after->cb <= before->cb);
  if (after->cb > before->cb) FUZZ_CHECK(code == scp_err_InsufficientBuffer);
}

static void check_output(const output *out, SqlCpError code) {
  bool usable = out->data != NULL && (uintptr_t)out->data % _Alignof(SqlCpData) == 0;
  check_code(code);
  if (usable) check_room(out->data, &out->before, code);
  if (!usable) FUZZ_CHECK(code != scp_err_Success && code != scp_err_InsufficientBuffer);
}

/* ---- the functions, in the interface's order --------------------------------------------------------------------- */

static void initialize(void) {
  SqlCpError code = SqlCryptInitializeProvider();
  FUZZ_CHECK(code == scp_err_Success);
  f.users++;
}

static void free_provider(void) {
  SqlCpError code = SqlCryptFreeProvider();
  check_code(code);
  FUZZ_CHECK((code == scp_err_Success) == (f.users > 0));
  if (code == scp_err_Success) f.users--;
}

static void open_session(void) {
  unsigned choice = take();
  SqlCpCredential *credential = block(sizeof *credential);
  const SqlCpStr *name = text("memory");
  const SqlCpStr *password = text(ENGINE_GOOD_SECRET);
  static const SqlCpStr none;
  credential->name = name == NULL || (uintptr_t)name % 2 != 0 ? none : *name;
  credential->password = password == NULL || (uintptr_t)password % 2 != 0 ? none : *password;
  unsigned where = take();
  SqlCpSession *opened = block(sizeof *opened);
  SqlCpError code = SqlCryptOpenSession(choose(choice, credential), choose(where, opened));
  check_code(code);
  if (code != scp_err_Success) return;
  FUZZ_CHECK(*opened != NULL);
  f.session = *opened;
}

static void close_session(void) {
  SqlCpSession *handle = session();
  check_code(SqlCryptCloseSession(handle, (SqlCpBoolean)take()));
}

static void get_provider_info(void) {
  unsigned choice = take();
  SqlCpProviderInfo *info = block(sizeof *info);
  SqlCpData room;
  make_room(&room);
  info->name = (SqlCpStr){room.cb, (SqlCpWchar *)(void *)room.pb};
  SqlCpError code = SqlCryptGetProviderInfo(choose(choice, info));
  check_code(code);
  const SqlCpData after = {info->name.cb, (SqlCpByte *)info->name.ws};
  check_room(&after, &room, code);
}

static void get_next_algorithm_id(void) {
  unsigned choice = take();
  SqlCpAlgId *id = block(sizeof *id);
  *id = take();
  check_code(SqlCryptGetNextAlgorithmId(choose(choice, id)));
}

static void get_algorithm_info(void) {
  SqlCpAlgId id = take();
  unsigned choice = take();
  SqlCpAlgorithmInfo *info = block(sizeof *info);
  SqlCpData room;
  make_room(&room);
  info->algTag = (SqlCpStr){room.cb, (SqlCpWchar *)(void *)room.pb};
  SqlCpError code = SqlCryptGetAlgorithmInfo(id, choose(choice, info));
  check_code(code);
  const SqlCpData after = {info->algTag.cb, (SqlCpByte *)info->algTag.ws};
  check_room(&after, &room, code);
}

static void create_key(void) {
  SqlCpSession *s = session();
  SqlCpStr *name = text("other");
  SqlCpAlgId id = take();
  SqlCpKeyFlags flags = take();
  output out = take_output();
  check_output(&out, SqlCryptCreateKey(s, name, id, flags, out.data));
}

static void drop_key(void) {
  SqlCpSession *s = session();
  check_code(SqlCryptDropKey(s, thumb()));
}

static void get_next_key_id(void) {
  SqlCpSession *s = session();
  unsigned choice = take();
  SqlCpKeyId *id = block(sizeof *id);
  *id = take();
  check_code(SqlCryptGetNextKeyId(s, choose(choice, id)));
}

typedef struct info_output {
  SqlCpKeyInfo *info; /* as it is handed over */
  SqlCpKeyInfo *good;
  SqlCpData name, thumb;
} info_output;

static info_output take_info(void) {
  info_output out = {NULL, block(sizeof *out.good), {0, NULL}, {0, NULL}};
  unsigned choice = take();
  make_room(&out.name);
  make_room(&out.thumb);
  out.good->name = (SqlCpStr){out.name.cb, (SqlCpWchar *)(void *)out.name.pb};
  out.good->thumb = out.thumb;
  out.info = choose(choice, out.good);
  return out;
}

static void check_info(const info_output *out, SqlCpError code) {
  const SqlCpData name = {out->good->name.cb, (SqlCpByte *)out->good->name.ws};
  check_code(code);
  check_room(&name, &out->name, code);
  check_room(&out->good->thumb, &out->thumb, code);
}

static void get_key_info_by_key_id(void) {
  SqlCpSession *s = session();
  SqlCpKeyId id = take();
  info_output out = take_info();
  check_info(&out, SqlCryptGetKeyInfoByKeyId(s, id, out.info));
}

static void get_key_info_by_thumb(void) {
  SqlCpSession *s = session();
  SqlCpData *t = thumb();
  info_output out = take_info();
  check_info(&out, SqlCryptGetKeyInfoByThumb(s, t, out.info));
}

static void get_key_info_by_name(void) {
  SqlCpSession *s = session();
  SqlCpStr *name = text("tde");
  info_output out = take_info();
  check_info(&out, SqlCryptGetKeyInfoByName(s, name, out.info));
}

static void export_key(void) {
  SqlCpSession *s = session();
  SqlCpData *t = thumb();
  SqlCpData *encryptor = thumb();
  SqlCpKeyBlobType type = take();
  output out = take_output();
  check_output(&out, SqlCryptExportKey(s, t, encryptor, type, out.data));
}

static void import_key(void) {
  SqlCpSession *s = session();
  SqlCpStr *name = text("tde");
  SqlCpData *decryptor = thumb();
  SqlCpKeyBlobType type = take();
  SqlCpKeyFlags flags = take();
  SqlCpError code = SqlCryptImportKey(s, name, decryptor, type, flags, input(ekm_view_text("a key")));
  check_code(code);
  FUZZ_CHECK(code != scp_err_Success);
}

static void crypt_with(SqlCryptEncrypt_fn *function) {
  SqlCpSession *s = session();
  SqlCpData *t = thumb();
  SqlCpBoolean final = (SqlCpBoolean)take();
  unsigned choice = take();
  SqlCpEncryptionParam *param = block(sizeof *param);
  *param = (SqlCpEncryptionParam){SQLCP_PARAM_IV, 0, NULL};
  uint32_t count = take();
  SqlCpData *in = input(ekm_view_text("the key that protects a database"));
  output out = take_output();
  check_output(&out, function(s, t, final, choose(choice, param), count, in, out.data));
}

static void encrypt(void) {
  crypt_with(SqlCryptEncrypt);
}

static void decrypt(void) {
  crypt_with(SqlCryptDecrypt);
}

static void (*const functions[SQLCRYPT_FUNCTION_COUNT])(void) = {
    initialize,
    free_provider,
    open_session,
    close_session,
    get_provider_info,
    get_next_algorithm_id,
    get_algorithm_info,
    create_key,
    drop_key,
    get_next_key_id,
    get_key_info_by_key_id,
    get_key_info_by_thumb,
    get_key_info_by_name,
    export_key,
    import_key,
    encrypt,
    decrypt,
};

/* Wiring a provider takes longer than a program: it is kept for many, unless one of them spoilt it. */
static void begin(void) {
  engine_text name;
  engine_key_info room;
  SqlCpKeyThumbprint out = {sizeof f.thumb, f.thumb};
  if (f.users == 0) initialize();
  FUZZ_CHECK(engine_open("memory", ENGINE_GOOD_SECRET, &f.session) == scp_err_Success);
  SqlCpStr *tde = engine_text_set(&name, "tde");
  if (SqlCryptGetKeyInfoByName(&f.session, tde, engine_key_info_room(&room)) == scp_err_Success) return;
  while (f.users > 0) free_provider();
  initialize();
  FUZZ_CHECK(engine_open("memory", ENGINE_GOOD_SECRET, &f.session) == scp_err_Success);
  FUZZ_CHECK(SqlCryptCreateKey(&f.session, tde, 1, 0, &out) == scp_err_Success);
}

static void end(void) {
  enum { PROGRAMS_PER_PROVIDER = 64 };
  static unsigned programs;
  unsigned kept = ++programs % PROGRAMS_PER_PROVIDER == 0 ? 0 : 1;
  while (f.users > kept) free_provider();
}

static void tear_down(void) {
  while (f.users > 0) free_provider();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool is_set_up;
  if (!is_set_up) FUZZ_CHECK(atexit(tear_down) == 0);
  is_set_up = true;
  f.program = ekm_view_of(data, size);
  begin();
  for (int calls = 0; f.program.len > 0 && calls < PROGRAM_CALLS_MAX; calls++) {
    unsigned letter = take();
    functions[(letter >= 'A' ? letter - 'A' : letter) % SQLCRYPT_FUNCTION_COUNT]();
    free_blocks();
  }
  end();
  return 0;
}
