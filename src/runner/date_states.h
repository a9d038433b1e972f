#pragma once

/// What has become of feature dates: the ledger held against the source and the pipeline as they are now.

#include <string>
#include <vector>

#include "engine/plan.h"
#include "table/table.h"

namespace tidemill {

struct DateState {
  std::string feature_date;
  /// "done" | "empty" | "missing" | "stale" | "failed" | "changed" (the definition differs from the published one)
  std::string status;
  std::string reason;
  std::vector<std::string> changed_days;
  std::string run_id;        ///< of what is published, else of the last attempt
  int64_t rows = 0;
  int64_t published_at = 0;  ///< microseconds since the epoch; 0: never
};

/// All slots from `start` to `end`, inclusive. Errors (kInvalid) for labels that are none and for an end before the
/// start.
arrow::Result<std::vector<Slot>> DatesBetween(const Calendar& calendar, const std::string& start,
                                              const std::string& end);

/// The state of every date of the plan. Reads the ledger, writes nothing.
arrow::Result<std::vector<DateState>> StatesOf(const Plan& plan, const Table& table);

}  // namespace tidemill
