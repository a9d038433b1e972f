/// corr, covar_samp and covar_pop.
///
/// The state holds the exact sums of x, y, x * x, x * y and y * y (base/exact_sum.h). What
/// covariances are made of, n * Sxy - Sx * Sy, is then a difference of integers, and nothing is
/// rounded before it is known.

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

/// The sums in one size or another.
template <typename Sum, typename ProductSum>
struct Sums {
  Sum x;
  Sum y;
  ProductSum xx;
  ProductSum xy;
  ProductSum yy;
};

using FixedSums = Sums<FixedSum<2, -64>, FixedSum<4, -128>>;
using WideSums = Sums<WideSum, WideProductSum>;

/// n * ab - a * b, with its unit left out.
template <int kLimbs, int kProductLimbs>
auto Spread(const WideInt<kProductLimbs>& ab, const WideInt<kLimbs>& a, const WideInt<kLimbs>& b,
            uint64_t count) {
  constexpr int kSize = 1 + (2 * kLimbs > kProductLimbs + 2 ? 2 * kLimbs : kProductLimbs + 2);
  auto spread = Widen<kSize>(Multiply(a, b));
  spread.Negate();
  const auto n = WideInt<2>::FromInt128(static_cast<int128_t>(count));
  spread.Add(Widen<kSize>(Multiply(ab, n)));
  return spread;
}

/// `value` divided by 4^n so that it lies between 1 and 4, and n. The value must be positive.
template <int N>
double Scaled(const WideInt<N>& value, int* n) {
  *n = (value.BitLength() - 1) / 2;
  return value.ToDouble(-2 * *n);
}

template <typename Sum, typename ProductSum>
double Covariance(const Sums<Sum, ProductSum>& sums, int exponent, uint64_t count,
                  uint64_t divisor) {
  const auto spread = Spread(sums.xy.units, sums.x.units, sums.y.units, count);
  return DivideToDouble(spread, 2 * exponent, {count, divisor});
}

/// Nothing where x or y never changes.
template <typename Sum, typename ProductSum>
std::optional<double> Correlation(const Sums<Sum, ProductSum>& sums, uint64_t count) {
  const auto of_x = Spread(sums.xx.units, sums.x.units, sums.x.units, count);
  const auto of_y = Spread(sums.yy.units, sums.y.units, sums.y.units, count);
  if (of_x.is_zero() || of_y.is_zero()) return std::nullopt;
  // Numerator and denominator have the same unit, which cancels; so do the powers of two that keep
  // them from overflowing.
  int scale_x;
  int scale_y;
  const double square = Scaled(of_x, &scale_x) * Scaled(of_y, &scale_y);
  const auto of_both = Spread(sums.xy.units, sums.x.units, sums.y.units, count);
  const double value = of_both.ToDouble(-(scale_x + scale_y)) / std::sqrt(square);
  return std::min(1.0, std::max(-1.0, value));
}

struct Pairs : FiniteSums<Pairs, FixedSums, WideSums> {
  using Arguments = std::tuple<DoubleArgument, DoubleArgument>;

  static void Update(State& state, double y, double x, Arena* arena) {
    ++state.count;
    if (!std::isfinite(x) || !std::isfinite(y)) [[unlikely]] {
      state.has_not_finite = 1;
      return;
    }
    const auto wide = [&] { return WideOf(&state, arena); };
    if (!state.sums.x.Add(x)) [[unlikely]]
      wide()->x.Add(x);
    if (!state.sums.y.Add(y)) [[unlikely]]
      wide()->y.Add(y);
    if (!state.sums.xx.AddSquare(x)) [[unlikely]]
      wide()->xx.AddSquare(x);
    if (!state.sums.yy.AddSquare(y)) [[unlikely]]
      wide()->yy.AddSquare(y);
    if (!state.sums.xy.AddProduct(x, y)) [[unlikely]]
      wide()->xy.AddProduct(x, y);
  }

