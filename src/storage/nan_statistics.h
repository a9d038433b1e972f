#pragma once

/// Statistics of columns of floats, where there is NaN.
///
/// The least and greatest value in a Parquet file leave NaN out, and readers believe them: of rows
/// with 1, 2 and NaN, DuckDB finds none for `x > 5`, nor for `isnan(x)`, although NaN is the
/// largest value there as it is here. So a column chunk with a NaN gets no statistics at all, as in
/// the files that DuckDB writes itself.

#include <memory>
#include <string>

#include <arrow/array.h>
#include <parquet/properties.h>

namespace tidemill {

/// Whether a value of a column of floats (other columns: false) is NaN.
bool HoldsNaN(const arrow::Array& column);

/// Turns the statistics of a column on or off, for row groups that are begun from now on. The
/// properties were built with enable_statistics(column).
void SetStatistics(parquet::WriterProperties* properties, const std::string& column, bool enabled);

}  // namespace tidemill
