// The README's C++ example as a program of a user.
#include <wb/run.h>

int main() {
  auto run = wb::Run::open({.project = "digits", .group = "sweep-7"});
  if (!run.ok()) return 1;
  for (std::int64_t step = 0; step < 1000; ++step) {
    run.value()->log({{{"train/loss", 1.0 / static_cast<double>(step + 1)}, {"lr", 0.1}}}, {.step = step});
  }
  return run.value()->finish(0).ok() ? 0 : 1;
}
