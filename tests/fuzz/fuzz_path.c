/* Paths of requests, and which route they take. */
#include "base/hex.h"
#include "base/url.h"
#include "fuzz/fuzz.h"
#include "vault/routes.h"

/* Every segment encoded, one slash between them: the same path. */
static void check_again(const vault_path *path) {
  vault_path again;
  ekm_err err = {0};
  ekm_buf text;
  ekm_buf_init(&text, (size_t)VAULT_PATH_BYTES * 4);
  for (size_t i = 0; i < path->count; i++) {
    ekm_buf_append_char(&text, '/');
    ekm_url_append_encoded(ekm_view_text(path->segments[i]), &text);
  }
  if (text.len < VAULT_PATH_BYTES) {
    FUZZ_CHECK(vault_path_parse(ekm_buf_text(&text), &again, &err) && again.count == path->count);
    for (size_t i = 0; i < path->count; i++) FUZZ_CHECK(strcmp(again.segments[i], path->segments[i]) == 0);
  }
  ekm_buf_clear(&text);
}

static void check_route(const vault_path *path, vault_face face, const char *method) {
  vault_path_match match;
  bool known = false;
  const vault_route *route = vault_route_find(face, method, path, &match, &known);
  if (route == NULL) return;
  FUZZ_CHECK(known && route->face == face && strcmp(route->method, method) == 0);
  FUZZ_CHECK((match.name != NULL) == (strstr(route->pattern, "{name}") != NULL));
  FUZZ_CHECK((match.tenant != NULL) == (strstr(route->pattern, "{tenant}") != NULL));
  if (match.name != NULL) FUZZ_CHECK(match.name[0] != '\0');
  if (match.tenant != NULL) FUZZ_CHECK(match.tenant[0] != '\0');
  if (match.version != NULL) FUZZ_CHECK(strlen(match.version) == 32 && ekm_hex_is(match.version, 32));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vault_path path;
  ekm_err err = {0};
  static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  char *text = fuzz_text(data, size);
  if (vault_path_parse(text, &path, &err)) {
    FUZZ_CHECK(path.count <= VAULT_PATH_SEGMENTS);
    for (size_t i = 0; i < path.count; i++) FUZZ_CHECK(path.segments[i][0] != '\0');
    check_again(&path);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
      check_route(&path, VAULT_FACE_KEYS, methods[i]);
      check_route(&path, VAULT_FACE_SIGN_IN, methods[i]);
    }
  } else {
    FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING || err.id == EKM_E_LIMIT);
    fuzz_check_err(&err);
  }
  free(text);
  return 0;
}
