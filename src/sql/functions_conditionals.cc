#include <string>

#include <arrow/array/array_nested.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_scalar.h>

#include "sql/compare.h"
#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/signatures.h"

namespace tidemill {

namespace {

bool IsElse(size_t argument, size_t count) { return count % 2 == 1 && argument == count - 1; }
bool IsCondition(size_t argument, size_t count) {
  return argument % 2 == 0 && !IsElse(argument, count);
}

arrow::Result<ScalarSignature> ResolveCase(const std::vector<ArgumentInfo>& arguments) {
  std::vector<ArgumentInfo> values;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!IsCondition(i, arguments.size())) {
      values.push_back(arguments[i]);
    } else if (Accept(arguments[i], Wanted::kBoolean) == nullptr) {
      return arrow::Status::Invalid("case when ", TypeName(*arguments[i].type),
                                    ": a condition must be boolean; compare with a value");
    }
  }
  const DataTypePtr common = CommonArgumentType(values);
  if (common == nullptr) {
    return NoSignature("case", values, "the branches have no common type; cast them to one");
  }
  ScalarSignature signature{{}, common};
  for (size_t i = 0; i < arguments.size(); ++i) {
    signature.arguments.push_back(IsCondition(i, arguments.size()) ? arrow::boolean() : common);
  }
  return signature;
}

arrow::Result<Datum> Case(const Arguments& arguments, const CallContext&) {
  Arguments conditions, inputs(1);
  bool any_array = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    any_array |= arguments[i].is_array();
    (IsCondition(i, arguments.size()) ? conditions : inputs).push_back(arguments[i]);
  }
  if (!any_array) {
    for (size_t i = 0; i < conditions.size(); ++i) {
      const arrow::Scalar& condition = *conditions[i].scalar();
      if (condition.is_valid && ScalarValue<bool>(condition)) return inputs[i + 1];
    }
    if (IsElse(arguments.size() - 1, arguments.size())) return arguments.back();
    return Datum(arrow::MakeNullScalar(arguments.back().type()));
  }
  if (conditions.size() == 1) {
    const Datum otherwise =
        inputs.size() > 2 ? inputs[2] : Datum(arrow::MakeNullScalar(inputs[1].type()));
    ARROW_ASSIGN_OR_RAISE(const Datum holds, CallArrow("coalesce", {conditions[0], Datum(false)}));
    return CallArrow("if_else", {holds, inputs[1], otherwise});
  }
  std::vector<std::string> labels;
  for (size_t i = 0; i < conditions.size(); ++i) labels.push_back(std::to_string(i));
  const arrow::compute::MakeStructOptions options(labels);
  ARROW_ASSIGN_OR_RAISE(inputs[0], CallArrow("make_struct", conditions, &options));
  return CallArrow("case_when", inputs);
}

Resolver CommonOfAll(std::string name) {
  return [name = std::move(name)](
             const std::vector<ArgumentInfo>& arguments) -> arrow::Result<ScalarSignature> {
    const DataTypePtr common = CommonArgumentType(arguments);
    if (common == nullptr) {
      return NoSignature(name, arguments, "the arguments have no common type; cast them to one");
    }
    return ScalarSignature{std::vector<DataTypePtr>(arguments.size(), common), common};
  };
}

Resolver CommonAndOrdered(std::string name) {
  return [name, resolve = CommonOfAll(name)](
             const std::vector<ArgumentInfo>& arguments) -> arrow::Result<ScalarSignature> {
    ARROW_ASSIGN_OR_RAISE(ScalarSignature signature, resolve(arguments));
    if (!IsNull(*signature.result) && !IsComparable(*signature.result)) {
      return NoSignature(name, arguments, "values of this type have no order");
    }
    return signature;
  };
}

