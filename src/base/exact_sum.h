#pragma once

/// Exact sums of doubles: independent of order, mergeable, rounded once at the end.
///
/// The sum of doubles in floating point depends on the order of the additions, so on threads, files
/// and merges. But a double is an integer times a power of two, m * 2^e with |m| < 2^53 and -1074
/// <= e <= 971, and integers add exactly in any order. So a sum is kept as one long integer counted
/// in units of a fixed power of two, and becomes a double only when it is read. Merging two sums is
/// adding two integers: associative, commutative, with 0 as identity, and even invertible. The
/// result is the double nearest to the true sum of the values, whatever happened on the way (large
/// terms that cancel, sums that pass beyond the largest double and come back).
///
/// The idea of an accumulator that spans the whole range of doubles is Ulrich Kulisch's ("long
/// accumulator": Kulisch and Miranker, Computer Arithmetic in Theory and Practice, 1981). Radford
/// Neal ("Fast exact summation using small and large superaccumulators", 2015) showed that it need
/// not be slow. Two sizes are used here:
///
///     WideSum             34 limbs, units of 2^-1074: every finite double, 2^77 times.
///                          272 bytes, an addition touches two or three limbs and then the carry.
///
///     FixedSum<2, -64>    128 bits, units of 2^-64: a window of the same accumulator.
///
///              sign                    units                      lowest bit
///               |  2^62 ......................... 2^0 . 2^-1 ...... 2^-64 |
///               +-----------------------------------+---------------------+
///               |              high limb            |      low limb       |
///               +-----------------------------------+---------------------+
///
/// A double of magnitude at least 2^-12 (0.00024) has its last bit at or above 2^-64, and any below
/// 2^62 leaves the sign alone, so ordinary values (prices, seconds, counts, ratios) fit exactly:
/// one shift and one 128-bit addition. A value that does not fit, or that would make the sum
/// overflow, is refused, and the caller adds that value to a WideSum. The split between the two is
/// not unique, but their total is, and only the total is read.
///
/// Infinities and NaN are not numbers that add; the caller keeps them as flags.
///
/// Variances need the sum of squares. The square of m * 2^e is m^2 * 2^2e, and m^2 has at most 106
/// bits, so the same accumulators hold squares exactly: FixedSum<4, -128> for squares of what fits
/// FixedSum<2, -64>, and WideSquareSum, 67 limbs, for squares of any double. Then n * S2 - S1 * S1,
/// which cancels so badly in floating point, is a subtraction of integers.

#include <array>
#include <bit>
#include <cstdint>

#include "base/int128.h"
#include "base/wide_int.h"

namespace tidemill {

/// A sum in units of 2^kLsb with 64 * kLimbs bits, sign included. Plain memory, 8-byte aligned; all
/// zeros is 0.
template <int kLimbs, int kLsb>
struct FixedSum {
  WideInt<kLimbs> units;

  /// Adds `value`, or returns false and changes nothing: if it is not finite, not a multiple of
  /// 2^kLsb, too large, or if the sum would overflow.
  bool Add(double value) {
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    const bool negative = static_cast<int64_t>(bits) < 0;
    uint64_t mantissa = (bits & kMantissaMask) | kImplicitBit;
    int shift = ExponentOf(bits) - kLsb;  // value = mantissa * 2^shift units
    constexpr int kMaxShift = WideInt<kLimbs>::kBits - 2 - 53;
    static_assert(kLsb >= -1074, "0 and subnormal values must take the slow path");
    if (IsOutside<kMaxShift>(shift, bits)) [[unlikely]] {
      if (!Reduce(bits, &mantissa, &shift) || shift > kMaxShift) return false;
    }
    if constexpr (kLimbs == 2) {
      const int128_t sign = negative ? -1 : 0;
      const int128_t term = ((static_cast<int128_t>(mantissa) << shift) ^ sign) - sign;
      int128_t sum;
      if (__builtin_add_overflow(units.ToInt128(), term, &sum)) [[unlikely]]
        return false;
      units = WideInt<2>::FromInt128(sum);
      return true;
    } else {
      return units.AddTerm(mantissa, shift, negative);
    }
  }

