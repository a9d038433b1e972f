/// sum and avg.
///
/// Both keep the exact total and the number of rows, so they share a state; what differs is the
/// last step. Totals of integers have 128 bits and totals of decimals 192: no data set reaches
/// their limits, so only the conversion to the result type can overflow, and whether it does is a
/// property of the data, not of the order.

#include <cmath>
#include <limits>
#include <optional>

#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include "aggregate/argument_types.h"
#include "aggregate/kernel_adapter.h"
#include "aggregate/registry.h"
#include "aggregate/wide_block.h"
#include "base/exact_sum.h"
#include "base/wide_int.h"
#include "sql/function_registry.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr int kDecimalDigits = 38;

arrow::Status Overflow(const AggregateKernel& kernel, const std::string& total) {
  return MakeError(ErrorCode::kRunFailed,
                   fmt::format("the sum {}does not fit {}", total, TypeName(*kernel.result_type)),
                   "sum(cast(x as double precision)) has no such limit");
}

// ---- integers

template <typename Argument>
struct IntegerTotal {
  struct State {
    WideInt<2> total;
    int64_t count;
  };
  using Arguments = std::tuple<Argument>;
  static constexpr auto kReferences = kNoReferences;

  static void Initialize(State& state) { state = {}; }
  static void Add(State& state, int128_t value) {
    state.total = WideInt<2>::FromInt128(state.total.ToInt128() + value);
  }
  static void Update(State& state, decltype(std::declval<Argument>()[0]) value, Arena*) {
    Add(state, value);
    ++state.count;
  }
  static void Merge(State& into, const State& from, Arena*) {
    Add(into, from.total.ToInt128());
    into.count += from.count;
  }
};

/// Result is int64_t, or uint64_t for sums of uint64.
template <typename Argument, typename Result>
struct IntegerSum : IntegerTotal<Argument> {
  using State = typename IntegerTotal<Argument>::State;

  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    using Builder = typename arrow::CTypeTraits<Result>::BuilderType;
    for (int64_t i = 0; i < states.size; ++i) {
      const int128_t total = states[i].total.ToInt128();
      if (total < std::numeric_limits<Result>::min() ||
          total > std::numeric_limits<Result>::max()) {
        const arrow::Decimal128 digits(static_cast<int64_t>(total >> 64),
                                       static_cast<uint64_t>(total));
        return Overflow(kernel, digits.ToIntegerString() + " ");
      }
    }
    AppendOptionals<Builder>(builder, states.size, [&](int64_t i) -> std::optional<Result> {
      if (states[i].count == 0) return std::nullopt;
      return static_cast<Result>(states[i].total.ToInt128());
    });
    return arrow::Status::OK();
  }
};

template <typename Argument>
struct IntegerAverage : IntegerTotal<Argument> {
  using State = typename IntegerTotal<Argument>::State;

  static arrow::Status Final(const AggregateKernel&, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    AppendOptionals<arrow::DoubleBuilder>(
        builder, states.size, [&](int64_t i) -> std::optional<double> {
          const State& state = states[i];
          if (state.count == 0) return std::nullopt;
          return state.total.ToDouble(0) / static_cast<double>(state.count);
        });
    return arrow::Status::OK();
  }
};

// ---- decimals

struct DecimalTotal {
  struct State {
    WideInt<3> total;
    int64_t count;
  };
  using Arguments = std::tuple<Int128Argument>;
  static constexpr auto kReferences = kNoReferences;

  static void Initialize(State& state) { state = {}; }
  static void Update(State& state, int128_t value, Arena*) {
    const bool negative = value < 0;
    const auto bits = static_cast<uint128_t>(value);
    state.total.AddTerm(negative ? -bits : bits, 0, negative);
    ++state.count;
  }
  static void Merge(State& into, const State& from, Arena*) {
    into.total.Add(from.total);
    into.count += from.count;
  }
};

struct DecimalSum : DecimalTotal {
  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    auto* sums = static_cast<arrow::Decimal128Builder*>(builder);
    for (int64_t i = 0; i < states.size; ++i) {
      const State& state = states[i];
      const int128_t total = state.total.ToInt128();
      const arrow::Decimal128 sum(static_cast<int64_t>(total >> 64), static_cast<uint64_t>(total));
      if (!state.total.FitsInt128() || !sum.FitsInPrecision(kDecimalDigits)) {
        return Overflow(kernel, "");
      }
      if (state.count == 0) {
        sums->UnsafeAppendNull();
      } else {
        sums->UnsafeAppend(sum);
      }
    }
    return arrow::Status::OK();
  }
};

struct DecimalAverage : DecimalTotal {
  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    const int scale = static_cast<const arrow::Decimal128Type&>(*kernel.argument_types[0]).scale();
    uint64_t powers[2] = {1, 1};
    for (int digit = 0; digit < scale; ++digit) powers[digit / 19] *= 10;
    AppendOptionals<arrow::DoubleBuilder>(
        builder, states.size, [&](int64_t i) -> std::optional<double> {
          const State& state = states[i];
          if (state.count == 0) return std::nullopt;
          return DivideToDouble(state.total, 0, {powers[0], powers[1]}) /
                 static_cast<double>(state.count);
        });
    return arrow::Status::OK();
  }
};

// ---- doubles

struct DoubleTotal {
  struct State {
    FixedSum<2, -64> fixed;
    uint64_t count : 61;
    uint64_t has_nan : 1;
    uint64_t has_plus_infinity : 1;
    uint64_t has_minus_infinity : 1;
    Bytes wide;  // a WideSum of what `fixed` refused, from the first such value on
  };
  using Arguments = std::tuple<DoubleArgument>;
  static constexpr std::array<size_t, 1> kReferences = {offsetof(State, wide)};

