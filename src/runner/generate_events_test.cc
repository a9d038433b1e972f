#include "runner/generate_events.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include <arrow/array.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/file_reader.h>

namespace tidemill {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class GenerateEventsTest : public testing::Test {
 protected:
  GenerateEventsTest() {
    root_ = fs::path(testing::TempDir()) /
            testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
    options_.directory = (root_ / "events").string();
    options_.days = 3;
    options_.events_per_day = 5000;
    options_.entities = 300;
  }

  std::string Bytes(const std::string& relative) {
    std::ifstream stream(fs::path(options_.directory) / relative, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  fs::path root_;
  GenerateOptions options_;
};

TEST_F(GenerateEventsTest, WritesOnePartitionADay) {
  auto report = GenerateEvents(options_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->events, 15'000);
  EXPECT_EQ(report->last_day, "2026-01-03");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(options_.directory)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  EXPECT_THAT(names, testing::ElementsAre("event_date=2026-01-01", "event_date=2026-01-02",
                                          "event_date=2026-01-03"));
  auto reader = parquet::ParquetFileReader::OpenFile(options_.directory +
                                                     "/event_date=2026-01-02/part-0.parquet");
  EXPECT_EQ(reader->metadata()->num_rows(), 5000);
  EXPECT_EQ(reader->metadata()->num_row_groups(), 4);
}

TEST_F(GenerateEventsTest, DependsOnSeedAndDayAlone) {
  options_.threads = 1;
  ASSERT_TRUE(GenerateEvents(options_).ok());
  const std::string first = Bytes("event_date=2026-01-02/part-0.parquet");
  ASSERT_FALSE(first.empty());
  options_.directory = (root_ / "other").string();
  options_.threads = 3;
  options_.start = "2026-01-02";
  options_.days = 9;
  ASSERT_TRUE(GenerateEvents(options_).ok());
  EXPECT_EQ(Bytes("event_date=2026-01-02/part-0.parquet"), first);
  EXPECT_NE(Bytes("event_date=2026-01-03/part-0.parquet"), first);
  options_.seed = 8;
  options_.overwrite = true;
  ASSERT_TRUE(GenerateEvents(options_).ok());
  EXPECT_NE(Bytes("event_date=2026-01-02/part-0.parquet"), first);
}

TEST_F(GenerateEventsTest, NumbersAreTheSameEverywhere) {
  RandomStream zero(0, 0);
  std::vector<uint64_t> drawn = {zero.Next(), zero.Next()};
  EXPECT_THAT(drawn, testing::ElementsAre(0x238275bc38fcbe91u, 0xf89a2566b5822c54u));
}

TEST_F(GenerateEventsTest, FewUsersMakeMostOfTheEvents) {
  const auto share_of_first_percent = [](double skew) {
    RandomStream random(1, 1);
    const PowerLawRanks ranks(10'000, skew);
    int64_t head = 0;
    for (int i = 0; i < 100'000; ++i) {
      const int64_t rank = ranks.Draw(&random);
      EXPECT_GE(rank, 0);
      EXPECT_LT(rank, 10'000);
      head += rank < 100;
    }
    return static_cast<double>(head) / 100'000;
  };
  EXPECT_NEAR(share_of_first_percent(0), 0.01, 0.003);
  EXPECT_NEAR(share_of_first_percent(0.75), 0.25, 0.06);
  EXPECT_GT(share_of_first_percent(1), 0.45);
  EXPECT_GT(share_of_first_percent(3), 0.99);
}

TEST_F(GenerateEventsTest, EventsLieInTheirDayInOrder) {
  const CivilDay day = *ParseCivilDay("1969-12-30");
  auto events = EventsOfDay(options_, day);
  ASSERT_TRUE(events.ok()) << events.status();
  const auto times = std::static_pointer_cast<arrow::TimestampArray>(
      (*events)->GetColumnByName("timestamp")->chunk(0));
  int64_t last = int64_t{day} * 86'400'000'000;
  for (int64_t i = 0; i < times->length(); ++i) {
    ASSERT_GE(times->Value(i), last);
    last = times->Value(i);
  }
  EXPECT_LT(last, int64_t{day + 1} * 86'400'000'000);
  const int64_t nulls = (*events)->GetColumnByName("user_id")->null_count();
  EXPECT_GT(nulls, 0);
  EXPECT_LT(nulls, 50);  // the demo's check allows 1 %
}

TEST_F(GenerateEventsTest, ReplacesOnlyItsOwnAndOnlyWhenTold) {
  ASSERT_TRUE(GenerateEvents(options_).ok());
  auto again = GenerateEvents(options_).status();
  EXPECT_EQ(CodeOf(again), ErrorCode::kInvalid);
  EXPECT_THAT(again.message(), HasSubstr("is not empty"));
  options_.overwrite = true;
  options_.days = 1;
  ASSERT_TRUE(GenerateEvents(options_).ok());
  EXPECT_TRUE(Bytes("event_date=2026-01-02/part-0.parquet").empty());
  std::ofstream(fs::path(options_.directory) / "thesis.txt") << "mine";
  auto refused = GenerateEvents(options_).status();
  EXPECT_EQ(CodeOf(refused), ErrorCode::kInvalid);
  EXPECT_THAT(refused.message(), HasSubstr("thesis.txt"));
}

TEST_F(GenerateEventsTest, CancelledLeavesNothing) {
  const std::atomic<bool> cancelled{true};
  options_.cancelled = &cancelled;
  EXPECT_EQ(CodeOf(GenerateEvents(options_).status()), ErrorCode::kInterrupted);
  EXPECT_TRUE(fs::is_empty(options_.directory));
}

TEST_F(GenerateEventsTest, RefusesOddOptions) {
  const auto refused = [](GenerateOptions options) {
    return CodeOf(GenerateEvents(options).status()) == ErrorCode::kInvalid;
  };
  GenerateOptions bad = options_;
  bad.days = 0;
  EXPECT_TRUE(refused(bad));
  bad = options_;
  bad.entities = 0;
  EXPECT_TRUE(refused(bad));
  bad = options_;
  bad.skew = std::nan("");
  EXPECT_TRUE(refused(bad));
  bad = options_;
  bad.start = "2026-02-30";
  EXPECT_TRUE(refused(bad));
  EXPECT_FALSE(fs::exists(options_.directory));
  GenerateOptions none = options_;
  none.events_per_day = 0;
  EXPECT_TRUE(GenerateEvents(none).ok());
}

}  // namespace
}  // namespace tidemill
