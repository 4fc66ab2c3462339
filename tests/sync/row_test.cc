// Rows: the wire's steps.
#include "sync/row.h"

#include <gtest/gtest.h>

namespace wb {
namespace {

TEST(WireStep, RisesAndStaysAtTheEndOfTheNumbers) {
  EXPECT_EQ(next_wire_step(-1, 0), 0);
  EXPECT_EQ(next_wire_step(-1, -5), 0);
  EXPECT_EQ(next_wire_step(7, 7), 8);
  EXPECT_EQ(next_wire_step(7, 20), 20);
  EXPECT_EQ(next_wire_step(INT64_MAX - 1, INT64_MAX), INT64_MAX);
  EXPECT_EQ(next_wire_step(INT64_MAX, INT64_MAX), INT64_MAX);
  EXPECT_EQ(next_wire_step(INT64_MAX, 3), INT64_MAX);
}

}  // namespace
}  // namespace wb
