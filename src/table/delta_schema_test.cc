#include "table/delta_schema.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "storage/test_files.h"

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Columns = std::vector<std::pair<std::string, std::string>>;

const Columns kColumns = {{"feature_date", "date"}, {"user_id", "string"}, {"n", "integer"}};

std::string Base() { return NewDeltaSchema(kColumns).schema_string; }

TEST(DeltaSchemaTest, NewSchemasReadBack) {
  ASSERT_OK_AND_ASSIGN(const auto fields, ParseDeltaSchema(Base()));
  ASSERT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields[2].name, "n");
  EXPECT_EQ(fields[2].physical_name, "n");
  EXPECT_EQ(fields[2].type, "integer");
  EXPECT_TRUE(fields[2].nullable);
  EXPECT_FALSE(fields[2].is_constrained);
}

TEST(DeltaSchemaTest, ReadsColumnMappingAndConstraints) {
  ASSERT_OK_AND_ASSIGN(const auto fields, ParseDeltaSchema(R"({"type":"struct","fields":[
    {"name":"a","type":"long","nullable":false,"metadata":
      {"delta.columnMapping.id":7,"delta.columnMapping.physicalName":"col-1"}},
    {"name":"b","type":{"type":"array","elementType":"long","containsNull":true},
     "nullable":true,"metadata":{"delta.invariants":"x"}}]})"));
  EXPECT_EQ(fields[0].physical_name, "col-1");
  EXPECT_EQ(fields[0].field_id, 7);
  EXPECT_FALSE(fields[0].nullable);
  EXPECT_EQ(fields[1].type, R"({"type":"array","elementType":"long","containsNull":true})");
  EXPECT_TRUE(fields[1].is_constrained);
}

TEST(DeltaSchemaTest, ADamagedSchemaIsAnError) {
  EXPECT_FALSE(ParseDeltaSchema("{").ok());
  EXPECT_FALSE(ParseDeltaSchema(R"({"type":"struct"})").ok());
}

TEST(DeltaSchemaTest, TypesGoThereAndBack) {
  for (const char* type :
       {"string", "long", "integer", "short", "byte", "float", "double", "boolean", "binary",
        "date", "timestamp", "timestamp_ntz", "decimal(10,2)"}) {
    const auto arrow_type = ArrowTypeOf(type);
    ASSERT_NE(arrow_type, nullptr) << type;
    ASSERT_OK_AND_ASSIGN(const std::string back, DeltaTypeOf(*arrow::field("x", arrow_type)));
    EXPECT_EQ(back, type);
  }
  EXPECT_EQ(ArrowTypeOf("decimal(39,0)"), nullptr);
  EXPECT_EQ(ArrowTypeOf("interval"), nullptr);
}

TEST(DeltaSchemaTest, UnsignedIntegersGetTheNextWiderType) {
  EXPECT_EQ(DeltaTypeOf(*arrow::field("x", arrow::uint8())).ValueOrDie(), "short");
  EXPECT_EQ(DeltaTypeOf(*arrow::field("x", arrow::uint64())).ValueOrDie(), "decimal(20,0)");
  EXPECT_THAT(
      DeltaTypeOf(*arrow::field("x", arrow::time64(arrow::TimeUnit::MICRO))).status().message(),
      HasSubstr("'x'"));
}

TEST(DeltaSchemaTest, NewColumnsAreAddedAndMissingOnesStay) {
  ASSERT_OK_AND_ASSIGN(const auto evolved,
                       EvolveDeltaSchema(Base(), {{"user_id", "string"}, {"m", "double"}}));
  EXPECT_THAT(evolved.added, ElementsAre("m"));
  EXPECT_THAT(evolved.widened, IsEmpty());
  EXPECT_THAT(evolved.types, ElementsAre("string", "double"));
  ASSERT_OK_AND_ASSIGN(const auto fields, ParseDeltaSchema(evolved.schema_string));
  EXPECT_EQ(fields.size(), 4U);
  EXPECT_EQ(fields[3].name, "m");
}

TEST(DeltaSchemaTest, NarrowerRowsAreWrittenInTheTablesType) {
  ASSERT_OK_AND_ASSIGN(const auto evolved, EvolveDeltaSchema(Base(), {{"n", "short"}}));
  EXPECT_FALSE(evolved.is_changed());
  EXPECT_THAT(evolved.types, ElementsAre("integer"));
}

TEST(DeltaSchemaTest, WiderRowsWidenTheTable) {
  ASSERT_OK_AND_ASSIGN(const auto evolved, EvolveDeltaSchema(Base(), {{"n", "long"}}));
  EXPECT_THAT(evolved.widened, ElementsAre("n"));
  const auto schema = nlohmann::json::parse(evolved.schema_string);
  EXPECT_EQ(schema["fields"][2]["type"], "long");
  EXPECT_EQ(schema["fields"][2]["metadata"]["delta.typeChanges"][0]["fromType"], "integer");
}

TEST(DeltaSchemaTest, OtherDifferencesAreListedTogether) {
  const auto evolved =
      EvolveDeltaSchema(Base(), {{"user_id", "long"}, {"N", "integer"}, {"new", "long"}});
  EXPECT_THAT(evolved.status().message(),
              testing::AllOf(HasSubstr("'user_id' is long and the table has string"),
                             HasSubstr("'N' is 'n' in the table")));
}

TEST(DeltaSchemaTest, DecimalsWidenOnlyIfNoDigitIsLost) {
  const std::string base = NewDeltaSchema({{"d", "decimal(10,2)"}}).schema_string;
  EXPECT_TRUE(EvolveDeltaSchema(base, {{"d", "decimal(12,4)"}}).ok());
  EXPECT_FALSE(EvolveDeltaSchema(base, {{"d", "decimal(10,4)"}}).ok());
}

TEST(DeltaSchemaTest, PartitionValuesAreParsedByType) {
  ASSERT_OK_AND_ASSIGN(const auto day, ParsePartitionValue("2026-03-02", arrow::date32()));
  EXPECT_EQ(day->ToString(), "2026-03-02");
  ASSERT_OK_AND_ASSIGN(const auto number, ParsePartitionValue("-7", arrow::int32()));
  EXPECT_EQ(number->ToString(), "-7");
  const auto instant = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  for (const char* text : {"2026-03-02 14:00:00.5", "2026-03-02T14:00:00.500000Z"}) {
    ASSERT_OK_AND_ASSIGN(const auto value, ParsePartitionValue(text, instant));
    EXPECT_EQ(static_cast<const arrow::TimestampScalar&>(*value).value, 1772460000500000) << text;
  }
  ASSERT_OK_AND_ASSIGN(const auto null, ParsePartitionValue(std::nullopt, arrow::utf8()));
  EXPECT_FALSE(null->is_valid);
  EXPECT_FALSE(ParsePartitionValue("x", arrow::int32()).ok());
}

}  // namespace
}  // namespace tidemill
