#pragma once

/// What functions ask about the types of their arguments, and how they refuse one.

#include <memory>
#include <string>

#include <arrow/result.h>
#include <arrow/type.h>

namespace tidemill {

bool IsFloatingArgument(const arrow::DataType& type);  ///< float, double
bool IsDecimalArgument(const arrow::DataType& type);   ///< decimal128 whose scale is not negative

/// double precision for other numbers, null for other types: what functions want that compute in
/// double precision whatever the number.
std::shared_ptr<arrow::DataType> NumberToDouble(const std::shared_ptr<arrow::DataType>& type);

/// The type of lists of values: its element is called what Parquet calls it.
std::shared_ptr<arrow::DataType> ListOf(const std::shared_ptr<arrow::DataType>& type);

/// "sum(text): the argument must be a number", with a hint.
arrow::Status WrongArgument(const std::string& function, const arrow::DataType& type,
                            const std::string& must_be, const std::string& hint);

/// WrongArgument for functions of numbers.
arrow::Status NotANumber(const std::string& function, const arrow::DataType& type);

}  // namespace tidemill
