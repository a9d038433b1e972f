#include "aggregate/order_key.h"

#include <optional>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/util/decimal.h>

namespace tidemill {
namespace {

template <typename Builder, typename Convert>
arrow::Status AppendConverted(const StateRows<Key64>& keys, arrow::ArrayBuilder* builder,
                              Convert convert) {
  using Value = decltype(convert(int64_t{}));
  AppendOptionals<Builder>(builder, keys.size, [&](int64_t i) -> std::optional<Value> {
    const Key64& key = keys[i];
    return key.has_value() ? std::optional<Value>(convert(key.value)) : std::nullopt;
  });
  return arrow::Status::OK();
}

template <typename Builder>
arrow::Status AppendIntegers(const StateRows<Key64>& keys, arrow::ArrayBuilder* builder) {
  using Value = typename Builder::value_type;
  return AppendConverted<Builder>(keys, builder,
                                  [](int64_t key) { return static_cast<Value>(key); });
}

template <typename Builder>
arrow::Status AppendRuns(const StateRows<KeyBytes>& keys, arrow::ArrayBuilder* builder) {
  auto* runs = static_cast<Builder*>(builder);
  int64_t total = 0;
  for (int64_t i = 0; i < keys.size; ++i) total += static_cast<int64_t>(keys[i].value.size);
  ARROW_RETURN_NOT_OK(runs->ReserveData(total));
  for (int64_t i = 0; i < keys.size; ++i) {
    const Bytes& value = keys[i].value;
    if (value.data == nullptr) {
      runs->UnsafeAppendNull();
    } else {
      runs->UnsafeAppend(value.data, static_cast<typename Builder::offset_type>(value.size));
    }
  }
  return arrow::Status::OK();
}

arrow::Status Unexpected(const arrow::DataType& type) {
  return arrow::Status::NotImplemented("results of type ", type.ToString());
}

}  // namespace

arrow::Status AppendKeys(const arrow::DataType& type, const StateRows<Key64>& keys,
                         arrow::ArrayBuilder* builder) {
  using arrow::Type;
  switch (type.id()) {
    case Type::BOOL:
      return AppendConverted<arrow::BooleanBuilder>(keys, builder,
                                                    [](int64_t key) { return key != 0; });
    case Type::INT8:
      return AppendIntegers<arrow::Int8Builder>(keys, builder);
    case Type::INT16:
      return AppendIntegers<arrow::Int16Builder>(keys, builder);
    case Type::INT32:
      return AppendIntegers<arrow::Int32Builder>(keys, builder);
    case Type::INT64:
      return AppendIntegers<arrow::Int64Builder>(keys, builder);
    case Type::UINT8:
      return AppendIntegers<arrow::UInt8Builder>(keys, builder);
    case Type::UINT16:
      return AppendIntegers<arrow::UInt16Builder>(keys, builder);
    case Type::UINT32:
      return AppendIntegers<arrow::UInt32Builder>(keys, builder);
    case Type::UINT64:
      return AppendConverted<arrow::UInt64Builder>(keys, builder, UnsignedOfKey);
    case Type::DATE32:
      return AppendIntegers<arrow::Date32Builder>(keys, builder);
    case Type::DATE64:
      return AppendIntegers<arrow::Date64Builder>(keys, builder);
    case Type::TIMESTAMP:
      return AppendIntegers<arrow::TimestampBuilder>(keys, builder);
    case Type::TIME32:
      return AppendIntegers<arrow::Time32Builder>(keys, builder);
    case Type::TIME64:
      return AppendIntegers<arrow::Time64Builder>(keys, builder);
    case Type::FLOAT:
      return AppendConverted<arrow::FloatBuilder>(
          keys, builder, [](int64_t key) { return static_cast<float>(DoubleOfKey(key)); });
    case Type::DOUBLE:
      return AppendConverted<arrow::DoubleBuilder>(keys, builder, DoubleOfKey);
    default:
      return Unexpected(type);
  }
}

arrow::Status AppendKeys(const arrow::DataType& type, const StateRows<Key128>& keys,
                         arrow::ArrayBuilder* builder) {
  if (type.id() != arrow::Type::DECIMAL128) return Unexpected(type);
  AppendOptionals<arrow::Decimal128Builder>(
      builder, keys.size, [&](int64_t i) -> std::optional<arrow::Decimal128> {
        const Key128& key = keys[i];
        if (!key.has_value()) return std::nullopt;
        return arrow::Decimal128(static_cast<int64_t>(key.value.limbs[1]), key.value.limbs[0]);
      });
  return arrow::Status::OK();
}

arrow::Status AppendKeys(const arrow::DataType& type, const StateRows<KeyBytes>& keys,
                         arrow::ArrayBuilder* builder) {
  switch (type.id()) {
    case arrow::Type::STRING:
      return AppendRuns<arrow::StringBuilder>(keys, builder);
    case arrow::Type::LARGE_STRING:
      return AppendRuns<arrow::LargeStringBuilder>(keys, builder);
    case arrow::Type::BINARY:
      return AppendRuns<arrow::BinaryBuilder>(keys, builder);
    case arrow::Type::LARGE_BINARY:
      return AppendRuns<arrow::LargeBinaryBuilder>(keys, builder);
    default:
      return Unexpected(type);
  }
}

}  // namespace tidemill
