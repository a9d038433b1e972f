// Values of up to 64 bits become unsigned integers of the same order. Where these lie close
// together, as counts and dates do, counting how often each occurs gives the ranks; else they are
// sorted. Text is sorted by the eight bytes that follow what all texts begin with, and only texts
// which agree in those are compared byte by byte.

#include "table/value_ranks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_primitive.h>
#include <arrow/util/checked_cast.h>

#include "base/int128.h"
#include "table/radix_sort.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;
using Ranks = std::vector<uint32_t>;

constexpr uint64_t kSign = uint64_t{1} << 63;

template <typename T>
uint64_t OrderedBits(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) return std::numeric_limits<uint64_t>::max();
    const auto bits =
        std::bit_cast<uint64_t>(static_cast<double>(value) + 0.0);  // -0.0 + 0.0 = 0.0
    return bits >= kSign ? ~bits : bits | kSign;
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<uint64_t>(int64_t{value}) ^ kSign;
  } else {
    return value;
  }
}

/// The values of a column that are not NULL, and their rows.
template <typename Value>
struct Present {
  std::vector<Value> values;
  std::vector<uint32_t> rows;
  uint32_t num_rows = 0;

  uint32_t num_nulls() const { return num_rows - static_cast<uint32_t>(rows.size()); }
};

template <typename ArrayType, typename Value, typename Convert>
Present<Value> Collect(const arrow::ArrayVector& chunks, const Convert& convert) {
  int64_t n = 0;
  for (const auto& chunk : chunks) n += chunk->length() - chunk->null_count();
  Present<Value> present;
  present.values.reserve(static_cast<size_t>(n));
  present.rows.reserve(static_cast<size_t>(n));
  for (const auto& chunk : chunks) {
    const auto& array = checked_cast<const ArrayType&>(*chunk);
    const bool has_nulls = array.null_count() > 0;
    for (int64_t i = 0; i < array.length(); ++i, ++present.num_rows) {
      if (has_nulls && array.IsNull(i)) continue;
      present.values.push_back(convert(array, i));
      present.rows.push_back(present.num_rows);
    }
  }
  return present;
}

/// Ranks of rows in ascending order of their values; `differs(i)`: whether row i's value is not
/// that of the row before.
template <typename Differs>
Ranks RanksOfSorted(const std::vector<uint32_t>& sorted, uint32_t num_rows,
                    const Differs& differs) {
  const auto num_nulls = num_rows - static_cast<uint32_t>(sorted.size());
  Ranks ranks(num_rows, 0);
  uint32_t rank = num_nulls;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && differs(i)) rank = num_nulls + static_cast<uint32_t>(i);
    ranks[sorted[i]] = rank;
  }
  return ranks;
}

Ranks RankByCounting(const Present<uint64_t>& present, uint64_t least, uint64_t range) {
  std::vector<uint32_t> places(range + 1, 0);
  for (const uint64_t value : present.values) ++places[value - least];
  uint32_t rank = present.num_nulls();
  for (uint32_t& place : places) rank += std::exchange(place, rank);
  Ranks ranks(present.num_rows, 0);
  for (size_t i = 0; i < present.rows.size(); ++i) {
    ranks[present.rows[i]] = places[present.values[i] - least];
  }
  return ranks;
}

Ranks RankIntegers(Present<uint64_t> present) {
  if (present.rows.empty()) return Ranks(present.num_rows, 0);
  const auto [least, greatest] = std::ranges::minmax(present.values);
  if (const uint64_t range = greatest - least; range < 2 * uint64_t{present.num_rows}) {
    return RankByCounting(present, least, range);
  }
  RadixSort(&present.values, &present.rows);
  return RanksOfSorted(present.rows, present.num_rows,
                       [&](size_t i) { return present.values[i] != present.values[i - 1]; });
}

template <typename ArrayType>
Ranks RankNumbers(const arrow::ArrayVector& chunks) {
  return RankIntegers(Collect<ArrayType, uint64_t>(
      chunks, [](const ArrayType& array, int64_t i) { return OrderedBits(array.Value(i)); }));
}

Ranks RankDecimals(const arrow::ArrayVector& chunks) {
  Present<int128_t> present = Collect<arrow::Decimal128Array, int128_t>(
      chunks, [](const arrow::Decimal128Array& array, int64_t i) {
        int128_t value;
        std::memcpy(&value, array.GetValue(i), sizeof(value));
        return value;
      });
  const auto fits = [](int128_t value) { return value == static_cast<int64_t>(value); };
  if (std::ranges::all_of(present.values, fits)) {
    Present<uint64_t> small{{}, std::move(present.rows), present.num_rows};
    small.values.reserve(present.values.size());
    for (const int128_t value : present.values) {
      small.values.push_back(OrderedBits(static_cast<int64_t>(value)));
    }
    return RankIntegers(std::move(small));
  }
  std::vector<uint32_t> order(present.values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](uint32_t i) { return present.values[i]; });
  std::vector<uint32_t> sorted;
  sorted.reserve(order.size());
  for (const uint32_t i : order) sorted.push_back(present.rows[i]);
  return RanksOfSorted(sorted, present.num_rows, [&](size_t i) {
    return present.values[order[i]] != present.values[order[i - 1]];
  });
}

