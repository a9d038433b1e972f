#include "sql/to_sql.h"

#include <cmath>
#include <limits>
#include <string>

#include <arrow/compute/initialize.h>
#include <gtest/gtest.h>

namespace tidemill {
namespace {

class AnyAggregate : public AggregateCatalog {
 public:
  bool Has(const std::string& name) const override {
    return name == "count" || name == "sum" || name == "last" || name == "max_by";
  }
  std::vector<std::string> Names() const override { return {}; }
  arrow::Result<std::shared_ptr<arrow::DataType>> ResultType(
      const std::string& name, bool, bool,
      const std::vector<std::shared_ptr<arrow::DataType>>& arguments,
      const std::vector<std::shared_ptr<arrow::Scalar>>&) const override {
    return name == "count" ? arrow::int64() : arguments[0];
  }
};

class ToSqlTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(arrow::compute::Initialize().ok()); }

  ToSqlTest() {
    schema_ = arrow::schema({
        arrow::field("user_id", arrow::utf8()),
        arrow::field("value", arrow::float64()),
        arrow::field("quantity", arrow::int32()),
        arrow::field("n", arrow::int64()),
        arrow::field("price", arrow::decimal128(12, 2)),
        arrow::field("ok", arrow::boolean()),
        arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO)),
        arrow::field("d", arrow::date32()),
        arrow::field("a \"b\" `c`", arrow::int64()),
    });
    scope_.rows = schema_.get();
    scope_.results = schema_.get();
    scope_.aggregates = &aggregates_;
    scope_.feature_date = true;
    context_.feature_date = "DATE '2026-03-02'";
    context_.run_timestamp = "TIMESTAMPTZ '2026-03-02 14:00:00+00:00'";
  }

  BoundExpression Bind(const std::string& text) const {
    auto parsed = ParseExpression({text, {}});
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    auto bound = BindExpression(*parsed, scope_);
    EXPECT_TRUE(bound.ok()) << text << ": " << bound.status();
    return *bound;
  }

  std::string Sql(const std::string& text) const {
    const BoundExpression bound = Bind(text);
    SqlContext context = context_;
    context.aggregate = [&](int index) {
      return AggregateToSql(bound.aggregates[static_cast<size_t>(index)], context_);
    };
    auto sql = ExpressionToSql(bound.root, context);
    return sql.ok() ? *sql : "ERROR " + sql.status().message();
  }

  std::string Spark(const std::string& text) {
    context_.dialect = Dialect::kSpark;
    std::string sql = Sql(text);
    context_.dialect = Dialect::kDuckDb;
    return sql;
  }

  std::string Aggregate(const std::string& text, const std::string& spelling = "",
                        const std::string& condition = "") const {
    auto sql = AggregateToSql(Bind(text).aggregates[0], context_, spelling, condition);
    return sql.ok() ? *sql : "ERROR " + sql.status().message();
  }

  AnyAggregate aggregates_;
  std::shared_ptr<arrow::Schema> schema_;
  BindScope scope_;
  SqlContext context_;
};

TEST_F(ToSqlTest, Names) {
  EXPECT_EQ(QuoteName("a \"b\" `c`", Dialect::kDuckDb), "\"a \"\"b\"\" `c`\"");
  EXPECT_EQ(QuoteName("a \"b\" `c`", Dialect::kSpark), "`a \"b\" ``c```");
  EXPECT_EQ(Sql("user_id"), "\"user_id\"");
  EXPECT_EQ(Sql("\"a \"\"b\"\" `c`\""), "\"a \"\"b\"\" `c`\"");
  context_.column = [](const Expression& column) { return "t." + column.name; };
  EXPECT_EQ(Sql("n + 1"), "t.n + 1");
}

TEST_F(ToSqlTest, Texts) {
  EXPECT_EQ(QuoteText("it's \\ {0}", Dialect::kDuckDb), "'it''s \\ {0}'");
  EXPECT_EQ(QuoteText("it's \\", Dialect::kSpark), "'it\\'s \\\\'");
  EXPECT_EQ(QuoteText(std::string_view("a\0b", 3), Dialect::kDuckDb), "'a' || chr(0) || 'b'");
  EXPECT_EQ(QuoteText(std::string_view("a\0b", 3), Dialect::kSpark), "'a\\0b'");
  EXPECT_EQ(QuoteText("", Dialect::kDuckDb), "''");
}

