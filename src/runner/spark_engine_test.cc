// The Spark engine with a client that answers what the test says. What Spark makes of the queries
// is tested with Spark (tests/spark_*_test.py).

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include <arrow/compute/initialize.h>

#include "runner/spark_queries.h"
#include "runner/work_folder.h"
#include "storage/test_files.h"
#include "tidemill/generate.h"
#include "tidemill/run.h"
#include "tidemill/spark.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPipeline = R"yaml(
pipeline: small
source: {path: events, day: event_date, event_time: timestamp, timezone: Europe/Berlin}
entity: user_id
window: 2d
checks: {input: [row_count > 2]}
features: {n: count(*), latest: max(timestamp)EXTRA}
output: {path: out, partition_by: [feature_date]}
)yaml";

/// Notes the queries, and answers them.
struct ToldClient : SparkClient {
  arrow::Result<std::shared_ptr<arrow::Table>> Collect(const SparkQuery& query) override {
    queries.push_back(query);
    if (cancelled != nullptr) {  // Ctrl-C while the query runs, which only Cancel ends
      *cancelled = true;
      ended.get_future().wait();
      return MakeError(ErrorCode::kRunFailed, "the job was cancelled");
    }
    return answer;
  }
  void Cancel() override {
    if (!has_ended.exchange(true)) ended.set_value();
  }
  arrow::Result<int64_t> Write(const SparkQuery& query, const std::string& partition,
                               const std::string& uri) override {
    queries.push_back(query);
    EXPECT_EQ(partition, kSparkDateColumn);
    EXPECT_TRUE(uri.starts_with("file:///")) << uri;
    work = uri.substr(7);
    int64_t num_rows = elsewhere;
    for (const auto& [name, rows] : files) {
      num_rows += rows->num_rows();
      const fs::path file = work + "/" + name;
      fs::create_directories(file.parent_path());
      auto out = arrow::io::FileOutputStream::Open(file.string()).ValueOrDie();
      EXPECT_TRUE(parquet::arrow::WriteTable(*rows, arrow::default_memory_pool(), out).ok());
      EXPECT_TRUE(out->Close().ok());
    }
    if (meanwhile) meanwhile();
    ARROW_RETURN_NOT_OK(written);
    return num_rows;
  }

  std::vector<SparkQuery> queries;
  std::shared_ptr<arrow::Table> answer;
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Table>>> files;
  arrow::Status written;
  int64_t elsewhere = 0;            ///< rows that Spark wrote where nobody here sees them
  std::function<void()> meanwhile;  ///< happens while Spark writes
  std::string work;
  std::atomic<bool>* cancelled = nullptr;
  std::promise<void> ended;
  std::atomic<bool> has_ended = false;
};

