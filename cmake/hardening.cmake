# Compiler and linker flags of every target, through the interface target wb_options.
add_library(wb_options INTERFACE)
target_compile_options(wb_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wcast-align -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers
  -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(wb_options INTERFACE -ftrivial-auto-var-init=zero)
endif()
target_compile_definitions(wb_options INTERFACE _GLIBCXX_ASSERTIONS $<$<CONFIG:Release>:_FORTIFY_SOURCE=3>)
target_link_options(wb_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack
                    $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)
if(WB_SANITIZE)
  target_compile_options(wb_options INTERFACE -fsanitize=${WB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(wb_options INTERFACE -fsanitize=${WB_SANITIZE})
endif()
if(WB_BUILD_FUZZ)
  target_compile_options(wb_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
