// MADV_WIPEONFORK, or the process id where a sandbox does not know it.
#include "writer/fork_page.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "schema/os_status.h"

namespace wb {
namespace {

constexpr std::size_t kPageBytes = 4096;  // Rounded up by the kernel where pages are larger.
constexpr unsigned kThreadShift = 32;

std::uint64_t this_thread() noexcept {
  return static_cast<std::uint64_t>(syscall(SYS_gettid));  // glibc 2.28 has no gettid().
}

}  // namespace

Result<ForkPage> ForkPage::create() {
  void* const place = mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return os_status(errno, "mapping a page");
  ForkPage page;
  page.word_ = new (place) std::atomic<std::uint64_t>(0);
  page.is_wiped_ = madvise(place, kPageBytes, MADV_WIPEONFORK) == 0;
  return page;
}

ForkPage::ForkPage(ForkPage&& other) noexcept
    : word_(std::exchange(other.word_, nullptr)), is_wiped_(other.is_wiped_) {}

ForkPage::~ForkPage() {
  if (word_ != nullptr) munmap(word_, kPageBytes);
}

ForkPage::State ForkPage::state_by_pid(std::uint64_t word) const noexcept {
  const bool is_ours = (word & UINT32_MAX) >> 2 == static_cast<std::uint64_t>(getpid());
  return is_ours ? static_cast<State>(word & 3) : State::kFresh;
}

std::uint64_t ForkPage::tagged(State state) const noexcept {
  const std::uint64_t pid = is_wiped_ ? 0 : static_cast<std::uint64_t>(getpid());
  return pid << 2 | static_cast<std::uint64_t>(state);
}

bool ForkPage::claim() noexcept {
  std::uint64_t word = word_->load(std::memory_order_acquire);
  const bool is_fresh = is_wiped_ ? word == 0 : state_by_pid(word) == State::kFresh;
  const std::uint64_t opening = tagged(State::kOpening) | this_thread() << kThreadShift;
  return is_fresh && word_->compare_exchange_strong(word, opening, std::memory_order_acq_rel);
}

bool ForkPage::is_opened_by_this_thread() const noexcept {
  return word_->load(std::memory_order_acquire) >> kThreadShift == this_thread();
}

void ForkPage::settle(State state) noexcept {
  word_->store(tagged(state), std::memory_order_release);
}

}  // namespace wb
