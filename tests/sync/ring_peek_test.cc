// Ring peek: the counts of a ring file, and nothing from files that are none.
#include "sync/ring_peek.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>

#include "schema/ring_layout.h"
#include "tests/support/journal_maker.h"

namespace wb {
namespace {

/// A ring file of a random journal, without its data area; gone with its scope.
class RingFile {
 public:
  RingFile() : header_(std::make_unique<RingHeader>()) {
    std::random_device random;
    for (std::byte& b : uuid_.bytes) b = static_cast<std::byte>(random());
    std::memcpy(header_->identity.magic, kRingMagic, sizeof kRingMagic);
    header_->identity.version = kRingVersion;
    std::memcpy(header_->identity.journal_uuid, uuid_.bytes.data(), uuid_.bytes.size());
    header_->producer.accepted_sequence = 30;
    header_->producer.dropped_count = 4;
    header_->keeper.written_sequence = 20;
    header_->keeper.durable_sequence = 10;
    path_ =
        "/dev/shm/" + std::string(kRingNamePrefix) + std::to_string(::getuid()) + "-" + uuid_.hex() + kRingNameSuffix;
    write(sizeof(RingHeader));
  }
  ~RingFile() { ::unlink(path_.c_str()); }
  RingFile(const RingFile&) = delete;
  RingFile& operator=(const RingFile&) = delete;

  void write(std::size_t bytes) const {
    test::write_file(path_, {reinterpret_cast<const char*>(header_.get()), bytes});
  }
  RingHeader& header() { return *header_; }
  const Uuid& uuid() const { return uuid_; }

 private:
  std::unique_ptr<RingHeader> header_;
  Uuid uuid_;
  std::string path_;
};

TEST(RingPeek, ReadsHowFarTheKeeperIs) {
  const RingFile ring;
  const std::optional<RingCounts> counts = peek_ring(ring.uuid());
  ASSERT_TRUE(counts.has_value());
  EXPECT_EQ(counts->accepted_sequence, 30u);
  EXPECT_EQ(counts->written_sequence, 20u);
  EXPECT_EQ(counts->durable_sequence, 10u);
  EXPECT_EQ(counts->dropped_count, 4u);
}

TEST(RingPeek, TakesNothingFromAFileThatIsNoRingOfThisJournal) {
  EXPECT_FALSE(peek_ring(Uuid{}).has_value());
  RingFile ring;
  ring.write(100);
  EXPECT_FALSE(peek_ring(ring.uuid()).has_value());
  ring.header().identity.version = kRingVersion + 1;
  ring.write(sizeof(RingHeader));
  EXPECT_FALSE(peek_ring(ring.uuid()).has_value());
  ring.header().identity.version = kRingVersion;
  ring.header().identity.journal_uuid[0] ^= 1;
  ring.write(sizeof(RingHeader));
  EXPECT_FALSE(peek_ring(ring.uuid()).has_value());
  ring.header().identity.journal_uuid[0] ^= 1;
  ring.write(sizeof(RingHeader));
  EXPECT_TRUE(peek_ring(ring.uuid()).has_value());
}

}  // namespace
}  // namespace wb
