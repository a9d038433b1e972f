#include <string>
#include <vector>

#include <arrow/compute/initialize.h>
#include <gtest/gtest.h>

#include "sql/expression.h"
#include "sql/function_registry.h"

namespace tidemill {
namespace {

/// A few aggregate functions with types like the real ones.
class FakeAggregates : public AggregateCatalog {
 public:
  bool Has(const std::string& name) const override {
    for (const std::string& known : Names()) {
      if (known == name) return true;
    }
    return false;
  }

  std::vector<std::string> Names() const override {
    return {"count",  "sum",   "avg",   "min",  "max",         "min_by",
            "max_by", "every", "first", "last", "stddev_samp", "var_pop"};
  }

  arrow::Result<std::shared_ptr<arrow::DataType>> ResultType(
      const std::string& name, bool, bool star,
      const std::vector<std::shared_ptr<arrow::DataType>>& arguments,
      const std::vector<std::shared_ptr<arrow::Scalar>>&) const override {
    if (name == "count") return arrow::int64();
    if (star || arguments.empty()) return arrow::Status::Invalid(name, " takes one argument");
    if (name == "sum" && !arrow::is_numeric(arguments[0]->id()) &&
        !arrow::is_decimal(arguments[0]->id())) {
      return arrow::Status::Invalid("sum(", TypeName(*arguments[0]), "): no such function");
    }
    if (name == "sum" && arrow::is_integer(arguments[0]->id())) return arrow::int64();
    if (name == "sum" && arrow::is_decimal(arguments[0]->id())) return arrow::decimal128(38, 2);
    if (name == "avg") return arrow::float64();
    if (name == "every") return arrow::boolean();
    return arguments[0];
  }
};

class BinderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(arrow::compute::Initialize().ok()); }

