/* Results of the inventory query as SQL Server's tools write them, and what is not taken for one. */
#include "cli/inventory.h"

#include <string.h>

#include "support/cmocka_all.h"
#include "support/memory_gate.h"

#define HEAD "kind,name,thumbprint,at\n"

static ekm_err_id parse(ekm_view text, inventory *out, ekm_err *err) {
  memset(err, 0, sizeof *err);
  return inventory_parse(text, "inv", out, err) ? EKM_E_OK : err->id;
}

static void assert_usual(const inventory *inv) {
  assert_int_equal(inv->count, 4);
  assert_int_equal(inv->thumb_count, 2);
  assert_int_equal(inv->rows[0].kind, INVENTORY_KEY);
  assert_string_equal(inv->rows[0].name, "Key");
  assert_string_equal(inv->rows[0].at, "2026-11-24T08:00:00");
  assert_int_equal(inv->rows[1].kind, INVENTORY_BACKUP);
  assert_string_equal(inv->rows[1].at, "2026-11-25T01:00:00.123");
  assert_int_equal(inv->rows[1].thumb, 1);
  assert_int_equal(inventory_thumb_view(inv, 1).len, 2);
  assert_int_equal(inventory_thumb_view(inv, 1).ptr[1], 0xcd);
  assert_int_equal(inv->rows[2].kind, INVENTORY_DATABASE);
  assert_string_equal(inv->rows[2].name, "Sales");
  assert_int_equal(inv->rows[2].thumb, 0);
  assert_int_equal(inv->rows[3].kind, INVENTORY_LOG);
  assert_string_equal(inv->rows[3].at, "");
}

/* --- what tools write --------------------------------------------------------------------------------------------- */

static void each_tools_form_is_read(void **state) {
  static const char *const forms[] = {
      /* sqlcmd -s , -W */
      HEAD
      "----,----,----------,--\n"
      "asymmetric key,Key,0x0011223344,2026-11-24T08:00:00\n"
      "backup,Sales,0xABCD,2026-11-25T01:00:00.123\n"
      "database,Sales,0x0011223344,2026-11-24T08:01:00\n"
      "log,Sales,0x0011223344,NULL\n"
      "\n(4 rows affected)\n",
      /* sqlcmd -s "|", padded, with the line ends of Windows, in German */
      "kind          |name |thumbprint  |at                      \r\n"
      "--------------|-----|------------|------------------------\r\n"
      "asymmetric key|Key  |0x0011223344|2026-11-24T08:00:00     \r\n"
      "backup        |Sales|0xabcd      |2026-11-25T01:00:00.123 \r\n"
      "database      |Sales|0x0011223344|2026-11-24T08:01:00     \r\n"
      "log           |Sales|0x0011223344|NULL                    \r\n"
      "\r\n(4 Zeilen betroffen)\r\n",
      /* Management Studio: copied with headings; its text output ends with the time */
      "kind\tname\tthumbprint\tat\r\n"
      "asymmetric key\tKey\t0x0011223344\t2026-11-24T08:00:00\r\n"
      "backup\tSales\t0XABCD\t2026-11-25T01:00:00.123\r\n"
      "database\tSales\t0x0011223344\t2026-11-24T08:01:00\r\n"
      "log\tSales\t0x0011223344\tNULL\r\n\r\n(4 rows affected)\r\n\r\n\r\n"
      "Completion time: 2026-11-25T08:00:00.0000000+00:00",
      /* a CSV with quotes, from a spreadsheet with semicolons; without a line end at the end */
      "\"Kind\";\"Name\";\"Thumbprint\";\"At\"\n"
      "\"asymmetric key\";\"Key\";\"0x0011223344\";\"2026-11-24T08:00:00\"\n"
      "backup;\"Sales\" ; 0xABCD;2026-11-25T01:00:00.123\n"
      "database;Sales;0x0011223344;2026-11-24T08:01:00\nlog;Sales;0x0011223344;",
      /* two instances behind one another */
      HEAD
      "asymmetric key,Key,0x0011223344,2026-11-24T08:00:00\nbackup,Sales,0xABCD,2026-11-25T01:00:00.123\n"
      "(2 rows affected)\n" HEAD
      "database,Sales,0x0011223344,2026-11-24T08:01:00\nlog,Sales,0x0011223344,NULL\n(2 rows affected)\n"};
  (void)state;
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    inventory inv;
    ekm_err err;
    if (parse(ekm_view_text(forms[i]), &inv, &err) != EKM_E_OK) fail_msg("form %zu: %s", i, err.detail);
    assert_usual(&inv);
    inventory_clear(&inv);
  }
}

