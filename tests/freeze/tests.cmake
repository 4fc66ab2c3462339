# Bad file systems under real training processes, as root; fails where loop devices or FUSE are missing.
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3)
add_executable(wb_freeze_trainer ${CMAKE_CURRENT_LIST_DIR}/trainer.cc)
target_link_libraries(wb_freeze_trainer PRIVATE wb_writer)
file(GLOB wb_freeze_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cc)
list(FILTER wb_freeze_sources EXCLUDE REGEX "/trainer\\.cc$")
add_executable(test_freeze ${wb_freeze_sources})
target_link_libraries(test_freeze PRIVATE wb_test_support PkgConfig::FUSE3 GTest::gtest_main)
target_compile_definitions(test_freeze PRIVATE WB_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                           WB_BINARY_DIR="${PROJECT_BINARY_DIR}")
add_dependencies(test_freeze wb_freeze_trainer wbkeep)

# One CTest test a cell, from the Release build: they time calls. The Python trainer's are in tools/campaign freeze.
if(NOT WB_SANITIZE MATCHES "thread" AND NOT WB_MUTANT)
  add_test(NAME freeze.release_build COMMAND ${PROJECT_SOURCE_DIR}/tools/build release test_freeze)
  set_tests_properties(freeze.release_build PROPERTIES FIXTURES_SETUP wb_freeze_release TIMEOUT 1800 RUN_SERIAL ON)
  # wb_freeze_test(NAME FILTER): exactly one test must match.
  function(wb_freeze_test name filter)
    add_test(NAME freeze.${name}
             COMMAND ${PROJECT_SOURCE_DIR}/build/release/bin/test_freeze --gtest_filter=${filter})
    set_tests_properties(freeze.${name} PROPERTIES FIXTURES_REQUIRED "wb_freeze_release;wb_release" TIMEOUT 200
                         PASS_REGULAR_EXPRESSION "PASSED  . 1 test\\.")
  endfunction()
  foreach(fault ext4_frozen xfs_frozen fuse_stopped no_space no_inodes over_quota io_error read_only stale_handle
                keeper_stopped keeper_killed processors_busy)
    wb_freeze_test(${fault} Cpp/*/${fault})
  endforeach()
endif()
