#pragma once

/// What has become of feature dates: the ledger held against the source and the pipeline as they
/// are now.

#include <string>
#include <vector>

#include "engine/plan.h"
#include "table/table.h"
#include "tidemill/backfill.h"

namespace tidemill {

/// Every `every`-th slot from `start` to `end`, inclusive. Errors (kInvalid) for labels that are
/// none and for an end before the start.
arrow::Result<std::vector<Slot>> DatesBetween(const Calendar& calendar, const std::string& start,
                                              const std::string& end, int32_t every = 1);

/// The state of every date of the plan. Reads the ledger, writes nothing.
arrow::Result<std::vector<DateState>> StatesOf(const Plan& plan, const Table& table);

}  // namespace tidemill
