#include "storage/nan_statistics.h"

#include <cmath>

#include <arrow/util/checked_cast.h>

namespace tidemill {
namespace {

template <typename ArrayType>
bool AnyNaN(const arrow::Array& column) {
  const auto& numbers = arrow::internal::checked_cast<const ArrayType&>(column);
  bool found = false;
  for (int64_t i = 0; i < numbers.length(); ++i) found |= std::isnan(numbers.Value(i));
  if (!found || numbers.null_count() == 0) return found;
  for (int64_t i = 0; i < numbers.length(); ++i) {
    if (numbers.IsValid(i) && std::isnan(numbers.Value(i))) return true;
  }
  return false;
}

}  // namespace

bool HoldsNaN(const arrow::Array& column) {
  if (column.type_id() == arrow::Type::DOUBLE) return AnyNaN<arrow::DoubleArray>(column);
  if (column.type_id() == arrow::Type::FLOAT) return AnyNaN<arrow::FloatArray>(column);
  return false;
}

void SetStatistics(parquet::WriterProperties* properties, const std::string& column, bool enabled) {
  // The writer asks for the properties of a column anew for each row group, but lets them be set
  // for the file as a whole only. The object itself is not const: the caller may change it.
  const auto path = std::make_shared<parquet::schema::ColumnPath>(std::vector{column});
  const_cast<parquet::ColumnProperties&>(properties->column_properties(path))
      .set_statistics_enabled(enabled);
}

}  // namespace tidemill