  BinderTest() {
    rows_ = arrow::schema({
        arrow::field("user_id", arrow::utf8()),
        arrow::field("event_type", arrow::dictionary(arrow::int32(), arrow::utf8())),
        arrow::field("value", arrow::float64()),
        arrow::field("quantity", arrow::int32()),
        arrow::field("price", arrow::decimal128(12, 2)),
        arrow::field("is_mobile", arrow::boolean()),
        arrow::field("timestamp", arrow::timestamp(arrow::TimeUnit::MICRO)),
        arrow::field("seen_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
        arrow::field("event_date", arrow::date32()),
        arrow::field("Country", arrow::utf8()),
        arrow::field("Mixed", arrow::int64()),
        arrow::field("mixed", arrow::int64()),
        arrow::field("with space", arrow::int64()),
        arrow::field("ratio", arrow::float32()),
    });
    results_ = arrow::schema({
        arrow::field("user_id", arrow::utf8()),
        arrow::field("clicks", arrow::int64()),
        arrow::field("views", arrow::int64()),
        arrow::field("spend", arrow::float64()),
        arrow::field("revenue", arrow::decimal128(38, 2)),
        arrow::field("last_event_at", arrow::timestamp(arrow::TimeUnit::MICRO)),
        arrow::field("birthday", arrow::date32()),
    });
    feature_.rows = rows_.get();
    feature_.results = results_.get();
    feature_.aggregates = &aggregates_;
    feature_.feature_date = true;
    row_.rows = rows_.get();
    row_.aggregates = &aggregates_;
  }

  static arrow::Result<BoundExpression> Bind(const std::string& text, const BindScope& scope) {
    ARROW_ASSIGN_OR_RAISE(ParsedExpression parsed, ParseExpression({text, {"p.yaml", 3, 1}}, text));
    return BindExpression(parsed, scope);
  }

  /// The key of a row expression.
  std::string Row(const std::string& text) const { return KeyOfBound(Bind(text, row_)); }
  /// The key of a feature.
  std::string Feature(const std::string& text) const { return KeyOfBound(Bind(text, feature_)); }

  static std::string KeyOfBound(const arrow::Result<BoundExpression>& bound) {
    return bound.ok() ? bound->root->key : "ERROR " + bound.status().message();
  }

  std::string TypeOf(const std::string& text, const BindScope& scope) const {
    const auto bound = Bind(text, scope);
    return bound.ok() ? bound->root->type->ToString() : "ERROR " + bound.status().message();
  }
  std::string RowType(const std::string& text) const { return TypeOf(text, row_); }
  std::string FeatureType(const std::string& text) const { return TypeOf(text, feature_); }

  static void ExpectRefused(const std::string& text, const BindScope& scope, int offset,
                            const std::string& message, const std::string& hint = "") {
    const auto bound = Bind(text, scope);
    ASSERT_FALSE(bound.ok()) << text << " gives " << bound->root->key;
    EXPECT_EQ(CodeOf(bound.status()), ErrorCode::kInvalid) << text;
    const Diagnostic diagnostic = DiagnosticsOf(bound.status())[0];
    EXPECT_EQ(diagnostic.position.file, "p.yaml") << text << ": " << diagnostic.message;
    EXPECT_EQ(diagnostic.position.column - 1, offset) << text << ": " << diagnostic.message;
    EXPECT_EQ(diagnostic.source_line, text);
    EXPECT_NE(diagnostic.message.find(message), std::string::npos)
        << text << ": " << diagnostic.message;
    EXPECT_NE(diagnostic.hint.find(hint), std::string::npos)
        << text << ": " << diagnostic.message << " / " << diagnostic.hint;
  }
  void RowRefused(const std::string& text, int offset, const std::string& message,
                  const std::string& hint = "") const {
    ExpectRefused(text, row_, offset, message, hint);
  }
  void FeatureRefused(const std::string& text, int offset, const std::string& message,
                      const std::string& hint = "") const {
    ExpectRefused(text, feature_, offset, message, hint);
  }

  FakeAggregates aggregates_;
  std::shared_ptr<arrow::Schema> rows_;
  std::shared_ptr<arrow::Schema> results_;
  BindScope feature_;
  BindScope row_;
};

// ---- names

TEST_F(BinderTest, FindColumn) {
  EXPECT_EQ(FindColumn(*rows_, "value", false), 2);
  EXPECT_EQ(FindColumn(*rows_, "VALUE", false), 2);
  EXPECT_EQ(FindColumn(*rows_, "VALUE", true), -1);
  EXPECT_EQ(FindColumn(*rows_, "country", false), 9);
  EXPECT_EQ(FindColumn(*rows_, "Mixed", false), 10);
  EXPECT_EQ(FindColumn(*rows_, "mixed", false), 11);
  EXPECT_EQ(FindColumn(*rows_, "MIXED", false), -2);
  EXPECT_EQ(FindColumn(*rows_, "MIXED", true), -1);
  EXPECT_EQ(FindColumn(*rows_, "", false), -1);
  const auto twice =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("a", arrow::int64())});
  EXPECT_EQ(FindColumn(*twice, "a", true), -2);
}

TEST_F(BinderTest, Columns) {
  EXPECT_EQ(Row("VALUE"), "\"value\":double");
  EXPECT_EQ(Row("event_type"), "\"event_type\":string");
  EXPECT_EQ(Row("\"with space\""), "\"with space\":int64");
  EXPECT_EQ(Feature("clicks"), "\"clicks\":int64");
  const auto bound = Bind("Country", row_);
  EXPECT_EQ(bound->root->column, 9);
  EXPECT_EQ(bound->root->kind, Expression::Kind::kColumn);
}

