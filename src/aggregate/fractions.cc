#include "aggregate/fractions.h"

#include <cmath>

#include <arrow/scalar.h>
#include <fmt/format.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

/// A number of any type as a double; NaN if it is none.
double NumberOf(const arrow::Scalar& scalar) {
  const auto cast = scalar.CastTo(arrow::float64());
  const bool is_number = arrow::is_integer(scalar.type->id()) ||
                         arrow::is_floating(scalar.type->id()) ||
                         arrow::is_decimal(scalar.type->id());
  if (!is_number || !cast.ok() || !(*cast)->is_valid) return std::nan("");
  return static_cast<const arrow::DoubleScalar&>(**cast).value;
}

}  // namespace

Fraction FractionOf(const AggregateKernel& kernel) {
  const double p = kernel.constants.empty()
                       ? 0.5
                       : static_cast<const arrow::DoubleScalar&>(*kernel.constants[0]).value;
  return {std::llround(p * static_cast<double>(Fraction::kOne))};
}

arrow::Result<Constants> CheckFraction(const std::string& function, const Constants& constants) {
  const double p = NumberOf(*constants[0]);
  if (!(p >= 0 && p <= 1)) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("{}: p must be a number from 0 to 1, not {}", function,
                                 constants[0]->ToString()),
                     "0.5 is the median, 0.95 the value that 95 % do not exceed");
  }
  if (constants.size() > 1) {
    const bool is_positive =
        arrow::is_integer(constants[1]->type->id()) && NumberOf(*constants[1]) >= 1;
    if (!is_positive) {
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("{}: the accuracy must be a positive integer, not {}", function,
                                   constants[1]->ToString()),
                       "leave it out: it does not change the result");
    }
  }
  return Constants{arrow::MakeScalar(p + 0.0)};
}

}  // namespace tidemill
