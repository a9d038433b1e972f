#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/function_case.h"

namespace tidemill {
namespace {

using arrow::boolean;
using arrow::date32;
using arrow::decimal128;
using arrow::float32;
using arrow::float64;
using arrow::int32;
using arrow::int64;
using arrow::int8;
using arrow::timestamp;
using arrow::uint64;
using arrow::uint8;
using arrow::utf8;
using testing::HasSubstr;

// ---- refusals ----

std::string FailureOf(const arrow::Result<ExpressionPtr>& call) {
  return call.ok() ? "no error" : call.status().message();
}

TEST(FunctionErrors, OverflowNamesOperationAndValues) {
  EXPECT_EQ(FailureOf(TryCall("+", {Integer(INT64_MAX), Integer(1)})),
            "bigint out of range: 9223372036854775807 + 1");
  EXPECT_THAT(FailureOf(TryCall("negate", {Integer(INT64_MIN)})), HasSubstr("bigint out of range"));
  EXPECT_THAT(FailureOf(TryCall("abs", {Integer(INT64_MIN)})), HasSubstr("bigint out of range"));
  EXPECT_EQ(FailureOf(TryCall("*", {Constant(decimal128(38, 0), R"("10000000000000000000")"),
                                    Constant(decimal128(38, 0), R"("10000000000000000000")")})),
            "decimal(38,0) out of range: 10000000000000000000 * 10000000000000000000");
  EXPECT_THAT(FailureOf(TryCall("round", {Integer(INT64_MAX), Integer(-1)})),
              HasSubstr("bigint out of range"));
}

TEST(FunctionErrors, OverflowUnderNullIsNone) {
  TestFrame frame;
  // A NULL row whose buffer holds the largest bigint.
  auto values = ArrayOf(int64(), "[9223372036854775807, 1]")->data()->Copy();
  values->buffers[0] = ArrayOf(int64(), "[null, 1]")->data()->buffers[0];
  values->null_count = 1;
  const ExpressionPtr x = frame.Column("x", Datum(values));
  const auto sum = frame.Evaluate(Call("+", {x, Integer(1)}));
  ASSERT_TRUE(sum.ok()) << sum.status().ToString();
  EXPECT_TRUE(SameValues(**sum, *ArrayOf(int64(), "[null, 2]")));
}

TEST(FunctionErrors, CastNamesTheValue) {
  const auto cast = [](const ExpressionPtr& x, const DataTypePtr& type) {
    return FailureOf(CastTo(x, type));
  };
  EXPECT_EQ(cast(Text("abc"), int64()), "cannot cast 'abc' to bigint");
  EXPECT_EQ(cast(Text("1.5"), int64()), "cannot cast '1.5' to bigint");
  EXPECT_EQ(cast(Text(""), float64()), "cannot cast '' to double precision");
  EXPECT_EQ(cast(Text("maybe"), boolean()), "cannot cast 'maybe' to boolean");
  EXPECT_EQ(cast(Text("o"), boolean()), "cannot cast 'o' to boolean");
  EXPECT_EQ(cast(Text("2026-02-30"), date32()), "cannot cast '2026-02-30' to date");
  EXPECT_EQ(cast(Text("2026-02-03 25:00"), timestamp(kMicro)),
            "cannot cast '2026-02-03 25:00' to timestamp");
  EXPECT_EQ(cast(Text("1000"), decimal128(4, 2)), "cannot cast '1000' to decimal(4,2)");
  EXPECT_EQ(cast(Text("99.999"), decimal128(4, 2)), "cannot cast '99.999' to decimal(4,2)");
  EXPECT_EQ(cast(Text("1e400"), float64()), "cannot cast '1e400' to double precision");
  EXPECT_EQ(cast(Text("nan(1)"), float64()), "cannot cast 'nan(1)' to double precision");
  EXPECT_EQ(cast(Integer(300), int8()), "cannot cast 300 to tinyint: out of range");
  EXPECT_EQ(cast(Integer(-1), uint64()), "cannot cast -1 to ubigint: out of range");
  EXPECT_EQ(cast(Constant(float64(), "NaN"), int64()), "cannot cast NaN to bigint: out of range");
  EXPECT_EQ(cast(Constant(float64(), "1e19"), int64()),
            "cannot cast 1e+19 to bigint: out of range");
  EXPECT_EQ(cast(Constant(float64(), "Inf"), decimal128(10, 2)),
            "cannot cast Infinity to decimal(10,2): out of range");
  EXPECT_EQ(cast(Constant(float64(), "1e300"), float32()),
            "cannot cast 1e+300 to real: out of range");
  EXPECT_EQ(cast(Constant(timestamp(kMicro), "0"), int64()),
            "there is no cast from timestamp to bigint; use epoch(t)");
  EXPECT_EQ(cast(Text("x"), arrow::binary()), "there is no cast from text to bytea");
}

TEST(FunctionErrors, RefusesTypesWithTheirNames) {
  TestFrame frame;
  const ExpressionPtr text = frame.Column("t", ArrayOf(utf8(), R"(["1"])"));
  const ExpressionPtr number = frame.Column("n", ArrayOf(int64(), "[1]"));
  const ExpressionPtr time = frame.Column("ts", ArrayOf(timestamp(kMicro), "[0]"));
  EXPECT_EQ(FailureOf(TryCall("+", {text, number})),
            "+(text, bigint): text is no number; cast it to one");
  EXPECT_EQ(FailureOf(TryCall("=", {text, number})),
            "=(text, bigint): these types do not compare; cast the text first");
  EXPECT_EQ(FailureOf(TryCall("date_trunc", {Text("day"), number})),
            "date_trunc(text, bigint): the second argument must be a date or a timestamp");
  EXPECT_THAT(FailureOf(TryCall("date_trunc", {Text("fortnight"), time})),
              HasSubstr("unknown unit 'fortnight'"));
  EXPECT_THAT(FailureOf(TryCall("date_trunc", {text, time})), HasSubstr("a unit in quotes"));
  EXPECT_THAT(FailureOf(TryCall("date_trunc", {Text("day"), time, Text("UTC")})),
              HasSubstr("with time zone only"));
  EXPECT_EQ(FailureOf(TryCall("lower", {number})), "lower(bigint): the argument must be text");
  EXPECT_THAT(FailureOf(TryCall("and", {number})), HasSubstr("must be boolean"));
  EXPECT_THAT(FailureOf(TryCall("-", {time, time})), HasSubstr("datediff"));
  EXPECT_THAT(FailureOf(TryCall("regexp_matches", {text, Text("(")})),
              HasSubstr("'(' is no regular expression"));
  EXPECT_THAT(FailureOf(TryCall("like", {text, Text("a\\")})),
              HasSubstr("must not end with its escape character"));
  EXPECT_THAT(FailureOf(TryCall("date_add", {time, number})), HasSubstr("add_days"));
  EXPECT_EQ(FailureOf(TryCall("make_date", {Integer(2026), Integer(2), Integer(30)})),
            "make_date(2026, 2, 30): there is no such date");
  EXPECT_THAT(FailureOf(TryCall("coalesce", {text, number})), HasSubstr("no common type"));
}

TEST(CommonTypes, Promotion) {
  const auto common = [](const DataTypePtr& a, const DataTypePtr& b) {
    const DataTypePtr forward = CommonType(a, b);
    const DataTypePtr backward = CommonType(b, a);
    EXPECT_EQ(forward == nullptr, backward == nullptr);
    return forward == nullptr ? "none" : forward->ToString();
  };
  EXPECT_EQ(common(int8(), int32()), "int32");
  EXPECT_EQ(common(uint8(), int8()), "int16");
  EXPECT_EQ(common(arrow::uint32(), int32()), "int64");
  EXPECT_EQ(common(uint64(), int64()), "decimal128(20, 0)");
  EXPECT_EQ(common(int32(), float32()), "double");
  EXPECT_EQ(common(decimal128(10, 2), int64()), "decimal128(21, 2)");
  EXPECT_EQ(common(decimal128(10, 2), decimal128(5, 4)), "decimal128(12, 4)");
  EXPECT_EQ(common(decimal128(10, 2), float32()), "double");
  EXPECT_EQ(common(date32(), timestamp(kMilli)), "timestamp[ms]");
  EXPECT_EQ(common(timestamp(kSecond, "UTC"), timestamp(kNano)), "timestamp[ns, tz=UTC]");
  EXPECT_EQ(common(arrow::large_utf8(), utf8()), "string");
  EXPECT_EQ(common(arrow::null(), int32()), "int32");
  EXPECT_EQ(common(utf8(), int32()), "none");
  EXPECT_EQ(common(boolean(), int32()), "none");
  EXPECT_EQ(common(utf8(), arrow::binary()), "none");
}

TEST(Registry, EveryFunctionIsComplete) {
  for (const ScalarFunction* function : ScalarRegistry::Default().functions()) {
    SCOPED_TRACE(function->name);
    EXPECT_TRUE(function->resolve != nullptr);
    EXPECT_TRUE(function->evaluate != nullptr);
    EXPECT_GT(function->min_arguments, 0);
    EXPECT_TRUE(function->max_arguments == -1 ||
                function->max_arguments >= function->min_arguments);
    if (!function->doc.signature.empty()) {
      EXPECT_FALSE(function->doc.summary.empty());
      EXPECT_FALSE(function->doc.example.empty());
      // What takes a list has an example of aggregates, which has no result by itself.
      const bool takes_list = function->name == "cardinality" || function->name == "element_at";
      EXPECT_EQ(function->doc.result.empty(), takes_list);
    }
  }
  EXPECT_EQ(ScalarRegistry::Default().Find("pow"), ScalarRegistry::Default().Find("power"));
  EXPECT_EQ(ScalarRegistry::Default().Find("nope"), nullptr);
}

}  // namespace
}  // namespace tidemill
