#pragma once

/// A table of function cases for tests. A case is evaluated over plain columns, sliced columns,
/// dictionary columns and row by row over constants; all four must give the expected values.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <gtest/gtest.h>

#include "sql/expression_builder.h"
#include "sql/kernel.h"

namespace tidemill {

inline constexpr auto kSecond = arrow::TimeUnit::SECOND;
inline constexpr auto kMilli = arrow::TimeUnit::MILLI;
inline constexpr auto kMicro = arrow::TimeUnit::MICRO;
inline constexpr auto kNano = arrow::TimeUnit::NANO;

struct Argument {
  DataTypePtr type;
  std::string json;  ///< an array; or a value where `constant`
  bool constant = false;
};

inline Argument K(DataTypePtr type, std::string json) {
  return {std::move(type), std::move(json), true};
}

struct FunctionCase {
  std::string function;  ///< "cast" casts to the type of the result
  std::vector<Argument> arguments;
  DataTypePtr result;
  std::string expected;

  std::string ToString() const {
    std::string text = function + "(";
    for (const Argument& a : arguments) text += a.type->ToString() + " " + a.json + "; ";
    return text + ")";
  }
};

/// Makes a column out of the array of a case.
using ColumnShape = std::function<Datum(const std::shared_ptr<arrow::Array>&)>;

inline arrow::Result<std::shared_ptr<arrow::Array>> EvaluateCase(const FunctionCase& c,
                                                                 const ColumnShape& shape) {
  TestFrame frame;
  std::vector<ExpressionPtr> arguments;
  for (const Argument& a : c.arguments) {
    arguments.push_back(a.constant ? Constant(a.type, a.json)
                                   : frame.Column("c" + std::to_string(arguments.size()),
                                                  shape(ArrayOf(a.type, a.json))));
  }
  if (c.function == "cast") {
    ARROW_ASSIGN_OR_RAISE(const ExpressionPtr cast, CastTo(arguments[0], c.result));
    return frame.Evaluate(cast);
  }
  ARROW_ASSIGN_OR_RAISE(const ExpressionPtr call, TryCall(c.function, arguments));
  return frame.Evaluate(call);
}

/// The call of row `row` over constants, of the types that columns would have.
inline arrow::Result<ExpressionPtr> FoldRow(const FunctionCase& c, int64_t row) {
  const ScalarFunction* function = ScalarRegistry::Default().Find(c.function);
  std::vector<ExpressionPtr> arguments;
  std::vector<ArgumentInfo> infos;
  for (const Argument& a : c.arguments) {
    arguments.push_back(a.constant ? Constant(a.type, a.json)
                                   : LiteralExpression(*ArrayOf(a.type, a.json)->GetScalar(row)));
    infos.push_back({a.type, a.constant ? arguments.back()->value : nullptr});
  }
  if (c.function == "cast") infos.push_back({c.result, nullptr});
  ARROW_ASSIGN_OR_RAISE(const ScalarSignature signature, function->resolve(infos));
  for (size_t i = 0; i < arguments.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(arguments[i], CastTo(arguments[i], signature.arguments[i]));
  }
  return CallExpression(*function, arguments, signature.result, 0);
}

inline void ExpectSame(const arrow::Result<std::shared_ptr<arrow::Array>>& result,
                       const std::shared_ptr<arrow::Array>& expected, const char* how) {
  SCOPED_TRACE(how);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_TRUE((*result)->ValidateFull().ok()) << (*result)->ValidateFull().ToString();
  EXPECT_TRUE(SameValues(**result, *expected))
      << "got " << (*result)->type()->ToString() << " " << (*result)->ToString() << "\nwanted "
      << expected->type()->ToString() << " " << expected->ToString();
}

inline void CheckCases(const std::vector<FunctionCase>& cases) {
  const auto thrice = [](const std::shared_ptr<arrow::Array>& array) {
    return *arrow::Concatenate({array, array, array});
  };
  for (const FunctionCase& c : cases) {
    SCOPED_TRACE(c.ToString());
    ASSERT_NE(ScalarRegistry::Default().Find(c.function), nullptr);
    const auto expected = ArrayOf(c.result, c.expected);
    ExpectSame(EvaluateCase(c, [](const auto& array) { return Datum(array); }), expected,
               "plain columns");
    ExpectSame(EvaluateCase(c,
                            [&](const auto& array) {
                              return Datum(thrice(array)->Slice(array->length(), array->length()));
                            }),
               expected, "sliced columns");
    ExpectSame(EvaluateCase(c,
                            [&](const auto& array) -> Datum {
                              return *CallArrow("dictionary_encode", {Datum(thrice(array))});
                            }),
               thrice(expected), "dictionary columns");
    for (int64_t row = 0; row < expected->length(); ++row) {
      const auto value = FoldRow(c, row);
      ASSERT_TRUE(value.ok()) << value.status().ToString();
      ASSERT_EQ((*value)->kind, Expression::Kind::kLiteral);
      ExpectSame(arrow::MakeArrayFromScalar(*(*value)->value, 1), expected->Slice(row, 1),
                 "constants");
    }
  }
}

}  // namespace tidemill
