#pragma once

/// Row rules of a pipeline file -> conditions over the events.

#include <vector>

#include "pipeline/bound_pipeline.h"

namespace tidemill {

/// The columns that a quarantined row has in front of its own.
inline constexpr const char* kQuarantineColumns[] = {"_file", "_row_number", "_slot", "_rules"};

/// Binds checks.rows, and every(condition) of checks.input where it quarantines, over events with
/// the columns `rows`. Errors (kInvalid) carry every fault found.
arrow::Result<std::vector<BoundRowRule>> BindRowRules(const Pipeline& pipeline,
                                                      const arrow::Schema& rows);

}  // namespace tidemill
