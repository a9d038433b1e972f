#include "base/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();

uint64_t BitsOf(double value) { return std::bit_cast<uint64_t>(value); }

// The oracle: schoolbook arithmetic on binary digits, nothing shared with the code under test.

/// A natural number, 32 bits a digit, least first, no leading zeros.
using Natural = std::vector<uint32_t>;

void Trim(Natural* a) {
  while (!a->empty() && a->back() == 0) a->pop_back();
}

Natural FromU64(uint64_t value) {
  Natural a = {static_cast<uint32_t>(value), static_cast<uint32_t>(value >> 32)};
  Trim(&a);
  return a;
}

int Compare(const Natural& a, const Natural& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

Natural Plus(const Natural& a, const Natural& b) {
  Natural sum;
  uint64_t carry = 0;
  for (size_t i = 0; i < std::max(a.size(), b.size()) || carry != 0; ++i) {
    carry += (i < a.size() ? a[i] : 0);
    carry += (i < b.size() ? b[i] : 0);
    sum.push_back(static_cast<uint32_t>(carry));
    carry >>= 32;
  }
  Trim(&sum);
  return sum;
}

Natural Minus(const Natural& a, const Natural& b) {  // a >= b
  Natural difference = a;
  int64_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    int64_t digit = int64_t{a[i]} - (i < b.size() ? b[i] : 0) - borrow;
    borrow = digit < 0 ? 1 : 0;
    difference[i] = static_cast<uint32_t>(digit + (borrow << 32));
  }
  Trim(&difference);
  return difference;
}

