#include "cli/cell_text.h"

#include <limits>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include "cli/preview_table.h"

namespace tidemill {
namespace {

std::shared_ptr<arrow::Array> FromJson(const std::shared_ptr<arrow::DataType>& type,
                                       const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

std::string Text(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return CellText(*FromJson(type, "[" + json + "]"), 0);
}

TEST(CellText, SaysEveryType) {
  EXPECT_EQ(Text(arrow::int64(), "-5"), "-5");
  EXPECT_EQ(Text(arrow::uint64(), "18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(Text(arrow::int8(), "7"), "7");
  EXPECT_EQ(Text(arrow::boolean(), "true"), "true");
  EXPECT_EQ(Text(arrow::float64(), "0.1"), "0.1");
  EXPECT_EQ(Text(arrow::float64(), "1e300"), "1e+300");
  EXPECT_EQ(Text(arrow::decimal128(10, 2), "\"12.30\""), "12.30");
  EXPECT_EQ(Text(arrow::utf8(), "\"grün\""), "grün");
  EXPECT_EQ(Text(arrow::large_utf8(), "\"x\""), "x");
  EXPECT_EQ(Text(arrow::date32(), "20514"), "2026-03-02");
  EXPECT_EQ(Text(arrow::utf8(), "null"), "NULL");
  EXPECT_EQ(Text(arrow::null(), "null"), "NULL");
  EXPECT_EQ(Text(arrow::dictionary(arrow::int32(), arrow::utf8()), "\"a\""), "a");
}

TEST(CellText, SaysTimes) {
  EXPECT_EQ(Text(arrow::timestamp(arrow::TimeUnit::MICRO), "0"), "1970-01-01 00:00:00");
  EXPECT_EQ(Text(arrow::timestamp(arrow::TimeUnit::MICRO), "-1"), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(Text(arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"), "1500"),
            "1970-01-01 00:00:01.5Z");
  EXPECT_EQ(Text(arrow::timestamp(arrow::TimeUnit::NANO), "86400000000001"),
            "1970-01-02 00:00:00.000000001");
  EXPECT_EQ(Text(arrow::timestamp(arrow::TimeUnit::SECOND), "61"), "1970-01-01 00:01:01");
}

TEST(CellJson, KeepsNumbersAndHasNoNaN) {
  arrow::DoubleBuilder builder;
  ASSERT_TRUE(builder
                  .AppendValues({std::numeric_limits<double>::quiet_NaN(),
                                 -std::numeric_limits<double>::infinity(), 0.5})
                  .ok());
  const auto doubles = builder.Finish().ValueOrDie();
  EXPECT_EQ(CellJson(*doubles, 0), "NaN");
  EXPECT_EQ(CellJson(*doubles, 1), "-Infinity");
  EXPECT_EQ(CellJson(*doubles, 2), 0.5);
  EXPECT_EQ(CellJson(*FromJson(arrow::int64(), "[9007199254740993]"), 0), 9007199254740993);
  EXPECT_TRUE(CellJson(*FromJson(arrow::utf8(), "[null]"), 0).is_null());
  EXPECT_EQ(CellJson(*FromJson(arrow::boolean(), "[false]"), 0), false);
  EXPECT_EQ(CellJson(*FromJson(arrow::date32(), "[0]"), 0), "1970-01-01");
}

std::shared_ptr<arrow::Table> Sample() {
  const auto schema =
      arrow::schema({arrow::field("user_id", arrow::utf8()), arrow::field("n", arrow::int64()),
                     arrow::field("plan", arrow::utf8())});
  return arrow::Table::Make(
      schema, {FromJson(arrow::utf8(), R"(["u1", "u\n2"])"), FromJson(arrow::int64(), "[5, 12345]"),
               FromJson(arrow::utf8(), R"([null, "a plan with a name of more than 32 cells"])")});
}

TEST(RenderPreview, AlignsColumns) {
  EXPECT_EQ(RenderPreview(*Sample(), 100, false),
            "user_id      n  plan\n"
            "-------  -----  --------------------------------\n"
            "u1           5  NULL\n"
            "u\\n2     12345  a plan with a name of more than…\n");
}

TEST(RenderPreview, TurnsWhatIsTooWide) {
  EXPECT_EQ(RenderPreview(*Sample(), 30, false),
            "row 1\n"
            "user_id  u1\n"
            "n        5\n"
            "plan     NULL\n"
            "\n"
            "row 2\n"
            "user_id  u\\n2\n"
            "n        12345\n"
            "plan     a plan with a name o…\n");
}

TEST(RenderPreview, SaysWhenThereIsNothing) {
  EXPECT_EQ(RenderPreview(*Sample()->Slice(0, 0), 80, false), "(no rows)\n");
}

TEST(ToJson, MakesAnObjectOfEachRow) {
  const auto rows = ToJson(*Sample());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].dump(), R"({"user_id":"u1","n":5,"plan":null})");
}

}  // namespace
}  // namespace tidemill