TEST_F(ToSqlTest, Literals) {
  EXPECT_EQ(Sql("1"), "1");
  EXPECT_EQ(Sql("-1"), "-1");
  EXPECT_EQ(Sql("-9223372036854775808"), "CAST('-9223372036854775808' AS BIGINT)");
  EXPECT_EQ(Sql("1.5"), "1.5e0");
  EXPECT_EQ(Sql("0.0"), "0e0");
  EXPECT_EQ(Sql("1e-7"), "1e-7");
  EXPECT_EQ(Sql("123456789012345680000.0"), "1.2345678901234568e20");
  EXPECT_EQ(Sql("cast('NaN' as double precision)"), "CAST('NaN' AS DOUBLE)");
  EXPECT_EQ(Sql("cast('-Infinity' as double precision)"), "CAST('-Infinity' AS DOUBLE)");
  EXPECT_EQ(Sql("true"), "TRUE");
  EXPECT_EQ(Sql("null"), "NULL");
  EXPECT_EQ(Sql("cast(null as date)"), "CAST(NULL AS DATE)");
  EXPECT_EQ(Sql("date '2026-01-31'"), "DATE '2026-01-31'");
  EXPECT_EQ(Sql("timestamp '2026-01-31 10:20:30.5'"), "TIMESTAMP '2026-01-31 10:20:30.500000'");
  EXPECT_EQ(Sql("timestamptz '2026-01-31 10:20:30+02'"),
            "TIMESTAMPTZ '2026-01-31 08:20:30.000000+00:00'");
  EXPECT_EQ(Sql("1.50::decimal(5,2)"), "CAST('1.50' AS DECIMAL(5,2))");
  EXPECT_EQ(
      *LiteralToSql(arrow::BinaryScalar(arrow::Buffer::FromString("\x01\xff'")), Dialect::kDuckDb),
      "CAST('\\x01\\xFF\\x27' AS BLOB)");
  EXPECT_EQ(*LiteralToSql(arrow::FloatScalar(0.5f), Dialect::kDuckDb), "CAST(5e-1 AS REAL)");
}

TEST_F(ToSqlTest, OperatorsKeepTheirGrouping) {
  EXPECT_EQ(Sql("n + 1 - 2"), "(\"n\" + 1) - 2");
  EXPECT_EQ(Sql("n - (1 - n)"), "\"n\" - (1 - \"n\")");
  EXPECT_EQ(Sql("n * -1"), "\"n\" * (-1)");
  EXPECT_EQ(Sql("- (- n)"), "-(-\"n\")");
  EXPECT_EQ(Sql("coalesce(case when ok then 2 end, 3) * 1000000000"),
            "CAST(coalesce(CASE WHEN \"ok\" THEN 2 END, 3) AS BIGINT) * 1000000000");
  EXPECT_EQ(Sql("n % 3"), "\"n\" % nullif(3, 0)");
  EXPECT_EQ(Sql("value / 2"), "\"value\" / nullif(2e0, 0)");
  EXPECT_EQ(Sql("quantity / n"), "CAST(\"quantity\" AS DOUBLE) / nullif(CAST(\"n\" AS DOUBLE), 0)");
  EXPECT_EQ(Sql("user_id || 'x' = 'y'"), "(\"user_id\" || 'x') = 'y'");
  EXPECT_EQ(Sql("ok and n > 1 or not ok"), "(\"ok\" AND (\"n\" > 1)) OR (NOT \"ok\")");
  EXPECT_EQ(Sql("ok and n > 1 and n < 3"), "\"ok\" AND (\"n\" > 1) AND (\"n\" < 3)");
}

TEST_F(ToSqlTest, Predicates) {
  EXPECT_EQ(Sql("n is null"), "\"n\" IS NULL");
  EXPECT_EQ(Sql("n + 1 is not null"), "(\"n\" + 1) IS NOT NULL");
  EXPECT_EQ(Sql("ok is true"), "\"ok\" IS NOT DISTINCT FROM TRUE");
  EXPECT_EQ(Sql("ok is not false"), "\"ok\" IS DISTINCT FROM FALSE");
  EXPECT_EQ(Sql("n is distinct from 1"), "\"n\" IS DISTINCT FROM 1");
  EXPECT_EQ(Sql("n in (1, -2, null)"), "\"n\" IN (1, -2, CAST(NULL AS BIGINT))");
  EXPECT_EQ(Sql("user_id not in ('a')"), "NOT (\"user_id\" IN ('a'))");
  EXPECT_EQ(Sql("n between 1 and 3"), "(\"n\" >= 1) AND (\"n\" <= 3)");
  EXPECT_EQ(Sql("user_id like 'a%'"), "\"user_id\" LIKE 'a%'");
  EXPECT_EQ(Sql("user_id like 'a\\%'"), "\"user_id\" LIKE 'a\\%' ESCAPE '\\'");
  EXPECT_EQ(Sql("user_id like user_id"), "\"user_id\" LIKE \"user_id\" ESCAPE '\\'");
  EXPECT_EQ(Sql("user_id not ilike 'a!%' escape '!'"), "NOT (\"user_id\" ILIKE 'a!%' ESCAPE '!')");
}

