// The text of queries for Spark. What Spark makes of it is tested with Spark (tests/spark_*.py).

#include "runner/spark_queries.h"

#include <algorithm>
#include <regex>

#include <arrow/compute/initialize.h>

#include "runner/prepare.h"
#include "storage/test_files.h"
#include "tidemill/generate.h"

namespace tidemill {
namespace {

constexpr const char* kPipeline = R"yaml(
pipeline: names
source: {path: events, day: event_date, event_time: timestamp}
entity: user_id
window: 2d
features: {date_index: count(*), aggregate_1: max(value), last_date: count(distinct value)}
output: {path: out, partition_by: [feature_date]}
)yaml";

class SparkQueriesTest : public FolderTest {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(arrow::compute::Initialize().ok()); }

  void SetUp() override {
    FolderTest::SetUp();
    GenerateOptions events;
    events.directory = Path("events");
    events.days = 3;
    events.events_per_day = 50;
    events.entities = 9;
    ASSERT_TRUE(GenerateEvents(events).ok());
  }

  SparkQuery Features(const std::vector<std::string>& dates) const {
    const Pipeline pipeline = ParsePipeline(kPipeline, Path("names.yaml")).ValueOrDie();
    const auto calendar = CalendarOf(pipeline).ValueOrDie();
    std::vector<Slot> slots;
    for (const std::string& date : dates) {
      slots.push_back(ParseFeatureDate(*calendar, date).ValueOrDie());
    }
    const Plan plan = PreparePass(pipeline, calendar, slots, {}).ValueOrDie();
    return SparkFeaturesQuery(plan, std::vector<bool>(dates.size(), true), 0).ValueOrDie();
  }
};

/// How often a column is made: "... AS `name`".
std::ptrdiff_t TimesMade(const std::string& sql, const std::string& name) {
  const std::regex made("(AS |, |\\()`" + name + "`[,)\n]");
  return std::distance(std::sregex_iterator(sql.begin(), sql.end(), made), std::sregex_iterator());
}

TEST_F(SparkQueriesTest, FeaturesMayHaveTheNamesOfItsOwnColumns) {
  const std::string one = Features({"2026-01-02"}).sql;
  const std::string two = Features({"2026-01-02", "2026-01-03"}).sql;
  for (const std::string& sql : {one, two}) {
    EXPECT_EQ(TimesMade(sql, "aggregate_1"), 1) << sql;
    // The feature, and the column of the answer, of which no step reads.
    EXPECT_EQ(TimesMade(sql, "date_index"), 2) << sql;
    EXPECT_NE(sql.find("AS `date_index`,\n  CAST("), std::string::npos) << sql;
  }
  EXPECT_NE(two.find("SELECT `tidemill date index` AS `date_index`"), std::string::npos) << two;
}

TEST_F(SparkQueriesTest, NamesAreNoVariables) {
  const SparkQuery query = Features({"2026-01-02"});
  const std::pair<std::string, std::string> off = {"spark.sql.variable.substitute", "false"};
  EXPECT_NE(std::ranges::find(query.settings, off), query.settings.end());
}

}  // namespace
}  // namespace tidemill
