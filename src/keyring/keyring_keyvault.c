#include "keyring/keyring_keyvault.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/text.h"
#include "base/url.h"
#include "keyring/turns.h"

enum { FIRST_VERSIONS = 16 };

/* --- the backend: one vault as one identity ----------------------------------------------------------------------- */

typedef struct keyvault_backend {
  keyring_backend base;
  akv_client *client;
} keyvault_backend;

static akv_client *client_of(keyring_backend *self) {
  return ((keyvault_backend *)self)->client;
}

static akv_call bounds(const keyring_call *call) {
  return (akv_call){call->deadline, call->is_cancelled, call->cancel_arg};
}

static void move_buf(ekm_buf *to, ekm_buf *from) {
  ekm_buf_clear(to);
  *to = *from;
  ekm_buf_init(from, from->max);
}

/* ${key} is empty afterwards. */
static void move_key(akv_key *key, keyring_record *out) {
  keyring_record_clear(out);
  memcpy(out->name, key->name, sizeof out->name);
  memcpy(out->version, key->version, sizeof out->version);
  out->is_rsa = key->is_rsa;
  out->is_aes = key->is_aes;
  out->bits = key->bits;
  out->enabled = key->enabled;
  move_buf(&out->n, &key->n);
  move_buf(&out->e, &key->e);
}

static bool backend_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                        keyring_record *out_record, ekm_err *err) {
  akv_call limits = bounds(call);
  akv_key key;
  akv_key_init(&key);
  bool ok = akv_get_key(client_of(self), name, version, &limits, &key, err);
  if (ok) move_key(&key, out_record);
  akv_key_clear(&key);
  return ok;
}

static bool add_to_list(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  (void)created_s;
  return keyring_list_add(arg, text, err);
}

/* Versions by their age. */
typedef struct aged_version {
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  int64_t created_s;
} aged_version;

typedef struct aged_list {
  aged_version *items;
  size_t count, cap;
} aged_list;

static bool add_aged(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  aged_list *list = arg;
  if (list->count >= EKM_LIMIT_KEYS_PER_VAULT) return EKM_FAIL(err, EKM_E_LIMIT, "too many versions of one key");
  if (list->count == list->cap) {
    size_t cap = list->cap == 0 ? FIRST_VERSIONS : 2 * list->cap;
    aged_version *grown = ekm_mem_grow(list->items, list->count, cap, sizeof *grown, err);
    if (grown == NULL) return false;
    list->items = grown;
    list->cap = cap;
  }
  aged_version *item = &list->items[list->count++];
  item->created_s = created_s;
  return ekm_text_copy(item->version, sizeof item->version, text, "a version", err);
}

/* Of versions of one second the vault does not say which is newer. */
static int compare_age(const void *a, const void *b) {
  const aged_version *x = a, *y = b;
  if (x->created_s != y->created_s) return x->created_s < y->created_s ? 1 : -1;
  return strcmp(x->version, y->version);
}

static bool backend_list_names(keyring_backend *self, const keyring_call *call, keyring_list *out_names, ekm_err *err) {
  akv_call limits = bounds(call);
  return akv_list_names(client_of(self), &limits, (akv_sink){add_to_list, out_names}, err);
}

static bool backend_list_versions(keyring_backend *self, const char *name, const keyring_call *call,
                                  keyring_list *out_versions, ekm_err *err) {
  akv_call limits = bounds(call);
  aged_list list = {0};
  bool ok = akv_list_versions(client_of(self), name, &limits, (akv_sink){add_aged, &list}, err);
  if (ok && list.count > 1) qsort(list.items, list.count, sizeof list.items[0], compare_age);
  for (size_t i = 0; ok && i < list.count; i++) ok = keyring_list_add(out_versions, list.items[i].version, err);
  ekm_mem_free(list.items);
  return ok;
}

static bool backend_create(keyring_backend *self, const char *name, keyring_kind kind, unsigned bits,
                           const keyring_call *call, keyring_record *out_record, ekm_err *err) {
  akv_call limits = bounds(call);
  akv_key key;
  akv_key_init(&key);
  bool ok = akv_create_key(client_of(self), name, kind == KEYRING_AES ? AKV_AES : AKV_RSA, bits, &limits, &key, err);
  if (ok) move_key(&key, out_record);
  akv_key_clear(&key);
  return ok;
}

static bool backend_drop(keyring_backend *self, const char *name, const keyring_call *call, ekm_err *err) {
  akv_call limits = bounds(call);
  return akv_delete_key(client_of(self), name, &limits, err);
}

