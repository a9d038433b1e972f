#include "storage/pending_rows.h"

#include <algorithm>
#include <utility>

#include <arrow/array/concatenate.h>
#include <arrow/util/checked_cast.h>

#include "storage/column_types.h"
#include "storage/nested_columns.h"
#include "tidemill/error.h"

namespace tidemill {

double MemoryBytes(const arrow::Array& column) {
  if (arrow::is_binary_like(column.type_id())) {
    const auto& strings = arrow::internal::checked_cast<const arrow::BinaryArray&>(column);
    int64_t bytes = 4 * column.length();
    for (int64_t i = 0; i < column.length(); ++i) {
      if (column.IsValid(i)) bytes += strings.value_length(i);
    }
    return static_cast<double>(bytes);
  }
  if (IsListOrMap(*column.type())) {
    double bytes = 4 * static_cast<double>(column.length());
    const auto elements = ElementsOf(column);
    if (!elements.ok()) return bytes;
    for (const auto& element : *elements) bytes += MemoryBytes(*element);
    return bytes;
  }
  return static_cast<double>(column.type()->bit_width()) / 8 * static_cast<double>(column.length());
}

arrow::Status PendingRows::Append(const arrow::RecordBatch& batch) {
  if (batch.num_columns() != schema_->num_fields()) {
    return arrow::Status::Invalid("a batch has ", batch.num_columns(), " columns in place of ",
                                  schema_->num_fields());
  }
  if (batch.num_rows() == 0) return arrow::Status::OK();
  arrow::ArrayVector columns;
  for (int i = 0; i < batch.num_columns(); ++i) {
    auto column = ConvertColumn(batch.column(i), schema_->field(i)->type(),
                                /*as_dictionary=*/false);
    if (!column.ok()) {
      return WithContext(column.status(), "column '" + schema_->field(i)->name() + "'");
    }
    columns.push_back(*std::move(column));
  }
  batches_.push_back(arrow::RecordBatch::Make(schema_, batch.num_rows(), std::move(columns)));
  num_rows_ += batch.num_rows();
  return arrow::Status::OK();
}

arrow::Result<arrow::ArrayVector> PendingRows::First(int64_t rows) const {
  arrow::ArrayVector columns;
  for (int i = 0; i < schema_->num_fields(); ++i) {
    arrow::ArrayVector parts;
    int64_t left = rows;
    for (const auto& batch : batches_) {
      const int64_t taken = std::min(left, batch->num_rows());
      parts.push_back(batch->column(i)->Slice(0, taken));
      left -= taken;
      if (left == 0) break;
    }
    if (parts.size() == 1) {
      columns.push_back(parts.front());
    } else {
      ARROW_ASSIGN_OR_RAISE(auto column, arrow::Concatenate(parts));
      columns.push_back(std::move(column));
    }
  }
  return columns;
}

void PendingRows::Drop(int64_t rows) {
  num_rows_ -= rows;
  size_t whole = 0;
  while (rows > 0 && batches_[whole]->num_rows() <= rows) rows -= batches_[whole++]->num_rows();
  batches_.erase(batches_.begin(), batches_.begin() + static_cast<int64_t>(whole));
  if (rows > 0) batches_.front() = batches_.front()->Slice(rows);
}

}  // namespace tidemill
