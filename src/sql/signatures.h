#pragma once

/// What the resolvers of scalar functions share: classes of types, the type that several arguments
/// have in common, and the wording of refusals.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "sql/function_registry.h"

namespace tidemill {

using DataTypePtr = std::shared_ptr<arrow::DataType>;

inline constexpr int kMaxPrecision = 38;  ///< of decimals

bool IsInteger(const arrow::DataType& type);
bool IsFloat(const arrow::DataType& type);
bool IsDecimal(const arrow::DataType& type);
bool IsNumber(const arrow::DataType& type);
bool IsText(const arrow::DataType& type);
bool IsBinary(const arrow::DataType& type);
bool IsDate(const arrow::DataType& type);
bool IsTimestamp(const arrow::DataType& type);
bool IsNull(const arrow::DataType& type);

/// Digits that hold every value of an integer type.
int IntegerDigits(const arrow::DataType& type);
/// The decimal128 that holds an integer or decimal type (decimals of more than 38 digits are cut to
/// 38).
DataTypePtr DecimalOf(const arrow::DataType& type);
/// The one type of its kind that kernels see: text is utf8, bytes are binary, dates date32,
/// decimals decimal128.
DataTypePtr Canonical(const DataTypePtr& type);

/// Whether the argument is a text constant, which may stand for a value of any type that it parses
/// as.
bool IsTextLiteral(const ArgumentInfo& argument);
/// The text of a text constant, else nothing.
std::string_view LiteralText(const ArgumentInfo& argument);

/// The type in which all of `arguments` are compared or chosen between; null if there is none. Text
/// constants take the type of the others; integer constants do not widen a column that can hold
/// them; NULLs take any type (all NULL: NA).
DataTypePtr CommonArgumentType(const std::vector<ArgumentInfo>& arguments);

/// "function(type, type): reason".
arrow::Status NoSignature(std::string_view function, const std::vector<ArgumentInfo>& arguments,
                          std::string_view reason);

using Resolver = std::function<arrow::Result<ScalarSignature>(const std::vector<ArgumentInfo>&)>;

/// What an argument may be, with the implicit conversions: NULL and fitting text constants are
/// taken for any.
enum class Wanted { kText, kInteger, kDouble, kBoolean, kDate, kTimestamp };

/// A fixed list of wanted arguments, cut to as many as are given.
Resolver Takes(std::string function, std::vector<Wanted> wanted, DataTypePtr result);

/// The type that `argument` is cast to in order to be what is wanted; null if it cannot.
DataTypePtr Accept(const ArgumentInfo& argument, Wanted wanted);

}  // namespace tidemill
