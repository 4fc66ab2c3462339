// Makes a first corpus from the golden journals: make_seeds GOLDEN_DIRECTORY CORPUS_DIRECTORY. Run by hand.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "schema/bytes.h"
#include "schema/journal/segment_file.h"
#include "schema/journal/tail_reader.h"
#include "tests/fuzz/targets.h"

namespace wb {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRecordSeedsMax = 8;  // Of one kind.

void put(const fs::path& path, std::span<const std::byte> bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void put_records(const fs::path& tail, const fs::path& corpus) {
  auto reader = TailReader::open(tail);
  std::size_t counts[256] = {};
  while (reader.ok()) {
    const std::optional<Frame> frame = reader.value()->next();
    if (!frame) return;
    const auto kind = static_cast<std::uint8_t>(frame->kind);
    if (++counts[kind] > kRecordSeedsMax) continue;
    std::vector<std::byte> bytes(1, static_cast<std::byte>(kind));
    bytes.insert(bytes.end(), frame->payload.begin(), frame->payload.end());
    put(corpus / "record" / (tail.stem().string() + "-" + std::to_string(kind) + "-" + std::to_string(counts[kind])),
        bytes);
  }
}

void put_blocks(const fs::path& segment, const fs::path& corpus) {
  auto file = SegmentFile::open(segment);
  if (!file.ok()) return;
  Result<Database> database = Database::open(segment, OpenMode::kReadOnly);
  Result<Decompressor> decompressor = Decompressor::create();
  for (const BlockRow& row : file.value()->block_rows().rows) {
    Result<Statement> statement = database.value().prepare("SELECT data FROM blocks WHERE id=?");
    if (!statement.value().bind(1, static_cast<std::int64_t>(row.id)).ok() || !statement.value().step().ok()) return;
    const auto raw = decompressor.value().decompress(statement.value().column_blob(0), row.info.raw_bytes);
    if (!raw.ok()) continue;
    put(corpus / "block" / (segment.stem().string() + "-" + std::to_string(row.id)), pack_block(row.info, raw.value()));
  }
}

void make_seeds(const fs::path& golden, const fs::path& corpus) {
  for (const auto& entry : fs::recursive_directory_iterator(golden)) {
    if (!entry.is_regular_file()) continue;
    const bool is_tail = entry.path().extension() == ".tail";
    if (!is_tail && entry.path().extension() != ".wbj") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    put(corpus / (is_tail ? "tail" : "segment") / entry.path().stem(), as_bytes(text));
    is_tail ? put_records(entry.path(), corpus) : put_blocks(entry.path(), corpus);
  }
}

}  // namespace
}  // namespace wb

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_seeds GOLDEN_DIRECTORY CORPUS_DIRECTORY\n");
    return 2;
  }
  wb::make_seeds(argv[1], argv[2]);
  return 0;
}
