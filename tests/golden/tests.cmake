# Golden journals: read by wbsync and by an independent reader. make_golden is built and run by hand for a new version.
add_executable(make_golden EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/golden/make_golden.cc)
target_link_libraries(make_golden PRIVATE wb_journal GTest::gtest)
if(WB_BUILD_SYNC)
  add_test(NAME golden.v0 COMMAND ${PROJECT_SOURCE_DIR}/.venv/bin/python ${PROJECT_SOURCE_DIR}/tests/golden/check.py
                                  $<TARGET_FILE:wbsync> ${PROJECT_SOURCE_DIR}/tests/golden/v0 6)
  set_tests_properties(golden.v0 PROPERTIES TIMEOUT 120)
endif()
