/// percentile_cont, percentile_disc and median: exact, from the multiset of the values.

#include <cmath>

#include <arrow/array/builder_primitive.h>

#include "aggregate/argument_types.h"
#include "aggregate/fractions.h"
#include "aggregate/kernel_adapter.h"
#include "aggregate/multiset.h"
#include "aggregate/registry.h"

namespace tidemill {
namespace {

template <typename Key>
struct Discrete : Multiset<Key> {
  using State = typename Multiset<Key>::State;

  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    const Fraction p = FractionOf(kernel);
    Items<Key> items;
    std::vector<Key> chosen(1);
    for (int64_t i = 0; i < states.size; ++i) {
      ReadSorted(states[i].values, &items);
      if (items.empty()) {
        ARROW_RETURN_NOT_OK(builder->AppendNull());
        continue;
      }
      chosen[0] = items[ItemAt(items, p.Rank(TotalOf(items)))].key;
      ARROW_RETURN_NOT_OK(AppendKeyList(*kernel.result_type, chosen, builder));
    }
    return arrow::Status::OK();
  }
};

/// The point `part` of the way from `low` to `high`.
double Between(double low, double high, double part) {
  if (part == 0 || low == high) return low;
  const double way = high - low;
  // Too long for a double, or to or from an infinity.
  if (!std::isfinite(way)) return low * (1 - part) + high * part;
  return low + part * way;
}

struct Continuous : Multiset<Key64> {
  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    const Fraction p = FractionOf(kernel);
    Items<Key64> items;
    AppendOptionals<arrow::DoubleBuilder>(
        builder, states.size, [&](int64_t i) -> std::optional<double> {
          ReadSorted(states[i].values, &items);
          if (items.empty()) return std::nullopt;
          const int128_t place = static_cast<int128_t>(TotalOf(items) - 1) * p.units;
          const auto below = static_cast<uint64_t>(place / Fraction::kOne);
          const auto rest = static_cast<double>(static_cast<int64_t>(place % Fraction::kOne));
          const size_t at = ItemAt(items, below + 1);
          const double low = DoubleOfKey(items[at].key.value);
          if (rest == 0) return low;
          const double high = DoubleOfKey(items[ItemAt(items, below + 2)].key.value);
          return Between(low, high, rest / static_cast<double>(Fraction::kOne)) + 0.0;
        });
    return arrow::Status::OK();
  }
};

using Types = std::vector<std::shared_ptr<arrow::DataType>>;

AggregateFunction ContinuousFunction(std::string name) {
  AggregateFunction function;
  function.name = name;
  function.coerce = NumberToDouble;
  function.resolve = [name](const Types& arguments) -> arrow::Result<AggregateKernel> {
    if (!IsFloatingArgument(*arguments[0])) {
      return WrongArgument(name, *arguments[0], "a number",
                           "percentile_disc takes values of any type");
    }
    return MakeKernel<Continuous>("values", arrow::float64(), arguments);
  };
  return function;
}

}  // namespace

void RegisterPercentiles(AggregateRegistry* registry) {
  AggregateFunction median = ContinuousFunction("median");
  median.doc = {
      .signature = "median(x)",
      .summary =
          "The middle x of all in ascending order, or the mean of the two in the middle: "
          "percentile_cont(0.5). Exact.",
      .null_rule = "No rows give NULL. NULLs are skipped. NaN is larger than every number.",
      .example = "median(value)",
      .duckdb = "quantile_cont(CAST({0} AS DOUBLE), 0.5)",
  };
  registry->Add(std::move(median));

  AggregateFunction continuous = ContinuousFunction("percentile_cont");
  continuous.aliases = {"percentile", "quantile_cont"};
  continuous.doc = {
      .signature = "percentile_cont(x, p)",
      .summary =
          "The value below which the part p of all x lies, interpolated between the two "
          "nearest. Exact. p is a constant from 0 to 1, and counts to 15 digits. Also "
          "written percentile_cont(p) within group (order by x).",
      .null_rule = "No rows give NULL. NULLs are skipped. NaN is larger than every number.",
      .example = "percentile_cont(0.95) within group (order by value)",
      .duckdb = "quantile_cont(CAST({0} AS DOUBLE), {1})",
  };
  continuous.min_constants = continuous.max_constants = 1;
  continuous.check_constants = [](const Constants& constants) {
    return CheckFraction("percentile_cont", constants);
  };
  registry->Add(std::move(continuous));

  AggregateFunction discrete;
  discrete.name = "percentile_disc";
  discrete.aliases = {"quantile_disc"};
  discrete.doc = {
      .signature = "percentile_disc(x, p)",
      .summary =
          "The smallest x such that at least the part p of all x is not larger; of any type. "
          "Exact. p is a constant from 0 to 1, and counts to 15 digits. Also written "
          "percentile_disc(p) within group (order by x).",
      .null_rule = "No rows give NULL. NULLs are skipped. NaN is larger than every number.",
      .example = "percentile_disc(0.5) within group (order by timestamp)",
      .duckdb = "quantile_disc({0}, {1})",
  };
  discrete.min_constants = discrete.max_constants = 1;
  discrete.check_constants = [](const Constants& constants) {
    return CheckFraction("percentile_disc", constants);
  };
  discrete.resolve = [](const Types& arguments) -> arrow::Result<AggregateKernel> {
    ARROW_ASSIGN_OR_RAISE(const ArgumentKind kind, ArgumentKindOf(*arguments[0]));
    switch (kind) {
      case ArgumentKind::kBytes:
        return MakeKernel<Discrete<KeyBytes>>("values", arguments[0], arguments);
      case ArgumentKind::kInt128:
        return MakeKernel<Discrete<Key128>>("values", arguments[0], arguments);
      default:
        return MakeKernel<Discrete<Key64>>("values", arguments[0], arguments);
    }
  };
  registry->Add(std::move(discrete));
}

}  // namespace tidemill