  template <typename Visit>
  static void ForEachSum(const Visit& visit) {
    visit(&FixedSums::x, &WideSums::x);
    visit(&FixedSums::y, &WideSums::y);
    visit(&FixedSums::xx, &WideSums::xx);
    visit(&FixedSums::xy, &WideSums::xy);
    visit(&FixedSums::yy, &WideSums::yy);
  }
};

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// kFreedom: what the divisor is less than the count.
template <int kFreedom>
struct Covar {
  static constexpr uint64_t kFewest = kFreedom + 1;

  template <typename PairSums>
  static double Of(const PairSums& sums, int exponent, uint64_t count) {
    return Covariance(sums, exponent, count, count - kFreedom);
  }
};

struct Corr {
  static constexpr uint64_t kFewest = 2;

  template <typename PairSums>
  static std::optional<double> Of(const PairSums& sums, int, uint64_t count) {
    return Correlation(sums, count);
  }
};

/// `Value::Of(sums, exponent, count)` of at least Value::kFewest rows.
template <typename Value>
struct OfPairs : Pairs {
  static arrow::Status Final(const AggregateKernel&, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    AppendOptionals<arrow::DoubleBuilder>(
        builder, states.size, [&](int64_t i) -> std::optional<double> {
          const State& state = states[i];
          const uint64_t count = state.count;
          if (count < Value::kFewest) return std::nullopt;
          if (state.has_not_finite) return kNaN;
          return WithSums(state, [count](const auto& sums, int exponent) {
            return Value::Of(sums, exponent, count);
          });
        });
    return arrow::Status::OK();
  }
};

template <typename Value>
void AddPairs(AggregateRegistry* registry, std::string name, AggregateDoc doc) {
  AggregateFunction function;
  function.name = name;
  function.num_arguments = 2;
  function.coerce = NumberToDouble;
  function.distinct_hint = "leave DISTINCT out";
  function.doc = std::move(doc);
  function.resolve = [name](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    for (const auto& argument : arguments) {
      if (!IsFloatingArgument(*argument)) return NotANumber(name, *argument);
    }
    return MakeKernel<OfPairs<Value>>("pairs", arrow::float64(), arguments);
  };
  registry->Add(std::move(function));
}

}  // namespace

void RegisterCovariances(AggregateRegistry* registry) {
  AddPairs<Corr>(registry, "corr",
                 {
                     .signature = "corr(y, x)",
                     .summary = "The correlation (Pearson's) of y and x, from -1 to 1, computed "
                                "from exact sums.",
                     .null_rule = "Fewer than two rows give NULL, and so does a y or x that never "
                                  "changes. Rows in which y or x is NULL are skipped. NaN or an "
                                  "infinity gives NaN.",
                     .example = "corr(value, duration)",
                     .duckdb = "nullif(corr({0}, {1}){filter}, 'nan'::DOUBLE)",
                 });
  AddPairs<Covar<1>>(registry, "covar_samp",
                     {
                         .signature = "covar_samp(y, x)",
                         .summary = "The covariance of y and x as a sample (divisor n - 1), "
                                    "computed from exact sums and rounded once.",
                         .null_rule = "Fewer than two rows give NULL. Rows in which y or x is NULL "
                                      "are skipped. NaN or an infinity gives NaN.",
                         .example = "covar_samp(value, duration)",
                         .duckdb = "covar_samp({0}, {1})",
                     });
  AddPairs<Covar<0>>(
      registry, "covar_pop",
      {
          .signature = "covar_pop(y, x)",
          .summary = "The covariance of y and x as the whole population (divisor n), "
                     "computed from exact sums and rounded once.",
          .null_rule = "No rows give NULL. Rows in which y or x is NULL are skipped. "
                       "NaN or an infinity gives NaN.",
          .example = "covar_pop(value, duration)",
          .duckdb = "covar_pop({0}, {1})",
      });
}

}  // namespace tidemill
