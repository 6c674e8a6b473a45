#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "host/host_algorithm.h"

/* --- the document ------------------------------------------------------------------------------------------------- */

/* A text that is no UTF-8 cannot be in JSON; what comes here was checked, or is a path or an argument. */
void cli_set_text(json_t *doc, const char *name, const char *value) {
  json_t *text = json_string(value);
  (void)json_object_set_new(doc, name, text == NULL ? json_string("(not UTF-8)") : text);
}

void cli_set_int(json_t *doc, const char *name, json_int_t value) {
  (void)json_object_set_new(doc, name, json_integer(value));
}

void cli_set_hex(json_t *doc, const char *name, ekm_view bytes) {
  ekm_buf digits;
  ekm_buf_init(&digits, 2 * EKM_LIMIT_SECRET_BYTES);
  ekm_hex_encode(bytes, &digits);
  cli_set_text(doc, name, ekm_buf_text(&digits));
  ekm_buf_clear(&digits);
}

/* --- input -------------------------------------------------------------------------------------------------------- */

static bool read_stdin(ekm_buf *out, ekm_err *err) {
  char chunk[1024];
  size_t got;
  while ((got = fread(chunk, 1, sizeof chunk, stdin)) > 0) ekm_buf_append(out, chunk, got);
  ekm_mem_wipe(chunk, sizeof chunk);
  if (ferror(stdin)) return EKM_FAIL(err, EKM_E_FILE_READ, "standard input");
  return ekm_buf_ok(out, "standard input", err);
}

static void trim_line_end(ekm_buf *text) {
  while (text->len > 0 && (text->ptr[text->len - 1] == '\n' || text->ptr[text->len - 1] == '\r')) {
    ekm_buf_truncate(text, text->len - 1);
  }
}

bool cli_read_input(const cli *c, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  ekm_buf raw;
  ekm_buf_init(&raw, 2 * HOST_DATA_MAX_BYTES + 2);
  if (c->options.in == NULL) {
    if (c->options.secret_stdin)
      EKM_BAIL(err, EKM_E_USAGE, "standard input cannot be secret and input at once; use --in");
    EKM_TRY(read_stdin(&raw, err));
  } else {
    EKM_TRY(ekm_file_read(c->options.in, &raw, err));
  }
  if (c->options.hex) {
    trim_line_end(&raw);
    EKM_TRY(ekm_hex_decode(ekm_buf_text(&raw), raw.len, out, "the input", err));
  } else {
    ekm_buf_append_view(out, ekm_buf_view(&raw));
  }
  EKM_TRY(ekm_buf_ok(out, "the input", err));
  if (out->len == 0) EKM_BAIL(err, EKM_E_USAGE, "the input is empty");
  ok = true;
done:
  ekm_buf_clear(&raw);
  return ok;
}

/* A variable that is set to nothing is not set. */
static const char *env_text(const cli *c, const char *name) {
  const char *value = ekm_env_get(c->env, name);
  return value == NULL || *value == '\0' ? NULL : value;
}

/* File, standard input, environment: in this order. No secret is no error here: the provider may want none. */
static bool read_secret(cli *c, ekm_err *err) {
  bool ok = false;
  ekm_buf text;
  const char *env = env_text(c, "EKMCTL_SECRET");
  if (c->options.secret_file != NULL && c->options.secret_stdin) {
    return EKM_FAIL(err, EKM_E_USAGE, "the secret is given twice: --secret-file and --secret-stdin");
  }
  ekm_buf_init(&text, EKM_LIMIT_CREDENTIAL_CHARS * 4);
  if (c->options.secret_file != NULL) {
    EKM_TRY(ekm_file_is_private(c->options.secret_file, err));
    EKM_TRY(ekm_file_read(c->options.secret_file, &text, err));
  } else if (c->options.secret_stdin) {
    EKM_TRY(read_stdin(&text, err));
  } else if (env != NULL) {
    ekm_buf_append_text(&text, env);
    EKM_TRY(ekm_buf_ok(&text, "EKMCTL_SECRET", err));
  }
  trim_line_end(&text);
  EKM_TRY(ekm_secret_set(&c->secret, ekm_buf_view(&text), err));
  ok = true;
done:
  ekm_buf_clear(&text);
  return ok;
}