class SparkEngineTest : public FolderTest {
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
    client_->answer = Answer({7, 5});
    client_->files = {{"date_index=0/part-00000-a.c000.parquet", Rows(R"(["u1", "u2"])")},
                      {"date_index=0/part-00001-a.c000.parquet", Rows(R"(["u3"])")}};
  }

  /// To a scan: rows of the two slots of the window, and the metric row_count.
  static std::shared_ptr<arrow::Table> Answer(const std::vector<int64_t>& rows) {
    const auto numbers = [](const std::vector<int64_t>& values) {
      arrow::Int64Builder builder;
      EXPECT_TRUE(builder.AppendValues(values).ok());
      return builder.Finish().ValueOrDie();
    };
    return TableOf({{SparkScanColumns::kPosition, numbers({SparkScanColumns::PositionOf(0),
                                                           SparkScanColumns::PositionOf(1), 0})},
                    {SparkScanColumns::kRows, numbers({rows[0], rows[1], 0})},
                    {SparkScanColumns::kFiltered, numbers({0, 0, 0})},
                    {SparkScanColumns::kWithoutEntity, numbers({0, 0, 0})},
                    {SparkScanColumns::Metric(0), numbers({0, 0, rows[0] + rows[1]})}});
  }

  static std::shared_ptr<arrow::Table> Rows(const std::string& users) {
    const auto ids = ArrayOf(arrow::utf8(), users);
    const auto repeated = [&](const std::shared_ptr<arrow::Scalar>& value) {
      return arrow::MakeArrayFromScalar(*value, ids->length()).ValueOrDie();
    };
    return TableOf({{"c0", ids},
                    {"c1", repeated(std::make_shared<arrow::Int64Scalar>(4))},
                    {"c2", repeated(std::make_shared<arrow::TimestampScalar>(
                               1'767'000'000'000'000, arrow::timestamp(arrow::TimeUnit::MICRO)))}});
  }

  RunReport Run(const std::string& extra = "") {
    std::string text = kPipeline;
    text.replace(text.find("EXTRA"), 5, extra);
    RunOptions options;
    options.date = "2026-01-02";
    options.engine = SparkEngine(client_);
    options.cancelled = client_->cancelled;
    auto report = RunDate(ParsePipeline(text, Path("small.yaml")).ValueOrDie(), options);
    EXPECT_TRUE(report.ok()) << report.status();
    return *report;
  }

  std::shared_ptr<ToldClient> client_ = std::make_shared<ToldClient>();
};

TEST_F(SparkEngineTest, PublishesWhatWasWritten) {
  const RunReport report = Run();
  EXPECT_EQ(report.status, "done") << report.outcome;
  EXPECT_EQ(report.rows_read, 12);
  EXPECT_EQ(report.rows_written, 3);
  EXPECT_EQ(report.entities, 3);
  ASSERT_EQ(report.checks.size(), 1);
  EXPECT_EQ(report.checks[0].value, "12");
  EXPECT_FALSE(fs::exists(client_->work)) << "the work folder stays";

  ASSERT_EQ(client_->queries.size(), 2);
  const SparkQuery& query = client_->queries[1];
  EXPECT_EQ(query.format, "parquet");
  EXPECT_EQ(query.paths.size(), 2) << "files of other days are read";
  EXPECT_NE(query.schema.find("`timestamp` TIMESTAMP_NTZ"), std::string::npos) << query.schema;
  EXPECT_EQ(query.schema.find("session_id"), std::string::npos) << "a column that is not needed";
  const std::pair<std::string, std::string> zone = {"spark.sql.session.timeZone", "Europe/Berlin"};
  EXPECT_NE(std::ranges::find(query.settings, zone), query.settings.end());
}

TEST_F(SparkEngineTest, FailedChecksComeBeforeFeatures) {
  client_->answer = Answer({1, 1});
  EXPECT_EQ(CodeOf(Run().outcome), ErrorCode::kInputCheckFailed);
  EXPECT_EQ(client_->queries.size(), 1);
}

TEST_F(SparkEngineTest, RowsOutOfOrderAreRefused) {
  std::swap(client_->files[0].second, client_->files[1].second);
  const RunReport report = Run();
  EXPECT_NE(report.outcome.message().find("u1 is out of order"), std::string::npos)
      << report.outcome;
  client_->files[1].second = client_->files[0].second;
  const std::string twice = Run().outcome.message();
  EXPECT_NE(twice.find("u3 has two rows of features"), std::string::npos) << twice;
}

TEST_F(SparkEngineTest, AFailureLeavesNothing) {
  client_->written = MakeError(ErrorCode::kRunFailed, "the executors are gone");
  const RunReport report = Run();
  EXPECT_NE(report.outcome.message().find("executors"), std::string::npos) << report.outcome;
  EXPECT_FALSE(fs::exists(client_->work));
  EXPECT_FALSE(fs::exists(Path("out/feature_date=2026-01-02")));
}

TEST_F(SparkEngineTest, RowsThatAreNotFoundFailThePass) {
  client_->elsewhere = 2;
  const RunReport some = Run();
  EXPECT_NE(some.outcome.message().find("written 5 rows"), std::string::npos) << some.outcome;
  client_->files.clear();
  const RunReport none = Run();
  EXPECT_EQ(none.status, "failed");
  EXPECT_NE(none.outcome.message().find("where 0 are found"), std::string::npos) << none.outcome;
  EXPECT_FALSE(fs::exists(Path("out/feature_date=2026-01-02")));
}

TEST_F(SparkEngineTest, ASourceThatChangesFailsThePass) {
  client_->meanwhile = [&] {
    const fs::path file = Path("events/event_date=2026-01-02/part-0.parquet");
    ASSERT_TRUE(fs::exists(file));
    fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(5));
  };
  const RunReport report = Run();
  EXPECT_NE(report.outcome.message().find("changed while the pass ran"), std::string::npos)
      << report.outcome;
  EXPECT_FALSE(fs::exists(Path("out/feature_date=2026-01-02")));
}

TEST_F(SparkEngineTest, TheWorkFolderIsHeldWhileSparkWrites) {
  std::vector<Leftover> leftovers;
  client_->meanwhile = [&] {
    const fs::path folder = fs::path(client_->work).parent_path();
    fs::last_write_time(folder, fs::last_write_time(folder) - std::chrono::hours(5));
    leftovers = WorkLeftovers(*ParseLocation(Path("out")), /*apply=*/true).ValueOrDie();
  };
  EXPECT_EQ(Run().status, "done");
  EXPECT_TRUE(leftovers.empty());
  EXPECT_FALSE(fs::exists(Path("out/_tidemill/work")));
}

TEST_F(SparkEngineTest, CancellingEndsWhatRuns) {
  std::atomic<bool> cancelled = false;
  client_->cancelled = &cancelled;
  EXPECT_EQ(CodeOf(Run().outcome), ErrorCode::kInterrupted);
  EXPECT_EQ(client_->queries.size(), 1);
}

TEST_F(SparkEngineTest, WhatSparkCannotSayIsRefusedFirst) {
  const RunReport report = Run(", odd: \"cast(max(value) as text)\"");
  EXPECT_EQ(CodeOf(report.outcome), ErrorCode::kInvalid);
  EXPECT_NE(report.outcome.message().find("feature 'odd'"), std::string::npos) << report.outcome;
  EXPECT_TRUE(client_->queries.empty());
}

TEST_F(SparkEngineTest, NoEventsNoQueries) {
  std::string text = kPipeline;
  text.replace(text.find("row_count > 2"), 13, "row_count >= 0");
  text.replace(text.find("EXTRA"), 5, "");
  RunOptions options;
  options.date = "2026-06-01";
  options.engine = SparkEngine(client_);
  const auto report = RunDate(ParsePipeline(text, Path("small.yaml")).ValueOrDie(), options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->status, "empty") << report->outcome;
  EXPECT_TRUE(client_->queries.empty());
}

}  // namespace
}  // namespace tidemill
