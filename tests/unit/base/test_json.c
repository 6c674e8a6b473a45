#include "base/json.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"

static json_t *parse(const char *text) {
  json_t *doc = NULL;
  ekm_err err = {0};
  if (!ekm_json_parse(ekm_view_text(text), &doc, &err)) fail_msg("%s: %s", text, err.detail);
  return doc;
}

static void members_by_type(void **state) {
  json_t *doc = parse("{\"t\":\"x\",\"o\":{},\"a\":[],\"i\":-7,\"s\":\"3599\",\"b\":true,\"n\":null,\"r\":1.5}");
  (void)state;
  assert_string_equal(ekm_json_text(doc, "t"), "x");
  assert_null(ekm_json_text(doc, "i"));
  assert_null(ekm_json_text(doc, "none"));
  assert_non_null(ekm_json_object(doc, "o"));
  assert_null(ekm_json_object(doc, "a"));
  assert_non_null(ekm_json_array(doc, "a"));
  assert_null(ekm_json_array(doc, "o"));
  assert_int_equal(ekm_json_int(doc, "i", 1), -7);
  assert_int_equal(ekm_json_int(doc, "s", 1), 3599);
  assert_int_equal(ekm_json_int(doc, "r", 1), 1);
  assert_int_equal(ekm_json_int(doc, "n", 1), 1);
  assert_int_equal(ekm_json_int(doc, "t", 1), 1);
  assert_true(ekm_json_bool(doc, "b", false));
  assert_true(ekm_json_bool(doc, "s", true));
  assert_false(ekm_json_bool(doc, "n", false));
  assert_null(ekm_json_text(NULL, "t"));
  ekm_json_free(&doc);
  assert_null(doc);
  ekm_json_free(&doc);
}

static void numbers_in_texts_are_digits(void **state) {
  static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1e3", "1.0", "9999999999999999999", "abc"};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    json_t *doc = json_pack("{s:s}", "n", bad[i]);
    assert_int_equal(ekm_json_int(doc, "n", 42), 42);
    ekm_json_free(&doc);
  }
  json_t *doc = parse("{\"n\":\"999999999999999999\"}");
  assert_int_equal(ekm_json_int(doc, "n", 42), 999999999999999999);
  ekm_json_free(&doc);
}

static void what_is_no_document(void **state) {
  static const char *const rows[] = {
      "",
      " ",
      "{",
      "}",
      "[]",
      "\"x\"",
      "1",
      "null",
      "{}x",
      "{} {}",
      "{\"a\":1,\"a\":2}",
      "{\"a\":}",
      "{'a':1}",
      "{\"a\":1,}",
      "{\"a\":\"\xff\"}",
      "{\"a\":\"\xed\xa0\x80\"}",
      "{\"a\":\"\\u0000\"}",
      "{\"a\":\"\\ud800\"}",
      "{\"a\":01}",
      "{\"a\":1e999}",
      "{\"a\":99999999999999999999}",
      "{\"a\":NaN}",
      "\xEF\xBB\xBF{}",
      "<html><body>Sign in</body></html>",
      "{\"a\":\"\n\"}",
      "{\"a\\u0000b\":1}",
      "// c\n{}",
      "{\"a\":9223372036854775808}",
      "{\"a\":-9223372036854775809}",
      "{\"a\":-}",
      "{\"a\":1.}",
      "{\"a\":.5}",
      "{\"a\":1e}",
      "{\"a\":+1}",
      "{\"a\":tru}",
      "{\"a\":[1,]}",
      "{\"a\":[1 2]}",
      "{\"a\" 1}",
      "{,}",
      "{\"a\":\"\\x\"}",
      "{\"a\":\"\\u12g4\"}",
      "{\"a\":\"\\udc00\"}",
      "{\"a\":\"\\ud800\\u0041\"}",
      "{\"a\":{\"b\":1,\"b\":1}}",
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    json_t *doc = NULL;
    ekm_err err = {0};
    if (ekm_json_parse(ekm_view_text(rows[i]), &doc, &err)) fail_msg("accepted %s", rows[i]);
    assert_null(doc);
    assert_int_equal(err.id, EKM_E_ANSWER_NOT_JSON);
  }
}

