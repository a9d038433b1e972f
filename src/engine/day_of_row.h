#pragma once

/// On which civil day rows count.

#include <cstdint>
#include <vector>

#include "base/calendar.h"
#include "sql/evaluate.h"

namespace tidemill {

/// The civil day of each row by a `day` expression (date, timestamp or ISO text). Zoned timestamps
/// count on their day in `zone`; naive ones are local times of it. `valid` is 0 where the day is
/// NULL. Errors: text that is no date.
arrow::Status CivilDaysOf(const ExpressionPtr& day, const TimeZone& zone, Evaluator* evaluator,
                          int64_t num_rows, std::vector<int32_t>* days,
                          std::vector<uint8_t>* valid);

/// A timestamp or date column as UTC microseconds; naive values are local times in `zone`.
arrow::Status InstantsOf(const ExpressionPtr& column, const TimeZone& zone, Evaluator* evaluator,
                         int64_t num_rows, std::vector<int64_t>* instants,
                         std::vector<uint8_t>* valid);

}  // namespace tidemill