/* How SQL Server's tools save: the same text in four encodings, one of them without a mark. */
static void encodings_are_told_apart(void **state) {
  static const char text[] = HEAD "database,Verk\xc3\xa4ufe,0x00,\n";
  static const struct {
    const char *mark;
    size_t len;
    int wide; /* 0: UTF-8; 1: little-endian; 2: big-endian */
  } rows[] = {{"", 0, 0}, {"\xEF\xBB\xBF", 3, 0}, {"\xFF\xFE", 2, 1}, {"\xFE\xFF", 2, 2}, {"", 0, 1}, {"", 0, 2}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    inventory inv;
    ekm_err err;
    ekm_buf bytes;
    ekm_buf_init(&bytes, 1024);
    ekm_buf_append(&bytes, rows[i].mark, rows[i].len);
    for (const char *c = text; *c != '\0'; c++) {
      unsigned char unit = (unsigned char)*c;
      if (rows[i].wide != 0 && unit == 0xC3) unit = (unsigned char)(*++c | 0x40); /* U+00E4 */
      if (rows[i].wide == 2) ekm_buf_append_char(&bytes, '\0');
      ekm_buf_append_char(&bytes, (char)unit);
      if (rows[i].wide == 1) ekm_buf_append_char(&bytes, '\0');
    }
    if (parse(ekm_buf_view(&bytes), &inv, &err) != EKM_E_OK) fail_msg("row %zu: %s", i, err.detail);
    assert_string_equal(inv.rows[0].name, "Verk\xc3\xa4ufe");
    inventory_clear(&inv);
    ekm_buf_clear(&bytes);
  }
}

