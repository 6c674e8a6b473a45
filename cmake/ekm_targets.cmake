# The few functions that every CMakeLists.txt of the tree uses.

option(EKM_SANITIZE "sanitizers to build with: '', 'address;undefined', 'thread', or with clang also 'fuzzer-no-link'" "")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_compile_definitions(_GNU_SOURCE)
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/warnings.flags EKM_WARNINGS) # one home: scripts/windows.mk reads it too
add_compile_options(${EKM_WARNINGS} -fstack-protector-strong -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(EKM_SANITIZE)
  list(JOIN EKM_SANITIZE "," sanitizers)
  add_compile_options(-fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-format-truncation -Wno-maybe-uninitialized) # it guesses wrongly around instrumented code
  endif()
  add_link_options(-fsanitize=${sanitizers})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
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

# ekm_layer(<layer> SOURCES ... DEPENDS ...): the static library ekm_<layer> of src/<layer>.
function(ekm_layer layer)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(ekm_${layer} STATIC ${arg_SOURCES})
  target_include_directories(ekm_${layer} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(ekm_${layer} PUBLIC ${arg_DEPENDS})
endfunction()

# ekm_unit_test(<name> SOURCES ... LINK ...): a cmocka program and the ctest of the same name.
function(ekm_unit_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE ${arg_LINK} PkgConfig::CMOCKA)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS unit)
endfunction()