  /// Adds the exact square of `value`, on the same terms as Add; the square must be a multiple of
  /// 2^kLsb.
  bool AddSquare(double value) {
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    uint64_t mantissa = (bits & kMantissaMask) | kImplicitBit;
    int shift = 2 * ExponentOf(bits) - kLsb;
    constexpr int kMaxShift = WideInt<kLimbs>::kBits - 2 - 106;
    static_assert(kLsb % 2 == 0 && kLsb >= -2148 && kMaxShift >= 0);
    if (IsOutside<kMaxShift>(shift, bits)) [[unlikely]] {
      int value_shift = shift / 2;
      if (!Reduce(bits, &mantissa, &value_shift)) return false;
      shift = 2 * value_shift;
      if (shift > kMaxShift) return false;
    }
    return units.AddTerm(static_cast<uint128_t>(mantissa) * mantissa, shift, false);
  }

  /// Adds the exact product of two doubles, on the same terms as Add.
  bool AddProduct(double a, double b) { return AddFactors<2>({a, b}); }

  /// Adds the exact value ^ kPower, on the same terms as Add.
  template <int kPower>
  bool AddPower(double value) {
    std::array<double, kPower> factors;
    factors.fill(value);
    return AddFactors<kPower>(factors);
  }

  /// Adds another sum. On overflow returns false and changes nothing.
  bool Merge(const FixedSum& other) { return units.Add(other.units); }

  /// Adds a sum of fewer limbs and coarser units, which must fit.
  template <int kOtherLimbs, int kOtherLsb>
  void Absorb(const FixedSum<kOtherLimbs, kOtherLsb>& other) {
    static_assert(kOtherLsb >= kLsb && kOtherLsb - kLsb + 64 * kOtherLimbs < 64 * kLimbs);
    WideInt<kOtherLimbs> magnitude = other.units;
    const bool negative = magnitude.is_negative();
    if (negative) magnitude.Negate();
    for (int i = 0; i < kOtherLimbs; ++i) {
      if (magnitude.limbs[i] != 0) {
        units.AddTerm(magnitude.limbs[i], kOtherLsb - kLsb + 64 * i, negative);
      }
    }
  }

  bool is_zero() const { return units.is_zero(); }

  /// The double nearest to the sum; halves to even, infinite only if the sum rounds to it. Never
  /// -0.0.
  double ToDouble() const { return units.ToDouble(kLsb); }

 private:
  static constexpr uint64_t kImplicitBit = uint64_t{1} << 52;
  static constexpr uint64_t kMantissaMask = kImplicitBit - 1;

  static uint64_t BiasedExponentOf(uint64_t bits) { return (bits >> 52) & 0x7ff; }
  /// The power of two of the last bit of a normal double; one too low for 0 and subnormal numbers.
  static int ExponentOf(uint64_t bits) { return static_cast<int>(BiasedExponentOf(bits)) - 1075; }
  template <int kMaxShift>
  static bool IsOutside(int shift, uint64_t bits) {
    if (static_cast<unsigned>(shift) > static_cast<unsigned>(kMaxShift)) return true;
    constexpr bool kSpansInfinity = kMaxShift >= 2046;
    return kSpansInfinity && BiasedExponentOf(bits) == 0x7ff;
  }

