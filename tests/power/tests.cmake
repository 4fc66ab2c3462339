# Power cuts under a real training process and its keeper. As root; they fail where loop devices or FUSE are missing.
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3)
wb_test_folder(power wb_writer wb_keeper PkgConfig::FUSE3)
file(GLOB wb_power_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cc)
list(FILTER wb_power_sources EXCLUDE REGEX "(_test|/trainer)\\.cc$")
target_sources(test_power PRIVATE ${wb_power_sources})
add_executable(wb_power_trainer ${CMAKE_CURRENT_LIST_DIR}/trainer.cc)
target_link_libraries(wb_power_trainer PRIVATE wb_writer)
add_dependencies(test_power wbkeep wb_power_trainer)
