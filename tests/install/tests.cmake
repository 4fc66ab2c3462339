# The installed package, as a user's CMake project finds it.
if(WB_BUILD_SYNC)
  set(wb_consumer_flags "")
  if(WB_SANITIZE)
    set(wb_consumer_flags "-fsanitize=${WB_SANITIZE}")
  endif()
  add_test(NAME install.find_package
           COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DSOURCE=${PROJECT_SOURCE_DIR}/tests/install
                   -DWORK=${PROJECT_BINARY_DIR}/install_test -DFLAGS=${wb_consumer_flags}
                   -P ${PROJECT_SOURCE_DIR}/tests/install/check.cmake)
  set_tests_properties(install.find_package PROPERTIES TIMEOUT 300)
endif()
