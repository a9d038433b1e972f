#pragma once

/// Integers of N 64-bit limbs: what exact sums are kept in and finished with.

#include <bit>
#include <cstdint>
#include <initializer_list>

#include "base/int128.h"

namespace tidemill {

/// A signed integer of 64 * N bits, two's complement, least limb first. Plain memory, 8-byte
/// aligned; all zeros is 0.
template <int N>
struct WideInt {
  static constexpr int kBits = 64 * N;

  uint64_t limbs[N];

  static WideInt FromInt128(int128_t value)
    requires(N >= 2)
  {
    WideInt result;
    result.limbs[0] = static_cast<uint64_t>(value);
    result.limbs[1] = static_cast<uint64_t>(value >> 64);
    for (int i = 2; i < N; ++i) result.limbs[i] = value < 0 ? ~uint64_t{0} : 0;
    return result;
  }

  bool is_negative() const { return static_cast<int64_t>(limbs[N - 1]) < 0; }
  bool is_zero() const {
    uint64_t any = 0;
    for (const uint64_t limb : limbs) any |= limb;
    return any == 0;
  }
  bool FitsInt128() const
    requires(N >= 2)
  {
    const uint64_t sign = static_cast<int64_t>(limbs[1]) < 0 ? ~uint64_t{0} : 0;
    for (int i = 2; i < N; ++i) {
      if (limbs[i] != sign) return false;
    }
    return true;
  }
  /// The low 128 bits.
  int128_t ToInt128() const
    requires(N >= 2)
  {
    return static_cast<int128_t>(static_cast<uint128_t>(limbs[1]) << 64 | limbs[0]);
  }

  void Negate() {
    uint64_t carry = 1;
    for (uint64_t& limb : limbs) {
      limb = ~limb + carry;
      carry = carry != 0 && limb == 0 ? 1 : 0;
    }
  }

  /// this += other. On overflow returns false and changes nothing.
  bool Add(const WideInt& other) {
    WideInt sum;
    uint64_t carry = 0;
    for (int i = 0; i < N; ++i) {
      const uint128_t limb = static_cast<uint128_t>(limbs[i]) + other.limbs[i] + carry;
      sum.limbs[i] = static_cast<uint64_t>(limb);
      carry = static_cast<uint64_t>(limb >> 64);
    }
    if (is_negative() == other.is_negative() && sum.is_negative() != is_negative()) return false;
    *this = sum;
    return true;
  }

  /// this += or -= magnitude * 2^shift, a term that fits the type. On overflow returns false and
  /// changes nothing.
  bool AddTerm(uint128_t magnitude, int shift, bool negative) {
    const bool was_negative = is_negative();
    if (negative) {
      Subtract(magnitude, shift);
    } else {
      AddUnsigned(magnitude, shift);
    }
    if (was_negative != negative || is_negative() == was_negative) return true;
    if (negative) {
      AddUnsigned(magnitude, shift);
    } else {
      Subtract(magnitude, shift);
    }
    return false;
  }

  /// Divides by `divisor` towards zero and returns the remainder; the value must not be negative.
  uint64_t DivideUnsigned(uint64_t divisor) {
    uint64_t remainder = 0;
    int i = N - 1;
    while (i >= 0 && limbs[i] == 0) --i;
    for (; i >= 0; --i) {
      const uint128_t dividend = static_cast<uint128_t>(remainder) << 64 | limbs[i];
      limbs[i] = static_cast<uint64_t>(dividend / divisor);
      remainder = static_cast<uint64_t>(dividend) - limbs[i] * divisor;
    }
    return remainder;
  }

  /// this *= factor, modulo 2^kBits; the value is taken as unsigned.
  void MultiplyUnsigned(uint64_t factor) {
    uint64_t carry = 0;
    for (uint64_t& limb : limbs) {
      const uint128_t product = static_cast<uint128_t>(limb) * factor + carry;
      limb = static_cast<uint64_t>(product);
      carry = static_cast<uint64_t>(product >> 64);
    }
  }

