// Makes frames and journals without a trainer, for the benchmarks of packing and reading.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bench/support/workload.h"
#include "schema/uuid.h"
#include "wb/status.h"

namespace wb::bench {

/// A journal's uuid that depends on `number` only.
Uuid uuid_of(std::uint64_t number);

/// The frames of a tail, without its head: a run record, the keys, one row of ten metrics per entry of `rows` with the
/// gaps between their times, a finish record. There are at least as many gaps as rows.
std::vector<std::byte> make_tail_frames(const Uuid& journal, std::string_view run_id, std::span<const Row> rows,
                                        std::span<const std::int64_t> gaps_ns, std::int64_t rank = 0);

/// Reads the frames and packs them into the segment at `path`. Returns how many frames there were.
Result<std::uint64_t> pack_frames(std::span<const std::byte> frames, const Uuid& journal, const std::string& path);

/// Makes a run of `journals` finished journals, ranks 0 and up, of `rows` rows each: directory/<run id>/*.wbj.
Status make_group(const std::string& directory, std::string_view run_id, std::uint64_t journals, std::size_t rows);

}  // namespace wb::bench
