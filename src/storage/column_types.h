#pragma once

/// The types in which columns of Parquet files are seen, and the way there.
///
/// Files say the same thing in many types: strings as string, large_string or dictionaries,
/// instants in any zone. The rest of the house sees one of each, the plain form.

#include <memory>

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace tidemill {

/// The plain form of a type: no dictionaries and no extension types, string and binary with 32-bit
/// offsets, zones as UTC (instants are the same), date32 for date64, decimal128 where the precision
/// allows. Others are as they are.
std::shared_ptr<arrow::DataType> PlainType(const std::shared_ptr<arrow::DataType>& type);

/// Whether row groups hand the type out as a dictionary (string and binary).
bool IsReadAsDictionary(const arrow::DataType& type);

/// Whether a column of this plain type can be read at all: not float16, and not nested save for
/// lists and maps of plain values.
bool IsReadable(const arrow::DataType& type);

/// The smallest plain type that holds all values of two; null if there is none. Widening stays
/// within a family: integers, floats, decimals, timestamp units (both with a zone or both without),
/// times; null takes the other's type.
std::shared_ptr<arrow::DataType> WidenedType(const std::shared_ptr<arrow::DataType>& a,
                                             const std::shared_ptr<arrow::DataType>& b);

/// `column`, whose PlainType widens to the plain type `type`, as `type`; as dictionary<int32, type>
/// if `as_dictionary`. Fails where a value does not fit (a timestamp in nanoseconds beyond the year
/// 2262).
arrow::Result<std::shared_ptr<arrow::Array>> ConvertColumn(
    const std::shared_ptr<arrow::Array>& column, const std::shared_ptr<arrow::DataType>& type,
    bool as_dictionary);

}  // namespace tidemill
