#include "engine/entity_key.h"

#include <bit>
#include <cstring>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/builder.h>

#include "aggregate/registry.h"

namespace tidemill {
namespace {

constexpr uint8_t kValid = 1;
constexpr uint8_t kNull = 2;
constexpr uint64_t kSignBit = uint64_t{1} << 63;

void AppendBigEndian(uint64_t value, std::vector<uint8_t>* key) {
  value = __builtin_bswap64(value);
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  key->insert(key->end(), bytes, bytes + sizeof value);
}

uint64_t ReadBigEndian(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return __builtin_bswap64(value);
}

uint64_t OrderedBits(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  return bits & kSignBit ? ~bits : bits | kSignBit;
}

double FromOrderedBits(uint64_t bits) {
  return std::bit_cast<double>(bits & kSignBit ? bits & ~kSignBit : ~bits);
}

bool IsUnsigned(const arrow::DataType& type) { return type.id() == arrow::Type::UINT64; }

/// Appends decoded values of one column to a builder of its type.
class ColumnDecoder {
 public:
  static arrow::Result<std::unique_ptr<ColumnDecoder>> Make(
      const std::shared_ptr<arrow::DataType>& type, ArgumentKind kind, bool is_last) {
    auto decoder = std::make_unique<ColumnDecoder>();
    decoder->kind_ = kind;
    decoder->type_ = type;
    decoder->is_last_ = is_last;
    ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), type, &decoder->builder_));
    return decoder;
  }

  /// Reads one value at `at`, which is moved behind it.
  arrow::Status Append(const uint8_t** at, const uint8_t* end) {
    switch (kind_) {
      case ArgumentKind::kInt64: {
        uint64_t bits = ReadBigEndian(*at);
        *at += sizeof bits;
        if (!IsUnsigned(*type_)) bits ^= kSignBit;
        return AppendInteger(static_cast<int64_t>(bits));
      }
      case ArgumentKind::kDouble: {
        const double value = FromOrderedBits(ReadBigEndian(*at));
        *at += sizeof value;
        if (type_->id() == arrow::Type::FLOAT) {
          return static_cast<arrow::FloatBuilder&>(*builder_).Append(static_cast<float>(value));
        }
        return static_cast<arrow::DoubleBuilder&>(*builder_).Append(value);
      }
      case ArgumentKind::kInt128: {
        const uint64_t high = ReadBigEndian(*at) ^ kSignBit;
        const uint64_t low = ReadBigEndian(*at + sizeof high);
        *at += 2 * sizeof high;
        return static_cast<arrow::Decimal128Builder&>(*builder_).Append(
            arrow::Decimal128(static_cast<int64_t>(high), low));
      }
      case ArgumentKind::kBytes:
        return AppendText(at, end);
      case ArgumentKind::kNone:
        break;
    }
    return arrow::Status::Invalid("no such entity kind");
  }

  arrow::Status AppendNull() { return builder_->AppendNull(); }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish() { return builder_->Finish(); }

 private:
  template <typename Type>
  arrow::Status AppendAs(int64_t value) {
    using Builder = typename arrow::TypeTraits<Type>::BuilderType;
    return static_cast<Builder&>(*builder_).Append(static_cast<typename Type::c_type>(value));
  }

  arrow::Status AppendInteger(int64_t value) {
    switch (type_->id()) {
      case arrow::Type::BOOL:
        return static_cast<arrow::BooleanBuilder&>(*builder_).Append(value != 0);
      case arrow::Type::INT8:
        return AppendAs<arrow::Int8Type>(value);
      case arrow::Type::INT16:
        return AppendAs<arrow::Int16Type>(value);
      case arrow::Type::INT32:
        return AppendAs<arrow::Int32Type>(value);
      case arrow::Type::INT64:
        return AppendAs<arrow::Int64Type>(value);
      case arrow::Type::UINT8:
        return AppendAs<arrow::UInt8Type>(value);
      case arrow::Type::UINT16:
        return AppendAs<arrow::UInt16Type>(value);
      case arrow::Type::UINT32:
        return AppendAs<arrow::UInt32Type>(value);
      case arrow::Type::UINT64:
        return AppendAs<arrow::UInt64Type>(value);
      case arrow::Type::DATE32:
        return AppendAs<arrow::Date32Type>(value);
      case arrow::Type::DATE64:
        return AppendAs<arrow::Date64Type>(value);
      case arrow::Type::TIME32:
        return AppendAs<arrow::Time32Type>(value);
      case arrow::Type::TIME64:
        return AppendAs<arrow::Time64Type>(value);
      case arrow::Type::TIMESTAMP:
        return AppendAs<arrow::TimestampType>(value);
      default:
        return arrow::Status::Invalid("no integer type: ", type_->ToString());
    }
  }

  arrow::Status AppendText(const uint8_t** at, const uint8_t* end) {
    std::string_view text;
    if (is_last_) {
      text = {reinterpret_cast<const char*>(*at), static_cast<size_t>(end - *at)};
      *at = end;
    } else {
      unescaped_.clear();
      const uint8_t* next = *at;
      while (next[0] != 0 || next[1] != 0) {
        unescaped_.push_back(static_cast<char>(next[0]));
        next += next[0] == 0 ? 2 : 1;
      }
      *at = next + 2;
      text = unescaped_;
    }
    if (type_->id() == arrow::Type::STRING || type_->id() == arrow::Type::BINARY) {
      return static_cast<arrow::BinaryBuilder&>(*builder_).Append(text);
    }
    return static_cast<arrow::LargeBinaryBuilder&>(*builder_).Append(text);
  }

  ArgumentKind kind_ = ArgumentKind::kNone;
  std::shared_ptr<arrow::DataType> type_;
  bool is_last_ = true;
  std::unique_ptr<arrow::ArrayBuilder> builder_;
  std::string unescaped_;
};

}  // namespace

