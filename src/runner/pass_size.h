#pragma once

/// How much of a backfill fits into one pass.

#include <cstdint>

#include "engine/plan.h"
#include "tidemill/backfill.h"

namespace tidemill {

/// The most dates that one pass may compute under the memory budget. Every date of a pass has a
/// file open with at most a row group in memory; those get half of the budget.
size_t DatesPerPass(const Plan& whole, const BackfillOptions& options);

/// Memory that a pass takes at most, roughly, in bytes: tiles as if every third event made its own
/// (beyond half of the budget they are spilled), what threads decode, and files being written.
int64_t ExpectedMemory(const Plan& pass, const RunOptions& options);

}  // namespace tidemill
