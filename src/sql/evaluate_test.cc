#include "sql/evaluate.h"

#include <arrow/array/array_dict.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/expression_builder.h"

namespace tidemill {
namespace {

using arrow::boolean;
using arrow::Datum;
using arrow::float64;
using arrow::int32;
using arrow::int64;
using arrow::int8;
using arrow::utf8;
using testing::HasSubstr;

Datum Dictionary(const std::shared_ptr<arrow::DataType>& code_type, const std::string& codes,
                 const std::string& values) {
  return Datum(*arrow::DictionaryArray::FromArrays(
      arrow::dictionary(code_type, utf8()), ArrayOf(code_type, codes), ArrayOf(utf8(), values)));
}

bool IsDictionary(const Datum& datum) {
  return datum.is_array() && datum.type()->id() == arrow::Type::DICTIONARY;
}

void ExpectValues(const TestFrame& frame, const ExpressionPtr& expression,
                  const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  const auto result = frame.Evaluate(expression);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_TRUE(SameValues(**result, *ArrayOf(type, json)))
      << (*result)->ToString() << " is not " << json;
}

std::vector<int> MaskOf(const TestFrame& frame, const ExpressionPtr& condition) {
  std::vector<uint8_t> mask;
  const auto count = Evaluator(&*frame).EvaluateToMask(condition, &mask);
  EXPECT_TRUE(count.ok()) << count.status().ToString();
  const std::vector<int> values(mask.begin(), mask.end());
  EXPECT_EQ(*count, std::count(values.begin(), values.end(), 1));
  return values;
}

TEST(EvaluatorTest, LeavesOfAFrame) {
  TestFrame frame;
  const ExpressionPtr x = frame.Column("x", ArrayOf(int64(), "[1, 2]"));
  frame->feature_date = 20514;
  frame->run_timestamp = 1'000'000;
  auto date = std::make_shared<Expression>();
  date->kind = Expression::Kind::kFeatureDate;
  date->type = arrow::date32();
  date->key = "feature_date";
  ExpectValues(frame, date, arrow::date32(), R"(["2026-03-02", "2026-03-02"])");
  auto run = std::make_shared<Expression>();
  run->kind = Expression::Kind::kRunTimestamp;
  run->type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  ExpectValues(frame, run, run->type, R"(["1970-01-01 00:00:01Z", "1970-01-01 00:00:01Z"])");
  ExpectValues(frame, x, int64(), "[1, 2]");
  ExpectValues(frame, Integer(7), int64(), "[7, 7]");

  auto aggregate = std::make_shared<Expression>();
  aggregate->kind = Expression::Kind::kAggregate;
  aggregate->type = int64();
  aggregate->column = 0;
  EXPECT_THAT(frame.Evaluate(aggregate).status().message(), HasSubstr("no column"));
  frame->aggregates.push_back(ArrayOf(int64(), "[5, 6]"));
  ExpectValues(frame, Call("+", {aggregate, x}), int64(), "[6, 8]");
}

TEST(EvaluatorTest, ScalarColumnsStayScalars) {
  TestFrame frame;
  const ExpressionPtr x = frame.Column("x", ArrayOf(int64(), "[1, 2]"));
  const ExpressionPtr year = frame.Column("year", Datum(int64_t{2026}));
  const auto next = Evaluator(&*frame).Evaluate(Call("+", {year, Integer(1)}));
  ASSERT_TRUE(next.ok());
  EXPECT_TRUE(next->is_scalar());
  ExpectValues(frame, Call("+", {year, x}), int64(), "[2027, 2028]");
  EXPECT_EQ(MaskOf(frame, Call("=", {year, Integer(2026)})), (std::vector<int>{1, 1}));
  EXPECT_EQ(MaskOf(frame, Call("=", {year, Integer(2025)})), (std::vector<int>{0, 0}));
}

TEST(EvaluatorTest, OneDictionaryColumnStaysADictionary) {
  TestFrame frame;
  const ExpressionPtr kind = frame.Column(
      "kind", Dictionary(int8(), "[0, 1, null, 2, 0, 1]", R"(["Click", "view", null])"));
  Evaluator evaluator(&*frame);
  const ExpressionPtr lower = Call("lower", {kind});
  const ExpressionPtr named = Call("coalesce", {lower, Text("none")});
  const ExpressionPtr test =
      Call("and", {Call("is_not_null", {kind}), Call("in", {named, Text("click"), Text("none")})});
  for (const ExpressionPtr& expression : {lower, named, test, Call("length", {named})}) {
    const auto result = evaluator.Evaluate(expression);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    EXPECT_TRUE(IsDictionary(*result)) << expression->key;
  }
  ExpectValues(frame, lower, utf8(), R"(["click", "view", null, null, "click", "view"])");
  ExpectValues(frame, named, utf8(), R"(["click", "view", "none", "none", "click", "view"])");
  ExpectValues(frame, test, boolean(), "[true, false, false, false, true, false]");
  EXPECT_EQ(MaskOf(frame, test), (std::vector<int>{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(MaskOf(frame, Call("is_null", {kind})), (std::vector<int>{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(MaskOf(frame, Call("=", {kind, Text("view")})), (std::vector<int>{0, 1, 0, 0, 0, 1}));
}

TEST(EvaluatorTest, LargeDictionariesBecomePlain) {
  TestFrame frame;
  const ExpressionPtr kind =
      frame.Column("kind", Dictionary(int32(), "[2, 0]", R"(["a", "b", "c"])"));
  const auto result = Evaluator(&*frame).Evaluate(Call("upper", {kind}));
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(IsDictionary(*result));
  ExpectValues(frame, Call("upper", {kind}), utf8(), R"(["C", "A"])");
}

TEST(EvaluatorTest, TwoDictionaryColumnsMeet) {
  TestFrame frame;
  const ExpressionPtr a = frame.Column("a", Dictionary(int8(), "[0, 1, 0, null]", R"(["x", "y"])"));
  const ExpressionPtr b =
      frame.Column("b", Dictionary(arrow::uint16(), "[1, 1, 1, 0]", R"(["x", "y"])"));
  ExpectValues(frame, Call("||", {a, b}), utf8(), R"(["xy", "yy", "xy", null])");
  EXPECT_EQ(MaskOf(frame, Call("=", {a, b})), (std::vector<int>{0, 1, 0, 0}));
}

TEST(EvaluatorTest, SlicedDictionaries) {
  TestFrame frame;
  const auto whole = Dictionary(int8(), "[1, 0, 1, null, 1, 0]", R"(["a", "b"])").make_array();
  const ExpressionPtr kind = frame.Column("kind", whole->Slice(1, 4));
  ExpectValues(frame, Call("upper", {kind}), utf8(), R"(["A", "B", null, "B"])");
  EXPECT_EQ(MaskOf(frame, Call("=", {kind, Text("b")})), (std::vector<int>{0, 1, 0, 1}));
}

TEST(EvaluatorTest, ErrorsOfUnusedDictionaryValuesAreNone) {
  TestFrame frame;
  const ExpressionPtr text =
      frame.Column("text", Dictionary(int8(), "[0, 1, 0, 1]", R"(["1", "2", "oops"])"));
  ExpectValues(frame, Cast(text, int64()), int64(), "[1, 2, 1, 2]");
  TestFrame used;
  const ExpressionPtr bad =
      used.Column("text", Dictionary(int8(), "[0, 2, 0, 1]", R"(["1", "2", "oops"])"));
  EXPECT_EQ(used.Evaluate(Cast(bad, int64())).status().message(), "cannot cast 'oops' to bigint");
}

TEST(EvaluatorTest, CaseEvaluatesBranchesOnTheirRowsOnly) {
  TestFrame frame;
  const ExpressionPtr kind = frame.Column("kind", ArrayOf(utf8(), R"(["n", "t", null, "n", "t"])"));
  const ExpressionPtr text =
      frame.Column("text", ArrayOf(utf8(), R"(["1", "one", "two", "4", null])"));
  const ExpressionPtr is_number = Call("=", {kind, Text("n")});
  const ExpressionPtr number = Cast(text, int64());
  ASSERT_FALSE(frame.Evaluate(number).ok());
  ExpectValues(frame, Call("case", {is_number, number}), int64(), "[1, null, null, 4, null]");
  ExpectValues(frame, Call("case", {is_number, number, Integer(-1)}), int64(),
               "[1, -1, -1, 4, -1]");
  // A later condition that fails on rows an earlier one has taken.
  ExpectValues(frame,
               Call("case", {Call("is_not_true", {is_number}), Integer(0),
                             Call(">", {number, Integer(2)}), Integer(2), Integer(1)}),
               int64(), "[1, 0, 0, 2, 0]");
  EXPECT_EQ(frame.Evaluate(Call("case", {Call("is_null", {kind}), number})).status().message(),
            "cannot cast 'two' to bigint");
}

TEST(EvaluatorTest, GuardsOfConnectives) {
  TestFrame frame;
  const ExpressionPtr kind =
      frame.Column("kind", Dictionary(int8(), "[0, 1, null, 0]", R"(["n", "t"])"));
  const ExpressionPtr text = frame.Column("text", ArrayOf(utf8(), R"(["1", "one", null, "4"])"));
  const ExpressionPtr is_number = Call("=", {kind, Text("n")});
  const ExpressionPtr large = Call(">", {Cast(text, int64()), Integer(2)});
  ExpectValues(frame, Call("and", {is_number, large}), boolean(), "[false, false, null, true]");
  ExpectValues(frame, Call("or", {Call("not", {is_number}), large}), boolean(),
               "[false, true, null, true]");
  ExpectValues(frame,
               Call("coalesce", {Call("case", {Call("=", {kind, Text("t")}), Integer(0)}),
                                 Cast(text, int64())}),
               int64(), "[1, 0, null, 4]");
}

TEST(EvaluatorTest, CaseOverADictionaryIsADictionary) {
  TestFrame frame;
  const ExpressionPtr kind =
      frame.Column("kind", Dictionary(int8(), "[0, 1, null, 0]", R"(["n", "t"])"));
  const ExpressionPtr label =
      Call("case", {Call("=", {kind, Text("n")}), Text("number"), Text("other")});
  const auto result = Evaluator(&*frame).Evaluate(label);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(IsDictionary(*result));
  ExpectValues(frame, label, utf8(), R"(["number", "other", "other", "number"])");
}

TEST(EvaluatorTest, CaseBetweenTextsIsADictionary) {
  TestFrame frame;
  const ExpressionPtr x = frame.Column("x", ArrayOf(float64(), "[60, 10, null, 9, 50, NaN]"));
  const ExpressionPtr high = Call(">=", {x, Integer(50)});
  const ExpressionPtr middle = Call(">=", {x, Integer(10)});
  const ExpressionPtr label = Call("case", {high, Text("high"), middle, Text("mid"), Text("low")});
  const auto result = Evaluator(&*frame).Evaluate(label);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(IsDictionary(*result));
  ExpectValues(frame, label, utf8(), R"(["high", "mid", "low", "low", "high", "high"])");
  const ExpressionPtr open = Call("case", {high, Text("high"), middle, Text("mid")});
  ExpectValues(frame, open, utf8(), R"(["high", "mid", null, null, "high", "high"])");
  EXPECT_EQ(MaskOf(frame, Call("is_null", {open})), (std::vector<int>{0, 0, 1, 1, 0, 0}));
}

TEST(EvaluatorTest, MasksOfBooleans) {
  TestFrame frame;
  const auto whole = ArrayOf(
      boolean(),
      "[true, false, null, true, true, false, true, true, null, false, true, true, false, true, "
      "null, true, true, true, false, true]");
  const ExpressionPtr all = frame.Column("all", whole);
  EXPECT_EQ(MaskOf(frame, all),
            (std::vector<int>{1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1}));
  TestFrame sliced;
  const ExpressionPtr part = sliced.Column("part", whole->Slice(3, 9));
  EXPECT_EQ(MaskOf(sliced, part), (std::vector<int>{1, 1, 0, 1, 1, 0, 0, 1, 1}));
  TestFrame valid;
  const ExpressionPtr known =
      valid.Column("known", ArrayOf(boolean(), "[true, false, true]")->Slice(1));
  EXPECT_EQ(MaskOf(valid, known), (std::vector<int>{0, 1}));
}

TEST(EvaluatorTest, NoRows) {
  TestFrame frame;
  const ExpressionPtr x = frame.Column("x", ArrayOf(int64(), "[]"));
  const ExpressionPtr kind = frame.Column("kind", Dictionary(int8(), "[]", "[]"));
  ExpectValues(frame, Call("+", {x, Integer(1)}), int64(), "[]");
  ExpectValues(frame, Call("upper", {kind}), utf8(), "[]");
  ExpectValues(frame, Call("case", {Call("=", {kind, Text("a")}), Cast(kind, int64()), x}), int64(),
               "[]");
  EXPECT_EQ(MaskOf(frame, Call(">", {x, Integer(1)})), std::vector<int>{});
}

TEST(EvaluatorTest, ColumnsOfAnotherTypeAreRefused) {
  TestFrame frame;
  frame.Column("x", ArrayOf(int64(), "[1]"));
  const ExpressionPtr wrong = ColumnExpression(0, "x", float64());
  EXPECT_THAT(frame.Evaluate(wrong).status().message(), HasSubstr("column 'x' is of type int64"));
}

}  // namespace
}  // namespace tidemill
