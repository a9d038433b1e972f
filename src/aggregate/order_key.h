#pragma once

/// Values that are ordered and given back: what min, max, first, last, min_by and max_by keep.
///
/// Three forms hold every type. A 64-bit integer holds all integers and times as they are, unsigned
/// ones with the sign bit flipped, and doubles mapped to integers of the same order:
///
///     -inf ... -1 ... 0 ... 1 ... inf, NaN
///
/// (the bits of a positive double, read as an integer, grow with it; those of a negative one are
/// turned round). The mapping can be undone, so the state need not know which it is; the result
/// type does. The other forms are 128-bit integers for decimals, and runs of bytes in byte order.

#include <bit>
#include <cmath>
#include <compare>
#include <cstdint>
#include <cstring>
#include <limits>

#include <arrow/array/builder_base.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include "aggregate/aggregate.h"
#include "aggregate/kernel_adapter.h"
#include "base/wide_int.h"

namespace tidemill {

inline constexpr uint64_t kSignBit = uint64_t{1} << 63;

inline int64_t KeyOfUnsigned(uint64_t value) { return static_cast<int64_t>(value ^ kSignBit); }
inline uint64_t UnsignedOfKey(int64_t key) { return static_cast<uint64_t>(key) ^ kSignBit; }

/// All NaN have the largest key; -0.0 has that of 0.0.
inline int64_t KeyOfDouble(double value) {
  if (std::isnan(value)) return std::numeric_limits<int64_t>::max();
  const auto bits = std::bit_cast<int64_t>(value + 0.0);
  return bits ^ ((bits >> 63) & std::numeric_limits<int64_t>::max());
}

inline double DoubleOfKey(int64_t key) {
  if (key == std::numeric_limits<int64_t>::max()) return std::numeric_limits<double>::quiet_NaN();
  return std::bit_cast<double>(key ^ ((key >> 63) & std::numeric_limits<int64_t>::max()));
}

/// Reads int64, uint64 and double columns as keys.
struct Key64Argument {
  explicit Key64Argument(const ArgumentColumn& column)
      : doubles(column.kind == ArgumentKind::kDouble ? column.doubles : nullptr),
        integers(column.int64s),
        flip(column.is_unsigned ? kSignBit : 0) {}
  int64_t operator[](int64_t row) const {
    if (doubles != nullptr) return KeyOfDouble(doubles[row]);
    return static_cast<int64_t>(static_cast<uint64_t>(integers[row]) ^ flip);
  }
  const double* doubles;
  const int64_t* integers;
  uint64_t flip;
};

/// Keys in a state, or none: all zeros.
struct Key64 {
  using Argument = Key64Argument;
  static constexpr bool kHasReference = false;

  int64_t value;
  uint64_t is_set;

  static Key64 Of(int64_t value) { return {value, 1}; }
  bool has_value() const { return is_set != 0; }
  std::strong_ordering operator<=>(const Key64& other) const { return value <=> other.value; }
};

struct Key128 {
  using Argument = Int128Argument;
  static constexpr bool kHasReference = false;

  WideInt<2> value;
  uint64_t is_set;

  static Key128 Of(int128_t value) { return {WideInt<2>::FromInt128(value), 1}; }
  bool has_value() const { return is_set != 0; }
  std::strong_ordering operator<=>(const Key128& other) const {
    return value.ToInt128() <=> other.value.ToInt128();
  }
};

struct KeyBytes {
  using Argument = BytesArgument;
  static constexpr bool kHasReference = true;

  Bytes value;

  static KeyBytes Of(Bytes value) {
    // An empty value may come without memory, and would then look like none.
    static constexpr uint8_t kNothing = 0;
    return {{value.data != nullptr ? value.data : &kNothing, value.size}};
  }
  bool has_value() const { return value.data != nullptr; }
  std::strong_ordering operator<=>(const KeyBytes& other) const {
    const size_t shared = value.size < other.value.size ? value.size : other.value.size;
    const int order = shared == 0 ? 0 : std::memcmp(value.data, other.value.data, shared);
    return order != 0 ? order <=> 0 : value.size <=> other.value.size;
  }
};

/// Appends key(i) for each i < n, as a value of `type`, to a builder of that type with room for n
/// values. The key of none is NULL.
arrow::Status AppendKeys(const arrow::DataType& type, const StateRows<Key64>& keys,
                         arrow::ArrayBuilder* builder);
arrow::Status AppendKeys(const arrow::DataType& type, const StateRows<Key128>& keys,
                         arrow::ArrayBuilder* builder);
arrow::Status AppendKeys(const arrow::DataType& type, const StateRows<KeyBytes>& keys,
                         arrow::ArrayBuilder* builder);

}  // namespace tidemill