TEST_F(BinderTest, UnknownColumns) {
  RowRefused("1 + vlaue", 4, "unknown column 'vlaue'", "did you mean 'value'?");
  RowRefused("nothing_like_it", 0, "unknown column 'nothing_like_it'");
  RowRefused("MIXED", 0, "'Mixed', 'mixed'", "double quotes");
  RowRefused("event_type = \"click\"", 13, "unknown column 'click'", "single quotes: 'click'");
  RowRefused("\"VALUE\"", 0, "unknown column 'VALUE'", "did you mean 'value'?");
  FeatureRefused("clikcs * 2", 0, "unknown column 'clikcs'", "did you mean 'clicks'?");
  FeatureRefused("quantty", 0, "unknown column", "did you mean 'quantity', inside an aggregate?");
}

TEST_F(BinderTest, TwoLevels) {
  FeatureRefused("clicks + quantity", 9, "'quantity' of the events has many values here",
                 "max(quantity)");
  FeatureRefused("sum(clicks)", 4, "'clicks' is a feature", "outside");
  FeatureRefused("count(*) filter (where views > 1)", 23, "'views' is a feature");
  EXPECT_EQ(Feature("user_id"), "\"user_id\":string");
  EXPECT_EQ(Feature("max(user_id)"), "aggregate `max`(\"user_id\":string)");
  RowRefused("sum(value)", 0, "per row", "feature");
  RowRefused("value > 1 and count(*) > 1", 14, "aggregate count cannot stand here");
  FeatureRefused("1 + sum(avg(value))", 8, "aggregate avg cannot stand inside another aggregate");
  FeatureRefused("count(*) filter (where max(value) > 1)", 23, "inside another aggregate");
}

// ---- calls

TEST_F(BinderTest, UnknownFunctions) {
  RowRefused("value + cuont(1)", 8, "unknown function 'cuont'", "did you mean 'count'?");
  RowRefused("loewr(user_id)", 0, "unknown function 'loewr'", "did you mean 'lower'?");
  FeatureRefused("run_timestmp()", 0, "unknown function", "did you mean 'run_timestamp'?");
  RowRefused("is_null(value)", 0, "unknown function 'is_null'");
  RowRefused("\"case\"(is_mobile, 1)", 0, "unknown function 'case'");
  RowRefused("\"+\"(1, 2)", 0, "unknown function '+'");
  EXPECT_EQ(Row("LOWER(user_id)"), "`lower`(\"user_id\":string)");
}

TEST_F(BinderTest, ArgumentCounts) {
  RowRefused("1 = lower(user_id, 1)", 4, "lower takes 1 argument, and here are 2", "lower(");
  RowRefused("lower()", 0, "lower takes 1 argument, and here are 0");
  RowRefused("make_date(2026, 1)", 0, "make_date takes 3 arguments, and here are 2",
             "make_date(year, month, day)");
}

TEST_F(BinderTest, AggregateClausesElsewhere) {
  RowRefused("lower(distinct user_id)", 0, "DISTINCT belongs to aggregates");
  FeatureRefused("abs(clicks) filter (where clicks > 0)", 33, "FILTER belongs to aggregates",
                 "after the aggregate");
  RowRefused("lower(*)", 0, "count(*)");
  FeatureRefused("sum(*)", 0, "count(*)", "sum(x)");
  FeatureRefused("count(distinct *)", 15, "syntax error");
}

TEST_F(BinderTest, ClocksAndDiceAreRefused) {
  for (const char* clock :
       {"current_date", "current_timestamp", "current_time", "localtime", "localtimestamp", "now()",
        "clock_timestamp()", "statement_timestamp()", "transaction_timestamp()", "timeofday()"}) {
    RowRefused(clock, 0, "only clock is its feature date", "run_timestamp()");
    FeatureRefused(clock, 0, "only clock is its feature date", "feature_date");
  }
  for (const char* die : {"random()", "rand()", "uuid()", "gen_random_uuid()"}) {
    RowRefused(die, 0, "the same events must give the same features");
  }
  RowRefused("user = 'x'", 0, "who runs a pipeline", "double quotes");
  const auto schema = arrow::schema({arrow::field("current_date", arrow::date32())});
  BindScope scope;
  scope.rows = schema.get();
  ExpectRefused("current_date", scope, 0, "only clock", "\"current_date\"");
  EXPECT_EQ(TypeOf("\"current_date\"", scope), "date32[day]");
}

