/// mode, top_k, histogram and collect_set: what occurs, and how often.
///
/// All of them read one state, the exact multiset of the values (aggregate/multiset.h).

#include <algorithm>

#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>

#include "aggregate/argument_types.h"
#include "aggregate/kernel_adapter.h"
#include "aggregate/multiset.h"
#include "aggregate/registry.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

/// `Result::Append(kernel, items, builder)` appends the result of items, each value once and in
/// order.
template <typename Key, typename Result>
struct OfMultiset : Multiset<Key> {
  using State = typename Multiset<Key>::State;

  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    Items<Key> items;
    for (int64_t i = 0; i < states.size; ++i) {
      ReadSorted(states[i].values, &items);
      ARROW_RETURN_NOT_OK(Result::Append(kernel, &items, builder));
    }
    return arrow::Status::OK();
  }
};

/// Puts the `k` most frequent items first, the most frequent foremost; of equally frequent ones the
/// smaller value.
template <typename Key>
void MostFrequentFirst(Items<Key>* items, size_t k) {
  const auto middle = items->begin() + static_cast<std::ptrdiff_t>(std::min(k, items->size()));
  std::partial_sort(items->begin(), middle, items->end(), [](const auto& a, const auto& b) {
    return a.count != b.count ? a.count > b.count : a.key < b.key;
  });
  items->erase(middle, items->end());
}

template <typename Key>
std::vector<Key> KeysOf(const Items<Key>& items) {
  std::vector<Key> keys;
  keys.reserve(items.size());
  for (const ValueCount<Key>& item : items) keys.push_back(item.key);
  return keys;
}

/// A list of the items' values.
template <typename Key>
arrow::Status AppendList(const AggregateKernel& kernel, const Items<Key>& items,
                         arrow::ArrayBuilder* builder) {
  auto* list = static_cast<arrow::ListBuilder*>(builder);
  ARROW_RETURN_NOT_OK(list->Append());
  return AppendKeyList(*kernel.argument_types[0], KeysOf(items), list->value_builder());
}

struct Mode {
  template <typename Key>
  static arrow::Status Append(const AggregateKernel& kernel, Items<Key>* items,
                              arrow::ArrayBuilder* builder) {
    if (items->empty()) return builder->AppendNull();
    MostFrequentFirst(items, 1);
    return AppendKeyList(*kernel.result_type, KeysOf(*items), builder);
  }
};

struct TopK {
  template <typename Key>
  static arrow::Status Append(const AggregateKernel& kernel, Items<Key>* items,
                              arrow::ArrayBuilder* builder) {
    if (items->empty()) return builder->AppendNull();
    const auto& k = static_cast<const arrow::Int64Scalar&>(*kernel.constants[0]);
    MostFrequentFirst(items, static_cast<size_t>(k.value));
    return AppendList(kernel, *items, builder);
  }
};

struct CollectSet {
  template <typename Key>
  static arrow::Status Append(const AggregateKernel& kernel, Items<Key>* items,
                              arrow::ArrayBuilder* builder) {
    return AppendList(kernel, *items, builder);
  }
};

struct Histogram {
  template <typename Key>
  static arrow::Status Append(const AggregateKernel& kernel, Items<Key>* items,
                              arrow::ArrayBuilder* builder) {
    if (items->empty()) return builder->AppendNull();
    auto* map = static_cast<arrow::MapBuilder*>(builder);
    ARROW_RETURN_NOT_OK(map->Append());
    ARROW_RETURN_NOT_OK(
        AppendKeyList(*kernel.argument_types[0], KeysOf(*items), map->key_builder()));
    auto* counts = static_cast<arrow::Int64Builder*>(map->item_builder());
    ARROW_RETURN_NOT_OK(counts->Reserve(static_cast<int64_t>(items->size())));
    for (const ValueCount<Key>& item : *items) {
      counts->UnsafeAppend(static_cast<int64_t>(item.count));
    }
    return arrow::Status::OK();
  }
};

using Types = std::vector<std::shared_ptr<arrow::DataType>>;
using ResultType = std::shared_ptr<arrow::DataType> (*)(const std::shared_ptr<arrow::DataType>&);

