# How the sources read, as far as a program can tell.
add_test(NAME house.format COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/house/check_format.py)
if(WB_BUILD_SYNC)
  add_test(NAME house.hardening COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/house/check_hardening.py
                                        $<TARGET_FILE:wbsync> $<TARGET_FILE:wbkeep> $<TARGET_FILE:wb>)
endif()