TEST_F(BinderTest, FeatureDateAndRunTimestamp) {
  EXPECT_EQ(FeatureType("feature_date"), "date32[day]");
  EXPECT_EQ(FeatureType("Feature_Date"), "date32[day]");
  EXPECT_EQ(FeatureType("run_timestamp()"), "timestamp[us, tz=UTC]");
  EXPECT_EQ(FeatureType("datediff(feature_date, last_event_at)"), "int64");
  EXPECT_TRUE(UsesRunTimestamp(Bind("coalesce(null, run_timestamp())", feature_)->root));
  EXPECT_FALSE(UsesRunTimestamp(Bind("feature_date", feature_)->root));
  RowRefused("feature_date", 0, "feature_date is not known here");
  RowRefused("run_timestamp()", 0, "run_timestamp() is not known here");
  FeatureRefused("run_timestamp(1)", 0, "takes no arguments");
  FeatureRefused("count(*) filter (where event_date > feature_date - 7)", 36,
                 "cannot stand inside an aggregate", "window");
  FeatureRefused("\"feature_date\"", 0, "unknown column");

  const auto schema = arrow::schema({arrow::field("feature_date", arrow::int64())});
  BindScope scope = feature_;
  scope.results = schema.get();
  EXPECT_EQ(TypeOf("feature_date", scope), "int64");
  EXPECT_EQ(TypeOf("FEATURE_DATE", scope), "int64");
  const auto other = arrow::schema({arrow::field("Feature_Date", arrow::int64())});
  scope.results = other.get();
  EXPECT_EQ(TypeOf("feature_date", scope), "date32[day]");
  EXPECT_EQ(TypeOf("\"Feature_Date\"", scope), "int64");
}

// ---- types

TEST_F(BinderTest, Literals) {
  EXPECT_EQ(Row("1"), "int64 '1'");
  EXPECT_EQ(Row("-9223372036854775808"), "int64 '-9223372036854775808'");
  EXPECT_EQ(RowType("9223372036854775808"), "decimal128(19, 0)");
  EXPECT_EQ(Row("1.5"), "double 1.5");
  EXPECT_EQ(Row("0.1"), "double 0.1");
  EXPECT_EQ(Row("1e300"), "double 1e+300");
  EXPECT_EQ(Row("'a''b\\'"), "string 'a\\'b\\\\'");
  EXPECT_EQ(RowType("null"), "null");
  EXPECT_EQ(Row("true"), "bool 'true'");
  RowRefused("value + 1e400", 8, "beyond the range of double precision");
  RowRefused("value + " + std::string(39, '9'), 8, "more than 38 digits");
  RowRefused("interval '1 day'", 0, "interval");
}

TEST_F(BinderTest, Arithmetic) {
  EXPECT_EQ(RowType("quantity + quantity"), "int64");
  EXPECT_EQ(Row("quantity + 1"), "`+`(cast(\"quantity\":int32 as int64), int64 '1')");
  EXPECT_EQ(RowType("ratio * 2"), "double");
  EXPECT_EQ(RowType("quantity / 2"), "double");
  EXPECT_EQ(RowType("-quantity"), "int64");
  EXPECT_EQ(RowType("value * quantity"), "double");
  EXPECT_EQ(RowType("price * value"), "double");
  RowRefused("user_id + 1", 8, "text");
  RowRefused("is_mobile * 2", 10, "boolean");
}