template <typename Result>
AggregateFunction MakeFunction(std::string name, ResultType result_type, AggregateDoc doc) {
  AggregateFunction function;
  function.name = std::move(name);
  function.doc = std::move(doc);
  function.resolve = [result_type](const Types& arguments) -> arrow::Result<AggregateKernel> {
    ARROW_ASSIGN_OR_RAISE(const ArgumentKind kind, ArgumentKindOf(*arguments[0]));
    const auto type = result_type(arguments[0]);
    switch (kind) {
      case ArgumentKind::kBytes:
        return MakeKernel<OfMultiset<KeyBytes, Result>>("values", type, arguments);
      case ArgumentKind::kInt128:
        return MakeKernel<OfMultiset<Key128, Result>>("values", type, arguments);
      default:
        return MakeKernel<OfMultiset<Key64, Result>>("values", type, arguments);
    }
  };
  return function;
}

/// Marks the function as one for which DISTINCT has no use.
void RefuseDistinct(AggregateFunction* function, std::string hint) {
  function->distinct_hint = std::move(hint);
}

constexpr int64_t kMaxK = 10000;

arrow::Result<Constants> CheckK(const Constants& constants) {
  if (constants[0]->type->id() == arrow::Type::INT64) {
    const int64_t k = static_cast<const arrow::Int64Scalar&>(*constants[0]).value;
    if (k >= 1 && k <= kMaxK) return constants;
  }
  return MakeError(ErrorCode::kInvalid,
                   "top_k: k must be an integer from 1 to 10000, not " + constants[0]->ToString(),
                   "write top_k(x, 5)");
}

}  // namespace

void RegisterMultisets(AggregateRegistry* registry) {
  const ResultType itself = [](const std::shared_ptr<arrow::DataType>& type) { return type; };
  const ResultType list = [](const std::shared_ptr<arrow::DataType>& type) { return ListOf(type); };
  const ResultType map = [](const std::shared_ptr<arrow::DataType>& type) {
    return arrow::map(type, arrow::int64());
  };
  AggregateFunction mode = MakeFunction<Mode>(
      "mode", itself,
      {
          .signature = "mode(x)",
          .summary = "The most frequent x; of equally frequent ones the smallest. Also written "
                     "mode() within group (order by x).",
          .null_rule = "No rows give NULL. NULLs are skipped.",
          .example = "mode(product_category)",
          .duckdb = "list_sort(list_transform(map_entries(histogram({0}){filter}), lambda e: "
                    "struct_pack(n := -(e.value::BIGINT), x := e.key)))[1].x",
      });
  RefuseDistinct(&mode, "distinct values occur once each: use min(x) for the smallest of them");
  registry->Add(std::move(mode));

  AggregateFunction top_k = MakeFunction<TopK>(
      "top_k", list,
      {
          .signature = "top_k(x, k)",
          .summary = "The k most frequent x as a list, the most frequent first; equally frequent "
                     "ones in ascending order. k is a constant from 1 to 10000. Counts are exact.",
          .null_rule = "No rows give NULL. NULLs are skipped.",
          .example = "top_k(product_category, 3)",
          .duckdb = "list_transform(list_sort(list_transform(map_entries(histogram({0}){filter}), "
                    "lambda e: struct_pack(n := -(e.value::BIGINT), x := e.key)))[1:{1}], "
                    "lambda e: e.x)",
      });
  top_k.min_constants = top_k.max_constants = 1;
  top_k.check_constants = CheckK;
  RefuseDistinct(&top_k, "distinct values occur once each: use collect_set(x)");
  registry->Add(std::move(top_k));

  AggregateFunction histogram = MakeFunction<Histogram>(
      "histogram", map,
      {
          .signature = "histogram(x)",
          .summary =
              "How often each x occurs: a map from value to count, in ascending order of the "
              "values.",
          .null_rule = "No rows give NULL. NULLs are skipped.",
          .example = "histogram(event_type)",
          .duckdb = "histogram({0})",
      });
  RefuseDistinct(&histogram, "distinct values occur once each: use collect_set(x)");
  registry->Add(std::move(histogram));

  AggregateFunction set = MakeFunction<CollectSet>(
      "collect_set", list,
      {
          .signature = "collect_set(x)",
          .summary = "The different values of x as a list, in ascending order.",
          .null_rule = "No rows give an empty list. NULLs are skipped.",
          .example = "collect_set(product_category)",
          .duckdb = "coalesce(list_sort(list_filter(list(DISTINCT {0}){filter}, "
                    "lambda e: e IS NOT NULL)), [])",
      });
  set.distinct_is_noop = true;
  registry->Add(std::move(set));
}

}  // namespace tidemill