  /// How many bits the value takes as an unsigned number: 0 for 0.
  int BitLength() const {
    int i = N - 1;
    while (i >= 0 && limbs[i] == 0) --i;
    return i < 0 ? 0 : 64 * (i + 1) - std::countl_zero(limbs[i]);
  }

  /// The double nearest to (this + some fraction of 1, if `inexact`) * 2^exponent: halves to even,
  /// subnormal numbers included, infinity where the rounded value is beyond the largest double.
  /// `inexact` is for values that are not negative.
  double ToDouble(int exponent, bool inexact = false) const {
    WideInt magnitude = *this;
    const bool negative = is_negative();
    if (negative)
      magnitude
          .Negate();  // the least value of the type is its own negative, and right when unsigned

    int top = N - 1;
    while (top > 0 && magnitude.limbs[top] == 0) --top;
    if (magnitude.limbs[top] == 0) return 0.0;

    // The leading 64 bits, the first of them 1, and whether anything follows.
    const int zeros = std::countl_zero(magnitude.limbs[top]);
    uint64_t leading = magnitude.limbs[top] << zeros;
    bool more = inexact;
    if (top > 0) {
      if (zeros > 0) leading |= magnitude.limbs[top - 1] >> (64 - zeros);
      more |= magnitude.limbs[top - 1] << zeros != 0;
      for (int i = 0; i < top - 1; ++i) more |= magnitude.limbs[i] != 0;
    }
    const int64_t leading_exponent = int64_t{exponent} + 64 * top + 63 - zeros;
    const uint64_t bits = RoundToDoubleBits(leading, leading_exponent, more);
    return std::bit_cast<double>(bits | static_cast<uint64_t>(negative) << 63);
  }

 private:
  /// The bits of the double nearest to leading / 2^63 * 2^exponent, plus a little if `more`.
  static uint64_t RoundToDoubleBits(uint64_t leading, int64_t exponent, bool more) {
    constexpr int64_t kMinExponent = -1022;
    constexpr int64_t kMaxExponent = 1023;
    constexpr uint64_t kInfinity = uint64_t{0x7ff} << 52;
    if (exponent > kMaxExponent) return kInfinity;
    if (exponent < kMinExponent - 53) return 0;
    // A subnormal number has fewer bits than 53, down to none: then it lies between 0 and the
    // smallest double.
    const bool is_normal = exponent >= kMinExponent;
    const int kept = is_normal ? 53 : static_cast<int>(53 - (kMinExponent - exponent));
    const int dropped = 64 - kept;
    const uint64_t half = uint64_t{1} << (dropped - 1);
    const uint64_t rest = dropped == 64 ? leading : leading & ((uint64_t{1} << dropped) - 1);
    uint64_t bits = dropped == 64 ? 0 : leading >> dropped;
    // Adding, not setting, the exponent: a number that is rounded up to a power of two carries into
    // it.
    if (is_normal) bits += static_cast<uint64_t>(exponent - kMinExponent) << 52;
    if (rest > half || (rest == half && (more || (bits & 1) != 0))) ++bits;
    return bits;
  }

  void AddUnsigned(uint128_t magnitude, int shift) {
    const int bit = shift % 64;
    int i = shift / 64;
    uint128_t low = magnitude << bit;
    const uint64_t high = bit == 0 ? 0 : static_cast<uint64_t>(magnitude >> (128 - bit));
    uint128_t sum = static_cast<uint128_t>(limbs[i]) + static_cast<uint64_t>(low);
    limbs[i] = static_cast<uint64_t>(sum);
    if (++i == N) return;
    sum = (sum >> 64) + limbs[i] + static_cast<uint64_t>(low >> 64);
    limbs[i] = static_cast<uint64_t>(sum);
    if (++i == N) return;
    sum = (sum >> 64) + limbs[i] + high;
    limbs[i] = static_cast<uint64_t>(sum);
    uint64_t carry = static_cast<uint64_t>(sum >> 64);
    while (carry != 0 && ++i < N) carry = ++limbs[i] == 0 ? 1 : 0;
  }

