// The examples of the function reference give what it says they give.

#include <gtest/gtest.h>

#include "sql/evaluate.h"
#include "sql/expression.h"
#include "sql/function_registry.h"
#include "sql/syntax.h"

namespace tidemill {
namespace {

arrow::Result<std::string> TextOf(const std::string& expression) {
  LocatedText source;
  source.text = expression;
  ARROW_ASSIGN_OR_RAISE(const ParsedExpression parsed, ParseExpression(source));
  const arrow::Schema no_columns((arrow::FieldVector()));
  BindScope scope;
  scope.rows = &no_columns;
  ARROW_ASSIGN_OR_RAISE(const BoundExpression bound, BindExpression(parsed, scope));
  ARROW_ASSIGN_OR_RAISE(const ExpressionPtr text, CastTo(bound.root, arrow::utf8()));
  Frame frame;
  frame.num_rows = 1;
  ARROW_ASSIGN_OR_RAISE(const auto values, Evaluator(&frame).EvaluateToArray(text));
  ARROW_ASSIGN_OR_RAISE(const auto value, values->GetScalar(0));
  return value->ToString();
}

TEST(FunctionReference, ExamplesGiveTheirResults) {
  for (const ScalarFunction* function : ScalarRegistry::Default().functions()) {
    const ScalarFunctionDoc& doc = function->doc;
    if (doc.result.empty()) continue;
    SCOPED_TRACE(doc.example);
    const auto text = TextOf(doc.example);
    ASSERT_TRUE(text.ok()) << text.status().ToString();
    EXPECT_EQ(*text, doc.result);
  }
}

}  // namespace
}  // namespace tidemill