/* --- what a command needs ----------------------------------------------------------------------------------------- */

static bool open_log(cli *c, ekm_err *err) {
  ekm_log_level level = EKM_LOG_OFF;
  if (c->options.log_level == NULL) return true;
  if (!ekm_log_parse_level(c->options.log_level, &level)) {
    return EKM_FAIL(err, EKM_E_USAGE, "'%s' is no log level", c->options.log_level);
  }
  return ekm_log_open_file("-", level, ekm_clock_system(), &c->log, err);
}

static bool has_path(const cli *c, ekm_err *err) {
  if (c->provider_path == NULL)
    return EKM_FAIL(err, EKM_E_USAGE, "no provider: give --provider PATH or set EKMCTL_PROVIDER");
  return true;
}

static bool open_session(cli *c, ekm_err *err) {
  bool wants_credential = host_module_provider(c->module)->auth == SQLCP_AUTH_BASIC;
  if (wants_credential && c->identity == NULL) {
    return EKM_FAIL(err, EKM_E_USAGE, "the provider needs a credential: give --identity and --secret-file");
  }
  if (wants_credential && c->secret.len == 0 && !ekm_text_starts_i(c->identity, "managed identity")) {
    return EKM_FAIL(err, EKM_E_USAGE,
                    "there is no SECRET: give it with --secret-file or --secret-stdin, or in EKMCTL_SECRET");
  }
  return host_session_open(c->module, c->identity, &c->secret, &c->session, &c->result, err);
}

/* Hexadecimal digits, with or without the 0x of SQL Server. The interface knows the longest thumbprint of a provider;
 * shorter ones are for the provider to judge. */
static bool read_thumbprint(const cli *c, ekm_buf *out, ekm_err *err) {
  const char *text = c->options.thumbprint;
  size_t longest = host_module_provider(c->module)->thumb_bytes;
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) text += 2;
  size_t digits = strlen(text);
  if (digits == 0 || digits % 2 != 0 || !ekm_hex_is(text, digits)) {
    return EKM_FAIL(err, EKM_E_USAGE, "--thumbprint '%s' is not an even number of hexadecimal digits", text);
  }
  if (digits / 2 > longest) {
    return EKM_FAIL(err, EKM_E_USAGE, "--thumbprint has %zu bytes; the longest of this provider have %zu", digits / 2,
                    longest);
  }
  return ekm_hex_decode(text, digits, out, "the thumbprint", err);
}

static bool find_key(cli *c, ekm_err *err) {
  bool ok = false;
  ekm_buf thumb;
  ekm_buf_init(&thumb, SQLCP_MAX_THUMBPRINT_BYTES);
  if ((c->options.key == NULL) == (c->options.thumbprint == NULL)) {
    EKM_BAIL(err, EKM_E_USAGE, "name the key once: with --key NAME or with --thumbprint HEX");
  }
  if (c->options.key != NULL) {
    EKM_TRY(host_key_by_name(c->session, c->options.key, &c->key, &c->result, err));
  } else {
    EKM_TRY(read_thumbprint(c, &thumb, err));
    EKM_TRY(host_key_by_thumb(c->session, ekm_buf_view(&thumb), &c->key, &c->result, err));
  }
  ok = true;
done:
  ekm_buf_clear(&thumb);
  return ok;
}

bool cli_iv_bytes(cli *c, size_t *out_bytes, ekm_err *err) {
  host_algorithm_list list;
  *out_bytes = 0;
  if (!host_algorithm_enumerate(c->module, &list, &c->result, err)) return false;
  const host_algorithm *algorithm = host_algorithm_by_id(&list, c->key.algorithm);
  if (algorithm != NULL) *out_bytes = algorithm->iv_bytes;
  return true;
}

