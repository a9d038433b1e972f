#include "storage/column_types.h"

#include <algorithm>
#include <utility>

#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/util/checked_cast.h>

#include "storage/nested_columns.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

constexpr const char* kInstantZone = "UTC";

std::shared_ptr<arrow::DataType> WidenedInteger(const arrow::DataType& a,
                                                const arrow::DataType& b) {
  const bool a_signed = arrow::is_signed_integer(a.id());
  const bool b_signed = arrow::is_signed_integer(b.id());
  int bits = std::max(a.bit_width(), b.bit_width());
  if (a_signed != b_signed) {
    const int unsigned_bits = a_signed ? b.bit_width() : a.bit_width();
    bits = std::max(bits, 2 * unsigned_bits);
  } else if (!a_signed) {
    switch (bits) {
      case 8:
        return arrow::uint8();
      case 16:
        return arrow::uint16();
      case 32:
        return arrow::uint32();
      default:
        return arrow::uint64();
    }
  }
  switch (bits) {
    case 8:
      return arrow::int8();
    case 16:
      return arrow::int16();
    case 32:
      return arrow::int32();
    case 64:
      return arrow::int64();
    default:
      return nullptr;
  }
}

std::shared_ptr<arrow::DataType> WidenedDecimal(const arrow::DataType& a,
                                                const arrow::DataType& b) {
  const auto& x = checked_cast<const arrow::DecimalType&>(a);
  const auto& y = checked_cast<const arrow::DecimalType&>(b);
  const int32_t scale = std::max(x.scale(), y.scale());
  const int32_t digits = std::max(x.precision() - x.scale(), y.precision() - y.scale());
  if (scale + digits > arrow::Decimal128Type::kMaxPrecision) return nullptr;
  return arrow::decimal128(scale + digits, scale);
}

bool IsTime(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIME32 || type.id() == arrow::Type::TIME64;
}

arrow::TimeUnit::type UnitOfTime(const arrow::DataType& type) {
  return checked_cast<const arrow::TimeType&>(type).unit();
}

/// The same bits under another type of the same layout, such as timestamps in another zone.
arrow::Result<std::shared_ptr<arrow::Array>> Relabel(const std::shared_ptr<arrow::Array>& column,
                                                     const std::shared_ptr<arrow::DataType>& type) {
  auto data = column->data()->Copy();
  data->type = type;
  return arrow::MakeArray(std::move(data));
}

arrow::Result<std::shared_ptr<arrow::Array>> Decoded(const arrow::Array& column,
                                                     const std::shared_ptr<arrow::DataType>& type);

arrow::Result<std::shared_ptr<arrow::Array>> CastValues(
    std::shared_ptr<arrow::Array> column, const std::shared_ptr<arrow::DataType>& type) {
  if (column->type()->Equals(*type)) return column;
  if (column->type_id() == arrow::Type::EXTENSION) {
    return CastValues(checked_cast<const arrow::ExtensionArray&>(*column).storage(), type);
  }
  if (column->type_id() == arrow::Type::TIMESTAMP && type->id() == arrow::Type::TIMESTAMP) {
    // The cast between zones, or from INT96 to instants, changes no value; the one between units is
    // checked.
    const auto unit = checked_cast<const arrow::TimestampType&>(*column->type()).unit();
    const auto& wanted = checked_cast<const arrow::TimestampType&>(*type);
    ARROW_ASSIGN_OR_RAISE(column, Relabel(column, arrow::timestamp(unit, wanted.timezone())));
    if (column->type()->Equals(*type)) return column;
  }
  if (column->type_id() == arrow::Type::DICTIONARY) return Decoded(*column, type);
  if (column->type_id() == arrow::Type::LARGE_LIST && type->id() == arrow::Type::LIST) {
    const auto& element = checked_cast<const arrow::LargeListType&>(*column->type()).value_type();
    ARROW_ASSIGN_OR_RAISE(
        column, arrow::compute::Cast(*column, arrow::list(arrow::field("element", element)),
                                     arrow::compute::CastOptions::Safe()));
  }
  if (column->type_id() == type->id() && IsListOrMap(*type)) {
    return WithConvertedElements(column, type, CastValues);
  }
  return arrow::compute::Cast(*column, type, arrow::compute::CastOptions::Safe());
}

arrow::Result<std::shared_ptr<arrow::Array>> Decoded(const arrow::Array& column,
                                                     const std::shared_ptr<arrow::DataType>& type) {
  const auto& coded = checked_cast<const arrow::DictionaryArray&>(column);
  ARROW_ASSIGN_OR_RAISE(auto values, CastValues(coded.dictionary(), type));
  ARROW_ASSIGN_OR_RAISE(arrow::Datum taken, arrow::compute::Take(values, coded.indices()));
  return taken.make_array();
}

}  // namespace

