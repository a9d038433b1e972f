#pragma once

/// The constants of percentiles, and which value they mean.

#include <cstdint>

#include "aggregate/registry.h"

namespace tidemill {

/// A p from 0 to 1 as a fraction of integers, so that the rank of 0.3 among 10 values is 3 and not
/// the next, as it would be for the double below or above 0.3.
struct Fraction {
  static constexpr int64_t kOne = 1'000'000'000'000'000;
  int64_t units = 0;  ///< p * kOne, to 15 digits

  /// The place, from 1, of the smallest of `n` > 0 values such that at least p of them are not
  /// larger.
  uint64_t Rank(uint64_t n) const {
    const int128_t scaled = static_cast<int128_t>(n) * units;
    const auto rank = static_cast<uint64_t>((scaled + kOne - 1) / kOne);
    return rank == 0 ? 1 : rank;
  }
};

/// The p of constants that CheckFraction has let pass.
Fraction FractionOf(const AggregateKernel& kernel);

/// `constants` with the first, p, as a double from 0 to 1; an error that names `function` for
/// others. A second one, an accuracy, must be a positive integer.
arrow::Result<Constants> CheckFraction(const std::string& function, const Constants& constants);

}  // namespace tidemill
