#pragma once

/// Rows that failed a rule, as they are written for people to look at: whence they come, which
/// rules they failed, and all columns of the source.

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>

#include "engine/plan.h"
#include "engine/row_rules.h"
#include "pipeline/bind_row_rules.h"

namespace tidemill {

/// The columns of quarantined rows: kQuarantineColumns, then those of the source that can be read.
std::shared_ptr<arrow::Schema> QuarantineSchema(const Plan& plan);

inline constexpr int kQuarantineOwnColumns = std::size(kQuarantineColumns);

/// Makes the columns kQuarantineColumns, row by row.
class QuarantineOrigins {
 public:
  explicit QuarantineOrigins(const Plan& plan) : plan_(plan) {}

  /// A row of `file`, which is relative to the source. `has_failed` tells it of each rule.
  arrow::Status Append(const std::string& file, int64_t row, Slot slot,
                       const std::function<bool(size_t)>& has_failed);
  arrow::Result<arrow::ArrayVector> Finish();

 private:
  const Plan& plan_;
  arrow::StringBuilder files_;
  arrow::Int64Builder numbers_;
  arrow::StringBuilder slots_;
  std::shared_ptr<arrow::StringBuilder> names_ = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder rules_{arrow::default_memory_pool(), names_};
};

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