  void Subtract(uint128_t magnitude, int shift) {
    const int bit = shift % 64;
    int i = shift / 64;
    uint128_t low = magnitude << bit;
    const uint64_t high = bit == 0 ? 0 : static_cast<uint64_t>(magnitude >> (128 - bit));
    uint128_t difference = static_cast<uint128_t>(limbs[i]) - static_cast<uint64_t>(low);
    limbs[i] = static_cast<uint64_t>(difference);
    if (++i == N) return;
    difference = static_cast<uint128_t>(limbs[i]) - static_cast<uint64_t>(low >> 64) -
                 static_cast<uint64_t>(difference >> 127);
    limbs[i] = static_cast<uint64_t>(difference);
    if (++i == N) return;
    difference = static_cast<uint128_t>(limbs[i]) - high - static_cast<uint64_t>(difference >> 127);
    limbs[i] = static_cast<uint64_t>(difference);
    uint64_t borrow = static_cast<uint64_t>(difference >> 127);
    while (borrow != 0 && ++i < N) borrow = limbs[i]-- == 0 ? 1 : 0;
  }
};

/// a * b, exactly.
template <int A, int B>
WideInt<A + B> Multiply(WideInt<A> a, WideInt<B> b) {
  const bool negative = a.is_negative() != b.is_negative();
  if (a.is_negative()) a.Negate();
  if (b.is_negative()) b.Negate();
  WideInt<A + B> product = {};
  for (int i = 0; i < A; ++i) {
    if (a.limbs[i] == 0) continue;
    uint64_t carry = 0;
    for (int j = 0; j < B; ++j) {
      const uint128_t limb =
          static_cast<uint128_t>(a.limbs[i]) * b.limbs[j] + product.limbs[i + j] + carry;
      product.limbs[i + j] = static_cast<uint64_t>(limb);
      carry = static_cast<uint64_t>(limb >> 64);
    }
    product.limbs[i + B] = carry;
  }
  if (negative) product.Negate();
  return product;
}

/// The value in more limbs.
template <int M, int N>
WideInt<M> Widen(const WideInt<N>& value) {
  static_assert(M >= N);
  WideInt<M> wide;
  for (int i = 0; i < M; ++i) {
    wide.limbs[i] = i < N ? value.limbs[i] : value.is_negative() ? ~uint64_t{0} : 0;
  }
  return wide;
}

/// The double nearest to value * 2^exponent / (the product of `divisors`), rounded once. Divisors
/// are not 0; at most 8.
template <int N>
double DivideToDouble(WideInt<N> value, int exponent, std::initializer_list<uint64_t> divisors) {
  // Whatever the divisors, 64 bits more than they can take leave a quotient of at least 64 bits;
  // what remains after dividing floors of floors says only that the quotient is not exact.
  constexpr int kMaxDivisors = 8;
  constexpr int kExtraLimbs = kMaxDivisors + 1;
  const bool negative = value.is_negative();
  if (negative) value.Negate();
  int extra = 1;
  for (const uint64_t divisor : divisors) extra += divisor != 1 ? 1 : 0;
  WideInt<N + kExtraLimbs> quotient = {};
  for (int i = 0; i < N; ++i) quotient.limbs[i + extra] = value.limbs[i];
  bool inexact = false;
  for (const uint64_t divisor : divisors) {
    if (divisor != 1) inexact |= quotient.DivideUnsigned(divisor) != 0;
  }
  const double result = quotient.ToDouble(exponent - 64 * extra, inexact);
  return negative ? -result : result;
}

}  // namespace tidemill
