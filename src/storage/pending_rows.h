#pragma once

/// Rows that came in batches of any size and leave in groups of a chosen size.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace tidemill {

/// Bytes of a column's values, of the kind that does not depend on how they are buffered.
double MemoryBytes(const arrow::Array& column);

class PendingRows {
 public:
  /// Groups will have these columns, of plain types (column_types.h).
  explicit PendingRows(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {}

  /// Columns by position, of types that convert to the schema's. The batch must not change.
  arrow::Status Append(const arrow::RecordBatch& batch);

  int64_t num_rows() const { return num_rows_; }

  /// The first `rows` rows (no more than there are), a single array a column.
  arrow::Result<arrow::ArrayVector> First(int64_t rows) const;
  void Drop(int64_t rows);

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches_;
  int64_t num_rows_ = 0;
};

}  // namespace tidemill
