#pragma once

/// The values of literals as they are written.

#include <memory>
#include <string>

#include <arrow/result.h>
#include <arrow/scalar.h>

namespace tidemill {

/// Digits with an optional sign: a bigint, or a decimal if it is longer. Errors (Invalid, a message
/// only) beyond 38 digits.
arrow::Result<std::shared_ptr<arrow::Scalar>> IntegerValue(const std::string& text);

/// A number with a point or an exponent as the nearest double. Errors (Invalid, a message only)
/// beyond the range of doubles.
arrow::Result<std::shared_ptr<arrow::Scalar>> DoubleValue(const std::string& text);

/// The same number exactly, as a decimal128 of no more digits than it has; null if it has more
/// than 38.
std::shared_ptr<arrow::Scalar> DecimalValue(const std::string& text);

}  // namespace tidemill