static void texts_lose_their_escapes(void **state) {
  static const struct {
    const char *json, *text;
  } rows[] = {
      {"{\"t\":\"\"}", ""},
      {"{\"t\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t"},
      {"{\"t\":\"a\\u0041\\u00e9\\u20AC\\ud83d\\ude00z\"}", "aA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"},
      {"{\"t\":\"\xc3\xa9\x7f\"}", "\xc3\xa9\x7f"},
      {" {\r\n\t\"\\u0074\" : \"x\" , \"o\" : { \"t\" : \"y\" } } ", "x"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    json_t *doc = parse(rows[i].json);
    assert_string_equal(ekm_json_text(doc, "t"), rows[i].text);
    ekm_json_free(&doc);
  }
}

static void numbers_are_taken_to_their_ends(void **state) {
  json_t *doc =
      parse("{\"min\":-9223372036854775808,\"max\":9223372036854775807,\"zero\":-0,\"r\":-12.5e-1,\"e\":1E2}");
  (void)state;
  assert_true(ekm_json_int(doc, "min", 1) == INT64_MIN);
  assert_true(ekm_json_int(doc, "max", 1) == INT64_MAX);
  assert_int_equal(ekm_json_int(doc, "zero", 1), 0);
  assert_true(json_real_value(json_object_get(doc, "r")) == -1.25);
  assert_true(json_real_value(json_object_get(doc, "e")) == 100);
  ekm_json_free(&doc);
}

/* Cut anywhere, a document is refused and its text is not in the message. */
static void a_cut_answer_is_refused_and_not_shown(void **state) {
  static const char text[] = "{\"access_token\":\"PLANTED\",\"list\":[1,2,{\"x\":true}],\"expires_in\":3599}";
  (void)state;
  for (size_t len = 0; len < sizeof text - 1; len++) {
    json_t *doc = NULL;
    ekm_err err = {0};
    assert_false(ekm_json_parse(ekm_view_of(text, len), &doc, &err));
    assert_int_equal(err.id, EKM_E_ANSWER_NOT_JSON);
    assert_null(strstr(err.detail, "PLANTED"));
  }
}

static void nesting_has_a_limit(void **state) {
  (void)state;
  for (int levels = EKM_LIMIT_JSON_DEPTH - 1; levels <= EKM_LIMIT_JSON_DEPTH + 1; levels++) {
    json_t *doc = NULL;
    ekm_err err = {0};
    ekm_buf text;
    ekm_buf_init(&text, 1000);
    ekm_buf_append_text(&text, "{\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"{{{\":");
    for (int i = 1; i < levels; i++) ekm_buf_append_char(&text, '[');
    for (int i = 1; i < levels; i++) ekm_buf_append_char(&text, ']');
    ekm_buf_append_char(&text, '}');
    assert_int_equal(ekm_json_parse(ekm_buf_view(&text), &doc, &err), levels <= EKM_LIMIT_JSON_DEPTH);
    ekm_json_free(&doc);
    ekm_buf_clear(&text);
  }
}

static void bytes_in_and_out(void **state) {
  json_t *doc = json_object();
  ekm_err err = {0};
  ekm_buf out;
  (void)state;
  ekm_buf_init(&out, 200);
  assert_true(ekm_json_set_bytes(doc, "n", ekm_view_of("\xfb\xff\x00", 3)));
  assert_true(ekm_json_set_bytes(doc, "empty", ekm_view_of(NULL, 0)));
  assert_true(ekm_json_bytes(doc, "n", &out, &err));
  assert_int_equal(out.len, 3);
  assert_memory_equal(out.ptr, "\xfb\xff\x00", 3);
  assert_true(ekm_json_bytes(doc, "empty", &out, &err));
  assert_int_equal(out.len, 3);
  ekm_buf_reset(&out);
  assert_true(ekm_json_write(doc, &out, &err));
  assert_string_equal(ekm_buf_text(&out), "{\"n\":\"-_8A\",\"empty\":\"\"}");
  assert_false(ekm_json_bytes(doc, "absent", &out, &err));
  assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
  assert_int_equal(json_object_set_new(doc, "n", json_integer(1)), 0);
  assert_false(ekm_json_bytes(doc, "n", &out, &err));
  assert_int_equal(json_object_set_new(doc, "n", json_string("a+b=")), 0);
  assert_false(ekm_json_bytes(doc, "n", &out, &err));
  ekm_buf_clear(&out);
  ekm_buf_init(&out, 5);
  assert_false(ekm_json_write(doc, &out, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  ekm_buf_clear(&out);
  ekm_json_free(&doc);
}

static void a_lack_of_memory_is_not_bad_json(void **state) {
  /* jansson's own reader ran over the end of its buffer where an escape stands behind a place that memory failed at. */
  static const char text[] =
      "{\"a\":[1,2.5,3,\"four\"],\"b\":{\"c\":true},\"d\":\"a longer text, to make the reader's buffer grow, with "
      "\\\"its"
      "\\\" escapes \\u00e9 \\n and more behind them, until it has grown twice: "
      "0123456789012345678901234567890123456789\"}";
  memory_gate gate = {0};
  size_t rounds = 0;
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++, rounds++) {
    ekm_err err = {0};
    json_t *doc = NULL;
    bool ok = ekm_json_parse(ekm_view_text(text), &doc, &err);
    memory_gate_check(&gate, ok, &err);
    assert_int_equal(ok, doc != NULL);
    ekm_json_free(&doc);
  }
  assert_true(rounds > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members_by_type),
      cmocka_unit_test(numbers_in_texts_are_digits),
      cmocka_unit_test(texts_lose_their_escapes),
      cmocka_unit_test(numbers_are_taken_to_their_ends),
      cmocka_unit_test(what_is_no_document),
      cmocka_unit_test(a_cut_answer_is_refused_and_not_shown),
      cmocka_unit_test(nesting_has_a_limit),
      cmocka_unit_test(bytes_in_and_out),
      cmocka_unit_test(a_lack_of_memory_is_not_bad_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
