#pragma once

/// How the memory budget is divided, and how much of a backfill fits into one pass.

#include <cstdint>
#include <vector>

#include <arrow/result.h>

#include "engine/plan.h"
#include "tidemill/backfill.h"

namespace tidemill {

/// The parts of `--memory` for a pass, in bytes. What remains beside them is the program itself and
/// what its threads decode.
struct MemoryShares {
  int64_t fixed = 0;       ///< the program, row groups being decoded
  int64_t dimensions = 0;  ///< in memory; one that is larger is joined in parts
  int64_t tiles = 0;       ///< in memory; the others are spilled
  int64_t waves = 0;       ///< features on their way to the files
  int64_t writers = 0;     ///< rows that wait for their row group, of all dates of a pass
};

/// Divides the budget for a pass over the morsels of `plan`. An error (kInvalid) if it is too small
/// to work with at all.
arrow::Result<MemoryShares> DivideMemory(const Plan& plan, const RunOptions& options);

/// Bytes of the dimensions in memory while events are read, roughly.
int64_t ExpectedDimensionMemory(const Plan& plan);
/// The same for passes that share one scan, one share for each: their tiles are there together,
/// what comes after the scan is one pass's at a time.
arrow::Result<std::vector<MemoryShares>> DivideMemory(const std::vector<const Plan*>& plans,
                                                      const RunOptions& options);

/// How many of the next passes, of `plans` from `begin` on, can share a scan within the budget:
/// with little memory each would spill what it alone can hold. At least 1.
arrow::Result<size_t> PassesPerScan(const std::vector<const Plan*>& plans, size_t begin,
                                    const RunOptions& options);

/// Bytes of a row of features in memory, roughly.
int64_t FeatureRowMemory(const Plan& plan);

/// The most dates that one pass may compute: every date has a file open with rows in memory.
size_t DatesPerPass(const Plan& whole, const MemoryShares& shares, const BackfillOptions& options);

/// Memory that a pass takes at most, roughly, in bytes: as if every third event made its own tile.
arrow::Result<int64_t> ExpectedMemory(const Plan& pass, const RunOptions& options);

}  // namespace tidemill
