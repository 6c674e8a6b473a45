# Programs that load libopenekm.so as the engine does; its path and akvd's are compiled in.
set(EKM_CONNECTOR_SUPPORT ${CMAKE_SOURCE_DIR}/tests/support/connector.c)
set(EKM_HOSTILE_SUPPORT ${EKM_CONNECTOR_SUPPORT} ${CMAKE_SOURCE_DIR}/tests/support/hostile_server.c
  ${CMAKE_SOURCE_DIR}/tests/support/hostile_answer.c ${CMAKE_CURRENT_SOURCE_DIR}/hostile_vault_fixture.c)

set(EKM_RELAY_SUPPORT ${CMAKE_SOURCE_DIR}/tests/support/relay.c ${CMAKE_SOURCE_DIR}/tests/support/connect_proxy.c)

set(EKM_NETWORK_SUPPORT ${EKM_RELAY_SUPPORT} ${CMAKE_SOURCE_DIR}/tests/support/dns_server.c
  ${CMAKE_SOURCE_DIR}/tests/support/namespace.c ${CMAKE_SOURCE_DIR}/tests/support/process_size.c)

# ekm_connector_test(<name> SOURCES ... LINK ... LABELS ...)
function(ekm_connector_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;LABELS" ${ARGN})
  ekm_unit_test(${name} SOURCES ${name}.c ${arg_SOURCES} LINK ${arg_LINK} ekm_host ekm_base)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE EKM_TEST_PROVIDER="$<TARGET_FILE:openekm>")
  add_dependencies(${name} openekm)
  if(TARGET akvd)
    target_compile_definitions(${name} PRIVATE EKM_TEST_AKVD="$<TARGET_FILE:akvd>")
    add_dependencies(${name} akvd)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "integration;${arg_LABELS}" TIMEOUT 120)
endfunction()

ekm_connector_test(test_hostile_manners SOURCES ${EKM_HOSTILE_SUPPORT} LINK ekm_keys PkgConfig::TLS)
ekm_connector_test(test_hostile_vault SOURCES ${EKM_HOSTILE_SUPPORT} LINK ekm_keys PkgConfig::TLS)
ekm_connector_test(test_hostile_silence SOURCES ${EKM_HOSTILE_SUPPORT} LINK ekm_keys PkgConfig::TLS)
ekm_connector_test(test_hostile_sign_in SOURCES ${EKM_HOSTILE_SUPPORT} LINK ekm_keys PkgConfig::TLS)

if(TARGET akvd)
  set(EKM_END_TO_END_SUPPORT ${EKM_CONNECTOR_SUPPORT} ${CMAKE_SOURCE_DIR}/tests/support/akvd_process.c
    ${CMAKE_CURRENT_SOURCE_DIR}/end_to_end_fixture.c)
  ekm_connector_test(test_end_to_end SOURCES ${EKM_END_TO_END_SUPPORT})
  ekm_connector_test(test_end_to_end_crowd SOURCES ${EKM_END_TO_END_SUPPORT})
  ekm_connector_test(test_end_to_end_dns SOURCES ${EKM_END_TO_END_SUPPORT} ${EKM_NETWORK_SUPPORT})
  ekm_connector_test(test_end_to_end_network SOURCES ${EKM_END_TO_END_SUPPORT} ${EKM_NETWORK_SUPPORT})
  ekm_connector_test(test_end_to_end_proxy SOURCES ${EKM_END_TO_END_SUPPORT} ${EKM_RELAY_SUPPORT})
  ekm_connector_test(test_end_to_end_rounds SOURCES ${EKM_END_TO_END_SUPPORT} ${EKM_NETWORK_SUPPORT} LABELS unsanitized)
  set_tests_properties(test_end_to_end_rounds PROPERTIES TIMEOUT 300)
  set_tests_properties(test_end_to_end_network PROPERTIES TIMEOUT 180)
  # Ten minutes in "make soak", a few seconds here.
  ekm_connector_test(soak SOURCES soak_weather.c soak_worker.c ${EKM_END_TO_END_SUPPORT} ${EKM_NETWORK_SUPPORT})
  set_tests_properties(soak PROPERTIES TIMEOUT 120 ENVIRONMENT "DURATION=6;SEED=1")
  ekm_connector_test(test_end_to_end_secrets SOURCES ${EKM_END_TO_END_SUPPORT})

  # akvd as a program, from a shell.
  add_test(NAME test_akvd_process_admin COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/test_akvd_process_admin.sh
    $<TARGET_FILE:akvd> ${CMAKE_SOURCE_DIR}/docs/man/akvd.1)
  add_test(NAME test_akvd_process_identity COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/test_akvd_process_identity.sh
    $<TARGET_FILE:akvd>)
  add_test(NAME test_akvd_process_audit COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/test_akvd_process_audit.sh
    $<TARGET_FILE:akvd>)
  add_test(NAME test_akvd_process_serve COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/test_akvd_process_serve.sh
    $<TARGET_FILE:akvd>)
  add_test(NAME test_akvd_process_token COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/test_akvd_process_token.sh
    $<TARGET_FILE:akvd>)
  set_tests_properties(test_akvd_process_admin test_akvd_process_identity test_akvd_process_serve test_akvd_process_audit
    test_akvd_process_token
    PROPERTIES LABELS integration TIMEOUT 300)
endif()
