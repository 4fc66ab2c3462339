# Golden journals: read by wbsync and by an independent reader. make_golden is built and run by hand for a new version.
add_executable(make_golden EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/golden/make_golden.cc)
target_link_libraries(make_golden PRIVATE wb_journal GTest::gtest)
if(WB_BUILD_SYNC)
  function(wb_golden_version version count)
    add_test(NAME golden.${version}
             COMMAND ${PROJECT_SOURCE_DIR}/.venv/bin/python ${PROJECT_SOURCE_DIR}/tests/golden/check.py
                     $<TARGET_FILE:wbsync> ${PROJECT_SOURCE_DIR}/tests/golden/${version} ${count})
    set_tests_properties(golden.${version} PROPERTIES TIMEOUT 120)
  endfunction()
  wb_golden_version(v0 6)
  wb_golden_version(v1 8)
endif()
