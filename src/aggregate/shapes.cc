/// skewness and kurtosis.
///
/// With S1 to S4 the exact sums of the first four powers and n their number,
///
///     A2 = n * S2 - S1^2
///     A3 = n^2 * S3 - 3 * n * S1 * S2 + 2 * S1^3
///     A4 = n^3 * S4 - 4 * n^2 * S1 * S3 + 6 * n * S1^2 * S2 - 3 * S1^4
///
/// are n^k times the central moments, as integers; skewness is A3 / A2^1.5 and kurtosis is
/// A4 / A2^2 - 3. Their terms cancel to a few digits of hundreds, which costs nothing in integers
/// and everything in doubles. Both are as in Spark: without the corrections for small samples.

#include <cmath>
#include <limits>

#include <arrow/array/builder_primitive.h>

#include "aggregate/argument_types.h"
#include "aggregate/finite_sums.h"
#include "aggregate/kernel_adapter.h"
#include "aggregate/registry.h"
#include "base/exact_sum.h"
#include "base/wide_int.h"

namespace tidemill {
namespace {

template <typename First, typename Second, typename Third, typename Fourth>
struct PowerSums {
  First first;
  Second second;
  Third third;
  Fourth fourth;
};

using FixedPowers =
    PowerSums<FixedSum<2, -64>, FixedSum<4, -128>, FixedSum<6, -192>, FixedSum<8, -256>>;
using WidePowers = PowerSums<WideSum, WideSquareSum, WideCubeSum, WideFourthPowerSum>;

/// A sum of products of integers in N limbs, which hold all of them.
template <int N>
struct Total {
  WideInt<N> value = {};

  template <int M>
  void Add(int64_t factor, const WideInt<M>& term) {
    auto scaled = Widen<N>(Multiply(term, WideInt<1>{{static_cast<uint64_t>(factor)}}));
    value.Add(scaled);
  }
};

struct Central {
  double a2;  ///< between 1 and 4, or 0
  double a3;
  double a4;
};

/// The A of the essay, A_k divided by 2^(k * s) for one s that keeps them in the range of doubles.
template <typename Powers>
Central CentralOf(const Powers& powers, uint64_t count) {
  const auto n = WideInt<2>::FromInt128(static_cast<int128_t>(count));
  const auto n2 = WideInt<2>::FromInt128(static_cast<int128_t>(count) * count);
  const auto& s1 = powers.first.units;
  const auto& s2 = powers.second.units;
  const auto& s3 = powers.third.units;
  const auto s1_squared = Multiply(s1, s1);
  constexpr int kFourth = sizeof(powers.fourth) / 8 + 10;

  Total<kFourth> a2;
  a2.Add(1, Multiply(n, s2));
  a2.Add(-1, s1_squared);
  if (a2.value.is_zero()) return {};
  Total<kFourth> a3;
  a3.Add(1, Multiply(n2, s3));
  a3.Add(-3, Multiply(n, Multiply(s1, s2)));
  a3.Add(2, Multiply(s1_squared, s1));
  Total<kFourth> a4;
  a4.Add(1, Multiply(Multiply(n2, n), powers.fourth.units));
  a4.Add(-4, Multiply(n2, Multiply(s1, s3)));
  a4.Add(6, Multiply(n, Multiply(s1_squared, s2)));
  a4.Add(-3, Multiply(s1_squared, s1_squared));
  const int s = (a2.value.BitLength() - 1) / 2;
  return {a2.value.ToDouble(-2 * s), a3.value.ToDouble(-3 * s), a4.value.ToDouble(-4 * s)};
}

struct Shape : FiniteSums<Shape, FixedPowers, WidePowers> {
  using Arguments = std::tuple<DoubleArgument>;

  static void Update(State& state, double value, Arena* arena) {
    ++state.count;
    if (!std::isfinite(value)) [[unlikely]] {
      state.has_not_finite = 1;
      return;
    }
    const auto wide = [&] { return WideOf(&state, arena); };
    if (!state.sums.first.Add(value)) [[unlikely]]
      wide()->first.Add(value);
    if (!state.sums.second.AddSquare(value)) [[unlikely]]
      wide()->second.AddSquare(value);
    if (!state.sums.third.AddPower<3>(value)) [[unlikely]]
      wide()->third.AddPower<3>(value);
    if (!state.sums.fourth.AddPower<4>(value)) [[unlikely]]
      wide()->fourth.AddPower<4>(value);
  }

  template <typename Visit>
  static void ForEachSum(const Visit& visit) {
    visit(&FixedPowers::first, &WidePowers::first);
    visit(&FixedPowers::second, &WidePowers::second);
    visit(&FixedPowers::third, &WidePowers::third);
    visit(&FixedPowers::fourth, &WidePowers::fourth);
  }
};

template <bool kKurtosis>
struct ShapeFunction : Shape {
  static arrow::Status Final(const AggregateKernel&, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    AppendOptionals<arrow::DoubleBuilder>(
        builder, states.size, [&](int64_t i) -> std::optional<double> {
          const State& state = states[i];
          if (state.count == 0) return std::nullopt;
          if (state.has_not_finite) return std::numeric_limits<double>::quiet_NaN();
          const uint64_t count = state.count;
          const Central central = Shape::WithSums(
              state, [count](const auto& powers, int) { return CentralOf(powers, count); });
          if (central.a2 == 0) return std::nullopt;
          return kKurtosis ? central.a4 / (central.a2 * central.a2) - 3
                           : central.a3 / (central.a2 * std::sqrt(central.a2));
        });
    return arrow::Status::OK();
  }
};

template <bool kKurtosis>
void AddShape(AggregateRegistry* registry, std::string name, std::vector<std::string> aliases,
              AggregateDoc doc) {
  AggregateFunction function;
  function.name = name;
  function.aliases = std::move(aliases);
  function.coerce = NumberToDouble;
  function.doc = std::move(doc);
  function.resolve = [name](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    if (!IsFloatingArgument(*arguments[0])) return NotANumber(name, *arguments[0]);
    return MakeKernel<ShapeFunction<kKurtosis>>("powers", arrow::float64(), arguments);
  };
  registry->Add(std::move(function));
}

}  // namespace

void RegisterShapes(AggregateRegistry* registry) {
  const std::string rule =
      "No rows give NULL, and so does an x that never changes. NULLs are skipped. NaN or an "
      "infinity gives NaN.";
  AddShape<false>(
      registry, "skewness", {},
      {
          .signature = "skewness(x)",
          .summary = "The skewness of x: the third central moment, divided by the standard "
                     "deviation (of the population) to the third. As in Spark: without a "
                     "correction for small samples.",
          .null_rule = rule,
          .example = "skewness(value)",
          .duckdb = "CASE WHEN max({0}){filter} > min({0}){filter} THEN CASE count({0}){filter} "
                    "WHEN 2 THEN 0e0 ELSE skewness({0}){filter} * (count({0}){filter} - 2) / "
                    "sqrt(count({0}){filter} * (count({0}){filter} - 1e0)) END END",
      });
  AddShape<true>(
      registry, "kurtosis", {"kurtosis_pop"},
      {
          .signature = "kurtosis(x)",
          .summary =
              "The excess kurtosis of x: the fourth central moment, divided by the square of "
              "the variance (of the population), less 3. As in Spark: without a correction "
              "for small samples.",
          .null_rule = rule,
          .example = "kurtosis(value)",
          .duckdb = "CASE WHEN max({0}){filter} > min({0}){filter} THEN kurtosis_pop({0}){filter} "
                    "END",
      });
}

}  // namespace tidemill
