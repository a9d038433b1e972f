/// count(*), count(x) and count_if(condition).

#include <arrow/array/builder_primitive.h>

#include "aggregate/argument_types.h"
#include "aggregate/kernel_adapter.h"
#include "aggregate/registry.h"

namespace tidemill {
namespace {

/// The engine leaves out rows with a NULL argument, so both forms only count.
struct Count {
  struct State {
    int64_t count;
  };
  using Arguments = std::tuple<>;
  static constexpr auto kReferences = kNoReferences;

  static void Initialize(State& state) { state.count = 0; }
  static void Update(State& state, Arena*) { ++state.count; }
  static void UpdateIf(State& state, bool selected) { state.count += selected; }
  static void Merge(State& into, const State& from, Arena*) { into.count += from.count; }
  static arrow::Status Final(const AggregateKernel&, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    auto* counts = static_cast<arrow::Int64Builder*>(builder);
    for (int64_t i = 0; i < states.size; ++i) counts->UnsafeAppend(states[i].count);
    return arrow::Status::OK();
  }
};

/// count_if(condition).
struct CountIf {
  using State = Count::State;
  using Arguments = std::tuple<Int64Argument>;
  static constexpr auto kReferences = kNoReferences;

  static void Initialize(State& state) { state.count = 0; }
  static void Update(State& state, int64_t value, Arena*) { state.count += value; }
  static void Merge(State& into, const State& from, Arena*) { into.count += from.count; }
  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    return Count::Final(kernel, states, builder);
  }
};

}  // namespace

void RegisterCounts(AggregateRegistry* registry) {
  AggregateFunction count;
  count.name = "count";
  count.num_arguments = 1;
  count.doc = {
      .signature = "count(x)",
      .summary =
          "The number of rows: of all with count(*), of those where x is not NULL with "
          "count(x), of the different values of x with count(distinct x).",
      .null_rule = "No rows give 0. NULLs are not counted, except by count(*).",
      .example = "count(*) filter (where event_type = 'click')",
      .duckdb = "",
  };
  count.resolve = [](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    return MakeKernel<Count>("count", arrow::int64(), arguments);
  };
  registry->Add(std::move(count));

  AggregateFunction count_if;
  count_if.name = "count_if";
  count_if.aliases = {"countif"};
  count_if.distinct_hint = "count(distinct x) filter (where condition) counts different values";
  count_if.doc = {
      .signature = "count_if(condition)",
      .summary =
          "The number of rows on which a condition is TRUE: count(*) filter (where "
          "condition).",
      .null_rule = "No rows give 0. A NULL condition does not count.",
      .example = "count_if(value > 100)",
      .duckdb = "count(CASE WHEN {0} THEN 1 END)",
  };
  count_if.resolve = [](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    if (arguments[0]->id() != arrow::Type::BOOL) {
      return WrongArgument("count_if", *arguments[0], "a condition", "compare it with a value");
    }
    return MakeKernel<CountIf>("count if", arrow::int64(), arguments);
  };
  registry->Add(std::move(count_if));
}

}  // namespace tidemill