Natural Times(const Natural& a, const Natural& b) {
  Natural product(a.size() + b.size(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b.size() || carry != 0; ++j) {
      carry += product[i + j] + (j < b.size() ? uint64_t{a[i]} * b[j] : 0);
      product[i + j] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
  }
  Trim(&product);
  return product;
}

Natural ShiftLeft(const Natural& a, int bits) {
  Natural shifted(static_cast<size_t>(bits) / 32, 0);
  shifted.insert(shifted.end(), a.begin(), a.end());
  return Times(shifted, FromU64(uint64_t{1} << (bits % 32)));
}

int BitLength(const Natural& a) {
  return a.empty() ? 0 : static_cast<int>(32 * a.size()) - std::countl_zero(a.back());
}

bool BitAt(const Natural& a, int bit) {
  const auto digit = static_cast<size_t>(bit) / 32;
  return digit < a.size() && (a[digit] >> (bit % 32) & 1) != 0;
}

/// The double nearest to a / b * 2^exponent, by producing quotient bits one at a time.
double Round(const Natural& a, const Natural& b, int exponent) {
  if (a.empty()) return 0;
  // Scale so that the quotient has 60 bits or more, then divide bit by bit.
  const int scale = std::max(0, 62 + BitLength(b) - BitLength(a));
  const Natural numerator = ShiftLeft(a, scale);
  exponent -= scale;
  Natural remainder, quotient;
  for (int bit = BitLength(numerator) - 1; bit >= 0; --bit) {
    remainder = Plus(ShiftLeft(remainder, 1), BitAt(numerator, bit) ? FromU64(1) : Natural{});
    quotient = ShiftLeft(quotient, 1);
    if (Compare(remainder, b) >= 0) {
      remainder = Minus(remainder, b);
      quotient = Plus(quotient, FromU64(1));
    }
  }
  const int length = BitLength(quotient);
  // The weight of the last bit that the result can have.
  const int last = std::max(exponent + length - 53, -1074);
  const int dropped = last - exponent;
  uint64_t kept = 0;
  for (int bit = length - 1; bit >= dropped; --bit)
    kept = kept << 1 | (BitAt(quotient, bit) ? 1 : 0);
  bool half = BitAt(quotient, dropped - 1);
  bool more = !remainder.empty();
  for (int bit = 0; bit < dropped - 1; ++bit) more |= BitAt(quotient, bit);
  if (half && (more || (kept & 1) != 0)) ++kept;
  return std::ldexp(static_cast<double>(kept), last);
}

/// |value| in units of 2^-1074.
Natural UnitsOf(double value) {
  int exponent;
  const double fraction = std::frexp(std::abs(value), &exponent);
  const auto mantissa = static_cast<uint64_t>(std::ldexp(fraction, 53));
  const int shift = exponent - 53 + 1074;
  return shift >= 0 ? ShiftLeft(FromU64(mantissa), shift) : FromU64(mantissa >> -shift);
}

struct Oracle {
  Natural positive, negative, squares;
  uint64_t count = 0;

  explicit Oracle(const std::vector<double>& values) {
    for (const double value : values) {
      const Natural units = UnitsOf(value);
      Natural& side = value < 0 ? negative : positive;
      side = Plus(side, units);
      squares = Plus(squares, Times(units, units));
      ++count;
    }
  }
  Natural Magnitude() const {
    return Compare(positive, negative) >= 0 ? Minus(positive, negative) : Minus(negative, positive);
  }
  double Sum() const {
    const double magnitude = Round(Magnitude(), FromU64(1), -1074);
    return Compare(positive, negative) >= 0 ? magnitude : -magnitude;
  }
  double Variance(uint64_t divisor) const {
    const Natural numerator =
        Minus(Times(squares, FromU64(count)), Times(Magnitude(), Magnitude()));
    return Round(numerator, Times(FromU64(count), FromU64(divisor)), -2148);
  }
};

/// Shewchuk's exact summation, as in Python's math.fsum: a second oracle, for sums that stay within
/// the range.
double Fsum(const std::vector<double>& values) {
  std::vector<double> partials;
  for (double x : values) {
    size_t used = 0;
    for (double y : partials) {
      if (std::abs(x) < std::abs(y)) std::swap(x, y);
      const double high = x + y;
      const double low = y - (high - x);
      if (low != 0) partials[used++] = low;
      x = high;
    }
    partials.resize(used);
    partials.push_back(x);
  }
  if (partials.empty()) return 0;
  size_t n = partials.size() - 1;
  double high = partials[n], low = 0;
  while (n > 0) {
    const double x = high;
    const double y = partials[--n];
    high = x + y;
    low = y - (high - x);
    if (low != 0) break;
  }
  if (n > 0 && ((low < 0 && partials[n - 1] < 0) || (low > 0 && partials[n - 1] > 0))) {
    const double y = low * 2;
    const double x = high + y;
    if (y == x - high) high = x;
  }
  return high;
}

/// As the aggregate functions use the accumulators: a fixed one, and a wide one for what it
/// refuses.
struct Both {
  FixedSum<2, -64> fixed = {};
  FixedSum<4, -128> fixed_squares = {};
  WideSum wide = {};
  WideSquareSum wide_squares = {};
  uint64_t count = 0;
  int refused = 0;

  void Add(double value) {
    ++count;
    if (!fixed.Add(value)) {
      ++refused;
      EXPECT_TRUE(wide.Add(value));
    }
    if (!fixed_squares.AddSquare(value)) {
      EXPECT_TRUE(wide_squares.AddSquare(value));
    }
  }
  void Merge(const Both& other) {
    count += other.count;
    refused += other.refused;
    if (!fixed.Merge(other.fixed)) wide.Absorb(other.fixed);
    if (!fixed_squares.Merge(other.fixed_squares)) wide_squares.Absorb(other.fixed_squares);
    EXPECT_TRUE(wide.Merge(other.wide));
    EXPECT_TRUE(wide_squares.Merge(other.wide_squares));
  }
  WideSum Total() const {
    WideSum total = wide;
    total.Absorb(fixed);
    return total;
  }
  WideSquareSum TotalSquares() const {
    WideSquareSum total = wide_squares;
    total.Absorb(fixed_squares);
    return total;
  }
  double Sum() const { return Total().ToDouble(); }
  double Variance(uint64_t divisor) const {
    return ExactVariance(Total().units, TotalSquares().units, -1074, count, divisor);
  }
};

Both SumOf(const std::vector<double>& values) {
  Both both;
  for (const double value : values) both.Add(value);
  return both;
}

using Random = std::mt19937_64;

double RandomDouble(Random* random, int min_exponent, int max_exponent) {
  const double mantissa = 1 + static_cast<double>((*random)() >> 12) / 4503599627370496.0;
  const int exponent = std::uniform_int_distribution<int>(min_exponent, max_exponent)(*random);
  return std::ldexp((*random)() % 2 == 0 ? mantissa : -mantissa, exponent);
}

std::vector<double> RandomValues(Random* random, int n, int min_exponent, int max_exponent) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) {
    switch ((*random)() % 8) {
      case 0:  // cancels an earlier one, nearly or exactly
        if (!values.empty()) {
          const double earlier = values[(*random)() % values.size()];
          values.push_back((*random)() % 2 == 0 ? -earlier : -std::nextafter(earlier, 0.0));
          break;
        }
        [[fallthrough]];
      case 1:
        values.push_back(std::round(RandomDouble(random, 0, 40)) / 100);
        break;
      default:
        values.push_back(RandomDouble(random, min_exponent, max_exponent));
    }
  }
  return values;
}