arrow::Result<EntityKeyCodec> EntityKeyCodec::Make(
    std::vector<std::shared_ptr<arrow::DataType>> types, bool nullable) {
  EntityKeyCodec codec;
  for (const auto& type : types) {
    ARROW_ASSIGN_OR_RAISE(ArgumentKind kind, ArgumentKindOf(*type));
    codec.kinds_.push_back(kind);
  }
  codec.types_ = std::move(types);
  codec.nullable_ = nullable;
  return codec;
}

void EntityKeyCodec::Encode(size_t i, const ArgumentColumn& column, bool valid, int64_t row,
                            std::vector<uint8_t>* key) const {
  if (kinds_[i] == ArgumentKind::kBytes) {
    EncodeText(i, valid ? column.bytes[row] : Bytes{}, valid, key);
    return;
  }
  if (nullable_) key->push_back(valid ? kValid : kNull);
  if (!valid) return;
  switch (kinds_[i]) {
    case ArgumentKind::kInt64:
      AppendBigEndian(
          static_cast<uint64_t>(column.int64s[row]) ^ (IsUnsigned(*types_[i]) ? 0 : kSignBit), key);
      break;
    case ArgumentKind::kDouble:
      AppendBigEndian(OrderedBits(column.doubles[row]), key);
      break;
    default: {
      const auto bits = static_cast<uint128_t>(column.int128s[row]);
      AppendBigEndian(static_cast<uint64_t>(bits >> 64) ^ kSignBit, key);
      AppendBigEndian(static_cast<uint64_t>(bits), key);
    }
  }
}

void EntityKeyCodec::EncodeText(size_t i, Bytes value, bool valid,
                                std::vector<uint8_t>* key) const {
  if (nullable_) key->push_back(valid ? kValid : kNull);
  if (!valid) return;
  if (i + 1 == kinds_.size()) {
    key->insert(key->end(), value.data, value.data + value.size);
    return;
  }
  for (uint64_t at = 0; at < value.size; ++at) {
    key->push_back(value.data[at]);
    if (value.data[at] == 0) key->push_back(0xFF);
  }
  key->push_back(0);
  key->push_back(0);
}

arrow::Result<std::vector<std::shared_ptr<arrow::Array>>> EntityKeyCodec::Decode(
    const Bytes* const* keys, int64_t n) const {
  std::vector<std::unique_ptr<ColumnDecoder>> decoders;
  for (size_t i = 0; i < kinds_.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto decoder,
                          ColumnDecoder::Make(types_[i], kinds_[i], i + 1 == kinds_.size()));
    decoders.push_back(std::move(decoder));
  }
  for (int64_t k = 0; k < n; ++k) {
    const uint8_t* at = keys[k]->data;
    const uint8_t* end = at + keys[k]->size;
    for (auto& decoder : decoders) {
      if (nullable_ && *at++ == kNull) {
        ARROW_RETURN_NOT_OK(decoder->AppendNull());
      } else {
        ARROW_RETURN_NOT_OK(decoder->Append(&at, end));
      }
    }
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (auto& decoder : decoders) {
    ARROW_ASSIGN_OR_RAISE(auto column, decoder->Finish());
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace tidemill
