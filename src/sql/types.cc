#include <algorithm>

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include "sql/function_registry.h"
#include "sql/signatures.h"

namespace tidemill {

using arrow::Type;

std::string TypeName(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::NA:
      return "unknown";
    case Type::BOOL:
      return "boolean";
    case Type::INT8:
      return "tinyint";
    case Type::INT16:
      return "smallint";
    case Type::INT32:
      return "integer";
    case Type::INT64:
      return "bigint";
    case Type::UINT8:
      return "utinyint";
    case Type::UINT16:
      return "usmallint";
    case Type::UINT32:
      return "uinteger";
    case Type::UINT64:
      return "ubigint";
    case Type::HALF_FLOAT:
      return "half precision";
    case Type::FLOAT:
      return "real";
    case Type::DOUBLE:
      return "double precision";
    case Type::DECIMAL32:
    case Type::DECIMAL64:
    case Type::DECIMAL128:
    case Type::DECIMAL256: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      return "decimal(" + std::to_string(decimal.precision()) + "," +
             std::to_string(decimal.scale()) + ")";
    }
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
      return "text";
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
    case Type::FIXED_SIZE_BINARY:
      return "bytea";
    case Type::DATE32:
    case Type::DATE64:
      return "date";
    case Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty()
                 ? "timestamp"
                 : "timestamp with time zone";
    case Type::TIME32:
    case Type::TIME64:
      return "time";
    case Type::LIST:
    case Type::LARGE_LIST:
      return TypeName(*type.field(0)->type()) + "[]";
    case Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      return "map(" + TypeName(*map.key_type()) + ", " + TypeName(*map.item_type()) + ")";
    }
    default:
      return type.ToString();
  }
}

bool IsInteger(const arrow::DataType& type) { return arrow::is_integer(type.id()); }
bool IsFloat(const arrow::DataType& type) { return arrow::is_floating(type.id()); }
bool IsDecimal(const arrow::DataType& type) { return arrow::is_decimal(type.id()); }
bool IsNumber(const arrow::DataType& type) {
  return IsInteger(type) || IsFloat(type) || IsDecimal(type);
}
bool IsText(const arrow::DataType& type) {
  return arrow::is_string(type.id()) || type.id() == Type::STRING_VIEW;
}
bool IsBinary(const arrow::DataType& type) {
  return type.id() == Type::BINARY || type.id() == Type::LARGE_BINARY ||
         type.id() == Type::BINARY_VIEW || type.id() == Type::FIXED_SIZE_BINARY;
}
bool IsDate(const arrow::DataType& type) { return arrow::is_date(type.id()); }
bool IsTimestamp(const arrow::DataType& type) { return type.id() == Type::TIMESTAMP; }
bool IsNull(const arrow::DataType& type) { return type.id() == Type::NA; }

int IntegerDigits(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::INT8:
    case Type::UINT8:
      return 3;
    case Type::INT16:
    case Type::UINT16:
      return 5;
    case Type::INT32:
    case Type::UINT32:
      return 10;
    case Type::INT64:
      return 19;
    default:
      return 20;
  }
}

DataTypePtr DecimalOf(const arrow::DataType& type) {
  if (IsInteger(type)) return arrow::decimal128(IntegerDigits(type), 0);
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  return arrow::decimal128(std::min(decimal.precision(), kMaxPrecision), decimal.scale());
}

namespace {

DataTypePtr CommonInteger(const arrow::DataType& a, const arrow::DataType& b) {
  const int bits_a = a.bit_width();
  const int bits_b = b.bit_width();
  const bool signed_a = arrow::is_signed_integer(a.id());
  const bool signed_b = arrow::is_signed_integer(b.id());
  if (signed_a == signed_b) {
    const int bits = std::max(bits_a, bits_b);
    if (signed_a) {
      return bits == 8    ? arrow::int8()
             : bits == 16 ? arrow::int16()
             : bits == 32 ? arrow::int32()
                          : arrow::int64();
    }
    return bits == 8    ? arrow::uint8()
           : bits == 16 ? arrow::uint16()
           : bits == 32 ? arrow::uint32()
                        : arrow::uint64();
  }
  const int bits = std::max(signed_a ? bits_a : bits_b, 2 * (signed_a ? bits_b : bits_a));
  return bits == 16   ? arrow::int16()
         : bits == 32 ? arrow::int32()
         : bits == 64 ? arrow::int64()
                      : arrow::decimal128(20, 0);
}

DataTypePtr CommonDecimal(const arrow::DataType& a, const arrow::DataType& b) {
  const auto left = std::static_pointer_cast<arrow::DecimalType>(DecimalOf(a));
  const auto right = std::static_pointer_cast<arrow::DecimalType>(DecimalOf(b));
  const int scale = std::max(left->scale(), right->scale());
  const int whole =
      std::max(left->precision() - left->scale(), right->precision() - right->scale());
  return arrow::decimal128(std::min(whole + scale, kMaxPrecision), scale);
}

DataTypePtr CommonTimestamp(const arrow::TimestampType& a, const arrow::TimestampType& b) {
  const auto unit = std::max(a.unit(), b.unit());
  return arrow::timestamp(unit, a.timezone().empty() ? b.timezone() : a.timezone());
}

}  // namespace

DataTypePtr Canonical(const DataTypePtr& type) {
  if (IsText(*type)) return arrow::utf8();
  if (IsBinary(*type)) return arrow::binary();
  if (IsDate(*type)) return arrow::date32();
  if (IsDecimal(*type)) return DecimalOf(*type);
  if (type->id() == Type::HALF_FLOAT) return arrow::float32();
  return type;
}

DataTypePtr CommonType(const DataTypePtr& first, const DataTypePtr& second) {
  const DataTypePtr a = Canonical(first);
  const DataTypePtr b = Canonical(second);
  if (a->Equals(*b) || IsNull(*b)) return a;
  if (IsNull(*a)) return b;
  if (IsNumber(*a) && IsNumber(*b)) {
    if (IsFloat(*a) || IsFloat(*b)) return arrow::float64();
    if (IsDecimal(*a) || IsDecimal(*b)) return CommonDecimal(*a, *b);
    return CommonInteger(*a, *b);
  }
  if (IsTimestamp(*a) && IsTimestamp(*b)) {
    return CommonTimestamp(static_cast<const arrow::TimestampType&>(*a),
                           static_cast<const arrow::TimestampType&>(*b));
  }
  if (IsTimestamp(*a) && IsDate(*b)) return a;
  if (IsDate(*a) && IsTimestamp(*b)) return b;
  if (arrow::is_time(a->id()) && arrow::is_time(b->id())) {
    return static_cast<const arrow::TimeType&>(*a).unit() >
                   static_cast<const arrow::TimeType&>(*b).unit()
               ? a
               : b;
  }
  return nullptr;
}

}  // namespace tidemill