std::shared_ptr<arrow::DataType> PlainType(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::DICTIONARY:
      return PlainType(checked_cast<const arrow::DictionaryType&>(*type).value_type());
    case arrow::Type::EXTENSION:
      return PlainType(checked_cast<const arrow::ExtensionType&>(*type).storage_type());
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return arrow::binary();
    case arrow::Type::DATE64:
      return arrow::date32();
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = checked_cast<const arrow::TimestampType&>(*type);
      return timestamp.timezone().empty() ? type : arrow::timestamp(timestamp.unit(), kInstantZone);
    }
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL256: {
      const auto& decimal = checked_cast<const arrow::DecimalType&>(*type);
      if (decimal.precision() > arrow::Decimal128Type::kMaxPrecision) return type;
      return arrow::decimal128(decimal.precision(), decimal.scale());
    }
    case arrow::Type::LIST:
    case arrow::Type::MAP: {
      if (!IsListOrMap(*type)) return type;
      std::vector<std::shared_ptr<arrow::DataType>> elements;
      for (const auto& field : ElementFields(*type)) elements.push_back(PlainType(field->type()));
      return WithElements(*type, std::move(elements));
    }
    case arrow::Type::LARGE_LIST: {
      const auto& element = checked_cast<const arrow::LargeListType&>(*type).value_type();
      return PlainType(arrow::list(arrow::field("element", element)));
    }
    default:
      return type;
  }
}

bool IsReadAsDictionary(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::BINARY;
}

bool IsReadable(const arrow::DataType& type) {
  if (IsListOrMap(type)) {
    const auto fields = ElementFields(type);
    return std::ranges::all_of(fields,
                               [](const auto& field) { return IsReadable(*field->type()); });
  }
  return !arrow::is_nested(type.id()) && type.id() != arrow::Type::HALF_FLOAT;
}

std::shared_ptr<arrow::DataType> WidenedType(const std::shared_ptr<arrow::DataType>& a,
                                             const std::shared_ptr<arrow::DataType>& b) {
  if (a->Equals(*b)) return a;
  if (a->id() == arrow::Type::NA) return b;
  if (b->id() == arrow::Type::NA) return a;
  if (arrow::is_integer(a->id()) && arrow::is_integer(b->id())) return WidenedInteger(*a, *b);
  const auto is_float = [](const arrow::DataType& type) {
    return type.id() == arrow::Type::FLOAT || type.id() == arrow::Type::DOUBLE;
  };
  if (is_float(*a) && is_float(*b)) return arrow::float64();
  if (a->id() == arrow::Type::DECIMAL128 && b->id() == arrow::Type::DECIMAL128) {
    return WidenedDecimal(*a, *b);
  }
  if (a->id() == arrow::Type::TIMESTAMP && b->id() == arrow::Type::TIMESTAMP) {
    const auto& x = checked_cast<const arrow::TimestampType&>(*a);
    const auto& y = checked_cast<const arrow::TimestampType&>(*b);
    if (x.timezone() != y.timezone()) return nullptr;
    return arrow::timestamp(std::max(x.unit(), y.unit()), x.timezone());
  }
  if (IsTime(*a) && IsTime(*b)) {
    const arrow::TimeUnit::type unit = std::max(UnitOfTime(*a), UnitOfTime(*b));
    return unit >= arrow::TimeUnit::MICRO ? arrow::time64(unit) : arrow::time32(unit);
  }
  return nullptr;
}

arrow::Result<std::shared_ptr<arrow::Array>> ConvertColumn(
    const std::shared_ptr<arrow::Array>& column, const std::shared_ptr<arrow::DataType>& type,
    bool as_dictionary) {
  if (column->type_id() == arrow::Type::NA) {
    return arrow::MakeArrayOfNull(as_dictionary ? arrow::dictionary(arrow::int32(), type) : type,
                                  column->length());
  }
  if (column->type_id() != arrow::Type::DICTIONARY) {
    ARROW_ASSIGN_OR_RAISE(auto plain, CastValues(column, type));
    if (!as_dictionary) return plain;
    ARROW_ASSIGN_OR_RAISE(arrow::Datum encoded, arrow::compute::DictionaryEncode(plain));
    return encoded.make_array();
  }

  if (!as_dictionary) return Decoded(*column, type);
  const auto& coded = checked_cast<const arrow::DictionaryArray&>(*column);
  ARROW_ASSIGN_OR_RAISE(auto values, CastValues(coded.dictionary(), type));
  ARROW_ASSIGN_OR_RAISE(auto indices, CastValues(coded.indices(), arrow::int32()));
  return std::make_shared<arrow::DictionaryArray>(arrow::dictionary(arrow::int32(), type), indices,
                                                  values);
}

}  // namespace tidemill
