#include "base/url.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"

static void urls_that_are_taken(void **state) {
  static const struct {
    const char *text, *host;
    uint16_t port;
    const char *path, *query;
  } rows[] = {
      {"https://a", "a", 443, "/", ""},
      {"https://MyVault.Vault.Azure.NET/", "myvault.vault.azure.net", 443, "/", ""},
      {"HTTPS://a:8443/keys/n/v?api-version=7.4", "a", 8443, "/keys/n/v", "api-version=7.4"},
      {"https://a?x", "a", 443, "/", "x"},
      {"https://a/?", "a", 443, "/", ""},
      {"https://a/b?c?d/e:f@g", "a", 443, "/b", "c?d/e:f@g"},
      {"https://127.0.0.1:1/%2F..//x", "127.0.0.1", 1, "/%2F..//x", ""},
      {"https://a:65535", "a", 65535, "/", ""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    static ekm_url url;
    ekm_err err = {0};
    if (!ekm_url_parse(rows[i].text, &url, "x", &err)) fail_msg("%s: %s", rows[i].text, err.detail);
    assert_string_equal(url.host, rows[i].host);
    assert_int_equal(url.port, rows[i].port);
    assert_string_equal(url.path, rows[i].path);
    assert_string_equal(url.query, rows[i].query);
  }
}

static void urls_that_are_refused(void **state) {
  static const char *const rows[] = {
      "",
      "https",
      "https:",
      "https:/",
      "https:/a",
      "https://",
      "https:///",
      "https://:443",
      "https://?",
      "http://a",
      "ftp://a",
      "//a",
      "a",
      " https://a",
      "https://a ",
      "https://a b",
      "https://a/ b",
      "https://a/\tb",
      "https://a/\n",
      "https://a/\x7f",
      "https://a/\xc3\xa4",
      "https://\xc3\xa4",
      "https://a#f",
      "https://a/#",
      "https://a\\b",
      "https://a/\\b",
      "https://u@a",
      "https://u:p@a",
      "https://vault.azure.net@evil.test",
      "https://vault.azure.net:443@evil.test",
      "https://a:",
      "https://a:0",
      "https://a:65536",
      "https://a:99999",
      "https://a:-1",
      "https://a:+1",
      "https://a:1x",
      "https://a:1:2",
      "https://a:000443",
      "https://[::1]",
      "https://a_b",
      "https://-a",
      "https://a-",
      "https://a..b",
      "https://.a",
      "https://a.",
      "https://a,b",
      "https://a%2e",
      "https://*",
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    static ekm_url url;
    ekm_err err = {0};
    if (ekm_url_parse(rows[i], &url, "the address", &err)) fail_msg("accepted '%s'", rows[i]);
    assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
    assert_int_equal(strncmp(err.detail, "the address ", 12), 0);
  }
}

static void lengths(void **state) {
  static ekm_url url;
  char text[EKM_LIMIT_URL_BYTES + 2];
  ekm_err err = {0};
  (void)state;
  memset(text, 'x', sizeof text);
  memcpy(text, "https://a/", 10);
  text[EKM_LIMIT_URL_BYTES] = '\0';
  assert_true(ekm_url_parse(text, &url, "x", &err));
  assert_int_equal(strlen(url.path), EKM_LIMIT_URL_BYTES - 9);
  text[EKM_LIMIT_URL_BYTES] = 'x';
  text[EKM_LIMIT_URL_BYTES + 1] = '\0';
  assert_false(ekm_url_parse(text, &url, "x", &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  text[9] = 'x'; /* now all of it is the host */
  text[8 + EKM_LIMIT_HOST_BYTES + 1] = '\0';
  assert_false(ekm_url_parse(text, &url, "x", &err));
  assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
}

static void host_names(void **state) {
  char label[65];
  char longest[EKM_LIMIT_HOST_BYTES + 2];
  (void)state;
  memset(label, 'a', 64);
  label[63] = '\0';
  assert_true(ekm_url_host_is_valid(label));
  label[63] = 'a';
  label[64] = '\0';
  assert_false(ekm_url_host_is_valid(label));
  for (size_t i = 0; i < sizeof longest; i++) longest[i] = i % 2 == 0 ? 'a' : '.';
  longest[EKM_LIMIT_HOST_BYTES] = '\0';
  assert_true(ekm_url_host_is_valid(longest));
  longest[EKM_LIMIT_HOST_BYTES] = 'a';
  longest[EKM_LIMIT_HOST_BYTES + 1] = '\0';
  assert_false(ekm_url_host_is_valid(longest));
  assert_true(ekm_url_host_is_valid("a-b.1.c--d"));
  assert_false(ekm_url_host_is_valid("a.-b"));
  assert_false(ekm_url_host_is_valid("a-.b"));
  assert_false(ekm_url_host_is_valid("."));
  assert_false(ekm_url_host_is_valid("-"));
}

/* The rule that keeps tokens from strangers. */
static void hosts_under_a_parent(void **state) {
  static const struct {
    const char *host, *parent;
    bool under;
  } rows[] = {
      {"myvault.vault.azure.net", "vault.azure.net", true},
      {"MYVAULT.VAULT.AZURE.NET", "vault.azure.net", true},
      {"a.b.vault.azure.net", "vault.azure.net", true},
      {"vault.azure.net", "vault.azure.net", false},
      {".vault.azure.net", "vault.azure.net", false},
      {"evilvault.azure.net", "vault.azure.net", false},
      {"vault.azure.net.evil.test", "vault.azure.net", false},
      {"azure.net", "vault.azure.net", false},
      {"a.b", "", false},
      {"", "", false},
      {"", "a", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (ekm_url_host_is_under(rows[i].host, rows[i].parent) != rows[i].under)
      fail_msg("%s %s", rows[i].host, rows[i].parent);
  }
}

static void every_byte_encoded_and_decoded(void **state) {
  (void)state;
  for (unsigned value = 0; value < 256; value++) {
    uint8_t byte = (uint8_t)value;
    char escaped[4];
    ekm_err err = {0};
    ekm_buf text;
    ekm_buf back;
    ekm_buf_init(&text, 10);
    ekm_buf_init(&back, 10);
    (void)snprintf(escaped, sizeof escaped, "%%%02X", value);
    bool plain =
        value != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", (int)value) != NULL;
    ekm_url_append_encoded(ekm_view_of(&byte, 1), &text);
    if (plain) assert_true(text.len == 1 && text.ptr[0] == byte);
    if (!plain) assert_string_equal(ekm_buf_text(&text), escaped);
    assert_int_equal(ekm_url_decode(ekm_buf_text(&text), text.len, false, &back, &err), value != 0);
    if (value != 0) assert_true(back.len == 1 && back.ptr[0] == byte);
    ekm_buf_clear(&text);
    ekm_buf_clear(&back);
  }
}

static void decoding(void **state) {
  static const struct {
    const char *text;
    bool plus;
    const char *out; /* NULL: refused */
  } rows[] = {
      {"", true, ""},         {"a+b", true, "a b"},         {"a+b", false, "a+b"},
      {"%2b+", true, "+ "},   {"%c3%A4", true, "\xc3\xa4"}, {"%", true, NULL},
      {"%4", true, NULL},     {"a%", true, NULL},           {"%4g", true, NULL},
      {"%g4", true, NULL},    {"%00", true, NULL},          {"%%41", true, NULL},
      {"%25%34", true, "%4"}, {"%2541", true, "%41"},       {"% 1", true, NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_buf out;
    ekm_buf_init(&out, 100);
    bool ok = ekm_url_decode(rows[i].text, strlen(rows[i].text), rows[i].plus, &out, &err);
    assert_int_equal(ok, rows[i].out != NULL);
    if (ok) assert_string_equal(ekm_buf_text(&out), rows[i].out);
    if (!ok) assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
    ekm_buf_clear(&out);
  }
  ekm_err err = {0};
  ekm_buf out;
  ekm_buf_init(&out, 100);
  assert_false(ekm_url_decode("a\0b", 3, false, &out, &err));
  assert_false(ekm_url_decode("%41", 2, false, &out, &err)); /* the length ends it, not the NUL */
  ekm_buf_clear(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(urls_that_are_taken),
      cmocka_unit_test(urls_that_are_refused),
      cmocka_unit_test(lengths),
      cmocka_unit_test(host_names),
      cmocka_unit_test(hosts_under_a_parent),
      cmocka_unit_test(every_byte_encoded_and_decoded),
      cmocka_unit_test(decoding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
