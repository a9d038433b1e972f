#include "runner/pass_size.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/byte_size.h"
#include "engine/tile_layout.h"
#include "runner/prepare.h"

namespace tidemill {
namespace {

/// The libraries, the plan, and what allocators hold beyond what was asked for.
constexpr int64_t kProgram = 110'000'000;
constexpr int64_t kLeastMemory = 1'000'000;
/// Smaller parts of a dimension would be more files than they are worth.
constexpr int64_t kLeastDimensions = 8'000'000;
/// Small waves overlap better with their writing; smaller ones would cost calls.
constexpr int64_t kMostWaves = 64'000'000;

/// Tiles that a pass holds before it spills, so that sharing its scan is worth more than that.
constexpr int64_t kLeastTiles = 64'000'000;

/// A decoded row group: arrays, masks, codes and local states.
int64_t DecodedMemory(const std::vector<const Plan*>& plans) {
  constexpr int64_t kBytesPerValue = 16;
  constexpr size_t kColumnsBeside = 4;
  int64_t most_rows = 0;
  std::set<std::string> columns;
  for (const Plan* plan : plans) {
    for (const MorselRef& morsel : plan->morsels) most_rows = std::max(most_rows, morsel.num_rows);
    columns.insert(plan->file_columns.begin(), plan->file_columns.end());
  }
  return most_rows * static_cast<int64_t>(columns.size() + kColumnsBeside) * kBytesPerValue;
}

/// All tiles of a pass, as if every third event made its own.
arrow::Result<int64_t> ExpectedTiles(const Plan& plan) {
  constexpr int64_t kRowsPerTile = 3;
  constexpr int64_t kKeyBytes = 16;
  ARROW_ASSIGN_OR_RAISE(const TileLayout layout, MakeTileLayout(*plan.pipeline));
  return plan.num_rows / kRowsPerTile * (static_cast<int64_t>(layout.row_size()) + kKeyBytes);
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
  ARROW_ASSIGN_OR_RAISE(const auto shares, DivideMemory(std::vector<const Plan*>{&plan}, options));
  return shares.front();
}

arrow::Result<std::vector<MemoryShares>> DivideMemory(const std::vector<const Plan*>& plans,
                                                      const RunOptions& options) {
  const int64_t decoded = ThreadsOf(options) * DecodedMemory(plans);
  const int64_t memory = MemoryOf(options);
  if (memory < kLeastMemory) {
    return MakeError(ErrorCode::kInvalid,
                     "--memory " + FormatByteSize(memory) + " is too little for a single bucket",
                     "give at least " + FormatByteSize(kLeastMemory) +
                         "; this run works best with " +
                         FormatByteSize(kProgram + decoded + 256'000'000) + " or more");
  }
  MemoryShares shares;
  shares.fixed = kProgram + decoded;
  int64_t dimensions = 0;
  for (const Plan* plan : plans) dimensions += ExpectedDimensionMemory(*plan);
  // A budget below what the program takes anyway still bounds what it adds.
  int64_t left = std::max(memory - shares.fixed, memory / 4);
  shares.dimensions = std::max(left / 2, kLeastDimensions);
  left = std::max(left - std::min(dimensions, shares.dimensions), left / 2);
  shares.tiles = left / 2;
  shares.waves = std::min<int64_t>(left / 8, kMostWaves);
  shares.writers = left - shares.tiles - shares.waves;
  if (plans.size() == 1) return std::vector<MemoryShares>{shares};

  // One half in equal parts, the other by what is expected.
  double all_tiles = 1;
  std::vector<double> tiles;
  for (const Plan* plan : plans) {
    ARROW_ASSIGN_OR_RAISE(const int64_t expected, ExpectedTiles(*plan));
    tiles.push_back(static_cast<double>(expected));
    all_tiles += tiles.back();
  }
  std::vector<MemoryShares> all(plans.size(), shares);
  for (size_t i = 0; i < plans.size(); ++i) {
    const double part = 0.5 / static_cast<double>(plans.size()) + 0.5 * tiles[i] / all_tiles;
    all[i].tiles = static_cast<int64_t>(part * static_cast<double>(shares.tiles));
    all[i].dimensions = shares.dimensions / static_cast<int64_t>(plans.size());
  }
  return all;
}

arrow::Result<size_t> PassesPerScan(const std::vector<const Plan*>& plans, size_t begin,
                                    const RunOptions& options) {
  size_t count = 1;
  while (begin + count < plans.size()) {
    const auto first = plans.begin() + static_cast<std::ptrdiff_t>(begin);
    const std::vector<const Plan*> together(first, first + static_cast<std::ptrdiff_t>(count) + 1);
    ARROW_ASSIGN_OR_RAISE(const auto shares, DivideMemory(together, options));
    for (size_t i = 0; i < together.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(const int64_t expected, ExpectedTiles(*together[i]));
      if (shares[i].tiles < std::min(kLeastTiles, expected)) return count;
    }
    ++count;
  }
  return count;
}

size_t DatesPerPass(const Plan& whole, const MemoryShares& shares, const BackfillOptions& options) {
  constexpr int64_t kMostDates = 400;
  int64_t dates = std::clamp<int64_t>(shares.writers / WriterMemory(whole), 1, kMostDates);
  if (options.pass_dates > 0) dates = std::min<int64_t>(dates, options.pass_dates);
  return static_cast<size_t>(dates);
}

arrow::Result<int64_t> ExpectedMemory(const Plan& pass, const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const MemoryShares shares, DivideMemory(pass, options));
  ARROW_ASSIGN_OR_RAISE(const int64_t tiles, ExpectedTiles(pass));
  return shares.fixed + std::min(ExpectedDimensionMemory(pass), shares.dimensions) +
         std::min(tiles, shares.tiles) +
         std::min(shares.waves, pass.num_rows * FeatureRowMemory(pass)) +
         static_cast<int64_t>(pass.dates.size()) * WriterMemory(pass);
}

}  // namespace tidemill
