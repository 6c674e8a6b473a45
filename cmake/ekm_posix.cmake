# What the programs and the library for POSIX systems are linked with: the distribution's libraries.

add_compile_definitions(_GNU_SOURCE)
add_link_options(-Wl,-z,relro,-z,now -Wl,-z,noexecstack)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(TLS REQUIRED IMPORTED_TARGET libssl) # libcurl's own, for what it has no option for
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(P11KIT REQUIRED IMPORTED_TARGET p11-kit-1)
find_library(EKM_JANSSON_STATIC NAMES libjansson.a REQUIRED)

# jansson, static and hidden, so that its allocator can be ours (base/json.h). The distribution compiles the archive
# for programs: one comparison with stdin is all that keeps it out of a shared library, so that name is redirected to
# a variable of base/json.c.
set(EKM_JANSSON ${CMAKE_BINARY_DIR}/libjansson_hidden.a)
execute_process(COMMAND ${CMAKE_OBJCOPY} --redefine-sym stdin=ekm_json_no_stdin ${EKM_JANSSON_STATIC} ${EKM_JANSSON}
  COMMAND_ERROR_IS_FATAL ANY)
set(EKM_PLATFORM_LIBRARIES ${EKM_JANSSON} Threads::Threads ${CMAKE_DL_LIBS})
set(EKM_CRYPTO_LIBRARIES PkgConfig::CRYPTO)
set(EKM_HTTP_LIBRARIES PkgConfig::CURL PkgConfig::TLS)
set(EKM_CMOCKA PkgConfig::CMOCKA)
