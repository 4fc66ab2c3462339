// Runs the stepper's tests.
#include <gtest/gtest.h>
#include <malloc.h>

int main(int argument_count, char** arguments) {
  // A recovery takes and gives back buffers of a megabyte; as fresh pages from the system each time they would be most
  // of its cost.
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  testing::InitGoogleTest(&argument_count, arguments);
  return RUN_ALL_TESTS();
}
