# The C ABI from a C11 program that sees wb.h and libwb only, and a look at what libwb exports.
add_executable(c_api_test ${CMAKE_CURRENT_LIST_DIR}/c_api_test.c)
target_link_libraries(c_api_test PRIVATE wb::wb)
target_compile_options(c_api_test PRIVATE -std=c11 -Wall -Wextra -Wpedantic)
if(WB_SANITIZE)
  target_link_options(c_api_test PRIVATE -fsanitize=${WB_SANITIZE})
endif()
add_dependencies(c_api_test wbkeep)
add_test(NAME writer.c_api COMMAND c_api_test ${PROJECT_BINARY_DIR}/c_api_test_runs)
set_tests_properties(writer.c_api PROPERTIES TIMEOUT 120)

# libwb exports the C ABI and wb::Run, nothing else: no template of the standard library, none of its insides.
add_test(NAME writer.exports
         COMMAND ${CMAKE_COMMAND} -DLIBRARY=$<TARGET_FILE:wb> -DNM=${CMAKE_NM}
                 -P ${CMAKE_CURRENT_LIST_DIR}/check_exports.cmake)

if(TARGET test_writer)
  add_dependencies(test_writer wbkeep)
endif()
