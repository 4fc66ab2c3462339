# How the sources read, as far as a program can tell.
add_test(NAME house.format COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/house/check_format.py)
