# The tests in Python: one CTest test a file, run with .venv against the Release build (the extension is always Release).
if(NOT WB_SANITIZE MATCHES "thread" AND NOT WB_MUTANT AND NOT TEST python.release_build)
  set(wb_release_bin ${PROJECT_SOURCE_DIR}/build/release/bin)
  set(wb_venv_python ${PROJECT_SOURCE_DIR}/.venv/bin/python)
  # What they run; nothing to do, and quick, where tools/test was called.
  add_test(NAME python.setup COMMAND ${PROJECT_SOURCE_DIR}/tools/setup)
  add_test(NAME python.release_build COMMAND ${PROJECT_SOURCE_DIR}/tools/build release wbsync wbkeep)
  set_tests_properties(python.setup python.release_build PROPERTIES FIXTURES_SETUP wb_release TIMEOUT 1800 RUN_SERIAL ON)

  # wb_python_tests(FOLDER TIMEOUT_S PROCESSORS)
  function(wb_python_tests folder timeout_s processors)
    file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/test_*.py)
    foreach(script ${scripts})
      get_filename_component(name ${script} NAME_WE)
      string(REPLACE "test_" "" name ${name})
      add_test(NAME ${folder}.${name} COMMAND ${wb_venv_python} -m pytest -q --rootdir ${PROJECT_SOURCE_DIR} ${script})
      set_tests_properties(${folder}.${name} PROPERTIES FIXTURES_REQUIRED wb_release TIMEOUT ${timeout_s}
                           PROCESSORS ${processors} ENVIRONMENT "WB_TEST_BIN=${wb_release_bin}")
    endforeach()
  endfunction()
  wb_python_tests(python 300 1)
  wb_python_tests(end_to_end 300 2)
endif()