static bool backend_wrap(keyring_backend *self, const char *name, const char *version, const char *alg,
                         ekm_view plaintext, const keyring_call *call, ekm_buf *out_ciphertext, ekm_err *err) {
  akv_call limits = bounds(call);
  return akv_wrap(client_of(self), &(akv_wrap_key){name, version, alg}, plaintext, &limits, out_ciphertext, err);
}

static bool backend_unwrap(keyring_backend *self, const char *name, const char *version, const char *alg,
                           ekm_view ciphertext, const keyring_call *call, ekm_buf *out_plaintext, ekm_err *err) {
  akv_call limits = bounds(call);
  return akv_unwrap(client_of(self), &(akv_wrap_key){name, version, alg}, ciphertext, &limits, out_plaintext, err);
}

static bool backend_encrypt(keyring_backend *self, const keyring_cipher *cipher, ekm_view plaintext,
                            const keyring_call *call, ekm_buf *out_ciphertext, ekm_err *err) {
  akv_call limits = bounds(call);
  const akv_wrap_key key = {cipher->name, cipher->version, cipher->alg};
  return akv_encrypt(client_of(self), &key, cipher->iv, plaintext, &limits, out_ciphertext, err);
}

static bool backend_decrypt(keyring_backend *self, const keyring_cipher *cipher, ekm_view ciphertext,
                            const keyring_call *call, ekm_buf *out_plaintext, ekm_err *err) {
  akv_call limits = bounds(call);
  const akv_wrap_key key = {cipher->name, cipher->version, cipher->alg};
  return akv_decrypt(client_of(self), &key, cipher->iv, ciphertext, &limits, out_plaintext, err);
}

static void backend_destroy(keyring_backend *self) {
  akv_client_free(&((keyvault_backend *)self)->client);
  ekm_mem_free(self);
}

bool keyring_keyvault_backend_new(akv_client *client, keyring_backend **out_backend, ekm_err *err) {
  *out_backend = NULL;
  keyvault_backend *backend = ekm_mem_alloc(sizeof *backend, err);
  if (backend == NULL) {
    akv_client_free(&client);
    return false;
  }
  backend->base = (keyring_backend){.get = backend_get,
                                    .list_names = backend_list_names,
                                    .list_versions = backend_list_versions,
                                    .create = backend_create,
                                    .drop = backend_drop,
                                    .wrap = backend_wrap,
                                    .unwrap = backend_unwrap,
                                    .encrypt = backend_encrypt,
                                    .decrypt = backend_decrypt,
                                    .destroy = backend_destroy};
  backend->client = client;
  *out_backend = &backend->base;
  return true;
}

/* --- the credential ----------------------------------------------------------------------------------------------- */

enum { HTTPS_PORT = 443 };