  template <int kFactors>
  bool AddFactors(const std::array<double, kFactors>& factors) {
    WideInt<kFactors> product = {{1}};  // a limb per factor of at most 53 bits
    int shift = -kLsb;
    bool negative = false;
    for (const double factor : factors) {
      const uint64_t bits = std::bit_cast<uint64_t>(factor);
      const uint64_t biased = BiasedExponentOf(bits);
      if (biased == 0x7ff) return false;
      uint64_t mantissa = bits & kMantissaMask;
      shift += static_cast<int>(biased) - 1075 + (biased == 0 ? 1 : 0);
      if (biased != 0) mantissa |= kImplicitBit;
      if (mantissa == 0) return true;
      const int zeros = std::countr_zero(mantissa);
      product.MultiplyUnsigned(mantissa >> zeros);
      shift += zeros;
      negative ^= static_cast<int64_t>(bits) < 0;
    }
    // The product is odd: its last bit is that of its lowest unit.
    if (shift < 0 || shift + product.BitLength() > WideInt<kLimbs>::kBits - 2) return false;
    WideInt<kLimbs> term = {};
    for (int i = 0; i < kFactors; ++i) {
      if (product.limbs[i] != 0) term.AddTerm(product.limbs[i], shift + 64 * i, false);
    }
    if (negative) term.Negate();
    return units.Add(term);
  }

  /// The uncommon doubles: 0, subnormal, not finite, or with a last bit below the lowest unit.
  /// Strips trailing zeros so that *shift >= 0 if the value is a multiple of the unit; false
  /// otherwise.
  static bool Reduce(uint64_t bits, uint64_t* mantissa, int* shift) {
    const uint64_t biased = BiasedExponentOf(bits);
    if (biased == 0x7ff) return false;
    if (biased == 0) {
      *mantissa = bits & kMantissaMask;
      *shift += 1;  // the exponent of subnormal numbers is that of the smallest normal ones
      if (*mantissa == 0) {
        *shift = 0;
        return true;
      }
    }
    if (*shift >= 0) return true;
    const int zeros = std::countr_zero(*mantissa);
    if (zeros < -*shift) return false;
    *mantissa >>= -*shift;
    *shift = 0;
    return true;
  }
};

/// Sums any finite doubles: Add never refuses one.
using WideSum = FixedSum<34, -1074>;
/// Sums the squares of any finite doubles: AddSquare never refuses one.
using WideSquareSum = FixedSum<67, -2148>;

/// Sums any products of two finite doubles, third powers and fourth powers.
using WideProductSum = WideSquareSum;
using WideCubeSum = FixedSum<100, -3222>;
using WideFourthPowerSum = FixedSum<133, -4296>;

/// The variance of `count` values from their sum and the sum of their squares, given in units of
/// 2^exponent and 2^(2 * exponent): (count * squares - sum * sum) / (count * divisor), computed
/// exactly and rounded once. `divisor` is count, or count - 1 for a sample; `scale` further divides
/// the result by 10^(2 * scale), for decimals of that scale.
template <int kSumLimbs, int kSquareLimbs>
double ExactVariance(const WideInt<kSumLimbs>& sum, const WideInt<kSquareLimbs>& squares,
                     int exponent, uint64_t count, uint64_t divisor, int scale = 0) {
  constexpr int kLimbs = (2 * kSumLimbs > kSquareLimbs + 2 ? 2 * kSumLimbs : kSquareLimbs + 2) + 1;
  WideInt<kLimbs> numerator = Widen<kLimbs>(Multiply(sum, sum));
  numerator.Negate();
  numerator.Add(
      Widen<kLimbs>(Multiply(squares, WideInt<2>::FromInt128(static_cast<int128_t>(count)))));

  // 10^(2 * scale) as powers of ten that fit a limb.
  uint64_t powers[4] = {1, 1, 1, 1};
  for (int digit = 0; digit < 2 * scale; ++digit) powers[digit / 19] *= 10;
  const bool is_small = count < (uint64_t{1} << 32);
  return DivideToDouble(numerator, 2 * exponent,
                        {is_small ? count * divisor : count, is_small ? 1 : divisor, powers[0],
                         powers[1], powers[2], powers[3]});
}

}  // namespace tidemill
