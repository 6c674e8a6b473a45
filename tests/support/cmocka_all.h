/* cmocka wants these four headers before its own. */
#ifndef EKM_TESTS_SUPPORT_CMOCKA_ALL_H
#define EKM_TESTS_SUPPORT_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
