// SegmentReader: merges a segment's blocks back into the order of the tail and checks that nothing is missing.
#include <algorithm>
#include <queue>

#include "schema/journal/segment.h"
#include "schema/journal/segment_file.h"

namespace wb {
namespace {

constexpr std::uint64_t kOpenBytesMax = kBlockBytesMax;  // Raw bytes of all blocks that are open at a time.

/// A block being read.
struct OpenBlock {
  std::unique_ptr<BlockReader> reader;
  std::size_t next = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t ordinal() const noexcept { return reader->ordinal(next); }
};

struct LaterOrdinal {
  bool operator()(const OpenBlock& a, const OpenBlock& b) const noexcept { return a.ordinal() > b.ordinal(); }
};

class Reader final : public SegmentReader {
 public:
  explicit Reader(std::unique_ptr<SegmentFile> file) : file_(std::move(file)) {}

  const SegmentInfo& info() const override { return file_->seal().info; }
  Status read(std::uint64_t after_sequence, const RecordVisitor& visit) override;
  Status verify() override {
    return read(0, [](const Frame&) { return true; });
  }

 private:
  void note(const Status& status) {
    if (damage_.ok() && !status.ok()) damage_ = status;
  }
  bool merge(const std::vector<BlockRow>& rows, std::uint64_t after_sequence, const RecordVisitor& visit);
  bool give(OpenBlock& block, std::uint64_t ordinal_max, std::uint64_t after_sequence, const RecordVisitor& visit);
  void check_counts(std::uint64_t after_sequence, std::vector<SegmentGap> expected);

