/// Variances and standard deviations.
///
/// The state holds the exact sum of the values and of their squares (base/exact_sum.h), so that the
/// difference n * S2 - S1 * S1, where floating point loses all digits of data with a large mean, is
/// exact.

#include <cmath>
#include <limits>
#include <optional>

#include <arrow/array/builder_primitive.h>

#include "aggregate/argument_types.h"
#include "aggregate/finite_sums.h"
#include "aggregate/kernel_adapter.h"
#include "aggregate/registry.h"
#include "base/exact_sum.h"
#include "base/wide_int.h"

namespace tidemill {
namespace {

/// Sums of integers: kSumLimbs hold the sum, kSquareLimbs the sum of squares, of 2^60 values and
/// more.
template <typename Argument, int kSumLimbs, int kSquareLimbs>
struct IntegerMoments {
  struct State {
    WideInt<kSumLimbs> sum;
    WideInt<kSquareLimbs> squares;
    uint64_t count;
  };
  using Arguments = std::tuple<Argument>;
  static constexpr auto kReferences = kNoReferences;

  static void Initialize(State& state) { state = {}; }
  static void Update(State& state, decltype(std::declval<Argument>()[0]) value, Arena*) {
    const bool negative = value < 0;
    const auto bits = static_cast<uint128_t>(static_cast<int128_t>(value));
    const uint128_t magnitude = negative ? -bits : bits;
    state.sum.AddTerm(magnitude, 0, negative);
    if constexpr (kSquareLimbs > 3) {
      const auto low = static_cast<uint64_t>(magnitude);
      const auto high = static_cast<uint64_t>(magnitude >> 64);
      const uint128_t cross = static_cast<uint128_t>(low) * high;
      state.squares.AddTerm(static_cast<uint128_t>(low) * low, 0, false);
      state.squares.AddTerm(cross, 65, false);
      state.squares.AddTerm(static_cast<uint128_t>(high) * high, 128, false);
    } else {
      state.squares.AddTerm(magnitude * magnitude, 0, false);
    }
    ++state.count;
  }
  static void Merge(State& into, const State& from, Arena*) {
    into.sum.Add(from.sum);
    into.squares.Add(from.squares);
    into.count += from.count;
  }
  static double Variance(const State& state, uint64_t divisor, int scale) {
    return ExactVariance(state.sum, state.squares, 0, state.count, divisor, scale);
  }
};

template <typename Sum, typename SquareSum>
struct SumsOfSquares {
  Sum sum;
  SquareSum squares;
};

using FixedSumsOfSquares = SumsOfSquares<FixedSum<2, -64>, FixedSum<4, -128>>;
using WideSumsOfSquares = SumsOfSquares<WideSum, WideSquareSum>;

struct DoubleMoments : FiniteSums<DoubleMoments, FixedSumsOfSquares, WideSumsOfSquares> {
  using Arguments = std::tuple<DoubleArgument>;

  static void Update(State& state, double value, Arena* arena) {
    ++state.count;
    if (!std::isfinite(value)) [[unlikely]] {
      state.has_not_finite = 1;
      return;
    }
    if (!state.sums.sum.Add(value)) [[unlikely]] {
      WideOf(&state, arena)->sum.Add(value);
    }
    if (!state.sums.squares.AddSquare(value)) [[unlikely]] {
      WideOf(&state, arena)->squares.AddSquare(value);
    }
  }

  template <typename Visit>
  static void ForEachSum(const Visit& visit) {
    visit(&FixedSumsOfSquares::sum, &WideSumsOfSquares::sum);
    visit(&FixedSumsOfSquares::squares, &WideSumsOfSquares::squares);
  }

