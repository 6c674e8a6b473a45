#!/usr/bin/env python3
"""Each lint rule finds what it is for, and lets pass what is fine. usage: test_lint.py [unittest arguments]"""

import tempfile
import unittest
from pathlib import Path

import arrows
import exports
import headers
import tidy


def plant(root, planted):
    for name, text in planted.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


class Planted(unittest.TestCase):
    """Checks what a lint says about a small tree that a test plants."""

    def expect(self, findings, planted, *wanted):
        """findings(root) gives exactly one finding for each text of wanted, in that order, which contains it."""
        with tempfile.TemporaryDirectory() as root:
            plant(root, planted)
            found = findings(root)
        self.assertEqual(len(found), len(wanted), found)
        for text, finding in zip(wanted, found):
            self.assertIn(text, finding)


class Arrows(Planted):
    def expect_include(self, name, include, *wanted):
        picture = "base crypto http config entra keyvault keyring provider vault host cli demo"
        self.expect(arrows.findings, {"ARCHITECTURE.md": picture, name: f"/* x */\n#include {include}\n"}, *wanted)

    def test_downwards(self):
        self.expect_include("src/crypto/a.c", '"base/err.h"')
        self.expect_include("src/crypto/a.c", '"crypto/crypto.h"')
        self.expect_include("src/provider/a.c", '"openekm/sqlcrypt_abi.h"')
        self.expect_include("src/provider/a.c", "<string.h>")

    def test_upwards(self):
        self.expect_include("src/base/a.c", '"crypto/crypto.h"', "src/base/a.c:2: base may not include")
        self.expect_include("src/provider/a.h", '"keyvault/keys.h"', "provider may not include")
        self.expect_include("src/vault/a.c", '"keyvault/keys.h"', "vault may not include")
        self.expect_include("src/host/a.c", '"crypto/crypto.h"', "host may not include")
        self.expect_include("src/keyring/a.c", '"openekm/sqlcrypt_abi.h"', "keyring may not include")
        self.expect_include("demo/a.c", '"provider/wire.h"', "demo may not include")

    def test_exceptions_of_files(self):
        self.expect_include("src/provider/wire.c", '"http/http.h"')
        self.expect_include("src/provider/wire.h", '"http/http.h"', "provider may not include")
        self.expect_include("src/vault/admin_key.c", '"http/http.h"', "vault may not include")

    def test_form(self):
        self.expect_include("src/base/a.c", '"err.h"', 'write "layer/file"')
        self.expect_include("src/base/a.c", '"../crypto/crypto.h"', "base may not include")

    def test_libraries(self):
        self.expect_include("src/vault/a.c", "<sqlite3.h>")
        self.expect_include("src/base/a.c", "<sqlite3.h>", "belongs in")
        self.expect_include("src/base/posix/a.c", "<sys/stat.h>")
        self.expect_include("src/config/a.c", "<unistd.h>", "belongs in")
        self.expect_include("src/config/a.c", "<inih.h>", "a new dependency")

    def test_unknown_layer(self):
        self.expect_include("src/drawer/a.c", "<string.h>", "drawer/: not in the table")

    def test_picture(self):
        self.expect(arrows.findings, {"ARCHITECTURE.md": "nothing", "src/base/a.c": ""}, "base/: not named")


