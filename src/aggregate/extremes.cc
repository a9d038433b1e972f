/// min and max, of any type.

#include "aggregate/kernel_adapter.h"
#include "aggregate/order_key.h"
#include "aggregate/registry.h"

namespace tidemill {
namespace {

template <typename Key, bool kMax>
struct Extreme {
  using State = Key;
  using Arguments = std::tuple<typename Key::Argument>;
  static constexpr auto kReferences = [] {
    if constexpr (Key::kHasReference) {
      return std::array<size_t, 1>{0};
    } else {
      return kNoReferences;
    }
  }();

  static void Initialize(State& state) { state = {}; }
  static void Take(State& state, const Key& key) {
    if (!state.has_value() || (kMax ? state < key : key < state)) state = key;
  }
  static void Update(State& state, decltype(std::declval<typename Key::Argument>()[0]) value,
                     Arena*) {
    Take(state, Key::Of(value));
  }
  static void Merge(State& into, const State& from, Arena*) {
    if (from.has_value()) Take(into, from);
  }
  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    return AppendKeys(*kernel.result_type, states, builder);
  }
};

template <bool kMax>
void AddExtreme(AggregateRegistry* registry, std::string name, AggregateDoc doc) {
  AggregateFunction function;
  function.name = name;
  function.doc = std::move(doc);
  function.resolve = [name](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    ARROW_ASSIGN_OR_RAISE(const ArgumentKind kind, ArgumentKindOf(*arguments[0]));
    AggregateKernel kernel;
    switch (kind) {
      case ArgumentKind::kBytes:
        kernel = MakeKernel<Extreme<KeyBytes, kMax>>(name, arguments[0], arguments);
        break;
      case ArgumentKind::kInt128:
        kernel = MakeKernel<Extreme<Key128, kMax>>(name, arguments[0], arguments);
        break;
      default:
        kernel = MakeKernel<Extreme<Key64, kMax>>(name, arguments[0], arguments);
    }
    kernel.distinct_is_noop = true;
    return kernel;
  };
  registry->Add(std::move(function));
}

}  // namespace

void RegisterExtremes(AggregateRegistry* registry) {
  AddExtreme<false>(registry, "min",
                    {
                        .signature = "min(x)",
                        .summary = "The smallest x, of the type of x. Text is compared byte by "
                                   "byte; NaN is larger than every number.",
                        .null_rule = "No rows give NULL. NULLs are skipped.",
                        .example = "min(timestamp)",
                        .duckdb = "min({0})",
                    });
  AddExtreme<true>(registry, "max",
                   {
                       .signature = "max(x)",
                       .summary = "The largest x, of the type of x. Text is compared byte by byte; "
                                  "NaN is larger than every number.",
                       .null_rule = "No rows give NULL. NULLs are skipped.",
                       .example = "max(value) filter (where event_type = 'purchase')",
                       .duckdb = "max({0})",
                   });
}

}  // namespace tidemill
