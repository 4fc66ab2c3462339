// Makes a first corpus from the golden journals: make_seeds GOLDEN_DIRECTORY CORPUS_DIRECTORY. Run by hand.
#include <bit>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "schema/bytes.h"
#include "schema/journal/column.h"
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

std::vector<std::byte> column_of(ColumnCodec codec, std::span<const std::byte> bytes) {
  std::vector<std::byte> column(kColumnHeadBytes);
  column[0] = static_cast<std::byte>(codec);
  store_le(column.data() + 1, static_cast<std::uint32_t>(bytes.size()));
  column.insert(column.end(), bytes.begin(), bytes.end());
  return column;
}

// A column of every codec: those of version 0, which nobody writes any more, by hand.
void put_columns(const fs::path& folder) {
  constexpr std::size_t kRows = 24;
  std::vector<std::byte> bytes(kRows * 8);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37);
  for (const ColumnCodec codec : {ColumnCodec::kRaw, ColumnCodec::kShuffle, ColumnCodec::kDelta}) {
    put(folder / ("codec-" + std::to_string(static_cast<int>(codec))),
        pack_column(column_of(codec, bytes), kRows, false));
  }
  put(folder / "codec-4", pack_column(column_of(ColumnCodec::kBytes, std::span(bytes).first(kRows)), kRows, false));
  const auto write = [&](auto value_of, bool is_float) {
    std::vector<std::uint64_t> values(kRows);
    for (std::size_t i = 0; i < kRows; ++i) values[i] = value_of(i);
    std::vector<std::byte> column;
    std::vector<std::size_t> cuts;
    append_column(column, cuts, values, is_float);
    put(folder / ("codec-" + std::to_string(std::to_integer<int>(column[0]))), pack_column(column, kRows, false));
  };
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  write([](std::size_t) { return 7U; }, false);
  write([&](std::size_t i) { return bits(i % 3 == 0 ? -0.0 : std::sqrt(static_cast<double>(i % 3 + 1))); }, true);
  write([](std::size_t i) { return 1'700'000'000'000 + i * i * 1000; }, false);
  write([&](std::size_t i) { return bits(std::sqrt(static_cast<double>(i + 2))); }, true);
  write([&](std::size_t i) { return i == 20 ? bits(0.1) : bits(1e-10F * std::sqrt(static_cast<float>(i + 2))); }, true);
  write([&](std::size_t i) { return i == 11 ? bits(-0.0) : bits(static_cast<double>(i * 131 % 61) / 1171); }, true);
  std::vector<std::byte> texts;
  const std::string_view words[] = {"", "a", "two words"};
  append_text_column(texts, words);
  put(folder / "codec-5", pack_column(texts, 3, true));
}

// Inputs for every recipe of fuzz_values(): as float64 and as integers, plain and rising, once and again and again.
void put_values(const fs::path& folder) {
  for (unsigned recipe = 0; recipe < 8; ++recipe) {
    for (unsigned kind = 0; kind < 4; ++kind) {
      for (const unsigned row_count : {1U, 12U, 300U}) {
        std::vector<std::byte> bytes(7);
        bytes[0] = static_cast<std::byte>(recipe | kind << 6);
        store_le(bytes.data() + 1, static_cast<std::uint16_t>(row_count - 1));
        store_le(bytes.data() + 3, std::uint32_t{1170});
        for (unsigned i = 0; i < 96; ++i) bytes.push_back(static_cast<std::byte>(i * i * 29 + recipe));
        put(folder / (std::to_string(recipe) + "-" + std::to_string(kind) + "-" + std::to_string(row_count)), bytes);
      }
    }
  }
}

void make_seeds(const fs::path& golden, const fs::path& corpus) {
  put_columns(corpus / "column");
  put_values(corpus / "values");
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
