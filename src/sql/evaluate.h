#pragma once

/// Vectorised evaluation of typed expressions over a frame of columns.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <arrow/datum.h>

#include "sql/expression.h"

namespace tidemill {

/// Columns of equal length. A column that no expression reads may be left empty (Datum()). Columns
/// are Arrow arrays (plain or dictionary-encoded) or scalars (the same value in every row).
struct Frame {
  std::vector<arrow::Datum> columns;
  std::vector<arrow::Datum> aggregates;  ///< values for Expression::Kind::kAggregate
  int64_t num_rows = 0;
  int32_t feature_date = 0;   ///< days since the epoch
  int64_t run_timestamp = 0;  ///< microseconds since the epoch
};

/// Evaluates expressions over one frame and remembers every subexpression that it computed, so that
/// expressions that share parts share the work. Not thread-safe; cheap to make.
///
/// An expression over one dictionary column and literals is evaluated on the dictionary's values
/// (and once on NULL) and gathered by code: its result is again a dictionary array, whose values
/// may hold duplicates and NULLs.
class Evaluator {
 public:
  explicit Evaluator(const Frame* frame) : frame_(frame) {}

  /// An array of frame->num_rows values (plain or dictionary-encoded) or a scalar. Errors: a cast
  /// that cannot be made (names the value), integer or decimal overflow.
  arrow::Result<arrow::Datum> Evaluate(const ExpressionPtr& expression);

  /// The same as a plain array of frame->num_rows values.
  arrow::Result<std::shared_ptr<arrow::Array>> EvaluateToArray(const ExpressionPtr& expression);

  /// A condition as one byte per row: 1 where TRUE, 0 where FALSE or NULL. Returns the number of
  /// ones.
  arrow::Result<int64_t> EvaluateToMask(const ExpressionPtr& condition, std::vector<uint8_t>* mask);

 private:
  arrow::Result<arrow::Datum> EvaluateCall(const Expression& call);
  /// A dictionary column with its NULL rows on a NULL value of the dictionary; any other value as
  /// it is.
  arrow::Result<arrow::Datum> WithoutNullCodes(const arrow::Datum& column);

  const Frame* frame_;
  std::unordered_map<std::string, arrow::Datum> memo_;
  std::unordered_map<const arrow::ArrayData*, arrow::Datum> without_null_codes_;
};

/// A dictionary array or a scalar as a plain array of `num_rows` values; plain arrays as they are.
arrow::Result<std::shared_ptr<arrow::Array>> Materialize(const arrow::Datum& datum,
                                                         int64_t num_rows);

}  // namespace tidemill
