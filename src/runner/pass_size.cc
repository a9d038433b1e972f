#include "runner/pass_size.h"

#include <algorithm>
#include <string>

#include "base/byte_size.h"
#include "engine/tile_layout.h"
#include "runner/prepare.h"

namespace tidemill {
namespace {

/// The libraries, the plan, and what allocators hold beyond what was asked for.
constexpr int64_t kProgram = 110'000'000;
constexpr int64_t kLeastMemory = 1'000'000;
/// Small waves overlap better with their writing; smaller ones would cost calls.
constexpr int64_t kMostWaves = 64'000'000;

/// A decoded row group: arrays, masks, codes and local states.
int64_t DecodedMemory(const Plan& plan) {
  constexpr int64_t kBytesPerValue = 16;
  constexpr int64_t kColumnsBeside = 4;
  int64_t most_rows = 0;
  for (const MorselRef& morsel : plan.morsels) most_rows = std::max(most_rows, morsel.num_rows);
  const auto columns = static_cast<int64_t>(plan.file_columns.size()) + kColumnsBeside;
  return most_rows * columns * kBytesPerValue;
}

/// What the writer of one date holds: a row group that waits, and half as much of encoded columns.
int64_t WriterMemory(const Plan& plan) {
  constexpr int64_t kRowGroup = 131'072;
  return std::min(kRowGroup, plan.num_rows / 4 + 1) * FeatureRowMemory(plan) * 3 / 2;
}

}  // namespace

int64_t ExpectedDimensionMemory(const Plan& plan) {
  int64_t bytes = 0;
  for (size_t j = 0; j < plan.dimensions.size(); ++j) {
    if (!plan.needed_joins[j]) continue;
    bytes += ExpectedMemory(*plan.dimensions[j], plan.pipeline->joins[j], plan.needed_columns);
  }
  return bytes;
}

int64_t FeatureRowMemory(const Plan& plan) {
  constexpr int64_t kBytesPerValue = 8;
  return std::max<int64_t>(1, plan.pipeline->output->num_fields()) * kBytesPerValue;
}

arrow::Result<MemoryShares> DivideMemory(const Plan& plan, const RunOptions& options) {
  const int64_t memory = MemoryOf(options);
  if (memory < kLeastMemory) {
    return MakeError(
        ErrorCode::kInvalid,
        "--memory " + FormatByteSize(memory) + " is too little for a single bucket",
        "give at least " + FormatByteSize(kLeastMemory) + "; this run works best with " +
            FormatByteSize(kProgram + ThreadsOf(options) * DecodedMemory(plan) + 256'000'000) +
            " or more");
  }
  MemoryShares shares;
  shares.fixed =
      kProgram + ThreadsOf(options) * DecodedMemory(plan) + ExpectedDimensionMemory(plan);
  // A budget below what the program takes anyway still bounds what it adds.
  const int64_t left = std::max(memory - shares.fixed, memory / 4);
  shares.tiles = left / 2;
  shares.waves = std::min<int64_t>(left / 8, kMostWaves);
  shares.writers = left - shares.tiles - shares.waves;
  return shares;
}

arrow::Result<size_t> DatesPerPass(const Plan& whole, const BackfillOptions& options) {
  constexpr int64_t kMostDates = 400;
  ARROW_ASSIGN_OR_RAISE(const MemoryShares shares, DivideMemory(whole, options));
  int64_t dates = std::clamp<int64_t>(shares.writers / WriterMemory(whole), 1, kMostDates);
  if (options.pass_dates > 0) dates = std::min<int64_t>(dates, options.pass_dates);
  return static_cast<size_t>(dates);
}

arrow::Result<int64_t> ExpectedMemory(const Plan& pass, const RunOptions& options) {
  constexpr int64_t kRowsPerTile = 3;
  constexpr int64_t kKeyBytes = 16;
  ARROW_ASSIGN_OR_RAISE(const MemoryShares shares, DivideMemory(pass, options));
  ARROW_ASSIGN_OR_RAISE(const TileLayout layout, MakeTileLayout(*pass.pipeline));
  const int64_t tiles =
      pass.num_rows / kRowsPerTile * (static_cast<int64_t>(layout.row_size()) + kKeyBytes);
  return shares.fixed + std::min(tiles, shares.tiles) +
         std::min(shares.waves, pass.num_rows * FeatureRowMemory(pass)) +
         static_cast<int64_t>(pass.dates.size()) * WriterMemory(pass);
}

}  // namespace tidemill
