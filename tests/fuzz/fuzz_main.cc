// The entry point of one libFuzzer program; WB_FUZZ_TARGET names its function.
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  wb::WB_FUZZ_TARGET({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
