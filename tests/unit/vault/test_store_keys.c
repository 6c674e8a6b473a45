/* Keys of the store over their whole life: names, versions, attributes, lists, deleting; with a cache that is too
 * small, and with memory that runs out anywhere. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/store_fixture.h"
#include "vault/store_manage.h"

static int set_up(void **state) {
  if (store_fixture_set_up(state) != 0) return -1;
  store_fixture *f = *state;
  store_fixture_save(f);
  return 0;
}

/* Every test begins with an empty store. */
static int begin(void **state) {
  store_fixture *f = *state;
  store_fixture_restore(f);
  f->cached_keys = 0;
  store_fixture_reopen(f);
  return 0;
}

static const vault_key *get(store_fixture *f, const char *name, const char *version) {
  ekm_err err = {0};
  const vault_key *key = NULL;
  if (!vault_store_key_get(f->store, f->local, name, version, &key, &err)) fail_msg("%s: %s", name, err.detail);
  return key;
}

static void expect_absent(store_fixture *f, const char *name, const char *version) {
  ekm_err err = {0};
  const vault_key *key = NULL;
  assert_false(vault_store_key_get(f->store, f->local, name, version, &key, &err));
  assert_null(key);
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
}

static void add(store_fixture *f, const char *name, char version[EKM_LIMIT_KEY_VERSION_CHARS + 1]) {
  ekm_err err = {0};
  if (!store_fixture_add(f, f->store, f->local, name, version, &err)) fail_msg("%s: %s", name, err.detail);
}

/* ---- names and versions ------------------------------------------------------------------------------------------ */

