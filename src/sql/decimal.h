#pragma once

/// Decimals as 128-bit integers: powers of ten, rescaling and rounding half away from zero.

#include <array>
#include <string>

#include "base/int128.h"

namespace tidemill {

/// 10^exponent for 0 <= exponent <= 38.
inline int128_t PowerOfTen(int exponent) {
  static const auto kPowers = [] {
    std::array<int128_t, 39> powers{};
    powers[0] = 1;
    for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
    return powers;
  }();
  return kPowers[static_cast<size_t>(exponent)];
}

inline bool FitsPrecision(int128_t value, int precision) {
  const int128_t limit = PowerOfTen(precision);
  return value > -limit && value < limit;
}

/// value / divisor, rounded half away from zero.
inline int128_t DivideRounded(int128_t value, int128_t divisor) {
  const int128_t quotient = value / divisor;
  const int128_t rest = value % divisor;
  const int128_t magnitude = rest < 0 ? -rest : rest;
  if (magnitude < divisor - magnitude) return quotient;
  return value < 0 ? quotient - 1 : quotient + 1;
}

/// `value` at scale `from` brought to scale `to`; false if it does not fit 128 bits.
inline bool Rescale(int128_t value, int from, int to, int128_t* out) {
  if (to < from) {
    const int drop = from - to;
    *out = drop > 38 ? 0 : DivideRounded(value, PowerOfTen(drop));
    return true;
  }
  const int add = to - from;
  if (add > 38) {
    *out = 0;
    return value == 0;
  }
  return !__builtin_mul_overflow(value, PowerOfTen(add), out);
}

/// "-12.340" for -12340 at scale 3.
std::string FormatDecimal(int128_t value, int scale);

/// The double nearest to value / 10^scale.
double DecimalToDouble(int128_t value, int scale);

}  // namespace tidemill
