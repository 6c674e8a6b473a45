/* ekmctl keys, key show, key create, key drop, key export. */
#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/command.h"
#include "host/host_algorithm.h"
#include "host/public_key.h"

static void set_key(json_t *doc, const host_key *key, const host_algorithm_list *list) {
  const host_algorithm *algorithm = host_algorithm_by_id(list, key->algorithm);
  cli_set_text(doc, "name", key->name);
  cli_set_text(doc, "algorithm", algorithm == NULL ? "unknown" : algorithm->tag);
  cli_set_hex(doc, "thumbprint", host_key_thumb(key));
}

bool cli_keys(cli *c, json_t *doc, ekm_err *err) {
  host_algorithm_list list;
  SqlCpKeyId id = 0;
  json_t *rows = json_array();
  (void)json_object_set_new(doc, "keys", rows);
  if (!host_algorithm_enumerate(c->module, &list, &c->result, err)) return false;
  for (size_t i = 0; i <= EKM_LIMIT_KEYS_PER_VAULT; i++) {
    host_key key;
    bool more = false;
    if (!host_key_next(c->session, &id, &more, &c->result, err)) return false;
    if (!more) return true;
    if (!host_key_by_id(c->session, id, &key, &c->result, err)) return false;
    json_t *row = json_object();
    cli_set_int(row, "id", id);
    set_key(row, &key, &list);
    (void)json_array_append_new(rows, row);
  }
  return EKM_FAIL(err, EKM_E_LIMIT, "the provider lists more than %d keys", EKM_LIMIT_KEYS_PER_VAULT);
}

static void set_flags(json_t *doc, SqlCpKeyFlags flags) {
  char text[64];
  (void)snprintf(text, sizeof text, "%s%s%s%s", (flags & SQLCP_KEY_SUPPORTED) != 0 ? "supported " : "",
                 (flags & SQLCP_KEY_VOLATILE) != 0 ? "volatile " : "",
                 (flags & SQLCP_KEY_EXPORTABLE) != 0 ? "exportable " : "",
                 (flags & SQLCP_KEY_IMPORTABLE) != 0 ? "importable " : "");
  for (char *end = text; *end != '\0'; end++) {
    if (end[0] == ' ' && end[1] == '\0') *end-- = '\0';
  }
  cli_set_text(doc, "flags", text);
}

static bool show(cli *c, const host_key *key, json_t *doc, ekm_err *err) {
  host_algorithm_list list;
  if (!host_algorithm_enumerate(c->module, &list, &c->result, err)) return false;
  set_key(doc, key, &list);
  set_flags(doc, key->flags);
  return true;
}

bool cli_key_show(cli *c, json_t *doc, ekm_err *err) {
  return show(c, &c->key, doc, err);
}

bool cli_key_create(cli *c, json_t *doc, ekm_err *err) {
  host_algorithm_list list;
  host_key key;
  const char *tag = c->options.algorithm == NULL ? "RSA_2048" : c->options.algorithm;
  if (!host_algorithm_enumerate(c->module, &list, &c->result, err)) return false;
  const host_algorithm *algorithm = host_algorithm_find(&list, tag);
  if (algorithm == NULL) return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the provider has no algorithm '%s'", tag);
  const host_key_wish wish = {c->options.words[0], algorithm->id, SQLCP_KEY_SUPPORTED};
  if (!host_key_create(c->session, &wish, &key, &c->result, err)) return false;
  return show(c, &key, doc, err);
}

bool cli_key_drop(cli *c, json_t *doc, ekm_err *err) {
  if (!c->options.yes) {
    return EKM_FAIL(err, EKM_E_USAGE, "'%s' and all that it has wrapped would be lost; add --yes if you mean it",
                    c->key.name);
  }
  if (!host_key_drop(c->session, host_key_thumb(&c->key), &c->result, err)) return false;
  cli_set_text(doc, "dropped", c->key.name);
  cli_set_hex(doc, "thumbprint", host_key_thumb(&c->key));
  return true;
}

bool cli_key_export(cli *c, json_t *doc, ekm_err *err) {
  bool ok = false;
  host_public_key key;
  ekm_buf blob;
  ekm_buf_init(&blob, SQLCP_MAX_KEY_BLOB_BYTES);
  EKM_TRY(host_key_export(c->session, host_key_thumb(&c->key), &blob, &c->result, err));
  EKM_TRY(host_public_key_parse(ekm_buf_view(&blob), &key, err));
  if (c->options.out != NULL) EKM_TRY(ekm_file_write_public(c->options.out, ekm_buf_view(&blob), err));
  cli_set_text(doc, "name", c->key.name);
  cli_set_hex(doc, "thumbprint", host_key_thumb(&c->key));
  cli_set_text(doc, "encoding", host_public_key_encoding_name(key.encoding));
  cli_set_int(doc, "bits", key.bits);
  cli_set_hex(doc, "modulus", ekm_view_of(key.n, key.n_len));
  cli_set_hex(doc, "exponent", ekm_view_of(key.e, key.e_len));
  if (c->options.out != NULL) cli_set_text(doc, "written_to", c->options.out);
  ok = true;
done:
  ekm_buf_clear(&blob);
  return ok;
}
