/// bool_and and bool_or.

#include <optional>

#include <arrow/array/builder_primitive.h>

#include "aggregate/argument_types.h"
#include "aggregate/kernel_adapter.h"
#include "aggregate/registry.h"

namespace tidemill {
namespace {

/// Which of the two values have been seen: all that either function needs.
struct SeenValues {
  struct State {
    uint64_t seen;  // bit 0: false, bit 1: true
  };
  using Arguments = std::tuple<Int64Argument>;
  static constexpr auto kReferences = kNoReferences;
  static constexpr uint64_t kFalse = 1;
  static constexpr uint64_t kTrue = 2;

  static void Initialize(State& state) { state.seen = 0; }
  static void Update(State& state, int64_t value, Arena*) {
    state.seen |= value != 0 ? kTrue : kFalse;
  }
  static void Merge(State& into, const State& from, Arena*) { into.seen |= from.seen; }
};

/// One of the values decides as soon as it is seen: false for bool_and, true for bool_or.
template <uint64_t kDeciding>
struct BooleanFunction : SeenValues {
  static arrow::Status Final(const AggregateKernel&, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    AppendOptionals<arrow::BooleanBuilder>(builder, states.size,
                                           [&](int64_t i) -> std::optional<bool> {
                                             const uint64_t seen = states[i].seen;
                                             if (seen == 0) return std::nullopt;
                                             const bool decided = (seen & kDeciding) != 0;
                                             return decided == (kDeciding == kTrue);
                                           });
    return arrow::Status::OK();
  }
};

using BoolAnd = BooleanFunction<SeenValues::kFalse>;
using BoolOr = BooleanFunction<SeenValues::kTrue>;

template <typename F>
void AddBoolean(AggregateRegistry* registry, std::string name, std::vector<std::string> aliases,
                AggregateDoc doc) {
  AggregateFunction function;
  function.name = name;
  function.aliases = std::move(aliases);
  function.doc = std::move(doc);
  function.resolve = [name](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    if (arguments[0]->id() != arrow::Type::BOOL) {
      return WrongArgument(name, *arguments[0], "a condition", "compare it: x <> 0");
    }
    AggregateKernel kernel = MakeKernel<F>("booleans", arrow::boolean(), arguments);
    kernel.distinct_is_noop = true;
    return kernel;
  };
  registry->Add(std::move(function));
}

}  // namespace

void RegisterBooleans(AggregateRegistry* registry) {
  AddBoolean<BoolAnd>(registry, "bool_and", {"every"},
                      {
                          .signature = "bool_and(x)",
                          .summary = "Whether the condition x holds in every row.",
                          .null_rule = "No rows give NULL. NULLs are skipped.",
                          .example = "bool_and(value >= 0)",
                          .duckdb = "bool_and({0})",
                      });
  AddBoolean<BoolOr>(registry, "bool_or", {},
                     {
                         .signature = "bool_or(x)",
                         .summary = "Whether the condition x holds in some row.",
                         .null_rule = "No rows give NULL. NULLs are skipped.",
                         .example = "bool_or(event_type = 'purchase')",
                         .duckdb = "bool_or({0})",
                     });
}

}  // namespace tidemill
