/// first, last, min_by and max_by: the x of the row that another value chooses.
///
/// first and last are min_by and max_by with event_time in second place. Of several rows with the
/// chosen y, the smallest x is taken, so that the result does not depend on the order of rows.

#include "aggregate/kernel_adapter.h"
#include "aggregate/order_key.h"
#include "aggregate/registry.h"

namespace tidemill {
namespace {

template <typename X, typename Y, bool kLargestY>
struct Choice {
  struct State {
    X x;
    Y y;
  };
  using Arguments = std::tuple<typename X::Argument, typename Y::Argument>;
  static constexpr auto kReferences = [] {
    constexpr size_t kCount = (X::kHasReference ? 1 : 0) + (Y::kHasReference ? 1 : 0);
    std::array<size_t, kCount> offsets = {};
    [[maybe_unused]] size_t next = 0;
    if constexpr (X::kHasReference) offsets[next++] = offsetof(State, x);
    if constexpr (Y::kHasReference) offsets[next++] = offsetof(State, y);
    return offsets;
  }();

  static void Initialize(State& state) { state = {}; }
  static void Take(State& state, const X& x, const Y& y) {
    if (state.y.has_value()) {
      const std::strong_ordering order = kLargestY ? state.y <=> y : y <=> state.y;
      if (order > 0 || (order == 0 && !(x < state.x))) return;
    }
    state = {x, y};
  }
  static void Update(State& state, decltype(std::declval<typename X::Argument>()[0]) x,
                     decltype(std::declval<typename Y::Argument>()[0]) y, Arena*) {
    Take(state, X::Of(x), Y::Of(y));
  }
  static void Merge(State& into, const State& from, Arena*) {
    if (from.y.has_value()) Take(into, from.x, from.y);
  }
  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    const StateRows<X> chosen{states.rows, states.offset + offsetof(State, x), states.size};
    return AppendKeys(*kernel.result_type, chosen, builder);
  }
};

using Types = std::vector<std::shared_ptr<arrow::DataType>>;

template <typename X, bool kLargestY>
AggregateKernel MakeChoice(const std::string& name, ArgumentKind y, const Types& arguments) {
  switch (y) {
    case ArgumentKind::kBytes:
      return MakeKernel<Choice<X, KeyBytes, kLargestY>>(name, arguments[0], arguments);
    case ArgumentKind::kInt128:
      return MakeKernel<Choice<X, Key128, kLargestY>>(name, arguments[0], arguments);
    default:
      return MakeKernel<Choice<X, Key64, kLargestY>>(name, arguments[0], arguments);
  }
}

template <bool kLargestY>
arrow::Result<AggregateKernel> ResolveChoice(const std::string& name, ArgumentKind y,
                                             const Types& arguments) {
  ARROW_ASSIGN_OR_RAISE(const ArgumentKind x, ArgumentKindOf(*arguments[0]));
  AggregateKernel kernel;
  switch (x) {
    case ArgumentKind::kBytes:
      kernel = MakeChoice<KeyBytes, kLargestY>(name, y, arguments);
      break;
    case ArgumentKind::kInt128:
      kernel = MakeChoice<Key128, kLargestY>(name, y, arguments);
      break;
    default:
      kernel = MakeChoice<Key64, kLargestY>(name, y, arguments);
  }
  kernel.distinct_is_noop = true;
  return kernel;
}

/// min_by and max_by.
template <bool kLargestY>
void AddChoiceByValue(AggregateRegistry* registry, std::string name, std::string alias,
                      AggregateDoc doc) {
  AggregateFunction function;
  function.name = name;
  function.aliases = {std::move(alias)};
  function.num_arguments = 2;
  function.doc = std::move(doc);
  function.resolve = [name](const Types& arguments) -> arrow::Result<AggregateKernel> {
    ARROW_ASSIGN_OR_RAISE(const ArgumentKind y, ArgumentKindOf(*arguments[1]));
    return ResolveChoice<kLargestY>(name, y, arguments);
  };
  registry->Add(std::move(function));
}

/// first and last.
template <bool kLatest>
void AddChoiceByTime(AggregateRegistry* registry, std::string name, AggregateDoc doc) {
  AggregateFunction function;
  function.name = name;
  function.doc = std::move(doc);
  function.resolve = [name](const Types& arguments) -> arrow::Result<AggregateKernel> {
    ARROW_ASSIGN_OR_RAISE(AggregateKernel kernel,
                          ResolveChoice<kLatest>(name, ArgumentKind::kInt64, arguments));
    kernel.needs_event_time = true;
    return kernel;
  };
  registry->Add(std::move(function));
}

}  // namespace

void RegisterChoices(AggregateRegistry* registry) {
  // DuckDB's arg_min and first(... order by ...) leave ties open; ordering by x as well settles
  // them.
  const std::string smallest =
      "first(case when {1} is not null then {0} end "
      "order by {0} is null or {1} is null, {1}, {0})";
  const std::string largest =
      "first(case when {1} is not null then {0} end "
      "order by {0} is null or {1} is null, {1} desc, {0})";
  AddChoiceByTime<false>(registry, "first",
                         {
                             .signature = "first(x)",
                             .summary = "The x of the earliest event, by the source's event_time; "
                                        "of simultaneous events the smallest x.",
                             .null_rule = "No rows give NULL. Events whose x is NULL are skipped.",
                             .example = "first(product_category)",
                             .duckdb = smallest,
                         });
  AddChoiceByTime<true>(registry, "last",
                        {
                            .signature = "last(x)",
                            .summary = "The x of the latest event, by the source's event_time; of "
                                       "simultaneous events the smallest x.",
                            .null_rule = "No rows give NULL. Events whose x is NULL are skipped.",
                            .example = "last(event_type)",
                            .duckdb = largest,
                        });
  AddChoiceByValue<false>(registry, "min_by", "arg_min",
                          {
                              .signature = "min_by(x, y)",
                              .summary = "The x of the row with the smallest y; of several such "
                                         "rows the smallest x.",
                              .null_rule = "No rows give NULL. Rows in which x or y is NULL are "
                                           "skipped.",
                              .example = "min_by(product_category, value)",
                              .duckdb = smallest,
                          });
  AddChoiceByValue<true>(registry, "max_by", "arg_max",
                         {
                             .signature = "max_by(x, y)",
                             .summary = "The x of the row with the largest y; of several such rows "
                                        "the smallest x.",
                             .null_rule = "No rows give NULL. Rows in which x or y is NULL are "
                                          "skipped.",
                             .example = "max_by(product_category, value)",
                             .duckdb = largest,
                         });
}

}  // namespace tidemill