TEST_F(ToSqlTest, Forms) {
  EXPECT_EQ(Sql("case when ok then 1 when n > 1 then 2 else 3 end"),
            "CASE WHEN \"ok\" THEN 1 WHEN \"n\" > 1 THEN 2 ELSE 3 END");
  EXPECT_EQ(Sql("case when ok then 1 end + 1"), "CAST(CASE WHEN \"ok\" THEN 1 END AS BIGINT) + 1");
  EXPECT_EQ(Sql("coalesce(n, 0)"), "coalesce(\"n\", 0)");
  EXPECT_EQ(Sql("nullif(n + 1, 0) + 1"), "nullif(\"n\" + 1, 0) + 1");
  EXPECT_EQ(Sql("cast(value + 1 as bigint)"), "CAST(\"value\" + 1e0 AS BIGINT)");
  EXPECT_EQ(Sql("cast(n as decimal(10, 2))"), "CAST(\"n\" AS DECIMAL(10,2))");
  EXPECT_EQ(Sql("price > 1.5").substr(0, 7), "\"price\"");
}

TEST_F(ToSqlTest, Spellings) {
  EXPECT_EQ(Sql("lower(user_id)"), "lower(\"user_id\")");
  EXPECT_EQ(Sql("datediff(feature_date, ts)"),
            "date_diff('day', CAST(CAST(\"ts\" AS DATE) AS DATE), CAST(DATE '2026-03-02' AS "
            "DATE))");
  EXPECT_EQ(Sql("d + 7"), "\"d\" + CAST(7 AS INTEGER)");
  EXPECT_EQ(Sql("d + n * 2"), "\"d\" + CAST(\"n\" * 2 AS INTEGER)");
  EXPECT_EQ(Sql("date_trunc('day', ts)"), "date_trunc('day', \"ts\")");
  EXPECT_EQ(Sql("date_trunc('month', d)"), "CAST(date_trunc('month', \"d\") AS DATE)");
  EXPECT_EQ(Sql("run_timestamp()"), "TIMESTAMPTZ '2026-03-02 14:00:00+00:00'");
  EXPECT_EQ(Sql("upper(user_id)"), "upper(\"user_id\")");
}

TEST_F(ToSqlTest, Aggregates) {
  EXPECT_EQ(Aggregate("count(*)"), "count(*)");
  EXPECT_EQ(Aggregate("count(distinct user_id)"), "count(DISTINCT \"user_id\")");
  EXPECT_EQ(Aggregate("count(distinct n + 1) filter (where ok)", "count({0})"),
            "count(DISTINCT \"n\" + 1) FILTER (WHERE \"ok\")");
  EXPECT_EQ(Aggregate("sum(value) filter (where n > 1 or ok)", "", "__day > 1"),
            "sum(\"value\") FILTER (WHERE ((\"n\" > 1) OR \"ok\") AND (__day > 1))");
  EXPECT_EQ(Aggregate("sum(value)", "", "__day > 1"), "sum(\"value\") FILTER (WHERE __day > 1)");
  EXPECT_EQ(Aggregate("max_by(user_id, n + 1)", "arg_max({0}, {1})"),
            "arg_max(\"user_id\", (\"n\" + 1))");
  EXPECT_EQ(Aggregate("last(n) filter (where ok)", "list({0} ORDER BY ts DESC){filter}[1]"),
            "list(\"n\" ORDER BY ts DESC) FILTER (WHERE \"ok\")[1]");
  EXPECT_EQ(Aggregate("last(n)", "list({0} ORDER BY ts DESC){filter}[1]"),
            "list(\"n\" ORDER BY ts DESC)[1]");
  EXPECT_EQ(Aggregate("sum(distinct n)", "sum({0}) / count({0})").substr(0, 5), "ERROR");
}

TEST_F(ToSqlTest, AggregatesInExpressions) {
  EXPECT_EQ(Sql("count(*) + 1"), "count(*) + 1");
  EXPECT_EQ(Sql("coalesce(sum(value) filter (where ok), 0)"),
            "coalesce(sum(\"value\") FILTER (WHERE \"ok\"), 0e0)");
  EXPECT_EQ(Sql("(sum(value) filter (where ok)) / count(*)"),
            "(sum(\"value\") FILTER (WHERE \"ok\")) / nullif(CAST(count(*) AS DOUBLE), 0)");
  const BoundExpression bound = Bind("count(*)");
  EXPECT_FALSE(ExpressionToSql(bound.root, context_).ok());
}

