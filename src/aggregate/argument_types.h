#pragma once

/// What functions ask about the types of their arguments, and how they refuse one.

#include <memory>
#include <string>

#include <arrow/result.h>
#include <arrow/type.h>

namespace tidemill {

bool IsFloatingArgument(const arrow::DataType& type);  ///< float, double
bool IsDecimalArgument(const arrow::DataType& type);   ///< decimal128 whose scale is not negative

/// "sum(text): the argument must be a number", with a hint.
arrow::Status WrongArgument(const std::string& function, const arrow::DataType& type,
                            const std::string& must_be, const std::string& hint);

/// WrongArgument for functions of numbers.
arrow::Status NotANumber(const std::string& function, const arrow::DataType& type);

}  // namespace tidemill