  std::unique_ptr<SegmentFile> file_;
  // Of one reading.
  Status damage_;
  std::uint64_t next_ordinal_ = 0;
  std::uint64_t record_count_ = 0;
  std::uint64_t skipped_count_ = 0;  // Records of blocks that lie below after_sequence and were not opened.
  SequenceSet trainer_;
  SequenceSet keeper_;
};

// Gives the block's records up to `ordinal_max`. False: the caller wants no more.
bool Reader::give(OpenBlock& block, std::uint64_t ordinal_max, std::uint64_t after_sequence,
                  const RecordVisitor& visit) {
  for (; block.next < block.reader->size() && block.ordinal() <= ordinal_max; ++block.next) {
    const std::uint64_t ordinal = block.ordinal();
    const Frame frame = block.reader->frame(block.next);
    const bool keeper = frame.source == Source::kKeeper;
    if (ordinal < next_ordinal_ || !(keeper ? keeper_ : trainer_).insert(frame.sequence)) {
      note(file_->corrupt("record " + std::to_string(ordinal) + " is there twice"));
      continue;
    }
    if (ordinal != next_ordinal_ && skipped_count_ == 0) {
      note(file_->corrupt("record " + std::to_string(next_ordinal_) + " is missing"));
    }
    next_ordinal_ = ordinal + 1;
    ++record_count_;
    if (!keeper && frame.sequence <= after_sequence) continue;
    if (!visit(frame)) return false;
  }
  return true;
}

// Merges the blocks by the place of their records in the tail. False: the caller wants no more.
bool Reader::merge(const std::vector<BlockRow>& rows, std::uint64_t after_sequence, const RecordVisitor& visit) {
  std::priority_queue<OpenBlock, std::vector<OpenBlock>, LaterOrdinal> open;
  std::uint64_t open_bytes = 0;
  std::size_t next_row = 0;
  while (next_row < rows.size() || !open.empty()) {
    // A block is opened when its first record is due, and closed behind its last one.
    if (next_row < rows.size() && (open.empty() || rows[next_row].info.first_ordinal < open.top().ordinal())) {
      const BlockRow& row = rows[next_row++];
      if (row.info.raw_bytes > kOpenBytesMax - open_bytes) {
        note(file_->corrupt("block " + std::to_string(row.id) + ": too many blocks overlap"));
        continue;
      }
      Result<std::unique_ptr<BlockReader>> reader = file_->open_block(row);
      note(reader.status());
      if (!reader.ok()) continue;
      open_bytes += row.info.raw_bytes;
      open.push({.reader = std::move(reader).value(), .raw_bytes = row.info.raw_bytes});
      continue;
    }
    // The queue gives only const access; the block is taken out and put back with its next record.
    OpenBlock block = std::move(const_cast<OpenBlock&>(open.top()));
    open.pop();
    const std::uint64_t due = open.empty() ? UINT64_MAX : open.top().ordinal();
    const std::uint64_t row_due = next_row < rows.size() ? rows[next_row].info.first_ordinal : UINT64_MAX;
    if (!give(block, std::min(due, row_due), after_sequence, visit)) return false;
    if (block.next < block.reader->size()) {
      open.push(std::move(block));
    } else {
      open_bytes -= block.raw_bytes;
    }
  }
  return true;
}

// Compares what was read with what was sealed.
void Reader::check_counts(std::uint64_t after_sequence, std::vector<SegmentGap> expected) {
  const SegmentInfo& info = file_->seal().info;
  if (record_count_ + skipped_count_ != info.record_count) note(file_->corrupt("record count"));
  // Of the trainer's records, blocks that were not opened are left out, and so is what lies below after_sequence.
  const auto is_below = [&](const SegmentGap& gap) {
    return skipped_count_ > 0 && gap.source == Source::kTrainer && gap.range.first <= after_sequence + 1;
  };
  std::vector<SegmentGap> found = segment_gaps(trainer_, keeper_);
  std::erase_if(found, is_below);
  std::erase_if(expected, is_below);
  if (found != expected) note(file_->corrupt("sequence numbers are missing"));
  if (keeper_.first() != info.first_keeper_sequence || keeper_.last() != info.last_keeper_sequence ||
      (skipped_count_ == 0 && trainer_.first() != info.first_sequence) ||
      (info.last_sequence > after_sequence && trainer_.last() != info.last_sequence)) {
    note(file_->corrupt("first and last sequence number"));
  }
}

Status Reader::read(std::uint64_t after_sequence, const RecordVisitor& visit) {
  damage_ = file_->seal_status();
  next_ordinal_ = record_count_ = skipped_count_ = 0;
  trainer_ = keeper_ = SequenceSet();

  const TableRows<std::uint32_t> keys = file_->key_hashes();
  TableRows<SegmentGap> gaps = file_->gaps();
  TableRows<BlockRow> blocks = file_->block_rows();
  for (const Status& status : {file_->size_status(), keys.status, gaps.status, blocks.status}) note(status);

  ContentHash content(file_->salt());
  for (const std::uint32_t hash : file_->meta_hashes()) content.add(hash);
  for (const std::uint32_t hash : keys.rows) content.add(hash);
  for (std::size_t i = 0; i < gaps.rows.size(); ++i) content.add(gap_row_hash(file_->salt(), i + 1, gaps.rows[i]));
  for (const BlockRow& row : blocks.rows) content.add(static_cast<std::uint32_t>(row.hash));

  std::erase_if(blocks.rows, [&](const BlockRow& row) {
    const bool skipped = row.info.last_sequence <= after_sequence && row.info.first_keeper_sequence == 0;
    if (skipped) skipped_count_ += row.info.record_count;
    return skipped;
  });
  std::sort(blocks.rows.begin(), blocks.rows.end(),
            [](const BlockRow& a, const BlockRow& b) { return a.info.first_ordinal < b.info.first_ordinal; });
  if (!merge(blocks.rows, after_sequence, visit)) return {};
  if (file_->seal_status().ok()) {
    if (content.value() != file_->seal().content) note(file_->corrupt("content hash"));
    check_counts(after_sequence, std::move(gaps.rows));
  }
  return damage_;
}

}  // namespace

Result<std::unique_ptr<SegmentReader>> SegmentReader::open(const std::string& path) {
  Result<std::unique_ptr<SegmentFile>> file = SegmentFile::open(path);
  if (!file.ok()) return file.status();
  return std::unique_ptr<SegmentReader>(std::make_unique<Reader>(std::move(file).value()));
}

}  // namespace wb