TEST_F(ToSqlTest, Spark) {
  EXPECT_EQ(Spark("user_id = 'it''s'"), "`user_id` = 'it\\'s'");
  EXPECT_EQ(Spark("cast(n as text)"), "CAST(`n` AS STRING)");
  EXPECT_EQ(Spark("n / 2"), "CAST(`n` AS DOUBLE) / nullif(2e0D, 0)");
  EXPECT_EQ(Spark("user_id like 'a\\%'"), "`user_id` LIKE 'a\\\\%'");
  EXPECT_EQ(Spark("user_id like 'a!_\\%' escape '!'"), "`user_id` LIKE 'a\\\\_\\\\\\\\%'");
  EXPECT_EQ(Spark("user_id = 'a${b}'"), "`user_id` = 'a${b}'");
  EXPECT_EQ(Spark("n + 1"), "`n` + 1L");
  EXPECT_EQ(Spark("round(value, 400)"), "`value`");
  EXPECT_EQ(Spark("round(value, -400)"), "(`value` * 0e0D)");
  EXPECT_EQ(Spark("cast(value as decimal(5,2))"),
            "CASE WHEN abs(`value`) >= CAST('Infinity' AS DOUBLE) THEN raise_error('cannot cast ' "
            "|| CAST(`value` AS STRING) || ' to decimal(5,2): out of range') ELSE CAST(`value` AS "
            "DECIMAL(5,2)) END");
  EXPECT_EQ(Spark("price * price"), "CAST(`price` * `price` AS DECIMAL(24,4))");
  EXPECT_EQ(Spark("upper(user_id)"), "upper(`user_id`)");
  EXPECT_EQ(Spark("cast(value as bigint)"), "CAST(rint(`value`) AS BIGINT)");
  EXPECT_EQ(Spark("hour(ts)"), "CAST(hour(`ts`) AS BIGINT)");
  EXPECT_EQ(Spark("date_trunc('month', d)"), "trunc(`d`, 'MONTH')");
  EXPECT_EQ(Spark("left(user_id, 2)"), "left(`user_id`, 2)");
  EXPECT_EQ(Spark("substring(user_id, 0, 3)"), "substring(`user_id`, 1, 2)");
  EXPECT_EQ(Spark("regexp_matches(user_id, '^a.$')"), "regexp_like(`user_id`, '(?d)^a.\\\\z')");
  EXPECT_EQ(Spark("cast(value as text)"),
            "ERROR the text of a double precision number cannot be said in Spark's SQL");
}

TEST_F(ToSqlTest, Types) {
  const auto name = [](const std::shared_ptr<arrow::DataType>& type) {
    auto text = TypeToSql(*type, Dialect::kDuckDb);
    return text.ok() ? *text : text.status().message();
  };
  EXPECT_EQ(name(arrow::int8()), "TINYINT");
  EXPECT_EQ(name(arrow::uint64()), "UBIGINT");
  EXPECT_EQ(name(arrow::large_utf8()), "VARCHAR");
  EXPECT_EQ(name(arrow::timestamp(arrow::TimeUnit::NANO)), "TIMESTAMP_NS");
  EXPECT_EQ(name(arrow::timestamp(arrow::TimeUnit::MILLI, "UTC")), "TIMESTAMPTZ");
  EXPECT_EQ(name(arrow::list(arrow::int8())), "TINYINT[]");
  EXPECT_EQ(name(arrow::map(arrow::utf8(), arrow::int64())), "MAP(VARCHAR, BIGINT)");
  EXPECT_EQ(name(arrow::list(arrow::time32(arrow::TimeUnit::MILLI))),
            "the type time cannot be said in DuckDB's SQL");
  EXPECT_EQ(*TypeToSql(*arrow::timestamp(arrow::TimeUnit::MICRO), Dialect::kSpark),
            "TIMESTAMP_NTZ");
  EXPECT_EQ(*TypeToSql(*arrow::uint8(), Dialect::kSpark), "SMALLINT");
  EXPECT_EQ(*TypeToSql(*arrow::uint64(), Dialect::kSpark), "DECIMAL(20,0)");
  EXPECT_FALSE(TypeToSql(*arrow::time64(arrow::TimeUnit::MICRO), Dialect::kSpark).ok());
}

}  // namespace
}  // namespace tidemill
