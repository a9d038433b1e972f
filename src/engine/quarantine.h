#pragma once

/// Rows that failed a rule, as they are written for people to look at: whence they come, which
/// rules they failed, and all columns of the source.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>

#include "engine/plan.h"
#include "engine/row_rules.h"

namespace tidemill {

/// The columns of quarantined rows: kQuarantineColumns, then those of the source that can be read.
std::shared_ptr<arrow::Schema> QuarantineSchema(const Plan& plan);

/// The numbers in their file of rows of a row group. `rows` are ascending indices into the row
/// group as it is read, without its deleted rows; empty: the first `num_rows`.
std::vector<int64_t> FileRowsOf(const Plan& plan, const MorselRef& morsel,
                                const std::vector<int32_t>& rows, int64_t num_rows);

/// The quarantined rows of a morsel. `frame` holds the morsel's rows, `rows` their indices in the
/// row group (empty: as they are). Columns that the frame lacks are read.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> QuarantinedRows(
    const Plan& plan, const MorselRef& morsel, const Frame& frame, const std::vector<int32_t>& rows,
    const RuleVerdicts& verdicts, const RowOrigins& origins);

}  // namespace tidemill