TEST_F(BinderTest, ConstantsAreFolded) {
  EXPECT_EQ(Row("1 + 2 * 3"), "int64 '7'");
  EXPECT_EQ(Row("1 / 0"), "double null");
  EXPECT_EQ(Row("lower('ABC')"), "string 'abc'");
  EXPECT_EQ(Row("date '2026-01-31'"), "date32[day] '2026-01-31'");
  EXPECT_EQ(Row("date '2026-01-31' + 1"), "date32[day] '2026-02-01'");
  EXPECT_EQ(Row("not true"), "bool 'false'");
  EXPECT_EQ(Row("case when 1 > 2 then 'a' else 'b' end"), "string 'b'");
  EXPECT_EQ(Row("cast('12' as integer)"), "int32 '12'");
  EXPECT_EQ(Row("value > 1 + 1"), "`>`(\"value\":double, double 2)");
  RowRefused("value > 1 + cast('x' as integer)", 12, "cannot cast 'x' to integer");
  RowRefused("9223372036854775807 + 1", 20, "");
}

TEST_F(BinderTest, TextLiteralsTakeTheOtherType) {
  EXPECT_EQ(Row("event_date >= '2026-01-01'"),
            "`>=`(\"event_date\":date32[day], date32[day] '2026-01-01')");
  EXPECT_EQ(Row("event_date in ('2026-01-01', null)"),
            "`in`(\"event_date\":date32[day], date32[day] '2026-01-01', date32[day] null)");
  EXPECT_EQ(RowType("timestamp > '2026-01-01 10:00'"), "bool");
  EXPECT_EQ(Row("quantity = '7'"), "`=`(\"quantity\":int32, int32 '7')");
  EXPECT_EQ(Row("is_mobile = 'true'"), "`=`(\"is_mobile\":bool, bool 'true')");
  RowRefused("event_date >= '2026-13-01'", 14, "2026-13-01");
  RowRefused("event_date in ('2026-01-01', 'x')", 29, "'x'");
  RowRefused("quantity = 'seven'", 11, "'seven'");
  RowRefused("user_id = 5", 8, "text");
  EXPECT_EQ(Row("event_type = 'click'"), "`=`(\"event_type\":string, string 'click')");
}

TEST_F(BinderTest, NullsTakeTheOtherType) {
  EXPECT_EQ(RowType("value = null"), "bool");
  EXPECT_EQ(RowType("case when is_mobile then null else 1 end"), "int64");
  EXPECT_EQ(RowType("case when is_mobile then null end"), "null");
  EXPECT_EQ(RowType("coalesce(null, quantity)"), "int32");
  EXPECT_EQ(RowType("nullif(value, null)"), "double");
  EXPECT_EQ(RowType("cast(null as date)"), "date32[day]");
  EXPECT_EQ(RowType("null and is_mobile"), "bool");
  FeatureRefused("sum(null)", 4, "the type of this NULL is unknown");
}

TEST_F(BinderTest, DecimalLiteralsBesideDecimalsAreExact) {
  EXPECT_EQ(Row("price > 0.1").find("double"), std::string::npos);
  EXPECT_EQ(Row("0.15 <= price").find("double"), std::string::npos);
  EXPECT_EQ(RowType("price + 0.001"), "decimal128(14, 3)");
  EXPECT_EQ(RowType("coalesce(price, 0.0)"), "decimal128(12, 2)");
  EXPECT_EQ(RowType("case when is_mobile then price else 0.0 end"), "decimal128(12, 2)");
  EXPECT_EQ(RowType("price in (1.25, 2.5)"), "bool");
  EXPECT_EQ(RowType("price + value + 0.1"), "double");
  EXPECT_EQ(RowType("price / 0.1"), "double");
  EXPECT_EQ(RowType("greatest(price, value, 0.1)"), "double");
  EXPECT_EQ(RowType("quantity + 0.1"), "double");
  EXPECT_EQ(Row("cast(0.12345678901234567890123 as decimal(25, 23))"),
            "decimal128(25, 23) '0.12345678901234567890123'");
  EXPECT_EQ(FeatureType("coalesce(sum(price), 0)"), "decimal128(38, 2)");
}

