#include "settings/vaults.h"

#include <string.h>

#include "base/mem.h"

static ekm_http_route route_to(const provider_endpoint *endpoint, const ekm_http_proxy *proxy) {
  return (ekm_http_route){
      .address = endpoint->address, .port = endpoint->port, .ca_file = endpoint->ca_file, .proxy = proxy};
}

static akv_vault vault_of(const provider_vault *vault, const ekm_http_proxy *proxy) {
  return (akv_vault){.host = vault->host,
                     .route = route_to(&vault->vault, proxy),
                     .authority_host = vault->authority_host[0] != '\0' ? vault->authority_host : NULL,
                     .authority_port = vault->authority_port,
                     .authority_route = route_to(&vault->authority, proxy),
                     .resource = vault->resource,
                     .tenant = vault->tenant,
                     .keys = vault->keys,
                     .replicas = vault->replicas};
}

bool settings_vaults_make(const provider_settings *settings, settings_vaults *out, ekm_err *err) {
  memset(out, 0, sizeof *out);
  out->others.route.proxy = &settings->proxy;
  out->others.authority_route.proxy = &settings->proxy;
  if (settings->vault_count == 0) return true;
  out->each = ekm_mem_array(settings->vault_count, sizeof *out->each, err);
  if (out->each == NULL) return false;
  out->count = settings->vault_count;
  for (size_t i = 0; i < out->count; i++) out->each[i] = vault_of(&settings->vaults[i], &settings->proxy);
  return true;
}

void settings_vaults_clear(settings_vaults *vaults) {
  ekm_mem_free(vaults->each);
  memset(vaults, 0, sizeof *vaults);
}
