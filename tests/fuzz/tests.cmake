# The corpora, replayed without libFuzzer. make_seeds is built and run by hand.
set(fuzz_targets ${PROJECT_SOURCE_DIR}/tests/fuzz/targets.cc ${PROJECT_SOURCE_DIR}/tests/fuzz/column_targets.cc)
add_executable(test_fuzz ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus_test.cc ${fuzz_targets})
target_link_libraries(test_fuzz PRIVATE wb_journal GTest::gtest_main)
target_compile_definitions(test_fuzz PRIVATE WB_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
gtest_discover_tests(test_fuzz TEST_PREFIX "fuzz." DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)

add_executable(make_seeds EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/fuzz/make_seeds.cc ${fuzz_targets})
target_link_libraries(make_seeds PRIVATE wb_journal)
