/// collect_list: all values in the order of time.

#include <arrow/array/builder_nested.h>

#include "aggregate/argument_types.h"
#include "aggregate/kernel_adapter.h"
#include "aggregate/packed_values.h"
#include "aggregate/registry.h"

namespace tidemill {
namespace {

/// Simultaneous values stand in their own order, so that the list follows from the multiset of
/// pairs of time and value.
template <typename Key>
struct CollectList {
  using Timed = TimedKey<Key>;
  struct State {
    PackedValues<Timed> values;
  };
  using Arguments = std::tuple<typename Key::Argument, Key64Argument>;
  static constexpr std::array<size_t, 1> kReferences = {offsetof(State, values.block)};

  static void Initialize(State& state) { state = {}; }
  static void Update(State& state, decltype(std::declval<typename Key::Argument>()[0]) value,
                     int64_t time, Arena* arena) {
    state.values.Add({time, Key::Of(value)}, arena, SortAndUnite<Timed>);
  }
  static void Merge(State& into, const State& from, Arena* arena) {
    into.values.Merge(from.values, arena, SortAndUnite<Timed>);
  }
  static void Shrink(State& state) { state.values.Shrink(SortAndUnite<Timed>); }
  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    auto* list = static_cast<arrow::ListBuilder*>(builder);
    std::vector<ValueCount<Timed>> items;
    std::vector<Key> keys;
    for (int64_t i = 0; i < states.size; ++i) {
      ReadSorted(states[i].values, &items);
      keys.clear();
      for (const ValueCount<Timed>& item : items) {
        keys.insert(keys.end(), static_cast<size_t>(item.count), item.key.key);
      }
      ARROW_RETURN_NOT_OK(list->Append());
      ARROW_RETURN_NOT_OK(AppendKeyList(*kernel.argument_types[0], keys, list->value_builder()));
    }
    return arrow::Status::OK();
  }
};

}  // namespace

void RegisterCollectLists(AggregateRegistry* registry) {
  AggregateFunction function;
  function.name = "collect_list";
  function.doc = {
      .signature = "collect_list(x)",
      .summary =
          "All values of x as a list, in the order of the source's event_time; those of "
          "simultaneous events in ascending order.",
      .null_rule = "No rows give an empty list. Events whose x or event_time is NULL are skipped.",
      .example = "collect_list(event_type)",
      .duckdb =
          "coalesce(list_filter(list(CASE WHEN {1} IS NOT NULL THEN {0} END "
          "ORDER BY {1}, {0}){filter}, lambda e: e IS NOT NULL), [])",
  };
  function.distinct_hint = "use collect_set(x) for the different values";
  function.resolve = [](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    ARROW_ASSIGN_OR_RAISE(const ArgumentKind kind, ArgumentKindOf(*arguments[0]));
    const auto type = ListOf(arguments[0]);
    AggregateKernel kernel;
    switch (kind) {
      case ArgumentKind::kBytes:
        kernel = MakeKernel<CollectList<KeyBytes>>("timed values", type, arguments);
        break;
      case ArgumentKind::kInt128:
        kernel = MakeKernel<CollectList<Key128>>("timed values", type, arguments);
        break;
      default:
        kernel = MakeKernel<CollectList<Key64>>("timed values", type, arguments);
    }
    kernel.needs_event_time = true;
    return kernel;
  };
  registry->Add(std::move(function));
}

}  // namespace tidemill