TEST_F(BinderTest, Casts) {
  EXPECT_EQ(Row("cast(quantity as double precision)"), "cast(\"quantity\":int32 as double)");
  EXPECT_EQ(Row("cast(quantity as integer)"), "\"quantity\":int32");
  EXPECT_EQ(RowType("value::text"), "string");
  EXPECT_EQ(RowType("seen_at::timestamptz"), "timestamp[us, tz=UTC]");
  RowRefused("value + is_mobile::date", 17, "boolean");

  const ExpressionPtr column = ColumnExpression(0, "x", arrow::int32());
  EXPECT_EQ((*CastTo(column, arrow::int32())), column);
  EXPECT_EQ((*CastTo(column, arrow::int64()))->key, "cast(\"x\":int32 as int64)");
  EXPECT_FALSE(CastTo(column, arrow::date32()).ok());
  const ExpressionPtr null = LiteralExpression(std::make_shared<arrow::NullScalar>());
  EXPECT_EQ((*CastTo(null, arrow::date32()))->key, "date32[day] null");
}

TEST_F(BinderTest, InstantsAreReadInThePipelinesZone) {
  BindScope scope = row_;
  scope.timezone = "Europe/Stockholm";
  const auto key = [&](const char* text) { return KeyOfBound(Bind(text, scope)); };
  EXPECT_EQ(key("seen_at"), "\"seen_at\":timestamp[us, tz=UTC]");
  EXPECT_EQ(key("cast(seen_at as date)"),
            "cast(cast(\"seen_at\":timestamp[us, tz=UTC] as timestamp[us, tz=Europe/Stockholm]) as "
            "date32[day])");
  EXPECT_EQ(key("hour(seen_at)"),
            "`hour`(cast(\"seen_at\":timestamp[us, tz=UTC] as timestamp[us, "
            "tz=Europe/Stockholm]))");
  EXPECT_EQ(Row("hour(seen_at)"), "`hour`(\"seen_at\":timestamp[us, tz=UTC])");
  EXPECT_EQ(TypeOf("timestamptz '2026-01-01 00:00'", scope), "timestamp[us, tz=Europe/Stockholm]");
}

// ---- dates

TEST_F(BinderTest, DatesAndIntervals) {
  EXPECT_EQ(Row("event_date + 7"), "`add_days`(\"event_date\":date32[day], int64 '7')");
  EXPECT_EQ(Row("7 + event_date"), Row("event_date + 7"));
  EXPECT_EQ(Row("event_date - 7"), Row("event_date + -7"));
  EXPECT_EQ(Row("event_date - interval '1 week'"), Row("event_date - 7"));
  EXPECT_EQ(Row("interval '7 days' + event_date"), Row("event_date + 7"));
  EXPECT_EQ(RowType("event_date - quantity"), "date32[day]");
  EXPECT_EQ(RowType("event_date + interval '1 day 12:30'"), "timestamp[us]");
  EXPECT_EQ(Row("timestamp - interval '30 minutes'"),
            "`add_micros`(\"timestamp\":timestamp[us], int64 '-1800000000')");
  EXPECT_EQ(Row("timestamp + interval '1 day'"),
            "`add_days`(\"timestamp\":timestamp[us], int64 '1')");
  EXPECT_EQ(RowType("event_date - date '2026-01-01'"), "int64");
  EXPECT_EQ(Row("event_date - '2026-01-01'"), Row("event_date - date '2026-01-01'"));
  EXPECT_EQ(Feature("feature_date - birthday"),
            "`datediff`(feature_date, \"birthday\":date32[day])");
  EXPECT_EQ(Row("date '2026-03-01' - interval '1 day'"), "date32[day] '2026-02-28'");
  RowRefused("timestamp - seen_at", 10, "difference of timestamps", "epoch(a) - epoch(b)");
  FeatureRefused("feature_date - last_event_at", 13, "difference of timestamps", "datediff");
  RowRefused("event_date + interval '1 month'", 13, "months", "days");
  RowRefused("event_date + interval 'soon'", 13, "'soon' is no interval");
  RowRefused("interval '1 day' - event_date", 17, "added to a date");
  RowRefused("interval '1 day' + interval '1 day'", 17, "added to a date");
  RowRefused("value + interval '1 day'", 6, "double precision");
  RowRefused("timestamp + 1", 10, "timestamp + bigint", "interval '7 days'");
  RowRefused("event_date + value", 11, "date + double precision");
  RowRefused("event_date + null", 11, "date + unknown", "cast the NULL");
  RowRefused("value > interval '1 day'", 8, "interval");
}

