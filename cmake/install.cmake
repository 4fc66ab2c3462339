# cmake --install: libwb with its headers and package files, wbkeep, wbsync.
include(CMakePackageConfigHelpers)
install(TARGETS wb EXPORT wbTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS wbkeep RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(WB_BUILD_SYNC)
  install(TARGETS wbsync RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY include/wb DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT wbTargets NAMESPACE wb:: FILE wbTargets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/wb)
file(WRITE ${PROJECT_BINARY_DIR}/wbConfig.cmake "include(\${CMAKE_CURRENT_LIST_DIR}/wbTargets.cmake)\n")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wbConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/wbConfig.cmake ${PROJECT_BINARY_DIR}/wbConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/wb)