  static double Variance(const State& state, uint64_t divisor, int) {
    if (state.has_not_finite) return std::numeric_limits<double>::quiet_NaN();
    const uint64_t count = state.count;
    return WithSums(state, [count, divisor](const auto& sums, int exponent) {
      return ExactVariance(sums.sum.units, sums.squares.units, exponent, count, divisor);
    });
  }
};

/// kFreedom: what the divisor is less than the count, 1 for a sample, 0 for the population.
template <typename Moments, int kFreedom, bool kRoot>
struct MomentFunction : Moments {
  using State = typename Moments::State;

  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    const arrow::DataType& type = *kernel.argument_types[0];
    const int scale =
        IsDecimalArgument(type) ? static_cast<const arrow::Decimal128Type&>(type).scale() : 0;
    AppendOptionals<arrow::DoubleBuilder>(
        builder, states.size, [&](int64_t i) -> std::optional<double> {
          const State& state = states[i];
          if (state.count <= kFreedom) return std::nullopt;
          const double variance = Moments::Variance(state, state.count - kFreedom, scale);
          return kRoot ? std::sqrt(variance) : variance;
        });
    return arrow::Status::OK();
  }
};

template <int kFreedom, bool kRoot>
void AddMoment(AggregateRegistry* registry, std::string name, std::vector<std::string> aliases,
               AggregateDoc doc) {
  AggregateFunction function;
  function.name = name;
  function.aliases = std::move(aliases);
  function.doc = std::move(doc);
  function.resolve = [name](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    const arrow::DataType& type = *arguments[0];
    const auto make = [&]<typename Moments>() {
      return MakeKernel<MomentFunction<Moments, kFreedom, kRoot>>("moments", arrow::float64(),
                                                                  arguments);
    };
    if (type.id() == arrow::Type::UINT64) {
      return make.template operator()<IntegerMoments<UInt64Argument, 2, 3>>();
    }
    if (arrow::is_integer(type.id())) {
      return make.template operator()<IntegerMoments<Int64Argument, 2, 3>>();
    }
    if (IsFloatingArgument(type)) return make.template operator()<DoubleMoments>();
    if (IsDecimalArgument(type))
      return make.template operator()<IntegerMoments<Int128Argument, 3, 5>>();
    return NotANumber(name, type);
  };
  registry->Add(std::move(function));
}

}  // namespace

void RegisterMoments(AggregateRegistry* registry) {
  const std::string sample_rule =
      "No rows and a single row give NULL. NULLs are skipped. NaN or an infinity gives NaN.";
  const std::string population_rule =
      "No rows give NULL. NULLs are skipped. NaN or an infinity gives NaN.";
  AddMoment<1, true>(registry, "stddev_samp", {"stddev"},
                     {
                         .signature = "stddev_samp(x)",
                         .summary = "The standard deviation of x as a sample (divisor n - 1): the "
                                    "root of var_samp(x).",
                         .null_rule = sample_rule,
                         .example = "stddev_samp(value)",
                         .duckdb = "stddev_samp({0})",
                     });
  AddMoment<0, true>(registry, "stddev_pop", {},
                     {
                         .signature = "stddev_pop(x)",
                         .summary = "The standard deviation of x as the whole population (divisor "
                                    "n): the root of var_pop(x).",
                         .null_rule = population_rule,
                         .example = "stddev_pop(value)",
                         .duckdb = "stddev_pop({0})",
                     });
  AddMoment<1, false>(registry, "var_samp", {"variance"},
                      {
                          .signature = "var_samp(x)",
                          .summary = "The variance of x as a sample (divisor n - 1), computed from "
                                     "exact sums and rounded once.",
                          .null_rule = sample_rule,
                          .example = "var_samp(value)",
                          .duckdb = "var_samp({0})",
                      });
  AddMoment<0, false>(registry, "var_pop", {},
                      {
                          .signature = "var_pop(x)",
                          .summary = "The variance of x as the whole population (divisor n), "
                                     "computed from exact sums and rounded once.",
                          .null_rule = population_rule,
                          .example = "var_pop(value)",
                          .duckdb = "var_pop({0})",
                      });
}

}  // namespace tidemill
