/* ekmctl info, algorithms. */
#include <stdio.h>

#include "cli/command.h"
#include "host/host_algorithm.h"

static void set_version(json_t *doc, const char *name, const SqlCpVersion *version) {
  char text[32];
  (void)snprintf(text, sizeof text, "%u.%u.%u.%u", version->major, version->minor, version->build, version->revision);
  cli_set_text(doc, name, text);
}

static const char *support_name(SqlCpKeyFlags flags) {
  if ((flags & SQLCP_KEY_SUPPORTED) == 0) return "no";
  if ((flags & SQLCP_KEY_EXPORTABLE) != 0)
    return (flags & SQLCP_KEY_IMPORTABLE) != 0 ? "yes, export and import" : "yes, export";
  return (flags & SQLCP_KEY_IMPORTABLE) != 0 ? "yes, import" : "yes";
}

bool cli_info(cli *c, json_t *doc, ekm_err *err) {
  const host_provider *provider = host_module_provider(c->module);
  (void)err;
  cli_set_text(doc, "library", c->provider_path);
  cli_set_text(doc, "name", provider->name);
  cli_set_text(doc, "guid", provider->guid);
  set_version(doc, "version", &provider->version);
  set_version(doc, "api_version", &provider->api);
  cli_set_text(doc, "authentication", provider->auth == SQLCP_AUTH_BASIC ? "Basic" : "Other");
  cli_set_text(doc, "symmetric_keys", support_name(provider->symmetric));
  cli_set_text(doc, "asymmetric_keys", support_name(provider->asymmetric));
  cli_set_int(doc, "thumbprint_bytes", provider->thumb_bytes);
  cli_set_text(doc, "key_names", provider->accepts_key_name ? "accepted" : "not accepted");
  return true;
}

bool cli_algorithms(cli *c, json_t *doc, ekm_err *err) {
  host_algorithm_list list;
  if (!host_algorithm_enumerate(c->module, &list, &c->result, err)) return false;
  json_t *rows = json_array();
  for (size_t i = 0; i < list.count; i++) {
    json_t *row = json_object();
    cli_set_int(row, "id", list.rows[i].id);
    cli_set_text(row, "tag", list.rows[i].tag);
    cli_set_text(row, "type", list.rows[i].type == SQLCP_KEY_ASYMMETRIC ? "asymmetric" : "symmetric");
    cli_set_int(row, "bits", list.rows[i].bits);
    cli_set_int(row, "iv_bytes", list.rows[i].iv_bytes);
    (void)json_array_append_new(rows, row);
  }
  (void)json_object_set_new(doc, "algorithms", rows);
  return true;
}
