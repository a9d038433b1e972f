#include "sql/literal_values.h"

#include <algorithm>
#include <charconv>

#include <arrow/util/decimal.h>

namespace tidemill {

arrow::Result<std::shared_ptr<arrow::Scalar>> IntegerValue(const std::string& text) {
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc()) return arrow::MakeScalar(value);
  if (std::shared_ptr<arrow::Scalar> decimal = DecimalValue(text)) return decimal;
  return arrow::Status::Invalid("the number has more than 38 digits");
}

arrow::Result<std::shared_ptr<arrow::Scalar>> DoubleValue(const std::string& text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) {
    return arrow::Status::Invalid("the number ", text, " is beyond the range of double precision");
  }
  return arrow::MakeScalar(value);
}

std::shared_ptr<arrow::Scalar> DecimalValue(const std::string& text) {
  arrow::Decimal128 value;
  int32_t precision = 0;
  int32_t scale = 0;
  if (!arrow::Decimal128::FromString(text, &value, &precision, &scale).ok()) return nullptr;
  precision = std::max({precision, scale, 1});
  if (scale < 0 || precision > arrow::Decimal128Type::kMaxPrecision) return nullptr;
  return std::make_shared<arrow::Decimal128Scalar>(value, arrow::decimal128(precision, scale));
}

}  // namespace tidemill