TEST(ExactSumTest, OracleKnowsItsTrade) {
  EXPECT_EQ(Oracle({0.1, 0.2, 0.3}).Sum(), 0.6);
  EXPECT_EQ(Oracle({1, 2, 3, 4}).Variance(3), 5.0 / 3);
  EXPECT_EQ(Oracle({kTiny, kTiny}).Sum(), 2 * kTiny);
  EXPECT_EQ(Oracle({-kMax}).Sum(), -kMax);
}

TEST(ExactSumTest, RefusesWhatDoesNotFit) {
  FixedSum<2, -64> sum = {};
  EXPECT_TRUE(sum.Add(0.0));
  EXPECT_TRUE(sum.Add(-0.0));
  EXPECT_TRUE(sum.Add(std::ldexp(1.0, -64)));
  EXPECT_TRUE(sum.Add(std::ldexp(1.5, -63)));
  EXPECT_TRUE(sum.Add(-std::ldexp(1 + 0x1p-52, -12)));
  EXPECT_TRUE(sum.Add(std::nextafter(0x1p62, 0.0)));
  EXPECT_TRUE(sum.Add(-std::nextafter(0x1p62, 0.0)));
  for (const double value :
       {0x1p-65, 0x1.8p-64, 0x1.0000000000001p-13, 0x1p62, -0x1p62, kMax, kTiny, 1e-310, kInfinity,
        -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    const FixedSum<2, -64> before = sum;
    EXPECT_FALSE(sum.Add(value)) << value;
    EXPECT_EQ(std::memcmp(&before, &sum, sizeof(sum)), 0);
  }
  for (const double value : {kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    WideSum wide = {};
    WideSquareSum squares = {};
    EXPECT_FALSE(wide.Add(value));
    EXPECT_FALSE(squares.AddSquare(value));
    EXPECT_TRUE(wide.is_zero() && squares.is_zero());
  }
}

TEST(ExactSumTest, RefusesOverflowAndStaysAsItWas) {
  for (const double sign : {1.0, -1.0}) {
    FixedSum<2, -64> sum = {};
    const double value = sign * 0x1p61;
    int added = 0;
    while (sum.Add(value)) ++added;
    EXPECT_EQ(added, sign > 0 ? 3 : 4);
    EXPECT_EQ(sum.ToDouble(), added * value);
    FixedSum<2, -64> copy = sum;
    EXPECT_FALSE(copy.Merge(sum));
    EXPECT_EQ(copy.ToDouble(), sum.ToDouble());
    FixedSum<4, -128> squares = {};
    added = 0;
    while (squares.AddSquare(value)) ++added;
    EXPECT_EQ(added, 31);
    EXPECT_EQ(squares.ToDouble(), 31 * 0x1p122);
  }
}

TEST(ExactSumTest, EveryDoubleComesBack) {
  Random random(1);
  std::vector<double> values = {0.0, kTiny, -kTiny, kMax, -kMax, 0x1p-1022, 0x1.fffffffffffffp-1023,
                                1.0, -0.1};
  for (int i = 0; i < 20000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) values.push_back(value);
  }
  for (const double value : values) {
    WideSum sum = {};
    ASSERT_TRUE(sum.Add(value));
    ASSERT_EQ(BitsOf(sum.ToDouble()), BitsOf(value));
    FixedSum<2, -64> fixed = {};
    if (fixed.Add(value)) {
      ASSERT_EQ(BitsOf(fixed.ToDouble()), BitsOf(value));
    }
  }
  EXPECT_EQ(BitsOf(SumOf({-0.0}).Sum()), 0u);
  EXPECT_EQ(BitsOf(SumOf({-1.5, 1.5}).Sum()), 0u);
}

TEST(ExactSumTest, RoundsOnceAndHalvesToEven) {
  EXPECT_EQ(SumOf({0x1p53, 1}).Sum(), 0x1p53);
  EXPECT_EQ(SumOf({0x1p53, 1, kTiny}).Sum(), 0x1p53 + 2);
  EXPECT_EQ(SumOf({0x1p53, 2, 1}).Sum(), 0x1p53 + 4);
  EXPECT_EQ(SumOf({0x1p53, 2, 1, -kTiny}).Sum(), 0x1p53 + 2);
  EXPECT_EQ(SumOf({-0x1p53, -1}).Sum(), -0x1p53);
  EXPECT_EQ(SumOf({1e308, 1e-308, -1e308}).Sum(), 1e-308);
  EXPECT_EQ(SumOf({kMax, kMax, -kMax}).Sum(), kMax);
  EXPECT_EQ(SumOf({kMax, kMax}).Sum(), kInfinity);
  EXPECT_EQ(SumOf({-kMax, -kMax}).Sum(), -kInfinity);
  // Half a unit in the last place of the largest double is the limit.
  EXPECT_EQ(SumOf({kMax, 0x1p970}).Sum(), kInfinity);
  EXPECT_EQ(SumOf({kMax, std::nextafter(0x1p970, 0.0)}).Sum(), kMax);
  EXPECT_EQ(SumOf({kMax, 0x1p970, -kTiny}).Sum(), kMax);
}

TEST(ExactSumTest, AgreesWithOracles) {
  Random random(2);
  const std::pair<int, int> ranges[] = {{-12, 40},      {-60, 60},      {-70, 70},
                                        {-1074, 1023},  {-1074, -1000}, {1000, 1023},
                                        {-1074, -1060}, {-540, -500},   {-16, -8}};
  for (int round = 0; round < 500; ++round) {
    const auto [low, high] = ranges[static_cast<size_t>(round) % std::size(ranges)];
    const std::vector<double> values =
        RandomValues(&random, static_cast<int>(random() % 24), low, high);
    const Both both = SumOf(values);
    const Oracle oracle(values);
    ASSERT_EQ(BitsOf(both.Sum()), BitsOf(oracle.Sum())) << round;
    if (high < 1000) {
      ASSERT_EQ(both.Sum(), Fsum(values)) << round;
    }
    if (values.size() >= 2 && round % 5 == 0) {
      ASSERT_EQ(BitsOf(both.Variance(both.count)), BitsOf(oracle.Variance(both.count))) << round;
      ASSERT_EQ(BitsOf(both.Variance(both.count - 1)), BitsOf(oracle.Variance(both.count - 1)));
    }
  }
}

TEST(ExactSumTest, OrdinaryValuesStayFixed) {
  Random random(3);
  std::vector<double> values;
  for (int i = 0; i < 5000; ++i)
    values.push_back(std::round(RandomDouble(&random, 0, 20)) / 100 + 0.01);
  const Both both = SumOf(values);
  EXPECT_EQ(both.refused, 0);
  EXPECT_EQ(both.fixed.ToDouble(), Fsum(values));
  EXPECT_EQ(ExactVariance(both.fixed.units, both.fixed_squares.units, -64, both.count, both.count),
            both.Variance(both.count));
}

TEST(ExactSumTest, AnyOrderAndAnyMergeTreeGiveTheSameBits) {
  Random random(4);
  for (const auto& [low, high] : {std::pair{-1074, 1020}, {-20, 70}, {40, 61}}) {
    std::vector<double> values = RandomValues(&random, 300, low, high);
    const Both straight = SumOf(values);
    for (int round = 0; round < 20; ++round) {
      std::shuffle(values.begin(), values.end(), random);
      std::vector<Both> parts(1 + random() % 20);
      for (const double value : values) parts[random() % parts.size()].Add(value);
      while (parts.size() > 1) {
        std::swap(parts[random() % parts.size()], parts.back());
        const Both last = parts.back();
        parts.pop_back();
        parts[random() % parts.size()].Merge(last);
      }
      ASSERT_EQ(BitsOf(parts[0].Sum()), BitsOf(straight.Sum()));
      ASSERT_EQ(BitsOf(parts[0].Variance(299)), BitsOf(straight.Variance(299)));
      // The total has one representation, whatever was refused on the way.
      const WideSum a = parts[0].Total(), b = straight.Total();
      ASSERT_EQ(std::memcmp(&a, &b, sizeof(a)), 0);
    }
  }
}

TEST(ExactSumTest, VariancesDoNotCancel) {
  EXPECT_EQ(SumOf({1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}).Variance(3), 30);
  EXPECT_EQ(SumOf({0.1, 0.1, 0.1}).Variance(2), 0);
  EXPECT_EQ(SumOf({1e300, 1e300}).Variance(1), 0);
  EXPECT_EQ(SumOf({1e300, -1e300}).Variance(1), kInfinity);
  EXPECT_EQ(SumOf({kTiny, 3 * kTiny}).Variance(1), 0);
  EXPECT_EQ(SumOf({0x1p-500, 3 * 0x1p-500}).Variance(1), 0x1p-999);
}

TEST(WideIntTest, VarianceOfDecimalsDividesByTheScale) {
  // 0.01, 0.03: variance 0.0002.
  EXPECT_EQ(ExactVariance(WideInt<3>::FromInt128(4), WideInt<5>::FromInt128(10), 0, 2, 1, 2),
            0.0002);
  // 10^-38 and 3 * 10^-38: the largest scale.
  EXPECT_EQ(ExactVariance(WideInt<3>::FromInt128(4), WideInt<5>::FromInt128(10), 0, 2, 1, 38),
            2e-76);
  // A count beyond 32 bits.
  EXPECT_EQ(ExactVariance(WideInt<2>::FromInt128(0), WideInt<3>::FromInt128(int128_t{1} << 40), 0,
                          uint64_t{1} << 40, uint64_t{1} << 40),
            1.0);
}

TEST(WideIntTest, ArithmeticAtTheEdges) {
  const int128_t max = static_cast<int128_t>(~uint128_t{0} >> 1);
  WideInt<2> a = WideInt<2>::FromInt128(max);
  EXPECT_FALSE(a.Add(WideInt<2>::FromInt128(1)));
  EXPECT_TRUE(a.ToInt128() == max);
  EXPECT_FALSE(a.AddTerm(1, 0, false));
  EXPECT_TRUE(a.ToInt128() == max);
  WideInt<2> b = WideInt<2>::FromInt128(-max - 1);
  EXPECT_FALSE(b.AddTerm(1, 0, true));
  EXPECT_TRUE(b.ToInt128() == -max - 1);
  EXPECT_EQ(b.ToDouble(0), -0x1p127);
  WideInt<3> c = WideInt<3>::FromInt128(-max - 1);
  EXPECT_TRUE(c.FitsInt128());
  EXPECT_TRUE(c.AddTerm(1, 0, true));
  EXPECT_FALSE(c.FitsInt128());
  c.Negate();
  EXPECT_FALSE(c.FitsInt128());
  const WideInt<4> square = Multiply(b, b);
  EXPECT_EQ(square.ToDouble(0), 0x1p254);
  EXPECT_EQ(Multiply(WideInt<2>::FromInt128(-3), WideInt<2>::FromInt128(5)).ToDouble(0), -15);
  EXPECT_EQ(DivideToDouble(WideInt<2>::FromInt128(-1), 0, {3}), -1.0 / 3);
  EXPECT_EQ(DivideToDouble(WideInt<2>::FromInt128(1), 0, {10, 10, 10}), 0.001);
  EXPECT_EQ(DivideToDouble(WideInt<2>::FromInt128(0), 0, {7}), 0.0);
}

}  // namespace
}  // namespace tidemill