static bool prepare(cli *c, const cli_command *command, ekm_err *err) {
  if (!open_log(c, err)) return false;
  c->decor = decor_log_make(c->log, NULL);
  c->provider_path = c->options.provider != NULL ? c->options.provider : env_text(c, "EKMCTL_PROVIDER");
  c->identity = c->options.identity != NULL ? c->options.identity : env_text(c, "EKMCTL_IDENTITY");
  if (command->needs >= CLI_NEEDS_PATH && !has_path(c, err)) return false;
  if ((command->takes & CLI_TAKES_SESSION) != 0 && !read_secret(c, err)) return false;
  if (command->needs >= CLI_NEEDS_MODULE) {
    c->loading = true;
    if (!host_module_load(c->provider_path, &c->decor.hook, &c->module, &c->result, err)) return false;
    c->loading = false;
  }
  if (command->needs >= CLI_NEEDS_SESSION && !open_session(c, err)) return false;
  return command->needs < CLI_NEEDS_KEY || find_key(c, err);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

static cli_status status_of(const cli *c, const ekm_err *err) {
  switch (err->id) {
    case EKM_E_USAGE: return CLI_USAGE;
    case EKM_E_MODULE_LOAD:
    case EKM_E_MODULE_ABI: return CLI_NOT_LOADED;
    case EKM_E_CONFORMANCE: return CLI_NOT_CONFORM;
    default: return c->loading ? CLI_NOT_LOADED : CLI_FAILED;
  }
}

static void print_error(const ekm_err *err) {
  const ekm_err_info *info = ekm_err_info_of(err->id);
  (void)fflush(stdout);
  (void)fprintf(stderr, "ekmctl: %s%s%s\n  what to do: %s\n", info->text, err->detail[0] == '\0' ? "" : ": ",
                err->detail, info->remedy);
}

static void set_error(const cli *c, json_t *doc, const ekm_err *err) {
  const ekm_err_info *info = ekm_err_info_of(err->id);
  json_t *error = json_object();
  cli_set_text(error, "name", info->name);
  cli_set_text(error, "text", info->text);
  cli_set_text(error, "detail", err->detail);
  cli_set_text(error, "what_to_do", info->remedy);
  if (c->result.code != scp_err_Success) {
    cli_set_text(error, "function", host_fn_name(c->result.fn));
    cli_set_int(error, "provider_code", c->result.code);
  }
  (void)json_object_set_new(doc, "error", error);
}

/* --- one command line --------------------------------------------------------------------------------------------- */

static void clear(cli *c) {
  host_session_close(&c->session);
  host_module_unload(&c->module);
  ekm_secret_clear(&c->secret);
  ekm_log_close(&c->log);
}

static bool run(cli *c, json_t *doc, ekm_err *err) {
  const cli_command *command = NULL;
  if (!cli_command_find(&c->options, &command, err) || !prepare(c, command, err)) return false;
  return command->run(c, doc, err);
}

static cli_status run_and_print(cli *c) {
  ekm_err err = {0}, print_err = {0};
  cli_status status = CLI_OK;
  json_t *doc = json_object();
  bool ok = run(c, doc, &err);
  if (!ok) {
    status = status_of(c, &err);
    if (c->options.json) set_error(c, doc, &err);
  }
  if ((ok || c->options.json || status == CLI_NOT_CONFORM) && !output_print(doc, c->options.json, &print_err)) {
    print_error(&print_err);
    status = ok ? CLI_FAILED : status;
  }
  if (!ok) print_error(&err);
  json_decref(doc);
  return status;
}

cli_status cli_main(int argc, char **argv, const ekm_env *env) {
  ekm_err err = {0};
  cli c = {.env = env};
  if (!cli_options_parse(argc, argv, &c.options, &err)) {
    print_error(&err);
    return CLI_USAGE;
  }
  if (c.options.version) {
    printf("ekmctl %s\n", EKMCTL_VERSION);
    return CLI_OK;
  }
  if (c.options.help) {
    if (cli_help(&c.options)) return CLI_OK;
    (void)cli_command_unknown(&c.options, &err);
    print_error(&err);
    return CLI_USAGE;
  }
  cli_status status = run_and_print(&c);
  clear(&c);
  return status;
}