  static void Initialize(State& state) { state = {}; }

  static void Update(State& state, double value, Arena* arena) {
    ++state.count;
    if (!state.fixed.Add(value)) [[unlikely]]
      AddUncommon(state, value, arena);
  }

  static void AddUncommon(State& state, double value, Arena* arena) {
    if (std::isnan(value)) {
      state.has_nan = 1;
    } else if (std::isinf(value)) {
      if (value > 0) state.has_plus_infinity = 1;
      if (value < 0) state.has_minus_infinity = 1;
    } else {
      OwnedBlock<WideSum>(&state.wide, arena)->Add(value);
    }
  }

  static void Merge(State& into, const State& from, Arena* arena) {
    into.count += from.count;
    into.has_nan |= from.has_nan;
    into.has_plus_infinity |= from.has_plus_infinity;
    into.has_minus_infinity |= from.has_minus_infinity;
    if (!into.fixed.Merge(from.fixed)) [[unlikely]] {
      OwnedBlock<WideSum>(&into.wide, arena)->Absorb(from.fixed);
    }
    if (from.wide.data != nullptr) [[unlikely]] {
      OwnedBlock<WideSum>(&into.wide, arena)->Merge(LoadBlock<WideSum>(from.wide));
    }
  }

  /// The correctly rounded sum.
  static double Sum(const State& state) {
    if (state.has_nan || (state.has_plus_infinity && state.has_minus_infinity)) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    if (state.has_plus_infinity) return std::numeric_limits<double>::infinity();
    if (state.has_minus_infinity) return -std::numeric_limits<double>::infinity();
    if (state.wide.data == nullptr) return state.fixed.ToDouble();
    auto total = LoadBlock<WideSum>(state.wide);
    total.Absorb(state.fixed);
    return total.ToDouble();
  }
};

template <bool kAverage>
struct DoubleFunction : DoubleTotal {
  static arrow::Status Final(const AggregateKernel&, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    AppendOptionals<arrow::DoubleBuilder>(
        builder, states.size, [&](int64_t i) -> std::optional<double> {
          const State& state = states[i];
          if (state.count == 0) return std::nullopt;
          const double total = Sum(state);
          // An undefined result is NULL, as it is for x / 0 and sqrt(-1).
          if (std::isnan(total)) return std::nullopt;
          return kAverage ? total / static_cast<double>(state.count) : total;
        });
    return arrow::Status::OK();
  }
};

// ---- by type

using Types = std::vector<std::shared_ptr<arrow::DataType>>;

arrow::Result<AggregateKernel> ResolveSum(const Types& arguments) {
  const arrow::DataType& type = *arguments[0];
  if (type.id() == arrow::Type::UINT64) {
    return MakeKernel<IntegerSum<UInt64Argument, uint64_t>>("sum", arrow::uint64(), arguments);
  }
  if (arrow::is_integer(type.id())) {
    return MakeKernel<IntegerSum<Int64Argument, int64_t>>("sum", arrow::int64(), arguments);
  }
  if (IsFloatingArgument(type)) {
    return MakeKernel<DoubleFunction<false>>("sum", arrow::float64(), arguments);
  }
  if (IsDecimalArgument(type)) {
    const int scale = static_cast<const arrow::Decimal128Type&>(type).scale();
    return MakeKernel<DecimalSum>("sum", arrow::decimal128(kDecimalDigits, scale), arguments);
  }
  return NotANumber("sum", type);
}

arrow::Result<AggregateKernel> ResolveAverage(const Types& arguments) {
  const arrow::DataType& type = *arguments[0];
  if (type.id() == arrow::Type::UINT64) {
    return MakeKernel<IntegerAverage<UInt64Argument>>("sum", arrow::float64(), arguments);
  }
  if (arrow::is_integer(type.id())) {
    return MakeKernel<IntegerAverage<Int64Argument>>("sum", arrow::float64(), arguments);
  }
  if (IsFloatingArgument(type)) {
    return MakeKernel<DoubleFunction<true>>("sum", arrow::float64(), arguments);
  }
  if (IsDecimalArgument(type))
    return MakeKernel<DecimalAverage>("sum", arrow::float64(), arguments);
  return NotANumber("avg", type);
}

}  // namespace

void RegisterSums(AggregateRegistry* registry) {
  AggregateFunction sum;
  sum.name = "sum";
  sum.doc = {
      .signature = "sum(x)",
      .summary =
          "The sum of x: bigint for integers (an error beyond it; ubigint for ubigint), "
          "decimal of 38 digits for decimals, for floating point the correctly rounded sum "
          "of the exact values, whatever their order.",
      .null_rule =
          "No rows give NULL. NULLs are skipped. NaN, or infinities of both signs, give "
          "NULL: the sum is undefined.",
      .example = "coalesce(sum(value) filter (where event_type = 'purchase'), 0)",
      .duckdb = "",
  };
  sum.resolve = ResolveSum;
  registry->Add(std::move(sum));

  AggregateFunction average;
  average.name = "avg";
  average.doc = {
      .signature = "avg(x)",
      .summary =
          "The arithmetic mean of x in double precision: the exact sum, rounded, divided "
          "by the number of values.",
      .null_rule =
          "No rows give NULL. NULLs are skipped. NaN, or infinities of both signs, give "
          "NULL: the sum is undefined.",
      .example = "avg(value) filter (where event_type = 'purchase')",
      .duckdb = "avg({0})",
  };
  average.resolve = ResolveAverage;
  registry->Add(std::move(average));
}

}  // namespace tidemill
