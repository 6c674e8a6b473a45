#include "base/b64url.h"

#include <string.h>

#include "support/cmocka_all.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void the_vectors_of_rfc_4648(void **state) {
  /* Section 10, without padding; the last two need the two characters that differ from base64. */
  static const struct {
    const char *bytes, *text, *padded;
  } rows[] = {
      {"", "", ""},
      {"f", "Zg", "Zg=="},
      {"fo", "Zm8", "Zm8="},
      {"foo", "Zm9v", "Zm9v"},
      {"foob", "Zm9vYg", "Zm9vYg=="},
      {"fooba", "Zm9vYmE", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
      {"\xfb\xff", "-_8", "-_8="},
      {"\xff\xff\xbe", "__--", "__--"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_buf out;
    ekm_buf_init(&out, 100);
    ekm_b64url_encode(ekm_view_text(rows[i].bytes), &out);
    assert_string_equal(ekm_buf_text(&out), rows[i].text);
    ekm_buf_reset(&out);
    assert_true(ekm_b64url_decode(rows[i].text, strlen(rows[i].text), &out, "x", &err));
    assert_string_equal(ekm_buf_text(&out), rows[i].bytes);
    ekm_buf_reset(&out);
    assert_true(ekm_b64url_decode(rows[i].padded, strlen(rows[i].padded), &out, "x", &err));
    assert_string_equal(ekm_buf_text(&out), rows[i].bytes);
    ekm_buf_clear(&out);
  }
}

/* Every byte value in every position of a group: exactly the 64 of the alphabet are taken, with their value. */
static void exactly_the_alphabet(void **state) {
  (void)state;
  for (unsigned c = 0; c < 256; c++) {
    for (size_t at = 0; at < 4; at++) {
      char text[5] = "AAAA";
      ekm_err err = {0};
      ekm_buf out;
      ekm_buf_init(&out, 10);
      text[at] = (char)c;
      const char *found = c == 0 ? NULL : strchr(alphabet, (int)c);
      bool padding = c == '=' && at == 3;
      assert_int_equal(ekm_b64url_decode(text, 4, &out, "x", &err), found != NULL || padding);
      if (found != NULL) {
        uint32_t group = (uint32_t)out.ptr[0] << 16 | (uint32_t)out.ptr[1] << 8 | out.ptr[2];
        assert_int_equal(group, (uint32_t)(found - alphabet) << (18 - 6 * at));
      } else if (!padding) {
        assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
      }
      ekm_buf_clear(&out);
    }
  }
}

/* A refusal appends nothing and does not show the text, which may be a key. */
static void what_is_refused(void **state) {
  static const char *const rows[] = {"A",  "AAAAA", "=",   "==",   "====", "A===",   "AA=A",  "AAA==", "AAAA=", "AA=",
                                     "A=", "AB",    "AAB", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm+v",  "Zm/v",  "Z.g"};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_buf out;
    ekm_buf_init(&out, 100);
    ekm_buf_append_text(&out, "before");
    if (ekm_b64url_decode(rows[i], strlen(rows[i]), &out, "the value", &err)) fail_msg("accepted '%s'", rows[i]);
    assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
    assert_int_equal(strncmp(err.detail, "the value ", 10), 0);
    assert_string_equal(ekm_buf_text(&out), "before");
    ekm_buf_clear(&out);
  }
}

static void every_length_there_and_back(void **state) {
  uint8_t bytes[100];
  (void)state;
  for (size_t len = 0; len < sizeof bytes; len++) {
    ekm_err err = {0};
    ekm_buf text;
    ekm_buf back;
    ekm_buf_init(&text, 200);
    ekm_buf_init(&back, len);
    for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)(i * 37 + len);
    ekm_b64url_encode(ekm_view_of(bytes, len), &text);
    assert_int_equal(text.len, (len * 4 + 2) / 3);
    assert_true(ekm_b64url_decode(ekm_buf_text(&text), text.len, &back, "x", &err));
    assert_true(ekm_view_equal(ekm_buf_view(&back), ekm_view_of(bytes, len)));
    ekm_buf_clear(&text);
    if (len > 0) {
      ekm_buf_init(&text, (len * 4 + 2) / 3 - 1);
      ekm_b64url_encode(ekm_view_of(bytes, len), &text);
      assert_true(text.too_long);
      ekm_buf_clear(&text);
    }
    ekm_buf_clear(&back);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_vectors_of_rfc_4648),
      cmocka_unit_test(exactly_the_alphabet),
      cmocka_unit_test(what_is_refused),
      cmocka_unit_test(every_length_there_and_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
