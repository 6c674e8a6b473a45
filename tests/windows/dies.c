/* A program whose second test ends the process with a status of success: run_test.sh has to notice. */
#include <stdlib.h>

#include "support/cmocka_all.h"

static void passes(void **state) {
  (void)state;
}

static void dies(void **state) {
  (void)state;
  exit(EXIT_SUCCESS);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(passes), cmocka_unit_test(dies)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
