#include "table/iceberg_bucket.h"

#include <bit>
#include <cstring>

#include <arrow/util/checked_cast.h>

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

uint32_t Scramble(uint32_t block) { return std::rotl(block * 0xcc9e2d51u, 15) * 0x1b873593u; }

int32_t HashLong(int64_t value) {
  char bytes[8];
  std::memcpy(bytes, &value, sizeof(bytes));  // little-endian, as every machine this runs on
  return static_cast<int32_t>(Murmur3({bytes, sizeof(bytes)}));
}

int32_t HashDecimal(const uint8_t* little_endian, int width) {
  char bytes[32];
  for (int i = 0; i < width; ++i) bytes[i] = static_cast<char>(little_endian[width - 1 - i]);
  // A leading byte that only repeats the sign is dropped.
  int begin = 0;
  while (begin + 1 < width && (bytes[begin] == 0 || bytes[begin] == -1) &&
         ((bytes[begin] < 0) == (bytes[begin + 1] < 0))) {
    ++begin;
  }
  return static_cast<int32_t>(Murmur3({bytes + begin, static_cast<size_t>(width - begin)}));
}

/// Microseconds; of nanoseconds the floor, so that instants before 1970 fall on the same side.
int64_t ToMicros(int64_t value, arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return value * 1'000'000;
    case arrow::TimeUnit::MILLI:
      return value * 1000;
    case arrow::TimeUnit::MICRO:
      return value;
    case arrow::TimeUnit::NANO:
      return value / 1000 - (value % 1000 < 0 ? 1 : 0);
  }
  return value;
}

}  // namespace

uint32_t Murmur3(std::string_view bytes, uint32_t seed) {
  uint32_t hash = seed;
  const size_t num_blocks = bytes.size() / 4;
  for (size_t i = 0; i < num_blocks; ++i) {
    uint32_t block;
    std::memcpy(&block, bytes.data() + 4 * i, sizeof(block));
    hash = std::rotl(hash ^ Scramble(block), 13) * 5 + 0xe6546b64u;
  }
  uint32_t tail = 0;
  for (size_t i = bytes.size(); i-- > 4 * num_blocks;) {
    tail = tail << 8 | static_cast<uint8_t>(bytes[i]);
  }
  hash ^= Scramble(tail);
  hash ^= static_cast<uint32_t>(bytes.size());
  hash = (hash ^ hash >> 16) * 0x85ebca6bu;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
  return hash ^ hash >> 16;
}

bool CanBucket(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::DATE32:
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DECIMAL128:
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
      return true;
    default:
      return false;
  }
}

int32_t IcebergHash(const arrow::Array& values, int64_t row) {
  switch (values.type_id()) {
    case arrow::Type::INT8:
      return HashLong(checked_cast<const arrow::Int8Array&>(values).Value(row));
    case arrow::Type::INT16:
      return HashLong(checked_cast<const arrow::Int16Array&>(values).Value(row));
    case arrow::Type::INT32:
      return HashLong(checked_cast<const arrow::Int32Array&>(values).Value(row));
    case arrow::Type::INT64:
      return HashLong(checked_cast<const arrow::Int64Array&>(values).Value(row));
    case arrow::Type::UINT8:
      return HashLong(checked_cast<const arrow::UInt8Array&>(values).Value(row));
    case arrow::Type::UINT16:
      return HashLong(checked_cast<const arrow::UInt16Array&>(values).Value(row));
    case arrow::Type::UINT32:
      return HashLong(checked_cast<const arrow::UInt32Array&>(values).Value(row));
    case arrow::Type::DATE32:
      return HashLong(checked_cast<const arrow::Date32Array&>(values).Value(row));
    case arrow::Type::TIME32:
      return HashLong(ToMicros(checked_cast<const arrow::Time32Array&>(values).Value(row),
                               checked_cast<const arrow::TimeType&>(*values.type()).unit()));
    case arrow::Type::TIME64:
      return HashLong(ToMicros(checked_cast<const arrow::Time64Array&>(values).Value(row),
                               checked_cast<const arrow::TimeType&>(*values.type()).unit()));
    case arrow::Type::TIMESTAMP:
      return HashLong(ToMicros(checked_cast<const arrow::TimestampArray&>(values).Value(row),
                               checked_cast<const arrow::TimestampType&>(*values.type()).unit()));
    case arrow::Type::DECIMAL128:
      return HashDecimal(checked_cast<const arrow::Decimal128Array&>(values).GetValue(row), 16);
    case arrow::Type::FIXED_SIZE_BINARY:
      return static_cast<int32_t>(
          Murmur3(checked_cast<const arrow::FixedSizeBinaryArray&>(values).GetView(row)));
    default:
      return static_cast<int32_t>(
          Murmur3(checked_cast<const arrow::BinaryArray&>(values).GetView(row)));
  }
}

}  // namespace tidemill
