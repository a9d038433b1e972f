#include <algorithm>
#include <array>
#include <string>

#include <arrow/array/array_base.h>
#include <arrow/array/array_primitive.h>

#include "sql/compare.h"
#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/signatures.h"

namespace tidemill {

namespace {

arrow::Result<ScalarSignature> ResolveComparison(const std::string& name,
                                                 const std::vector<ArgumentInfo>& arguments) {
  DataTypePtr common = CommonArgumentType(arguments);
  if (common != nullptr && IsNull(*common)) common = arrow::boolean();
  if (common == nullptr || !IsComparable(*common)) {
    const bool text = std::any_of(arguments.begin(), arguments.end(),
                                  [](const ArgumentInfo& a) { return IsText(*a.type); });
    return NoSignature(
        name, arguments,
        text ? "these types do not compare; cast the text first" : "these types do not compare");
  }
  return ScalarSignature{std::vector<DataTypePtr>(arguments.size(), common), arrow::boolean()};
}

/// value is TRUE or FALSE in every row: whether a and b are equal, or both NULL.
arrow::Result<Datum> NotDistinct(const Arguments& arguments, int64_t num_rows, bool negated) {
  const Datum& a = arguments[0];
  const Datum& b = arguments[1];
  std::shared_ptr<arrow::Buffer> equal;
  if (!(a.is_scalar() && !a.scalar()->is_valid) && !(b.is_scalar() && !b.scalar()->is_valid)) {
    ARROW_ASSIGN_OR_RAISE(equal, CompareRows(Comparison::kEqual, a, b, num_rows));
  }
  return Generate<bool>(arrow::boolean(), num_rows, nullptr, [&](int64_t row) {
    const bool valid = IsValidAt(a, row);
    const bool same =
        valid == IsValidAt(b, row) && (!valid || arrow::bit_util::GetBit(equal->data(), row));
    return same != negated;
  });
}

/// x in (constants): a short list is compared in turn, a long one is searched.
template <typename T>
arrow::Result<Datum> InConstants(const Datum& x, std::vector<T> items, bool any_null,
                                 int64_t num_rows) {
  constexpr size_t kShortList = 8;
  std::sort(items.begin(), items.end(), LessValue<T>);
  const auto contains = [&items](T value) {
    if (items.size() > kShortList) {
      return std::binary_search(items.begin(), items.end(), value, LessValue<T>);
    }
    bool found = false;
    for (const T& item : items) found |= EqualValues<T>(item, value);
    return found;
  };
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity({x}, num_rows));
  const ColumnValues<T> values(*x.array());
  ARROW_ASSIGN_OR_RAISE(auto found, GenerateBits(num_rows, [&](int64_t row) {
                          return IsValidAt(validity, row) && contains(values(row));
                        }));
  return MakeArrayDatum(arrow::boolean(), num_rows, any_null ? found : validity, found);
}

arrow::Result<Datum> In(const Arguments& arguments, const CallContext& context) {
  const Datum& x = arguments[0];
  const bool constants = std::all_of(arguments.begin() + 1, arguments.end(),
                                     [](const Datum& item) { return item.is_scalar(); });
  if (x.is_array() && constants) {
    arrow::Result<Datum> result = arrow::Status::TypeError("values of this type do not compare");
    VisitPhysicalType(*x.type(), [&]<typename T>() {
      std::vector<T> items;
      bool any_null = false;
      for (size_t i = 1; i < arguments.size(); ++i) {
        const arrow::Scalar& item = *arguments[i].scalar();
        if (item.is_valid) {
          items.push_back(ScalarValue<T>(item));
        } else {
          any_null = true;
        }
      }
      result = InConstants<T>(x, std::move(items), any_null, context.num_rows);
    });
    return result;
  }
  Datum found;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const Arguments pair = {x, arguments[i]};
    Datum equal;
    const bool null = (x.is_scalar() && !x.scalar()->is_valid) ||
                      (arguments[i].is_scalar() && !arguments[i].scalar()->is_valid);
    if (null) {
      equal = Datum(arrow::MakeNullScalar(arrow::boolean()));
    } else {
      static const Kernel compare =
          OnRows([](const Arguments& two, const CallContext& inner) -> arrow::Result<Datum> {
            ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(two, inner.num_rows));
            ARROW_ASSIGN_OR_RAISE(auto bits,
                                  CompareRows(Comparison::kEqual, two[0], two[1], inner.num_rows));
            return MakeArrayDatum(arrow::boolean(), inner.num_rows, validity, bits);
          });
      ARROW_ASSIGN_OR_RAISE(equal, compare(pair, context));
    }
    if (i == 1) {
      found = std::move(equal);
    } else {
      ARROW_ASSIGN_OR_RAISE(found, CallArrow("or_kleene", {found, equal}));
    }
  }
  return found;
}

void AddComparison(ScalarRegistry* registry, const char* name, Comparison comparison) {
  registry->Add(
      {.name = name,
       .min_arguments = 2,
       .max_arguments = 2,
       .resolve = [name](const auto& arguments) { return ResolveComparison(name, arguments); },
       .evaluate = OnRows([comparison](const Arguments& arguments,
                                       const CallContext& context) -> arrow::Result<Datum> {
         ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
         ARROW_ASSIGN_OR_RAISE(
             auto bits, CompareRows(comparison, arguments[0], arguments[1], context.num_rows));
         return MakeArrayDatum(arrow::boolean(), context.num_rows, validity, bits);
       })});
}

void AddDistinctFrom(ScalarRegistry* registry, const char* name, bool negated) {
  registry->Add(
      {.name = name,
       .min_arguments = 2,
       .max_arguments = 2,
       .null_in_null_out = false,
       .resolve = [name](const auto& arguments) { return ResolveComparison(name, arguments); },
       .evaluate = OnRows(
           [negated](const Arguments& arguments, const CallContext& context) {
             return NotDistinct(arguments, context.num_rows, negated);
           },
           NullRule::kSeesNulls)});
}

}  // namespace

void RegisterComparisons(ScalarRegistry* registry) {
  AddComparison(registry, "=", Comparison::kEqual);
  AddComparison(registry, "<>", Comparison::kNotEqual);
  AddComparison(registry, "<", Comparison::kLess);
  AddComparison(registry, "<=", Comparison::kLessEqual);
  AddComparison(registry, ">", Comparison::kGreater);
  AddComparison(registry, ">=", Comparison::kGreaterEqual);
  AddDistinctFrom(registry, "is_distinct_from", true);
  AddDistinctFrom(registry, "is_not_distinct_from", false);
  registry->Add(
      {.name = "in",
       .min_arguments = 2,
       .max_arguments = -1,
       .null_in_null_out = false,
       .resolve = [](const auto& arguments) { return ResolveComparison("in", arguments); },
       .evaluate = In});
}

}  // namespace tidemill
