# The few functions that every CMakeLists.txt of the tree uses.

option(EKM_SANITIZE "sanitizers to build with: '', 'address;undefined', 'thread', or with clang also 'fuzzer-no-link'" "")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# The files of a layer that differ by platform: base/<EKM_SYSTEM>/x.c, x_<EKM_CRYPTO>.c, x_<EKM_TLS>.c.
if(WIN32)
  set(EKM_SYSTEM windows)
  set(EKM_CRYPTO cng)
  set(EKM_TLS schannel)
else()
  set(EKM_SYSTEM posix)
  set(EKM_CRYPTO openssl)
  set(EKM_TLS openssl)
endif()

file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/warnings.flags EKM_WARNINGS)
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
include(ekm_${EKM_SYSTEM})

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
  target_link_libraries(${name} PRIVATE ${arg_LINK} ${EKM_CMOCKA})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS unit)
endfunction()
