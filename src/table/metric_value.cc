#include "table/metric_value.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/type.h>
#include <arrow/util/checked_cast.h>

namespace tidemill {
namespace {

using arrow::internal::checked_cast;
using Json = nlohmann::ordered_json;

constexpr const char* kUnits[] = {"s", "ms", "us", "ns"};

Json DoubleToJson(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

double DoubleFromJson(const Json& json) {
  if (!json.is_string()) return json.get<double>();
  const std::string text = json.get<std::string>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  return text == "Infinity" ? infinity : -infinity;
}

/// The type of a name that Arrow printed. Only what MetricToJson writes.
arrow::Result<std::shared_ptr<arrow::DataType>> TypeOfName(const std::string& name) {
  for (const auto& type : {arrow::null(),
                           arrow::boolean(),
                           arrow::int8(),
                           arrow::int16(),
                           arrow::int32(),
                           arrow::int64(),
                           arrow::uint8(),
                           arrow::uint16(),
                           arrow::uint32(),
                           arrow::uint64(),
                           arrow::float32(),
                           arrow::float64(),
                           arrow::utf8(),
                           arrow::large_utf8(),
                           arrow::date32(),
                           arrow::date64(),
                           arrow::time32(arrow::TimeUnit::SECOND),
                           arrow::time32(arrow::TimeUnit::MILLI),
                           arrow::time64(arrow::TimeUnit::MICRO),
                           arrow::time64(arrow::TimeUnit::NANO)}) {
    if (type->ToString() == name) return type;
  }
  const std::string_view text = name;
  constexpr std::string_view kDecimal = "decimal128(";
  if (text.starts_with(kDecimal)) {
    int32_t precision = 0;
    int32_t scale = 0;
    const char* end = text.data() + text.size();
    const auto first = std::from_chars(text.data() + kDecimal.size(), end, precision);
    if (first.ptr + 2 < end && std::from_chars(first.ptr + 2, end, scale).ec == std::errc()) {
      return arrow::Decimal128Type::Make(precision, scale);
    }
  }
  constexpr std::string_view kTimestamp = "timestamp[";
  for (int unit = 0; unit < 4; ++unit) {
    const auto plain = arrow::timestamp(static_cast<arrow::TimeUnit::type>(unit));
    if (plain->ToString() == name) return plain;
    const std::string zoned = std::string(kTimestamp) + kUnits[unit] + ", tz=";
    if (text.starts_with(zoned) && text.ends_with("]")) {
      return arrow::timestamp(static_cast<arrow::TimeUnit::type>(unit),
                              name.substr(zoned.size(), name.size() - zoned.size() - 1));
    }
  }
  return arrow::Status::Invalid("unknown type '", name, "'");
}

}  // namespace

arrow::Result<Json> MetricToJson(const arrow::Scalar& value) {
  Json json;
  json["type"] = value.type->ToString();
  Json& out = json["value"];
  if (!value.is_valid) return json;
  switch (value.type->id()) {
    case arrow::Type::BOOL:
      out = checked_cast<const arrow::BooleanScalar&>(value).value;
      return json;
    case arrow::Type::FLOAT:
      out = DoubleToJson(checked_cast<const arrow::FloatScalar&>(value).value);
      return json;
    case arrow::Type::DOUBLE:
      out = DoubleToJson(checked_cast<const arrow::DoubleScalar&>(value).value);
      return json;
    case arrow::Type::UINT64:
      out = checked_cast<const arrow::UInt64Scalar&>(value).value;
      return json;
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      out = std::string(checked_cast<const arrow::BaseBinaryScalar&>(value).view());
      return json;
    case arrow::Type::DECIMAL128:
      out = value.ToString();
      return json;
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP: {
      const auto bytes = checked_cast<const arrow::internal::PrimitiveScalarBase&>(value).view();
      const bool is_signed = !arrow::is_unsigned_integer(value.type->id());
      uint64_t bits = 0;
      for (size_t i = bytes.size(); i-- > 0;) bits = bits << 8 | static_cast<uint8_t>(bytes[i]);
      const auto unused = static_cast<int>(64 - 8 * bytes.size());
      out = is_signed ? static_cast<int64_t>(bits << unused) >> unused : static_cast<int64_t>(bits);
      return json;
    }
    default:
      return arrow::Status::NotImplemented("a metric of type ", value.type->ToString());
  }
}

arrow::Result<std::shared_ptr<arrow::Scalar>> MetricFromJson(const Json& json) {
  ARROW_ASSIGN_OR_RAISE(const auto type, TypeOfName(json.at("type").get<std::string>()));
  const Json& value = json.at("value");
  if (value.is_null()) return arrow::MakeNullScalar(type);
  switch (type->id()) {
    case arrow::Type::BOOL:
      return arrow::MakeScalar(value.get<bool>());
    case arrow::Type::FLOAT:
      return arrow::MakeScalar(static_cast<float>(DoubleFromJson(value)));
    case arrow::Type::DOUBLE:
      return arrow::MakeScalar(DoubleFromJson(value));
    case arrow::Type::UINT64:
      return arrow::MakeScalar(value.get<uint64_t>());
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return arrow::MakeScalar(type, value.get<std::string>());
    case arrow::Type::DECIMAL128: {
      ARROW_ASSIGN_OR_RAISE(const auto decimal,
                            arrow::Decimal128::FromString(value.get<std::string>()));
      return std::make_shared<arrow::Decimal128Scalar>(decimal, type);
    }
    case arrow::Type::DATE32:
    case arrow::Type::TIME32:
      return arrow::MakeScalar(type, value.get<int32_t>());
    default:
      return arrow::MakeScalar(type, value.get<int64_t>());
  }
}

}  // namespace tidemill
