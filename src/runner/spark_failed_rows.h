#pragma once

/// Rows that failed row rules, as Spark has found them.

#include <vector>

#include <arrow/table.h>

#include "engine/plan.h"
#include "engine/row_rules.h"
#include "engine/row_spool.h"
#include "storage/location.h"

namespace tidemill {

/// Adds to the failures of each slot the examples that the answer to SparkExamplesQuery has.
arrow::Status AddExamples(const Plan& plan, const arrow::Table& answer, RuleCountsOfSlots* counts);

/// Reads what SparkQuarantineQuery has written below `rows`, and spools it as the native engine
/// spools what it quarantines.
arrow::Status SpoolQuarantined(const Plan& plan, const Location& rows, const MakeFile& make_file,
                               std::vector<RowSpoolFile>* files);

}  // namespace tidemill
