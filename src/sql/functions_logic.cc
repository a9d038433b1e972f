#include <string>

#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/signatures.h"

namespace tidemill {

namespace {

Resolver Booleans(std::string name) {
  return [name = std::move(name)](
             const std::vector<ArgumentInfo>& arguments) -> arrow::Result<ScalarSignature> {
    ScalarSignature signature{{}, arrow::boolean()};
    for (const ArgumentInfo& argument : arguments) {
      DataTypePtr type = Accept(argument, Wanted::kBoolean);
      if (type == nullptr) {
        return NoSignature(name, arguments, "conditions must be boolean; compare with a value");
      }
      signature.arguments.push_back(std::move(type));
    }
    return signature;
  };
}

arrow::Result<ScalarSignature> ResolveAny(const std::vector<ArgumentInfo>& arguments) {
  return ScalarSignature{{arguments[0].type}, arrow::boolean()};
}

void AddConnective(ScalarRegistry* registry, const char* name, const char* kernel) {
  registry->Add({.name = name,
                 .min_arguments = 1,
                 .max_arguments = -1,
                 .null_in_null_out = false,
                 .resolve = Booleans(name),
                 .evaluate = [kernel](const Arguments& arguments,
                                      const CallContext&) -> arrow::Result<Datum> {
                   Datum result = arguments[0];
                   for (size_t i = 1; i < arguments.size(); ++i) {
                     ARROW_ASSIGN_OR_RAISE(result, CallArrow(kernel, {result, arguments[i]}));
                   }
                   return result;
                 }});
}

void AddNullTest(ScalarRegistry* registry, const char* name, const char* kernel) {
  registry->Add({.name = name,
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .null_in_null_out = false,
                 .resolve = ResolveAny,
                 .evaluate = [kernel](const Arguments& arguments, const CallContext&) {
                   return CallArrow(kernel, arguments);
                 }});
}

/// x is [not] true, x is [not] false: never NULL.
void AddTruthTest(ScalarRegistry* registry, const char* name, bool truth, bool negated) {
  registry->Add({.name = name,
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .null_in_null_out = false,
                 .resolve = Booleans(name),
                 .evaluate = [truth, negated](const Arguments& arguments,
                                              const CallContext&) -> arrow::Result<Datum> {
                   Datum x = arguments[0];
                   if (!truth) {
                     ARROW_ASSIGN_OR_RAISE(x, CallArrow("invert", {x}));
                   }
                   ARROW_ASSIGN_OR_RAISE(x, CallArrow("coalesce", {x, Datum(false)}));
                   if (!negated) return x;
                   return CallArrow("invert", {x});
                 }});
}

}  // namespace

void RegisterLogic(ScalarRegistry* registry) {
  AddConnective(registry, "and", "and_kleene");
  AddConnective(registry, "or", "or_kleene");
  registry->Add({.name = "not",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .resolve = Booleans("not"),
                 .evaluate = [](const Arguments& arguments, const CallContext&) {
                   return CallArrow("invert", arguments);
                 }});
  AddNullTest(registry, "is_null", "is_null");
  AddNullTest(registry, "is_not_null", "is_valid");
  AddTruthTest(registry, "is_true", true, false);
  AddTruthTest(registry, "is_not_true", true, true);
  AddTruthTest(registry, "is_false", false, false);
  AddTruthTest(registry, "is_not_false", false, true);
}

}  // namespace tidemill
