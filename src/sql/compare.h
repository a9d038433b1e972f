#pragma once

/// The one order of values: NaN equals NaN and is the largest number, -0.0 equals 0.0, text
/// compares by bytes.

#include <memory>
#include <type_traits>

#include "sql/kernel.h"

namespace tidemill {

template <typename T>
bool EqualValues(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return (a == b) | ((a != a) & (b != b));
  } else {
    return a == b;
  }
}

template <typename T>
bool LessValue(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return (a < b) | ((b != b) & (a == a));
  } else {
    return a < b;
  }
}

enum class Comparison { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

/// One bit per row: whether `comparison` holds between the values of `a` and `b`, which have one
/// type and of which at least one is an array. Rows with a NULL hold anything.
arrow::Result<std::shared_ptr<arrow::Buffer>> CompareRows(Comparison comparison, const Datum& a,
                                                          const Datum& b, int64_t num_rows);

/// Whether values of `type` can be compared.
bool IsComparable(const arrow::DataType& type);

}  // namespace tidemill
