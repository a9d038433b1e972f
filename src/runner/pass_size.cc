#include "runner/pass_size.h"

#include <algorithm>

#include "engine/tile_layout.h"
#include "runner/prepare.h"

namespace tidemill {
namespace {

/// What the writer of one date holds: rows that wait for their row group.
int64_t WriterMemory(const Plan& plan) {
  constexpr int64_t kRowGroup = 131'072;
  constexpr int64_t kBytesPerValue = 8;
  const int64_t rows = std::min(kRowGroup, plan.num_rows / 4 + 1);
  return rows * std::max<int64_t>(1, plan.pipeline->output->num_fields()) * kBytesPerValue;
}

}  // namespace

size_t DatesPerPass(const Plan& whole, const BackfillOptions& options) {
  constexpr int64_t kMostDates = 400;
  int64_t dates = std::clamp<int64_t>(MemoryOf(options) / 2 / WriterMemory(whole), 1, kMostDates);
  if (options.pass_dates > 0) dates = std::min<int64_t>(dates, options.pass_dates);
  return static_cast<size_t>(dates);
}

int64_t ExpectedMemory(const Plan& pass, const RunOptions& options) {
  constexpr int64_t kRowsPerTile = 3;
  constexpr int64_t kDecodedFactor = 8;
  constexpr int64_t kProcess = 120'000'000;
  constexpr int64_t kKeyBytes = 16;
  int64_t largest = 0;
  for (const MorselRef& morsel : pass.morsels) largest = std::max(largest, morsel.bytes);
  const auto layout = MakeTileLayout(*pass.pipeline);
  const int64_t tile = layout.ok() ? static_cast<int64_t>(layout->row_size()) + kKeyBytes : 0;
  const int64_t tiles = std::min(pass.num_rows / kRowsPerTile * tile, MemoryOf(options) / 2);
  return kProcess + tiles + ThreadsOf(options) * largest * kDecodedFactor +
         static_cast<int64_t>(pass.dates.size()) * WriterMemory(pass);
}

}  // namespace tidemill
