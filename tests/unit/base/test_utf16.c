#include "base/utf16.h"

#include <string.h>

#include "support/cmocka_all.h"

static void both_ways(void **state) {
  static const struct {
    uint16_t units[8];
    size_t count;
    const char *utf8;
  } rows[] = {
      {{0}, 0, ""},
      {{'m', 'y', 0x7F}, 3, "my\x7f"},
      {{0x80, 0x7FF}, 2, "\xc2\x80\xdf\xbf"},
      {{0x800, 0xD7FF, 0xE000, 0xFFFF}, 4, "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"},
      {{0xD800, 0xDC00, 0xDBFF, 0xDFFF}, 4, "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
      {{0xFEFF, 'a'},
       2,
       "\xef\xbb\xbf"
       "a"}, /* a byte order mark is a character like others */
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_buf utf8;
    ekm_buf utf16;
    ekm_buf_init(&utf8, 100);
    ekm_buf_init(&utf16, 100);
    assert_true(ekm_utf16_to_utf8(rows[i].units, rows[i].count * 2, &utf8, "x", &err));
    assert_string_equal(ekm_buf_text(&utf8), rows[i].utf8);
    assert_true(ekm_utf16_is_utf8(rows[i].utf8, strlen(rows[i].utf8)));
    assert_true(ekm_utf16_from_utf8(rows[i].utf8, &utf16, &err));
    assert_int_equal(utf16.len, rows[i].count * 2);
    for (size_t u = 0; u < rows[i].count; u++) {
      assert_int_equal(utf16.ptr[2 * u] | utf16.ptr[2 * u + 1] << 8, rows[i].units[u]);
    }
    ekm_buf_clear(&utf8);
    ekm_buf_clear(&utf16);
  }
}

static void every_code_point_there_and_back(void **state) {
  (void)state;
  for (uint32_t c = 1; c <= 0x10FFFF; c += c < 0x3000 || (c > 0xD700 && c < 0x10100) ? 1 : 251) {
    uint16_t units[2] = {(uint16_t)c, 0};
    size_t bytes = 2;
    ekm_err err = {0};
    ekm_buf utf8;
    if (c >= 0xD800 && c < 0xE000) continue;
    if (c >= 0x10000) {
      units[0] = (uint16_t)(0xD800 + ((c - 0x10000) >> 10));
      units[1] = (uint16_t)(0xDC00 + ((c - 0x10000) & 0x3FF));
      bytes = 4;
    }
    ekm_buf_init(&utf8, 8);
    assert_true(ekm_utf16_to_utf8(units, bytes, &utf8, "x", &err));
    assert_int_equal(utf8.len, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
    assert_true(ekm_utf16_is_utf8(ekm_buf_text(&utf8), utf8.len));
    for (size_t len = 1; len < utf8.len; len++) assert_false(ekm_utf16_is_utf8(ekm_buf_text(&utf8), len));
    ekm_buf_clear(&utf8);
  }
}

static void broken_utf16(void **state) {
  static const struct {
    uint16_t units[4];
    size_t bytes;
  } rows[] = {
      {{'a'}, 1},
      {{'a', 'b'}, 3},
      {{0}, 2},
      {{'a', 0, 'b'}, 6},
      {{0xD800}, 2},
      {{0xDC00}, 2},
      {{0xD800, 'a'}, 4},
      {{0xDC00, 0xD800}, 4},
      {{0xD800, 0xD800, 0xDC00}, 6},
      {{0xD800, 0xDC00}, 3},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_buf utf8;
    ekm_buf_init(&utf8, 100);
    assert_false(ekm_utf16_to_utf8(rows[i].units, rows[i].bytes, &utf8, "a name", &err));
    assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
    assert_int_equal(strncmp(err.detail, "a name", 6), 0);
    ekm_buf_clear(&utf8);
  }
}

static void broken_utf8(void **state) {
  static const char *const rows[] = {
      "\x80",
      "\xbf",
      "\xc2",
      "\xc0\x80",
      "\xc1\xbf",
      "\xe0\x80\x80",
      "\xe0\x9f\xbf",
      "\xed\xa0\x80",
      "\xed\xbf\xbf",
      "\xf0\x80\x80\x80",
      "\xf0\x8f\xbf\xbf",
      "\xf4\x90\x80\x80",
      "\xf5\x80\x80\x80",
      "\xff",
      "\xfe",
      "a\xe2\x82",
      "\xe2\x28\xa1",
      "\xf0\x90\x80",
      "\xc2\xc2\x80",
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_buf utf16;
    ekm_buf_init(&utf16, 100);
    assert_false(ekm_utf16_is_utf8(rows[i], strlen(rows[i])));
    assert_false(ekm_utf16_from_utf8(rows[i], &utf16, &err));
    assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
    ekm_buf_clear(&utf16);
  }
  assert_false(ekm_utf16_is_utf8("a\0b", 3));
  assert_true(ekm_utf16_is_utf8("", 0));
}

static void no_room(void **state) {
  static const uint16_t units[] = {'a', 'b', 'c'};
  ekm_err err = {0};
  ekm_buf small;
  (void)state;
  ekm_buf_init(&small, 2);
  assert_false(ekm_utf16_to_utf8(units, 6, &small, "x", &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  ekm_buf_reset(&small);
  assert_false(ekm_utf16_from_utf8("ab", &small, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  ekm_buf_clear(&small);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_ways),    cmocka_unit_test(every_code_point_there_and_back),
      cmocka_unit_test(broken_utf16), cmocka_unit_test(broken_utf8),
      cmocka_unit_test(no_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