// ---- aggregates

TEST_F(BinderTest, AggregatesAreCollectedOnce) {
  const auto bound =
      Bind("case when count(*) > 0 then sum(value) / COUNT( * ) else sum(\"value\") end", feature_);
  ASSERT_TRUE(bound.ok()) << bound.status();
  ASSERT_EQ(bound->aggregates.size(), 2u);
  EXPECT_EQ(bound->aggregates[0].function, "count");
  EXPECT_TRUE(bound->aggregates[0].star);
  EXPECT_EQ(bound->aggregates[0].key, "aggregate `count`(*)");
  EXPECT_EQ(bound->aggregates[1].key, "aggregate `sum`(\"value\":double)");
  EXPECT_EQ(bound->aggregates[1].offset, 28);
  EXPECT_TRUE(bound->aggregates[1].type->Equals(*arrow::float64()));
}

TEST_F(BinderTest, AggregateParts) {
  const auto bound = Bind(
      "count(distinct user_id) filter (where event_type = 'click' and value > 1) > 2", feature_);
  ASSERT_TRUE(bound.ok()) << bound.status();
  const AggregateCall& call = bound->aggregates[0];
  EXPECT_TRUE(call.distinct);
  ASSERT_NE(call.filter, nullptr);
  EXPECT_EQ(call.key,
            "aggregate `count`(distinct \"user_id\":string) filter (`and`(`=`("
            "\"event_type\":string, string 'click'), `>`(\"value\":double, double 1)))");
  EXPECT_TRUE(Bind("count(*) filter (where null)", feature_).ok());
  FeatureRefused("count(*) filter (where value)", 23, "needs a condition", "compare");
  FeatureRefused("1 + sum(user_id)", 4, "sum(text): no such function", "cast");
  FeatureRefused("count(*) filter (where event_tpye = 'x')", 23, "event_tpye",
                 "did you mean 'event_type'?");
}

TEST_F(BinderTest, ColumnsOutsideAggregates) {
  const auto parsed = ParseExpression(
      {"clicks / nullif(SUM(value) filter (where a), 0) + f(\"Views\") + case b when 1 then c end",
       {}});
  std::string names;
  for (const ColumnMention& mention : ColumnsOutsideAggregates(parsed->root, aggregates_)) {
    names += mention.name + (mention.quoted ? "! " : " ");
  }
  EXPECT_EQ(names, "clicks Views! b c ");
}

TEST_F(BinderTest, CollectColumns) {
  const auto bound = Bind("value + quantity > value and sum(price) > 1", feature_);
  EXPECT_FALSE(bound.ok());
  std::vector<int> columns;
  CollectColumns(Bind("value + quantity > value and is_mobile", row_)->root, &columns);
  EXPECT_EQ(columns, (std::vector<int>{2, 3, 5}));
  columns.clear();
  CollectColumns(Bind("sum(price) > clicks", feature_)->root, &columns);
  EXPECT_EQ(columns, (std::vector<int>{1}));
}

// ---- keys