static void a_name_is_found_in_any_case_and_keeps_its_spelling(void **state) {
  store_fixture *f = *state;
  char first[EKM_LIMIT_KEY_VERSION_CHARS + 1], second[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  add(f, "Sales-Key", first);
  add(f, "SALES-KEY", second);
  assert_string_not_equal(first, second);
  assert_int_equal(strlen(first), EKM_LIMIT_KEY_VERSION_CHARS);
  static const char *const spellings[] = {"Sales-Key", "sales-key", "SALES-KEY"};
  for (size_t i = 0; i < 6; i++) {
    const vault_key *key = get(f, spellings[i % 3], i < 3 ? NULL : "");
    assert_string_equal(key->name, "Sales-Key");
    assert_string_equal(key->version, second);
    vault_key_release(&key);
    key = get(f, spellings[i % 3], first);
    assert_string_equal(key->name, "Sales-Key");
    assert_string_equal(key->version, first);
    vault_key_release(&key);
    if (i == 2) store_fixture_reopen(f);
  }
  expect_absent(f, "Sales-Key", "00000000000000000000000000000000");
  expect_absent(f, "Sales-Key", "x' OR '1'='1");
  expect_absent(f, "Sales-Ke", NULL);
}

static void names_of_vaults_are_apart(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  char here[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  add(f, "one", here);
  assert_false(store_fixture_use(f->store, f->other, "one", NULL, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  assert_false(store_fixture_use(f->store, f->other, "one", here, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  assert_false(store_fixture_add(f, f->store, 99, "one", NULL, &err));
  assert_int_equal(err.id, EKM_E_ABSENT);
  assert_true(store_fixture_add(f, f->store, f->other, "one", NULL, &err));
  assert_true(store_fixture_use(f->store, f->other, "one", NULL, &err));
}

static void a_name_that_is_none_is_refused(void **state) {
  store_fixture *f = *state;
  char longest[EKM_LIMIT_KEY_NAME_CHARS + 2];
  static const char *const bad[] = {"", "a b", "a_b", "a.b", "a/b", "k\xc3\xa4se", "a'b", "a\n"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ekm_err err = {0};
    assert_false(store_fixture_add(f, f->store, f->local, bad[i], NULL, &err));
    assert_int_equal(err.id, EKM_E_KEY_NAME_BAD);
    expect_absent(f, bad[i], NULL);
  }
  ekm_err err = {0};
  memset(longest, 'L', sizeof longest);
  longest[EKM_LIMIT_KEY_NAME_CHARS + 1] = '\0';
  assert_false(store_fixture_add(f, f->store, f->local, longest, NULL, &err));
  assert_int_equal(err.id, EKM_E_KEY_NAME_TOO_LONG);
  expect_absent(f, longest, NULL);
  longest[EKM_LIMIT_KEY_NAME_CHARS] = '\0';
  add(f, longest, NULL);
  assert_true(store_fixture_use(f->store, f->local, longest, NULL, &err));
}

static void a_key_comes_back_as_it_was_given(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  const vault_key *added = NULL;
  vault_material *material = store_fixture_key(f);
  const vault_key_spec spec = {.name = "whole",
                               .kty = "RSA-HSM",
                               .attributes = {.has_nbf = true, .nbf = 0, .has_exp = true, .exp = INT64_MAX},
                               .ops = VAULT_OP_WRAP | VAULT_OP_UNWRAP,
                               .tags = "{\"a\":\"\xc3\xa4\"}",
                               .n = ekm_buf_view(&f->modulus)};
  assert_true(vault_store_key_add(f->store, f->local, &spec, &material, &added, &err));
  assert_null(material);
  for (int round = 0; round < 3; round++) { /* as it was added, out of the cache, out of the database */
    const vault_key *key = round == 0 ? added : get(f, "whole", NULL);
    assert_string_equal(key->kty, "RSA-HSM");
    assert_false(key->attributes.enabled);
    assert_true(key->attributes.has_nbf && key->attributes.nbf == 0);
    assert_true(key->attributes.has_exp && key->attributes.exp == INT64_MAX);
    assert_int_equal(key->attributes.created, f->clock.wall_s);
    assert_int_equal(key->attributes.updated, f->clock.wall_s);
    assert_int_equal(key->ops, VAULT_OP_WRAP | VAULT_OP_UNWRAP);
    assert_string_equal(key->tags, "{\"a\":\"\xc3\xa4\"}");
    assert_true(ekm_view_equal(key->n, ekm_buf_view(&f->modulus))); /* leading zero and all */
    assert_int_equal(key->deleted_at, 0);
    assert_non_null(key->material);
    vault_key_release(&key);
    if (round == 1) store_fixture_reopen(f);
  }
  assert_true(store_fixture_use(f->store, f->local, "whole", NULL, &err));
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

static void an_update_changes_what_it_names_and_nothing_else(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  const vault_key *key = NULL;
  char first[EKM_LIMIT_KEY_VERSION_CHARS + 1], second[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  add(f, "attr", first);
  add(f, "attr", second);
  const int64_t made = f->clock.wall_s;
  fake_clock_pass(&f->clock, 60 * 1000);
  const vault_key_change times = {.set = VAULT_SET_NBF | VAULT_SET_EXP,
                                  .attributes = {.has_nbf = true, .nbf = -1, .has_exp = true, .exp = 5}};
  assert_true(vault_store_key_update(f->store, f->local, "ATTR", first, &times, &key, &err));
  assert_string_equal(key->version, first);
  assert_true(key->attributes.enabled);
  assert_true(key->attributes.has_nbf && key->attributes.nbf == -1);
  assert_true(key->attributes.has_exp && key->attributes.exp == 5);
  assert_int_equal(key->attributes.created, made);
  assert_int_equal(key->attributes.updated, made + 60);
  assert_string_equal(key->tags, "{\"made\":\"by a test\"}");
  vault_key_release(&key);

  const vault_key_change rest = {
      .set = VAULT_SET_ENABLED | VAULT_SET_NBF | VAULT_SET_OPS | VAULT_SET_TAGS, .ops = VAULT_OP_SIGN, .tags = "{}"};
  assert_true(vault_store_key_update(f->store, f->local, "attr", first, &rest, &key, &err));
  vault_key_release(&key);
  for (int round = 0; round < 2; round++) {
    key = get(f, "attr", first);
    assert_false(key->attributes.enabled);
    assert_false(key->attributes.has_nbf);
    assert_true(key->attributes.has_exp && key->attributes.exp == 5);
    assert_int_equal(key->ops, VAULT_OP_SIGN);
    assert_string_equal(key->tags, "{}");
    vault_key_release(&key);
    key = get(f, "attr", NULL); /* the other version is as it was */
    assert_string_equal(key->version, second);
    assert_true(key->attributes.enabled);
    assert_false(key->attributes.has_exp);
    assert_int_equal(key->attributes.updated, made);
    vault_key_release(&key);
    store_fixture_reopen(f);
  }
  assert_true(
      store_fixture_use(f->store, f->local, "attr", first, &err)); /* who may use it is not the store's matter */
  assert_false(vault_store_key_update(f->store, f->local, "attr", "0", &times, &key, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  assert_null(key);
}

/* An object that somebody holds does not change under him. */
static void a_key_in_use_stays_as_it_is(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  const vault_key *deleted = NULL;
  add(f, "held", NULL);
  const vault_key *held = get(f, "held", NULL);
  assert_true(store_fixture_enable(f->store, f->local, "held", NULL, false, &err));
  assert_true(vault_store_key_delete(f->store, f->local, "held", &deleted, &err));
  vault_key_release(&deleted);
  assert_true(vault_store_deleted_purge(f->store, f->local, "held", &err));
  vault_store_close(&f->store);
  ekm_cipher_output wrapped;
  const ekm_cipher_input plain = {.value = ekm_view_text("x")};
  ekm_buf_init(&wrapped.value, 1024);
  assert_true(held->attributes.enabled);
  assert_string_equal(held->name, "held");
  assert_true(vault_material_encrypt(held->material, "RSA-OAEP", &plain, &wrapped, &err));
  ekm_buf_clear(&wrapped.value);
  vault_key_release(&held);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

typedef bool (*list_call)(vault_store *store, int64_t vault_id, const char *after, size_t max, vault_key_page *out_page,
                          ekm_err *err);

/* Names, in pages of ${max}; each once, in ascending order. */
static int count_in_pages(store_fixture *f, list_call call, size_t max) {
  ekm_err err = {0};
  char after[EKM_LIMIT_KEY_NAME_CHARS + 1] = "";
  char last[EKM_LIMIT_KEY_NAME_CHARS + 1] = "";
  int count = 0;
  do {
    vault_key_page page;
    assert_true(call(f->store, f->local, after, max, &page, &err));
    assert_true(page.count <= max);
    if (page.next[0] != '\0') assert_int_equal(page.count, max);
    for (size_t i = 0; i < page.count; i++) {
      assert_true(strcmp(last, page.items[i]->name) < 0);
      assert_null(page.items[i]->material);
      (void)snprintf(last, sizeof last, "%s", page.items[i]->name);
      count++;
    }
    (void)snprintf(after, sizeof after, "%s", page.next);
    vault_key_page_clear(&page);
  } while (after[0] != '\0' && count < 1000);
  return count;
}

static void names_come_in_pages(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  char name[32];
  vault_key_page page;
  assert_int_equal(count_in_pages(f, vault_store_key_list, 25), 0);
  for (int i = 0; i < 52; i++) {
    (void)snprintf(name, sizeof name, "page-%02d", i * 17 % 52);
    add(f, name, NULL);
    if (i % 4 == 0) add(f, name, NULL); /* a name is listed once */
    if (i % 10 == 0) assert_true(store_fixture_add(f, f->store, f->other, name, NULL, &err));
  }
  static const size_t sizes[] = {1, 2, 13, 24, 25};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    assert_int_equal(count_in_pages(f, vault_store_key_list, sizes[i]), 52);
  }
  assert_int_equal(count_in_pages(f, vault_store_deleted_list, 25), 0);

  assert_true(vault_store_key_list(f->store, f->local, "PAGE-49", 25, &page, &err)); /* a marker in any case */
  assert_int_equal(page.count, 2);
  assert_string_equal(page.items[0]->name, "page-50");
  vault_key_page_clear(&page);
  assert_true(vault_store_key_list(f->store, f->local, "zzz", 25, &page, &err));
  assert_int_equal(page.count, 0);
  assert_string_equal(page.next, "");
  static const size_t wrong[] = {0, VAULT_STORE_PAGE_MAX + 1};
  for (size_t i = 0; i < 2; i++) {
    assert_false(vault_store_key_list(f->store, f->local, NULL, wrong[i], &page, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    assert_false(vault_store_key_versions(f->store, f->local, "page-00", NULL, wrong[i], &page, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
  }
}

static void versions_come_in_pages(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  vault_key_page page;
  enum { VERSIONS = 27 };
  char made[VERSIONS][EKM_LIMIT_KEY_VERSION_CHARS + 1];
  int found[VERSIONS] = {0};
  char after[EKM_LIMIT_KEY_NAME_CHARS + 1] = "";
  int pages = 0;
  for (int i = 0; i < VERSIONS; i++) add(f, "many", made[i]);
  add(f, "many-more", NULL);
  do {
    assert_true(vault_store_key_versions(f->store, f->local, "Many", after, 9, &page, &err));
    for (size_t k = 0; k < page.count; k++) {
      for (int i = 0; i < VERSIONS; i++) found[i] += strcmp(made[i], page.items[k]->version) == 0 ? 1 : 0;
    }
    (void)snprintf(after, sizeof after, "%s", page.next);
    vault_key_page_clear(&page);
  } while (after[0] != '\0' && ++pages < 10);
  assert_int_equal(pages, 2); /* three full pages, and no fourth that is empty */
  for (int i = 0; i < VERSIONS; i++) assert_int_equal(found[i], 1);
  assert_true(vault_store_key_versions(f->store, f->local, "none", NULL, 25, &page, &err));
  assert_int_equal(page.count, 0);
  assert_true(vault_store_key_versions(f->store, f->local, "n o n e", NULL, 25, &page, &err));
  assert_int_equal(page.count, 0);
}

/* ---- deleting ---------------------------------------------------------------------------------------------------- */

static void a_deleted_key_is_out_of_use_until_it_is_recovered(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  const vault_key *key = NULL;
  vault_key_page page;
  char first[EKM_LIMIT_KEY_VERSION_CHARS + 1], second[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  add(f, "Soft", first);
  add(f, "soft", second);
  add(f, "stays", NULL);
  assert_true(store_fixture_use(f->store, f->local, "soft", first, &err)); /* in the cache */
  const int64_t now = f->clock.wall_s;
  assert_true(vault_store_key_delete(f->store, f->local, "SOFT", &key, &err));
  assert_string_equal(key->version, second);
  assert_int_equal(key->deleted_at, now);
  assert_int_equal(key->purge_at, now + 90 * 86400);
  vault_key_release(&key);

  expect_absent(f, "soft", NULL);
  expect_absent(f, "soft", first);
  assert_int_equal(count_in_pages(f, vault_store_key_list, 25), 1);
  assert_int_equal(count_in_pages(f, vault_store_deleted_list, 25), 1);
  assert_true(vault_store_key_versions(f->store, f->local, "soft", NULL, 25, &page, &err));
  assert_int_equal(page.count, 0);
  assert_false(vault_store_key_delete(f->store, f->local, "soft", &key, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  assert_false(store_fixture_enable(f->store, f->local, "soft", first, true, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  assert_false(store_fixture_add(f, f->store, f->local, "sOFT", NULL, &err)); /* the name is taken */
  assert_int_equal(err.id, EKM_E_KEY_DELETED);

  store_fixture_reopen(f);
  assert_true(vault_store_deleted_get(f->store, f->local, "SOft", &key, &err));
  assert_string_equal(key->name, "Soft");
  assert_int_equal(key->deleted_at, now);
  vault_key_release(&key);
  assert_true(vault_store_deleted_recover(f->store, f->local, "soft", &key, &err));
  assert_string_equal(key->version, second);
  assert_int_equal(key->deleted_at, 0);
  vault_key_release(&key);
  assert_true(store_fixture_use(f->store, f->local, "soft", first, &err));
  assert_true(store_fixture_use(f->store, f->local, "soft", NULL, &err));
  assert_false(vault_store_deleted_recover(f->store, f->local, "soft", &key, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
}

static void a_purged_key_is_gone_and_its_name_free(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  const vault_key *key = NULL;
  char old[EKM_LIMIT_KEY_VERSION_CHARS + 1], again[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  add(f, "hard", old);
  add(f, "hard", NULL);
  assert_false(vault_store_deleted_purge(f->store, f->local, "hard", &err)); /* not before it is deleted */
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  assert_true(store_fixture_use(f->store, f->local, "hard", NULL, &err));
  assert_true(vault_store_key_delete(f->store, f->local, "hard", &key, &err));
  vault_key_release(&key);
  assert_true(vault_store_deleted_purge(f->store, f->local, "HARD", &err));
  assert_false(vault_store_deleted_get(f->store, f->local, "hard", &key, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  assert_false(vault_store_deleted_recover(f->store, f->local, "hard", &key, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  assert_int_equal(count_in_pages(f, vault_store_deleted_list, 25), 0);
  add(f, "HARD", again);
  expect_absent(f, "hard", old);
  store_fixture_reopen(f);
  key = get(f, "hard", NULL);
  assert_string_equal(key->name, "HARD"); /* a new name, with a spelling of its own */
  assert_string_equal(key->version, again);
  vault_key_release(&key);
}

/* ---- the cache --------------------------------------------------------------------------------------------------- */

static void more_keys_than_the_cache_has_room_for(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  char name[32];
  static const size_t rooms[] = {1, 3};
  for (int i = 0; i < 10; i++) {
    (void)snprintf(name, sizeof name, "lru-%d", i);
    add(f, name, NULL);
  }
  for (size_t r = 0; r < 2; r++) {
    f->cached_keys = rooms[r];
    store_fixture_reopen(f);
    for (int i = 0; i < 60; i++) {
      (void)snprintf(name, sizeof name, "lru-%d", i * 7 % 10);
      const vault_key *key = get(f, name, NULL);
      assert_string_equal(key->name, name);
      vault_key_release(&key);
      if (i % 9 == 0) { /* what is changed is never served from the cache as it was */
        bool enabled = i % 2 == 0;
        assert_true(store_fixture_enable(f->store, f->local, name, NULL, enabled, &err));
        key = get(f, name, NULL);
        assert_int_equal(key->attributes.enabled, enabled);
        vault_key_release(&key);
      }
    }
  }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

typedef bool (*gated_call)(store_fixture *f, int round, ekm_err *err);

static bool call_open(store_fixture *f, int round, ekm_err *err) {
  (void)round;
  vault_store_close(&f->store);
  return store_fixture_try(f, &f->store, err);
}

static bool call_add(store_fixture *f, int round, ekm_err *err) {
  char name[32];
  (void)snprintf(name, sizeof name, "gate-%d", round);
  return store_fixture_add(f, f->store, f->local, name, NULL, err);
}

static bool call_get(store_fixture *f, int round, ekm_err *err) {
  const vault_key *key = NULL;
  (void)round;
  bool ok = vault_store_key_get(f->store, f->local, "steady", NULL, &key, err);
  vault_key_release(&key);
  return ok;
}

static bool call_update(store_fixture *f, int round, ekm_err *err) {
  return store_fixture_enable(f->store, f->local, "steady", NULL, round % 2 == 0, err);
}

static bool call_list(store_fixture *f, int round, ekm_err *err) {
  vault_key_page page;
  (void)round;
  bool ok = vault_store_key_list(f->store, f->local, NULL, 25, &page, err);
  vault_key_page_clear(&page);
  return ok;
}

static bool call_versions(store_fixture *f, int round, ekm_err *err) {
  vault_key_page page;
  (void)round;
  bool ok = vault_store_key_versions(f->store, f->local, "steady", NULL, 25, &page, err);
  vault_key_page_clear(&page);
  return ok;
}

static bool call_grant(store_fixture *f, int round, ekm_err *err) {
  const vault_directory *dir = NULL;
  bool ok = vault_store_grant_set(f->store, f->local, f->app_b, round % 2 == 0 ? VAULT_MAY_GET : VAULT_MAY_SIGN, err) &&
            vault_store_directory(f->store, &dir, err);
  vault_directory_release(&dir);
  return ok;
}

static bool call_secret(store_fixture *f, int round, ekm_err *err) {
  char id[VAULT_GUID_CHARS + 1];
  ekm_secret made = {0};
  (void)round;
  bool ok = vault_store_secret_add(f->store, f->app_b, &made, 0, id, err);
  ekm_secret_clear(&made);
  return ok;
}

static bool call_delete(store_fixture *f, int round, ekm_err *err) {
  const vault_key *key = NULL;
  (void)round;
  bool ok = vault_store_key_delete(f->store, f->local, "passing", &key, err);
  vault_key_release(&key);
  return ok;
}

static bool call_recover(store_fixture *f, int round, ekm_err *err) {
  const vault_key *key = NULL;
  (void)round;
  bool ok = vault_store_deleted_recover(f->store, f->local, "passing", &key, err);
  vault_key_release(&key);
  return ok;
}

static bool call_purge(store_fixture *f, int round, ekm_err *err) {
  (void)round;
  return vault_store_deleted_purge(f->store, f->local, "passing", err);
}

/* Memory runs out at every place once. Nothing leaks (the sanitizer looks), and all goes on afterwards. */
static void memory_that_runs_out_does_no_harm(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  static const gated_call calls[] = {call_open,  call_add,    call_get,    call_update,  call_list,   call_versions,
                                     call_grant, call_secret, call_delete, call_recover, call_delete, call_purge};
  add(f, "steady", NULL);
  add(f, "passing", NULL);
  add(f, "passing", NULL);
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    memory_gate gate = {0};
    for (size_t n = 0; memory_gate_next(&gate, n); n++) {
      err = (ekm_err){0};
      bool ok = calls[i](f, (int)n, &err);
      memory_gate_check(&gate, ok, &err);
    }
    if (f->store == NULL) store_fixture_reopen(f);
    assert_true(store_fixture_use(f->store, f->local, "steady", NULL, &err));
  }
  store_fixture_reopen(f); /* the set is right */
  assert_true(store_fixture_use(f->store, f->local, "steady", NULL, &err));
  expect_absent(f, "passing", NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_name_is_found_in_any_case_and_keeps_its_spelling, begin),
      cmocka_unit_test_setup(names_of_vaults_are_apart, begin),
      cmocka_unit_test_setup(a_name_that_is_none_is_refused, begin),
      cmocka_unit_test_setup(a_key_comes_back_as_it_was_given, begin),
      cmocka_unit_test_setup(an_update_changes_what_it_names_and_nothing_else, begin),
      cmocka_unit_test_setup(a_key_in_use_stays_as_it_is, begin),
      cmocka_unit_test_setup(names_come_in_pages, begin),
      cmocka_unit_test_setup(versions_come_in_pages, begin),
      cmocka_unit_test_setup(a_deleted_key_is_out_of_use_until_it_is_recovered, begin),
      cmocka_unit_test_setup(a_purged_key_is_gone_and_its_name_free, begin),
      cmocka_unit_test_setup(more_keys_than_the_cache_has_room_for, begin),
      cmocka_unit_test_setup(memory_that_runs_out_does_no_harm, begin),
  };
  return cmocka_run_group_tests(tests, set_up, store_fixture_tear_down);
}
