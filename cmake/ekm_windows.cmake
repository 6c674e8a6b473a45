# What the programs and the library for Windows are linked with: the static libraries that scripts/windows_libs.sh made,
# and what Windows brings along.

set(EKM_WINDOWS_LIBS ${CMAKE_SOURCE_DIR}/build/windows-libs CACHE PATH "what scripts/windows_libs.sh made")
if(NOT EXISTS ${EKM_WINDOWS_LIBS}/versions.txt)
  message(FATAL_ERROR "${EKM_WINDOWS_LIBS} is empty: scripts/windows_libs.sh fills it; make windows does it all")
endif()
find_program(EKM_PYTHON NAMES python3 REQUIRED)
find_program(EKM_WINDMC NAMES x86_64-w64-mingw32-windmc REQUIRED)
include_directories(SYSTEM ${EKM_WINDOWS_LIBS}/include)

add_compile_definitions(_WIN32_WINNT=0x0A00 UNICODE _UNICODE __USE_MINGW_ANSI_STDIO=1 CURL_STATICLIB)

# Moved at every load, no executable data; no time of day and nothing of the build folder: two builds are the same bytes.
# With -fstack-protector-strong the linker brings libssp.
add_compile_options(-ffile-prefix-map=${CMAKE_BINARY_DIR}=build)
add_link_options(-static -static-libgcc -fstack-protector-strong
  -Wl,--dynamicbase,--nxcompat,--high-entropy-va,--no-insert-timestamp,--exclude-all-symbols)

set(EKM_PLATFORM_LIBRARIES ${EKM_WINDOWS_LIBS}/lib/libjansson.a)
# bcrypt before ncrypt: the import library of ncrypt.dll has names of bcrypt.dll, too, not all of which Windows' file has.
set(EKM_CRYPTO_LIBRARIES bcrypt ncrypt crypt32 advapi32)
set(EKM_HTTP_LIBRARIES ${EKM_WINDOWS_LIBS}/lib/libcurl.a ws2_32 crypt32 bcrypt)
set(EKM_CMOCKA ${EKM_WINDOWS_LIBS}/lib/libcmocka.a)

# --- what every file of ours says of itself -----------------------------------------------------------------------

# The constants of the product line have one home, src/provider/product.h.
set(product ${CMAKE_SOURCE_DIR}/src/provider/product.h)
file(STRINGS ${product} line REGEX "^#define PROVIDER_NAME ")
string(REGEX REPLACE ".*\"(.*)\"" "\\1" EKM_PRODUCT_NAME "${line}")
file(STRINGS ${product} line REGEX "^#define PROVIDER_VERSION ")
string(REGEX REPLACE ".*{([0-9]+), ([0-9]+), ([0-9]+), ([0-9]+)}" "\\1,\\2,\\3,\\4" EKM_PRODUCT_VERSION "${line}")
string(REPLACE "," "." EKM_PRODUCT_VERSION_TEXT "${EKM_PRODUCT_VERSION}")
set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${product})

# ekm_windows_image(<target> <file name> <VFT_DLL or VFT_APP> <description>):
# What each DLL and program that leaves the house has: VERSIONINFO, imports from System32 only, no symbols.
function(ekm_windows_image target EKM_FILE_NAME EKM_FILE_TYPE EKM_FILE_DESCRIPTION)
  set(resource ${CMAKE_CURRENT_BINARY_DIR}/${target}.rc)
  configure_file(${CMAKE_SOURCE_DIR}/cmake/version.rc.in ${resource} @ONLY)
  target_sources(${target} PRIVATE ${resource} ${CMAKE_SOURCE_DIR}/src/base/windows/load_config.c)
  target_link_options(${target} PRIVATE -s)
  set(script ${CMAKE_SOURCE_DIR}/scripts/load_config.py)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script})
  add_custom_command(TARGET ${target} POST_BUILD COMMAND ${EKM_PYTHON} -B ${script} $<TARGET_FILE:${target}> VERBATIM)
endfunction()

# --- events ---------------------------------------------------------------------------------------------------------

# ekm_message_table(<target>): the texts of the events that it writes, one for each code of the table of errors.
function(ekm_message_table target)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_messages)
  set(scripts ${CMAKE_SOURCE_DIR}/scripts)
  add_custom_command(OUTPUT ${out}/messages.rc ${out}/MSG00409.bin
    COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
    COMMAND ${EKM_PYTHON} -B ${scripts}/gen_messages.py ${out}/messages.mc
    COMMAND ${EKM_WINDMC} -U -h ${out} -r ${out} ${out}/messages.mc
    DEPENDS ${scripts}/gen_messages.py ${scripts}/gen_errors.py ${CMAKE_SOURCE_DIR}/src/base/err_table.def VERBATIM)
  set_source_files_properties(${out}/messages.rc PROPERTIES INCLUDE_DIRECTORIES ${out} OBJECT_DEPENDS ${out}/MSG00409.bin)
  target_sources(${target} PRIVATE ${out}/messages.rc)
endfunction()

# --- exports --------------------------------------------------------------------------------------------------------

# ekm_export_abi(<target>): exactly the functions of sqlcrypt_abi.h, under their plain names.
function(ekm_export_abi target)
  set(abi ${CMAKE_SOURCE_DIR}/include/openekm/sqlcrypt_abi.h)
  file(READ ${abi} text)
  string(REGEX MATCHALL "\n  X\\([A-Z][A-Za-z]+," rows "${text}")
  list(TRANSFORM rows REPLACE "\n  X.(.*)," "  SqlCrypt\\1")
  list(LENGTH rows count)
  file(STRINGS ${abi} wanted REGEX "^enum { SQLCRYPT_FUNCTION_COUNT = [0-9]+ };")
  string(REGEX MATCH "[0-9]+" wanted "${wanted}")
  if(NOT count EQUAL wanted)
    message(FATAL_ERROR "${abi} has ${count} rows in SQLCRYPT_FUNCTIONS, and SQLCRYPT_FUNCTION_COUNT is ${wanted}")
  endif()
  list(JOIN rows "\n" rows)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${abi})
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${target}.def CONTENT "LIBRARY ${target}.dll\nEXPORTS\n${rows}\n")
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${target}.def)
endfunction()
