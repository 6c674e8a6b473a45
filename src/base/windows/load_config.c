/* What Windows' loader reads of a DLL or a program before it loads what it imports: imports come from System32, and
 * a file of the same name beside ours is not looked at (Windows 10 1607 and Server 2016 on; the linker of Visual Studio
 * calls it /DEPENDENTLOADFLAG).
 *
 *   data directory 10 --> section .loadcfg, this struct (PE format, "The Load Configuration Structure")
 *     0    size of what follows
 *     78   the flags of LoadLibraryEx for imports
 *
 * GNU ld does not fill data directory 10: scripts/load_config.py does, after the link. */
#include <windows.h>

enum { LOAD_CONFIG_BYTES = 112, FLAGS_AT = 78 };

typedef struct load_config {
  DWORD size;
  BYTE before_flags[FLAGS_AT - sizeof(DWORD)];
  WORD import_flags;
  BYTE after_flags[LOAD_CONFIG_BYTES - FLAGS_AT - sizeof(WORD)];
} load_config;

_Static_assert(offsetof(load_config, import_flags) == FLAGS_AT, "no padding before the flags");
_Static_assert(sizeof(load_config) == LOAD_CONFIG_BYTES, "no padding at the end");

__attribute__((used, section(".loadcfg"))) static const load_config config = {
    .size = LOAD_CONFIG_BYTES, .import_flags = LOAD_LIBRARY_SEARCH_SYSTEM32};
