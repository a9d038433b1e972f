#include "runner/spark_answers.h"

#include <arrow/array/concatenate.h>
#include <arrow/compute/cast.h>

#include "storage/column_types.h"
#include "tidemill/error.h"

namespace tidemill {

arrow::Result<std::shared_ptr<arrow::Array>> CastTo(const std::shared_ptr<arrow::Array>& array,
                                                    const std::shared_ptr<arrow::DataType>& type) {
  if (array->type()->Equals(*type)) return array;
  if (arrow::is_nested(type->id())) return ConvertColumn(array, type, /*as_dictionary=*/false);
  ARROW_ASSIGN_OR_RAISE(
      const arrow::Datum cast,
      arrow::compute::Cast(arrow::Datum(array), type, arrow::compute::CastOptions::Safe()));
  return cast.make_array();
}

arrow::Result<std::shared_ptr<arrow::Array>> ColumnOf(
    const arrow::Table& table, const std::string& name,
    const std::shared_ptr<arrow::DataType>& type) {
  const auto column = table.GetColumnByName(name);
  if (column == nullptr) {
    return MakeError(ErrorCode::kRunFailed, "Spark's answer has no column '" + name + "'");
  }
  arrow::ArrayVector chunks;
  for (const auto& chunk : column->chunks()) {
    ARROW_ASSIGN_OR_RAISE(chunks.emplace_back(), CastTo(chunk, type));
  }
  if (chunks.empty()) return arrow::MakeEmptyArray(type);
  return chunks.size() == 1 ? chunks[0] : arrow::Concatenate(chunks);
}

arrow::Result<std::vector<int64_t>> IntegersOf(const arrow::Table& table, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(const auto column, ColumnOf(table, name, arrow::int64()));
  const auto& integers = static_cast<const arrow::Int64Array&>(*column);
  std::vector<int64_t> values;
  for (int64_t i = 0; i < integers.length(); ++i) {
    values.push_back(integers.IsNull(i) ? 0 : integers.Value(i));
  }
  return values;
}

}  // namespace tidemill