static void names_are_kept(void **state) {
  static const struct {
    const char *row, *name;
  } rows[] = {{"log,a,b,0x00,NULL", "a,b"},
              {"log,a,,b,0x00,NULL", "a,,b"},
              {"log,\"a,b\",0x00,NULL", "a,b"},
              {"log,\"say \"\"hi\"\"\",0x00,NULL", "say \"hi\""},
              {"log,it's; a | b,0x00,NULL", "it's; a | b"},
              {"log,tab\there,0x00,NULL", "tab\there"},
              {"log,NULL,0x00,NULL", "NULL"},
              {"log,---,0x00,NULL", "---"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    inventory inv;
    ekm_err err;
    ekm_buf text;
    ekm_buf_init(&text, 1024);
    ekm_buf_append_fmt(&text, HEAD "%s\n", rows[i].row);
    if (parse(ekm_buf_view(&text), &inv, &err) != EKM_E_OK) fail_msg("%s: %s", rows[i].row, err.detail);
    assert_int_equal(inv.count, 1);
    assert_string_equal(inv.rows[0].name, rows[i].name);
    inventory_clear(&inv);
    ekm_buf_clear(&text);
  }
}

/* --- what is none ------------------------------------------------------------------------------------------------- */

static void whatever_else_is_refused_by_its_line(void **state) {
  static const struct {
    const char *text, *words;
  } rows[] = {
      {"", "line 0: there is no row"},
      {HEAD, "line 1: there is no row"},
      {HEAD "(0 rows affected)\n", "line 2: there is no row"},
      {"log,Sales,0x00,NULL\n", "line 1: the heading"},
      {"kind,name,thumbprint\nlog,Sales,0x00\n", "line 1: the heading"},
      {"kind name thumbprint at\n", "line 1: the heading"},
      {"Msg 297, Level 16, State 1\n", "line 1: the heading"},
      {HEAD "log,Sales,0x00\n", "line 2: it has fewer than four"},
      {HEAD "log\n", "line 2: it has fewer than four"},
      {HEAD ",,,\n", "line 2: its kind"},
      {HEAD "\nlog,\"Sales\",0x00,NULL,more\n", "line 3: it has more than four"},
      {HEAD "log,Sales,0x00,NULL\nMsg 297, Level 16, State 1, Server S, Line 3\n", "line 3: its kind"},
      {HEAD "certificate,Sales,0x00,NULL\n", "line 2: its kind"},
      {HEAD "log,,0x00,NULL\n", "line 2: its name"},
      {HEAD "log,Sales,NULL,NULL\n", "line 2: the thumbprint does not begin"},
      {HEAD "log,Sales,00,NULL\n", "line 2: the thumbprint does not begin"},
      {HEAD "log,Sales,0x,NULL\n", "line 2: the thumbprint is not"},
      {HEAD "log,Sales,0x123,NULL\n", "line 2: the thumbprint is not"},
      {HEAD "log,Sales,0xZZ,NULL\n", "line 2: the thumbprint is not"},
      {HEAD "log,Sales,0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20,\n", "line 2: the thumbpr"},
      {HEAD "log,Sales,0x00,yesterday\n", "line 2: its last value"},
      {HEAD "log,\"Sales,0x00,NULL\n", "line 2: a value in quotes"},
      {HEAD "log,\"Sales\"x,0x00,NULL\n", "line 2: text behind"},
      {HEAD "log,Sa\x01les,0x00,NULL\n", "line 2: a control"},
      {HEAD "log,Sa\rles,0x00,NULL\n", "line 2: a control"},
      {HEAD "log,Verk\xe4ufe,0x00,NULL\n", "line 2: it is no UTF-8"},
      {HEAD "log,Sales,0x00,NULL\n(1 rows affected)\nlog,Other,0x00,NULL\n", "line 4: there is something behind"},
      {"\xFF\xFEk\0i\0n", "is no valid UTF-16"},
      {"\xFF\xFE", "line 0: there is no row"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    inventory inv;
    ekm_err err;
    bool is_wide = (unsigned char)rows[i].text[0] == 0xFF;
    ekm_view text = ekm_view_of(rows[i].text, is_wide && rows[i].text[2] != '\0' ? 7 : strlen(rows[i].text));
    assert_int_equal(parse(text, &inv, &err), EKM_E_INVENTORY);
    if (strstr(err.detail, rows[i].words) == NULL) fail_msg("row %zu: %s", i, err.detail);
    assert_null(inv.rows);
    assert_null(inv.thumbs);
  }
}

static void values_have_limits(void **state) {
  char name[2048];
  (void)state;
  for (int quoted = 0; quoted < 2; quoted++) {
    for (int len = 500; len <= 620; len++) {
      inventory inv;
      ekm_err err;
      ekm_buf text;
      memset(name, 'x', sizeof name);
      name[len] = '\0';
      ekm_buf_init(&text, 4096);
      ekm_buf_append_fmt(&text, quoted ? HEAD "log,\"%s\",0x00,\n" : HEAD "log,%s,0x00,\n", name);
      assert_int_equal(parse(ekm_buf_view(&text), &inv, &err), len < INVENTORY_NAME_BYTES ? EKM_E_OK : EKM_E_INVENTORY);
      inventory_clear(&inv);
      ekm_buf_clear(&text);
    }
  }
}

static void many_rows_and_no_memory(void **state) {
  memory_gate gate = {0};
  ekm_buf text;
  (void)state;
  ekm_buf_init(&text, 65536);
  ekm_buf_append_text(&text, HEAD);
  for (int i = 0; i < 200; i++) ekm_buf_append_fmt(&text, "backup,Sales,0x%04x,\n", i % 100);
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    inventory inv;
    ekm_err err = {0};
    bool ok = inventory_parse(ekm_buf_view(&text), "inv", &inv, &err);
    memory_gate_check(&gate, ok, &err);
    assert_int_equal(inv.count, ok ? 200 : 0);
    assert_int_equal(inv.thumb_count, ok ? 100 : 0);
    inventory_clear(&inv);
  }
  ekm_buf_clear(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_tools_form_is_read), cmocka_unit_test(encodings_are_told_apart),
      cmocka_unit_test(names_are_kept),          cmocka_unit_test(whatever_else_is_refused_by_its_line),
      cmocka_unit_test(values_have_limits),      cmocka_unit_test(many_rows_and_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
