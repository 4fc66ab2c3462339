# End-to-end tests of wbsync against the recording server: the real program, real sockets, real kills.
if(WB_BUILD_SYNC)
  add_executable(wb_make_journal ${PROJECT_SOURCE_DIR}/tests/wire/make_journal.cc)
  target_link_libraries(wb_make_journal PRIVATE wb_test_support)
  file(GLOB wb_wire_scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/wire/test_*.py)
  foreach(script ${wb_wire_scripts})
    get_filename_component(name ${script} NAME_WE)
    string(REPLACE "test_" "" name ${name})
    add_test(NAME wire.${name} COMMAND ${Python3_EXECUTABLE} ${script})
    set_tests_properties(wire.${name} PROPERTIES TIMEOUT 300 ENVIRONMENT
      "WB_WBSYNC=$<TARGET_FILE:wbsync>;WB_MAKE_JOURNAL=$<TARGET_FILE:wb_make_journal>")
  endforeach()
endif()
