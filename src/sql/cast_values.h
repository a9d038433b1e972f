#pragma once

/// What the casts share: the column in hand, and how a value that cannot be cast is named.

#include <memory>
#include <string>
#include <string_view>

#include <arrow/type.h>

#include "sql/clock.h"
#include "sql/kernel.h"

namespace tidemill {

/// A column on its way to type `to`.
struct CastSource {
  const arrow::ArrayData& data;
  DataTypePtr to;
  int64_t num_rows;
  std::shared_ptr<arrow::Buffer> validity;  ///< of `data`, from bit 0
};

/// "cannot cast 1e+19 to bigint: out of range"
arrow::Status CastOutOfRange(std::string_view value, const arrow::DataType& to);

/// Arrow's cast without its checks.
arrow::Result<Datum> ArrowCast(const Datum& x, const DataTypePtr& to);

/// Integers as bigint (ubigint as decimal(20,0)), floats as double, decimals as decimal128.
arrow::Result<Datum> WidenNumber(const Datum& x);

/// Calls `visitor.operator()<T>()` for an integer type.
template <typename Visitor>
arrow::Result<Datum> VisitInteger(const arrow::DataType& type, Visitor&& visitor) {
  using arrow::Type;
  switch (type.id()) {
    case Type::INT8:
      return visitor.template operator()<int8_t>();
    case Type::INT16:
      return visitor.template operator()<int16_t>();
    case Type::INT32:
      return visitor.template operator()<int32_t>();
    case Type::UINT8:
      return visitor.template operator()<uint8_t>();
    case Type::UINT16:
      return visitor.template operator()<uint16_t>();
    case Type::UINT32:
      return visitor.template operator()<uint32_t>();
    case Type::UINT64:
      return visitor.template operator()<uint64_t>();
    default:
      return visitor.template operator()<int64_t>();
  }
}

/// Casts of text to any type that CheckCast allows, and of any such type to text. `x` is the column
/// of `source`.
arrow::Result<Datum> CastFromText(const CastSource& source);
arrow::Result<Datum> CastToText(const Datum& x, const CastSource& source);

/// "2026-03-02 14:05:09.25", with the offset from UTC behind it if `zoned`.
std::string FormatTimestamp(int64_t instant, const Clock& clock, bool zoned);

}  // namespace tidemill