static const akv_vault *find_vault(const keyring_keyvault_options *options, const char *host) {
  for (size_t i = 0; i < options->vault_count; i++) {
    if (ekm_text_ieq(options->vaults[i].host, host)) return &options->vaults[i];
  }
  return NULL;
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The part of an IDENTITY that is a host: without spaces around it, https:// in front, and slashes behind. */
static ekm_view strip(const char *identity) {
  static const char scheme[] = "https://";
  while (is_space(*identity)) identity++;
  if (ekm_text_starts_i(identity, scheme)) identity += sizeof scheme - 1;
  size_t len = strlen(identity);
  while (len > 0 && (is_space(identity[len - 1]) || identity[len - 1] == '/')) len--;
  return ekm_view_of(identity, len);
}

/* Cut ":8443" off the end of ${name}; 443 where there is none. Whatever else follows a colon is left to be no host. */
static uint32_t cut_port(ekm_view *name) {
  enum { PORT_MAX = 65535, DIGITS_MAX = 5 };
  uint32_t port = 0;
  const uint8_t *colon = name->len == 0 ? NULL : memchr(name->ptr, ':', name->len);
  if (colon == NULL) return HTTPS_PORT;
  size_t digits = name->len - (size_t)(colon - name->ptr) - 1;
  if (digits == 0 || digits > DIGITS_MAX) return HTTPS_PORT;
  for (size_t i = 1; i <= digits; i++) {
    if (colon[i] < '0' || colon[i] > '9') return HTTPS_PORT;
    port = port * 10 + (uint32_t)(colon[i] - '0');
  }
  if (port == 0 || port > PORT_MAX) return HTTPS_PORT;
  name->len -= digits + 1;
  return port;
}

/* A port is for vaults of the configuration, and there it is. IDENTITY may repeat it, as in the vault's URL. */
static bool check_port(const akv_vault *vault, const char *host, uint32_t port, ekm_err *err) {
  if (port == HTTPS_PORT || (vault != NULL && vault->route.port == port)) return true;
  if (vault == NULL) {
    return EKM_FAIL(err, EKM_E_IDENTITY_BAD, "port %u: only a vault with a section [vault %s] may have one",
                    (unsigned)port, host);
  }
  return EKM_FAIL(err, EKM_E_IDENTITY_BAD, "port %u is not the %u of the section [vault %s]; leave it out",
                  (unsigned)port, vault->route.port == 0 ? HTTPS_PORT : (unsigned)vault->route.port, host);
}

static const char *why_no_host(ekm_view name) {
  const char *text = (const char *)name.ptr;
  for (size_t i = 0; i < name.len; i++) {
    if (ekm_text_starts_i(text + i, "://")) return "nothing but https:// may stand before the host";
    if (text[i] == '/') return "more follows the host; a key is named by PROVIDER_KEY_NAME";
  }
  return "a name has letters, digits and hyphens, a host dots between them";
}

/* Who swaps IDENTITY and SECRET must not find the secret in the log. A vault's name has at most 24 characters. */
static bool is_secret(ekm_view name) {
  enum { ID_CHARS = 32 };
  const char *text = (const char *)name.ptr;
  if (name.len > ID_CHARS && ekm_hex_is(text, ID_CHARS)) return true;
  if (name.len > EKM_TEXT_GUID_CHARS && ekm_text_starts_guid(text)) return true;
  return ekm_text_starts_i(text, "certificate:");
}

bool keyring_keyvault_host(const keyring_keyvault_options *options, const char *identity,
                           char out_host[EKM_LIMIT_HOST_BYTES + 1], ekm_err *err) {
  ekm_view name = strip(identity);
  out_host[0] = '\0';
  if (ekm_text_starts_i(identity, "managed identity")) {
    if (options->default_vault == NULL) {
      return EKM_FAIL(
          err, EKM_E_IDENTITY_BAD,
          "'Managed Identity' names no vault; make it the vault's name, and SECRET managed-identity, or set "
          "default_vault in the configuration");
    }
    name = strip(options->default_vault);
  }
  if (is_secret(name)) return EKM_FAIL(err, EKM_E_IDENTITY_BAD, "it begins as a SECRET does, and is not shown here");
  uint32_t port = cut_port(&name);
  size_t suffix_len = strlen(options->vault_suffix);
  bool is_bare = name.len > 0 && memchr(name.ptr, '.', name.len) == NULL;
  if (name.len == 0 || name.len + (is_bare ? suffix_len + 1 : 0) > EKM_LIMIT_HOST_BYTES) {
    return EKM_FAIL(err, EKM_E_IDENTITY_BAD, name.len == 0 ? "it is empty" : "it is too long");
  }
  memcpy(out_host, name.ptr, name.len);
  out_host[name.len] = '\0';
  if (is_bare) {
    out_host[name.len] = '.';
    memcpy(out_host + name.len + 1, options->vault_suffix, suffix_len + 1);
  }
  ekm_text_lower(out_host);
  if (!ekm_url_host_is_valid(out_host)) {
    return EKM_FAIL(err, EKM_E_IDENTITY_BAD, "'%.100s': %s", identity, why_no_host(name));
  }
  const akv_vault *known = find_vault(options, out_host);
  return check_port(known, out_host, port, err) && (known != NULL || akv_vault_check_cloud(out_host, err));
}

bool keyring_keyvault_credential(const char *identity, const ekm_secret *text, keyring_credential *out, ekm_err *err) {
  if (text->len == 0 && ekm_text_starts_i(identity, "managed identity")) {
    out->kind = AKV_MANAGED_IDENTITY;
    return true;
  }
  return keyring_credential_parse(text, out, err);
}

/* --- the connector ------------------------------------------------------------------------------------------------ */

typedef struct entry {
  keyring *ring;                                 /* NULL: the entry is free */
  akv_client *clients[1 + KEYRING_REPLICAS_MAX]; /* of the vault and of its replicas, NULL behind the last; they belong
                                                    to the ring */
  bool proven;                                   /* it signed in, and was not refused since */
  uint64_t used;                                 /* the connector's tick of the last use */
} entry;

typedef struct keyvault_connector {
  keyring_connector base;
  keyring_keyvault_options options;
  keyring_turns *turns;
  ekm_mutex lock; /* guards what follows; never held during an exchange */
  uint64_t tick;
  entry entries[EKM_LIMIT_IDENTITIES];
} keyvault_connector;

/* IDENTITY and SECRET, taken apart. */
typedef struct identity {
  char host[EKM_LIMIT_HOST_BYTES + 1];
  keyring_credential credential;
} identity;

static entry *find_locked(keyvault_connector *connector, const identity *who) {
  const akv_identity me = keyring_credential_identity(&who->credential, connector->options.applications);
  for (size_t i = 0; i < EKM_LIMIT_IDENTITIES; i++) {
    entry *e = &connector->entries[i];
    if (e->ring != NULL && akv_client_is(e->clients[0], who->host, &me)) return e;
  }
  return NULL;
}

/* A free entry, or of those that are not proven, else of all, the one that was used longest ago: wrong credentials do
 * not drive out right ones. */
static entry *victim_locked(keyvault_connector *connector) {
  entry *victim = &connector->entries[0];
  for (size_t i = 0; i < EKM_LIMIT_IDENTITIES; i++) {
    entry *e = &connector->entries[i];
    if (e->ring == NULL) return e;
    bool is_better = e->proven == victim->proven ? e->used < victim->used : victim->proven;
    if (is_better) victim = e;
  }
  return victim;
}

/* What the configuration says about a host. */
static akv_vault vault_of(const keyring_keyvault_options *options, const char *host) {
  const akv_vault *known = find_vault(options, host);
  akv_vault vault = known != NULL ? *known : *options->others;
  vault.host = host;
  return vault;
}

static bool make_one_ring(const keyvault_connector *connector, const identity *who, const char *host,
                          keyring **out_ring, akv_client **out_client, ekm_err *err) {
  const keyring_keyvault_options *options = &connector->options;
  akv_vault vault = vault_of(options, host);
  akv_options client_options = {.http = options->http,
                                .clock = options->keyring.clock,
                                .rng = ekm_crypto_rng(options->keyring.crypto),
                                .env = options->env,
                                .log = options->keyring.log,
                                .vault = &vault};
  const akv_identity me = keyring_credential_identity(&who->credential, connector->options.applications);
  akv_client *client = NULL;
  keyring_backend *backend = NULL;
  if (!akv_client_new(&client_options, &me, &client, err)) return false;
  if (!keyring_keyvault_backend_new(client, &backend, err)) return false;
  *out_client = client;
  keyring_options ring_options = options->keyring;
  ring_options.host = host;
  ring_options.first_names = vault.keys;
  return keyring_new(&ring_options, backend, out_ring, err);
}

/* The same identity, and so the same secret, for the vaults that the configuration calls replicas. */
static bool add_replica(const keyvault_connector *connector, const identity *who, ekm_view name, keyring *ring,
                        akv_client **out_client, ekm_err *err) {
  char host[EKM_LIMIT_HOST_BYTES + 1] = "";
  keyring *replica = NULL;
  if (name.len >= sizeof host) return EKM_FAIL(err, EKM_E_LIMIT, "the name of a replica is too long");
  memcpy(host, name.ptr, name.len);
  ekm_text_lower(host);
  bool is_known = find_vault(&connector->options, host) != NULL || akv_vault_check_cloud(host, err);
  bool ok = is_known && make_one_ring(connector, who, host, &replica, out_client, err) &&
            keyring_add_replica(ring, replica, err);
  keyring_unref(&replica);
  return ok;
}

static bool make_ring(const keyvault_connector *connector, const identity *who, entry *out, ekm_err *err) {
  const char *replicas = vault_of(&connector->options, who->host).replicas;
  size_t count = 0;
  *out = (entry){0};
  bool ok = make_one_ring(connector, who, who->host, &out->ring, &out->clients[count++], err);
  while (ok && replicas != NULL) {
    ekm_view name = ekm_text_next_word(&replicas);
    if (name.len == 0) break;
    if (count > KEYRING_REPLICAS_MAX) {
      ok = EKM_FAIL(err, EKM_E_LIMIT, "'%s' has more than %d replicas", who->host, KEYRING_REPLICAS_MAX);
      break;
    }
    ok = add_replica(connector, who, name, out->ring, &out->clients[count++], err);
  }
  if (!ok) keyring_unref(&out->ring);
  return ok;
}

static bool find_or_make_locked(keyvault_connector *connector, const identity *who, entry **out_entry, ekm_err *err) {
  entry fresh;
  *out_entry = find_locked(connector, who);
  if (*out_entry == NULL) {
    if (!make_ring(connector, who, &fresh, err)) return false;
    *out_entry = victim_locked(connector);
    keyring_unref(&(*out_entry)->ring);
    **out_entry = fresh;
  }
  (*out_entry)->used = ++connector->tick;
  return true;
}

/* Keep what a sign-in told. Who was refused stays, no longer proven, because its token cache remembers the refusal for
 * seconds; who never worked for another reason is forgotten. */
static void note_locked(keyvault_connector *connector, const keyring *ring, bool ok, const ekm_err *err) {
  for (size_t i = 0; i < EKM_LIMIT_IDENTITIES; i++) {
    entry *e = &connector->entries[i];
    if (e->ring != ring) continue;
    if (ok || err->id == EKM_E_TOKEN_REFUSED) {
      e->proven = ok;
    } else if (!e->proven) {
      keyring_unref(&e->ring);
      *e = (entry){0};
    }
    return;
  }
}

/* Sign in to the vault, or where it cannot be reached to one of its replicas: a restart may fall into an outage. Each
 * gets its part of the time. */
static bool sign_in_anywhere(const keyvault_connector *connector, akv_client *const *clients, const keyring_call *call,
                             ekm_err *err) {
  const ekm_clock *clock = connector->options.keyring.clock;
  int64_t count = 0;
  while (count <= KEYRING_REPLICAS_MAX && clients[count] != NULL) count++;
  for (int64_t i = 0; i < count; i++) {
    akv_call part = bounds(call);
    ekm_err why = {0};
    part.deadline = ekm_deadline_in(clock, ekm_deadline_left_ms(call->deadline, clock) / (count - i));
    if (count == 1) part.deadline = call->deadline;
    if (akv_client_sign_in(clients[i], &part, &why)) {
      ekm_err_clear(err);
      return true;
    }
    if (i == 0) *err = why;
    if (i == 0 && !keyring_is_outage(&why)) return false;
    if (count > 1) ekm_log_err(connector->options.keyring.log, EKM_LOG_WARN, "keyring.replica", &why);
  }
  return false;
}

/* The entry is there before the sign-in, so that many threads with one new credential make one sign-in. */
static bool sign_in(keyvault_connector *connector, const identity *who, const keyring_call *call, keyring **out_ring,
                    ekm_err *err) {
  entry *found;
  akv_client *clients[1 + KEYRING_REPLICAS_MAX] = {NULL};
  keyring *ring = NULL;

  ekm_mutex_lock(&connector->lock);
  bool ok = find_or_make_locked(connector, who, &found, err);
  if (ok) {
    ring = keyring_ref(found->ring); /* keeps the clients alive, too */
    memcpy(clients, found->clients, sizeof clients);
  }
  ekm_mutex_unlock(&connector->lock);
  if (!ok) return false;

  ok = sign_in_anywhere(connector, clients, call, err);
  ekm_mutex_lock(&connector->lock);
  note_locked(connector, ring, ok, err);
  ekm_mutex_unlock(&connector->lock);
  if (ok) {
    *out_ring = ring;
  } else {
    keyring_note_refusal(ring, err);
    keyring_unref(&ring);
  }
  return ok;
}

static bool connector_connect(keyring_connector *self, const char *identity_text, const ekm_secret *secret_text,
                              const keyring_call *call, keyring **out_keyring, ekm_err *err) {
  keyvault_connector *connector = (keyvault_connector *)self;
  identity who = {0};
  *out_keyring = NULL;
  bool ok = keyring_keyvault_host(&connector->options, identity_text, who.host, err) &&
            keyring_keyvault_credential(identity_text, secret_text, &who.credential, err) &&
            sign_in(connector, &who, call, out_keyring, err);
  keyring_credential_clear(&who.credential);
  return ok;
}

static void connector_destroy(keyring_connector *self) {
  keyvault_connector *connector = (keyvault_connector *)self;
  for (size_t i = 0; i < EKM_LIMIT_IDENTITIES; i++) keyring_unref(&connector->entries[i].ring);
  keyring_turns_free(&connector->turns);
  ekm_mem_free(connector);
}

bool keyring_keyvault_connector_new(const keyring_keyvault_options *options, keyring_connector **out_connector,
                                    ekm_err *err) {
  *out_connector = NULL;
  keyvault_connector *connector = ekm_mem_alloc(sizeof *connector, err);
  if (connector == NULL) return false;
  connector->base = (keyring_connector){connector_connect, connector_destroy};
  connector->options = *options;
  ekm_mutex_init(&connector->lock);
  if (!keyring_turns_new(options->keyring.clock, &connector->turns, err)) {
    ekm_mem_free(connector);
    return false;
  }
  connector->options.keyring.turns = connector->turns;
  *out_connector = &connector->base;
  return true;
}
