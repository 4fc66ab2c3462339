// SparseMemory: the content of a disk; only what is not zero takes memory.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace wb::test {

class SparseMemory {
 public:
  explicit SparseMemory(std::size_t bytes) : bytes_(bytes) {
    void* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(memory);
  }
  ~SparseMemory() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }
  SparseMemory(SparseMemory&& other) noexcept : bytes_(other.bytes_), data_(std::exchange(other.data_, nullptr)) {}
  SparseMemory& operator=(SparseMemory&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(data_, other.data_);
    return *this;
  }

  std::size_t size() const { return bytes_; }
  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }

  /// Makes `to` (of the same size) equal to this, leaving alone the pages that are.
  void copy_to(std::byte* to) const {
    for (std::size_t at = 0; at < bytes_; at += kPageBytes) {
      const std::size_t count = std::min(kPageBytes, bytes_ - at);
      if (std::memcmp(to + at, data_ + at, count) != 0) std::memcpy(to + at, data_ + at, count);
    }
  }

 private:
  static constexpr std::size_t kPageBytes = 4096;
  std::size_t bytes_ = 0;
  std::byte* data_ = nullptr;
};

}  // namespace wb::test
