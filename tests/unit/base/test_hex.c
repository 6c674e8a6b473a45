#include "base/hex.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"

static void every_byte_there_and_back(void **state) {
  (void)state;
  for (unsigned value = 0; value < 256; value++) {
    uint8_t byte = (uint8_t)value;
    char lower[3];
    char upper[3];
    ekm_err err = {0};
    ekm_buf out;
    ekm_buf_init(&out, 10);
    (void)snprintf(lower, sizeof lower, "%02x", value);
    (void)snprintf(upper, sizeof upper, "%02X", value);
    ekm_hex_encode(ekm_view_of(&byte, 1), &out);
    assert_string_equal(ekm_buf_text(&out), lower);
    ekm_buf_reset(&out);
    assert_true(ekm_hex_decode(lower, 2, &out, "x", &err) && ekm_hex_decode(upper, 2, &out, "x", &err));
    assert_int_equal(out.len, 2);
    assert_true(out.ptr[0] == byte && out.ptr[1] == byte);
    ekm_buf_clear(&out);
  }
}

static void only_digits_are_digits(void **state) {
  (void)state;
  for (unsigned c = 0; c < 256; c++) {
    char text[2] = {'0', (char)c};
    bool digit = c != 0 && strchr("0123456789abcdefABCDEF", (int)c) != NULL;
    ekm_err err = {0};
    ekm_buf out;
    ekm_buf_init(&out, 10);
    assert_int_equal(ekm_hex_is(text, 2), digit);
    assert_int_equal(ekm_hex_decode(text, 2, &out, "x", &err), digit);
    assert_int_equal(err.id, digit ? EKM_E_OK : EKM_E_TEXT_ENCODING);
    assert_int_equal(out.len, digit ? 1 : 0);
    ekm_buf_clear(&out);
  }
  assert_true(ekm_hex_is("", 0));
}

static void lengths_and_room(void **state) {
  char text[5];
  ekm_err err = {0};
  ekm_buf out;
  (void)state;
  ekm_buf_init(&out, 1);
  assert_true(ekm_hex_decode("", 0, &out, "x", &err));
  assert_false(ekm_hex_decode("abc", 3, &out, "x", &err));
  assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
  assert_false(ekm_hex_decode("abcd", 4, &out, "x", &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  ekm_buf_clear(&out);
  ekm_hex_text(ekm_view_of("\x01\xfe", 2), text, sizeof text);
  assert_string_equal(text, "01fe");
  ekm_hex_text(ekm_view_of("\x01\xfe", 2), text, sizeof text - 1);
  assert_string_equal(text, "");
  text[0] = 'x';
  ekm_hex_text(ekm_view_of("\x01\xfe", 2), text, 0);
  assert_int_equal(text[0], 'x');
  ekm_hex_text(ekm_view_of(NULL, 0), text, 1);
  assert_string_equal(text, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_byte_there_and_back),
      cmocka_unit_test(only_digits_are_digits),
      cmocka_unit_test(lengths_and_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
