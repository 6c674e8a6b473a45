/* What a server counts: cumulative buckets, whole seconds, no row for what never happened, and no name twice. */
#include <string.h>

#include "base/text.h"
#include "support/cmocka_all.h"
#include "vault/metrics.h"

static const vault_route *route_of(const char *operation) {
  size_t count;
  const vault_route *routes = vault_route_table(&count);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(routes[i].operation, operation) == 0) return &routes[i];
  }
  fail_msg("no operation '%s'", operation);
  return NULL;
}

static void has_line(const ekm_buf *text, const char *line) {
  const char *at = strstr(ekm_buf_text(text), line);
  if (at == NULL || at[strlen(line)] != '\n') fail_msg("no line '%s' in:\n%s", line, ekm_buf_text(text));
}

static void requests_are_counted_by_operation_and_status(void **state) {
  vault_metrics *metrics;
  ekm_err err = {0};
  ekm_buf text;
  (void)state;
  ekm_buf_init(&text, 1 << 20);
  assert_true(vault_metrics_new(&metrics, &err));
  vault_metrics_count(metrics, route_of("key_unwrap"), 200, 900);
  vault_metrics_count(metrics, route_of("key_unwrap"), 200, 1000);
  vault_metrics_count(metrics, route_of("key_unwrap"), 403, 3000000);
  vault_metrics_count(metrics, NULL, 404, 10);
  vault_metrics_count(metrics, NULL, 418, 10);
  vault_metrics_count(NULL, NULL, 200, 10);
  vault_metrics_write(metrics, &text);
  has_line(&text, "akvd_requests_total{operation=\"key_unwrap\",status=\"200\"} 2");
  has_line(&text, "akvd_requests_total{operation=\"key_unwrap\",status=\"403\"} 1");
  has_line(&text, "akvd_requests_total{operation=\"none\",status=\"404\"} 1");
  has_line(&text, "akvd_requests_total{operation=\"none\",status=\"other\"} 1");
  has_line(&text, "akvd_request_seconds_bucket{operation=\"key_unwrap\",le=\"0.0005\"} 0");
  has_line(&text, "akvd_request_seconds_bucket{operation=\"key_unwrap\",le=\"0.001\"} 2");
  has_line(&text, "akvd_request_seconds_bucket{operation=\"key_unwrap\",le=\"2.5\"} 2");
  has_line(&text, "akvd_request_seconds_bucket{operation=\"key_unwrap\",le=\"+Inf\"} 3");
  has_line(&text, "akvd_request_seconds_sum{operation=\"key_unwrap\"} 3.001900");
  has_line(&text, "akvd_request_seconds_count{operation=\"key_unwrap\"} 3");
  assert_null(strstr(ekm_buf_text(&text), "key_wrap"));
  vault_metrics_free(&metrics);
  assert_null(metrics);
  ekm_buf_clear(&text);
}

/* A label can stand between quotes as it is, and an operation has one row. */
static void names_are_words_and_differ(void **state) {
  size_t count;
  const vault_route *routes = vault_route_table(&count);
  (void)state;
  for (size_t i = 0; i < count; i++) {
    assert_true(ekm_text_is_made_of(routes[i].operation, strlen(routes[i].operation), "_"));
    for (size_t j = 0; j < i; j++) assert_string_not_equal(routes[i].operation, routes[j].operation);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests_are_counted_by_operation_and_status),
      cmocka_unit_test(names_are_words_and_differ),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