arrow::Result<Datum> NullIf(const Arguments& arguments, const CallContext& context) {
  const Datum& x = arguments[0];
  const Datum& other = arguments[1];
  if (IsNull(*x.type()) || (other.is_scalar() && !other.scalar()->is_valid)) return x;
  if (x.is_scalar() && !x.scalar()->is_valid) return x;
  ARROW_ASSIGN_OR_RAISE(auto both, IntersectValidity(arguments, context.num_rows));
  ARROW_ASSIGN_OR_RAISE(auto equal, CompareRows(Comparison::kEqual, x, other, context.num_rows));
  const Datum same = MakeArrayDatum(arrow::boolean(), context.num_rows, both, equal);
  ARROW_ASSIGN_OR_RAISE(Datum matched, CallArrow("coalesce", {same, Datum(false)}));
  return CallArrow("if_else", {matched, Datum(arrow::MakeNullScalar(x.type())), x});
}

/// The greatest (or least) of the arguments that are not NULL.
template <typename T>
arrow::Result<Datum> Extreme(const Arguments& arguments, int64_t num_rows, bool greatest) {
  Datum best = arguments[0];
  for (size_t i = 1; i < arguments.size(); ++i) {
    const Datum& next = arguments[i];
    if (next.is_scalar() && !next.scalar()->is_valid) continue;
    if (best.is_scalar() && !best.scalar()->is_valid) {
      best = next;
      continue;
    }
    std::shared_ptr<arrow::Buffer> better;
    if (best.is_scalar() && next.is_scalar()) {
      const T a = ScalarValue<T>(*best.scalar());
      const T b = ScalarValue<T>(*next.scalar());
      if (greatest ? LessValue(a, b) : LessValue(b, a)) best = next;
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(better, CompareRows(greatest ? Comparison::kGreater : Comparison::kLess,
                                              next, best, num_rows));
    ARROW_ASSIGN_OR_RAISE(Datum take_next,
                          Generate<bool>(arrow::boolean(), num_rows, nullptr, [&](int64_t row) {
                            if (!IsValidAt(next, row)) return false;
                            if (!IsValidAt(best, row)) return true;
                            return arrow::bit_util::GetBit(better->data(), row);
                          }));
    ARROW_ASSIGN_OR_RAISE(best, CallArrow("if_else", {take_next, next, best}));
  }
  return best;
}

void AddExtreme(ScalarRegistry* registry, const char* name, bool greatest, ScalarFunctionDoc doc) {
  registry->Add({.name = name,
                 .min_arguments = 1,
                 .max_arguments = -1,
                 .doc = std::move(doc),
                 .null_in_null_out = false,
                 .resolve = CommonAndOrdered(name),
                 .evaluate = [greatest](const Arguments& arguments,
                                        const CallContext& context) -> arrow::Result<Datum> {
                   arrow::Result<Datum> result = arguments[0];
                   VisitPhysicalType(*arguments[0].type(), [&]<typename T>() {
                     result = Extreme<T>(arguments, context.num_rows, greatest);
                   });
                   return result;
                 }});
}

}  // namespace

void RegisterConditionals(ScalarRegistry* registry) {
  registry->Add({.name = "case",
                 .min_arguments = 2,
                 .max_arguments = -1,
                 .null_in_null_out = false,
                 .resolve = ResolveCase,
                 .evaluate = Case});
  registry->Add({.name = "coalesce",
                 .min_arguments = 1,
                 .max_arguments = -1,
                 .doc = {"coalesce(x, ...)", "The first argument that is not NULL.",
                         "coalesce(nullif(1, 1), 7)", "7"},
                 .null_in_null_out = false,
                 .resolve = CommonOfAll("coalesce"),
                 .evaluate = [](const Arguments& arguments, const CallContext&) {
                   return CallArrow("coalesce", arguments);
                 }});
  registry->Add({.name = "nullif",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .doc = {"nullif(x, y)", "NULL where x equals y, else x.", "nullif(4, 0)", "4"},
                 .null_in_null_out = false,
                 .resolve = CommonAndOrdered("nullif"),
                 .evaluate = OnRows(NullIf, NullRule::kSeesNulls)});
  AddExtreme(registry, "greatest", true,
             {"greatest(x, ...)",
              "The greatest argument; NULLs are passed over. NaN is the greatest number.",
              "greatest(3, 8, 5)", "8"});
  AddExtreme(
      registry, "least", false,
      {"least(x, ...)", "The least argument; NULLs are passed over.", "least(3, 8, 5)", "3"});
}

}  // namespace tidemill