size_t CommonPrefix(const std::vector<std::string_view>& texts) {
  size_t size = texts.empty() ? 0 : texts.front().size();
  for (const std::string_view text : texts) {
    const std::string_view first = texts.front().substr(0, std::min(size, text.size()));
    size = static_cast<size_t>(std::ranges::mismatch(first, text).in1 - first.begin());
  }
  return size;
}

/// Eight bytes from `at` as a number of the same order; bytes beyond the end are zero.
uint64_t EightBytes(std::string_view text, size_t at) {
  unsigned char bytes[8] = {};
  std::memcpy(bytes, text.data() + at, std::min<size_t>(8, text.size() - at));
  uint64_t number = 0;
  for (const unsigned char byte : bytes) number = number << 8 | byte;
  return number;
}

template <typename ArrayType>
Ranks RankTexts(const arrow::ArrayVector& chunks) {
  const Present<std::string_view> present = Collect<ArrayType, std::string_view>(
      chunks, [](const ArrayType& array, int64_t i) { return std::string_view(array.GetView(i)); });
  const std::vector<std::string_view>& texts = present.values;
  const size_t prefix = CommonPrefix(texts);
  std::vector<uint64_t> keys;
  keys.reserve(texts.size());
  for (const std::string_view text : texts) keys.push_back(EightBytes(text, prefix));
  std::vector<uint32_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0U);
  RadixSort(&keys, &order);
  for (size_t begin = 0, end = 0; begin < keys.size(); begin = end) {
    for (end = begin + 1; end < keys.size() && keys[end] == keys[begin];) ++end;
    if (end - begin == 1) continue;
    std::sort(order.begin() + static_cast<std::ptrdiff_t>(begin),
              order.begin() + static_cast<std::ptrdiff_t>(end), [&](uint32_t a, uint32_t b) {
                return texts[a].substr(prefix) < texts[b].substr(prefix);
              });
  }
  std::vector<uint32_t> sorted;
  sorted.reserve(order.size());
  for (const uint32_t i : order) sorted.push_back(present.rows[i]);
  return RanksOfSorted(sorted, present.num_rows, [&](size_t i) {
    return keys[i] != keys[i - 1] || texts[order[i]] != texts[order[i - 1]];
  });
}

}  // namespace

arrow::Result<std::vector<uint32_t>> RankValues(const arrow::ArrayVector& chunks) {
  if (chunks.empty()) return Ranks();
  switch (chunks.front()->type_id()) {
    case arrow::Type::BOOL:
      return RankNumbers<arrow::BooleanArray>(chunks);
    case arrow::Type::INT8:
      return RankNumbers<arrow::Int8Array>(chunks);
    case arrow::Type::INT16:
      return RankNumbers<arrow::Int16Array>(chunks);
    case arrow::Type::INT32:
      return RankNumbers<arrow::Int32Array>(chunks);
    case arrow::Type::INT64:
      return RankNumbers<arrow::Int64Array>(chunks);
    case arrow::Type::UINT8:
      return RankNumbers<arrow::UInt8Array>(chunks);
    case arrow::Type::UINT16:
      return RankNumbers<arrow::UInt16Array>(chunks);
    case arrow::Type::UINT32:
      return RankNumbers<arrow::UInt32Array>(chunks);
    case arrow::Type::UINT64:
      return RankNumbers<arrow::UInt64Array>(chunks);
    case arrow::Type::FLOAT:
      return RankNumbers<arrow::FloatArray>(chunks);
    case arrow::Type::DOUBLE:
      return RankNumbers<arrow::DoubleArray>(chunks);
    case arrow::Type::DATE32:
      return RankNumbers<arrow::Date32Array>(chunks);
    case arrow::Type::TIME32:
      return RankNumbers<arrow::Time32Array>(chunks);
    case arrow::Type::TIME64:
      return RankNumbers<arrow::Time64Array>(chunks);
    case arrow::Type::TIMESTAMP:
      return RankNumbers<arrow::TimestampArray>(chunks);
    case arrow::Type::DECIMAL128:
      return RankDecimals(chunks);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return RankTexts<arrow::BinaryArray>(chunks);
    case arrow::Type::FIXED_SIZE_BINARY:
      return RankTexts<arrow::FixedSizeBinaryArray>(chunks);
    default:
      return arrow::Status::NotImplemented("ranks of ", chunks.front()->type()->ToString());
  }
}

}  // namespace tidemill