class Tidy(Planted):
    def expect_c(self, text, *wanted, name="src/base/a.c", allowed=""):
        self.expect(tidy.findings, {"tests/lint/allowed.txt": allowed, name: text}, *wanted)

    def expect_h(self, body, *wanted, allowed=""):
        text = f"#ifndef EKM_BASE_A_H\n#define EKM_BASE_A_H\n\n{body}\n#endif\n"
        self.expect_c(text, *wanted, name="src/base/a.h", allowed=allowed)

    def test_function_length(self):
        body = "void a(int b,\n       int c) {\n" + "  b++;\n" * 67 + "}\n"
        self.expect_c(body)
        self.expect_c(body.replace("}", "  c++;\n}"), "src/base/a.c:1: a has 71 lines")
        self.expect_c(body.replace("  b++;", "  static int d[] = {\n    {1, 2},\n    {3, 4},\n  };\n  b++;", 1),
                      "src/base/a.c:1: a has 72 lines")
        self.expect_c("static const int a[] = {\n" + "  1,\n" * 100 + "};\n")

    def test_file_length(self):
        self.expect_c("int a;\n" * 800)
        self.expect_c("int a;\n" * 801, "801 lines")

    def test_line_length(self):
        self.expect_c("/* " + 114 * "–" + " */\n")
        self.expect_c("/* " + 115 * "a" + " */\n", "src/base/a.c:1: 121 characters")

    def test_banned_calls(self):
        self.expect_c("void a(void) {\n  strcpy(b, c);\n}\n", "src/base/a.c:2: strcpy is banned")
        self.expect_c("void a(void) {\n  return memcmp(b, c, 1);\n}\n", "memcmp is banned")
        self.expect_c("void a(void) {\n  b->free(c);  /* free(c) */\n}\n")
        self.expect_c("int memcmp_like(int a);\n")
        self.expect_c("void a(void) {\n  printf(\"b\");\n}\n", "printf is banned")
        self.expect_c("void a(void) {\n  printf(\"b\");\n}\n", name="src/cli/a.c")
        self.expect_c("void a(void) {\n  usleep(1);\n}\n", "usleep is banned", name="tests/unit/a.c")
        self.expect_c("void a(void) {\n  free(b);\n}\n", allowed="call src/base/a.c free  # the one home\n")

    def test_platform(self):
        self.expect_c("#ifdef _WIN32\n#endif\n", "_WIN32 outside the platform files")
        self.expect_c("#ifdef _WIN32\n#endif\n", name="src/base/windows/a.c")

    def test_reveals(self):
        reveal = "void a(void) {\n  b(ekm_secret_reveal(c));\n}\n"
        self.expect_c(reveal, "reveals a secret 1 times")
        self.expect_c(reveal, allowed="reveal src/base/a.c 1  # the form that goes out\n")
        self.expect_c(reveal, "reveals a secret 1 times", "nothing needs 'reveal src/base/a.c 2'",
                      allowed="reveal src/base/a.c 2  # the form that goes out\n")

    def test_messages(self):
        self.expect_c('void a(void) {\n  EKM_FAIL(err, B, "\'%s\' is empty", c);\n}\n')
        self.expect_c('void a(void) {\n  EKM_FAIL(err, B, "it is empty.");\n}\n', "without a full stop")
        self.expect_c('void a(void) {\n  EKM_FAIL(err, B, "The file is empty");\n}\n', "with a small letter")

    def test_allowances_need_a_reason_and_a_use(self):
        self.expect_c("int a;\n", "write <rule> <path>", allowed="call src/base/a.c free\n")
        self.expect_c("int a;\n", "nothing needs", allowed="call src/base/a.c free  # the one home\n")

    def test_contracts(self):
        self.expect_h("/* a(b): does it. */\nvoid a(int b);\nvoid c(int b);\n")
        self.expect_h("/* a(b): does it. */\nvoid a(int b);\n\n#define A 1 \\\n  + 1\nvoid c(int b,\n  int d);\nvoid e(void);\n")
        self.expect_h("void a_init(int b);\n")
        self.expect_h("void a(int b);\n", "a has no comment")
        self.expect_h("/* a(b): does it. */\nvoid a(int b);\nextern int d;\n\nvoid c(int b);\n", "c has no comment")
        self.expect_h("/* far away */\n\nvoid a(int b);\n", "a has no comment")

    def test_parameters(self):
        six = "/* a: does it. */\nvoid a(int b, int c, int d, void (*e)(int f, int g), int h,\n       int i);\n"
        self.expect_h(six)
        self.expect_h(six.replace("int i)", "int i, ...) EKM_PRINTF(7, 8)"))
        self.expect_h(six.replace("int i)", "int i, ekm_err *err)"))
        self.expect_h(six.replace("int i", "int i, int j"), "a takes 7 parameters")
        self.expect_h(six.replace("int i", "int i, int j"), allowed="parameters src/base/a.h a  # others' interface\n")

    def test_guards(self):
        self.expect_c("#ifndef A_H\n#define A_H\n#endif\n", "the include guard is EKM_BASE_A_H", name="src/base/a.h")
        self.assertEqual(tidy.guards_of("include/openekm/sqlcrypt_abi.h"), ["OPENEKM_SQLCRYPT_ABI_H"])
        self.assertEqual(tidy.guards_of("tests/support/clock.h"), ["EKM_TESTS_SUPPORT_CLOCK_H"])
        self.assertEqual(tidy.guards_of("src/host/host_key.h"), ["EKM_HOST_HOST_KEY_H", "EKM_HOST_KEY_H"])

    def test_text(self):
        self.expect_c("int a; \n", "spaces at the end")
        self.expect_c("int\ta;\n", "a tab")
        self.expect_c("int a;", "no newline at the end")
        self.expect_c("/* /" + "work/main */\n", "a path of one machine")
        self.expect_c("/* https://deb" + ".example.org/ */\n", "the host of a package registry")


class Headers(Planted):
    def test_alone(self):
        self.expect(lambda root: headers.findings(root, "cc", "c++"), {"src/base/a.h": "#include <stdint.h>\nuint8_t a;\n"})
        self.expect(lambda root: headers.findings(root, "cc", "c++"), {"src/base/a.h": "uint8_t a;\n"},
                    "src/base/a.h: does not compile alone")
        self.expect(lambda root: headers.findings(root, "cc", "c++"), {"include/openekm/a.h": "int *class;\n"},
                    "does not compile alone with -xc++")


class Exports(unittest.TestCase):
    def test_planted_library(self):
        with tempfile.TemporaryDirectory() as root:
            plant(root, {"a.c": "#include <stdio.h>\n_Thread_local int a;\n"
                                "int SqlCryptEncrypt(void) { return puts(\"\"); }\nint b(void) { return a; }\n"})
            exports.run("cc", "-c", "-fPIC", f"{root}/a.c", "-o", f"{root}/a.o")
            exports.run("cc", "-shared", f"{root}/a.o", "-o", f"{root}/a.so")
            found = "\n".join(exports.findings(f"{root}/a.so", [f"{root}/a.o"]))
        self.assertIn("does not export SqlCryptDecrypt", found)
        self.assertNotIn("does not export SqlCryptEncrypt", found)
        self.assertIn("exports b", found)
        self.assertIn("lacks the flag NODELETE", found)
        self.assertIn("lacks freedom from storage in each thread", found)
        self.assertIn("calls puts, which prints where the host prints", found)

    def test_missing_library(self):
        self.assertIn("not built", exports.findings("/nowhere/libopenekm.so", [])[0])


if __name__ == "__main__":
    unittest.main()