TEST_F(BinderTest, KeysTellDifferentThingsApart) {
  EXPECT_EQ(Row("VALUE>1"), Row("value  > 1.0"));
  EXPECT_EQ(Row("a_b('x')").substr(0, 5), "ERROR");
  EXPECT_NE(Row("value > 1"), Row("value >= 1"));
  EXPECT_NE(Row("quantity::bigint"), Row("quantity::smallint"));
  EXPECT_NE(Row("'1'"), Row("1"));
  EXPECT_NE(Row("1"), Row("1.0"));
  EXPECT_NE(Row("user_id || 'a'', ''b'"), Row("user_id || 'a' || 'b'"));
  EXPECT_EQ(Row("value > 1 and (quantity > 1 and is_mobile)"),
            Row("(value > 1 and quantity > 1) and is_mobile"));
  EXPECT_EQ(Row("value between 1 and 2 and is_mobile"),
            Row("value >= 1 and value <= 2 and is_mobile"));
  EXPECT_NE(Row("is_mobile and (value > 1 or quantity > 1)"),
            Row("is_mobile or (value > 1 and quantity > 1)"));
  EXPECT_NE(Feature("count(distinct value)"), Feature("count(value)"));
  EXPECT_NE(Feature("count(*)"), Feature("count(*) filter (where is_mobile)"));
  EXPECT_NE(Row("value > 'NaN'"), Row("value > 'Infinity'"));
}

// ---- whole features

TEST_F(BinderTest, FeaturesOfAPipeline) {
  const std::pair<const char*, const char*> kFeatures[] = {
      {"count(*)", "int64"},
      {"count(distinct date_trunc('day', timestamp))", "int64"},
      {"coalesce(sum(value) filter (where event_type = 'purchase'), 0)", "double"},
      {"case when views > 0 then clicks / views else 0.0 end", "double"},
      {"datediff(feature_date, last_event_at)", "int64"},
      {"clicks / nullif(views, 0)", "double"},
      {"count(*) filter (where quantity % 2 = 1)", "int64"},
      {"count(distinct lower(coalesce(event_type, 'none')))", "int64"},
      {"count(*) filter (where length(event_type) <= 4 and event_type like 'h%')", "int64"},
      {"sum(ln(value)) filter (where value > 0 and value < 1000)", "double"},
      {"case when clicks >= 20 then 'heavy' when clicks >= 5 then 'regular' else 'light' end",
       "string"},
      {"round(cast(clicks as double precision) * 100 / greatest(views, 1))", "double"},
      {"count(*) + count(distinct event_type)", "int64"},
      {"last(event_type) filter (where event_type <> 'search')", "string"},
      {"case when views > 0 then (clicks * 2.0) / views end", "double"},
      {"max_by(user_id, price)", "string"},
  };
  for (const auto& [text, type] : kFeatures) EXPECT_EQ(FeatureType(text), type) << text;
  EXPECT_EQ(RowType("price * quantity"), "decimal128(22, 2)");
  EXPECT_EQ(RowType("extract(hour from timestamp)"), "int64");
  EXPECT_EQ(RowType("event_type is not null and event_type not in ('search') and "
                    "(value is null or value < 1000)"),
            "bool");
  EXPECT_EQ(RowType("make_date(year(timestamp), month(timestamp), 1)"), "date32[day]");
}

TEST_F(BinderTest, EmptyScope) {
  const BindScope scope;
  EXPECT_EQ(TypeOf("1 + 1", scope), "int64");
  ExpectRefused("x", scope, 0, "unknown column 'x'");
  ExpectRefused("count(*)", scope, 0, "unknown function 'count'");
}

TEST_F(BinderTest, LongExpressions) {
  std::string list = "quantity in (0";
  for (int i = 1; i < 20'000; ++i) list += "," + std::to_string(i % 2 == 0 ? i : -i);
  EXPECT_TRUE(Bind(list + ")", row_).ok());
  std::string sum = "value";
  for (int i = 0; i < 190; ++i) sum += " + 1.5";
  EXPECT_TRUE(Bind(sum, row_).ok());
}

}  // namespace
}  // namespace tidemill
