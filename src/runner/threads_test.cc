// The whole road on several threads, mainly for the sanitizers: what it computes is tested
// elsewhere.

#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tidemill/backfill.h"
#include "tidemill/generate.h"
#include "tidemill/plan.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPipeline = R"yaml(
pipeline: threads
source: {path: events, day: event_date, event_time: timestamp, where: event_type <> 'search'}
entity: user_id
window: 3d
checks:
  input: [row_count > 0, "contains(event_type, 'click')"]
  output: [unique(user_id)]
features:
  n: count(*)
  sessions: count(distinct session_id)
  categories: count(distinct product_category)
  spend: coalesce(sum(value), 0)
  spread: stddev_samp(value)
  last_category: last(product_category)
  recent: {expr: count(*), windows: [1d, 2d]}
  rate: sessions / n
output: {path: PATH}
)yaml";

class ThreadsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / "tidemill_threads_test" /
            testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
    GenerateOptions events;
    events.directory = (root_ / "events").string();
    events.days = 6;
    events.events_per_day = 3000;
    events.entities = 200;
    events.threads = 3;
    ASSERT_TRUE(GenerateEvents(events).ok());
  }
  void TearDown() override { fs::remove_all(root_); }

  Pipeline PipelineTo(const std::string& path) {
    std::string text = kPipeline;
    text.replace(text.find("PATH"), 4, path);
    return ParsePipeline(text, (root_ / "threads.yaml").string()).ValueOrDie();
  }

  /// The content hashes of the dates of a backfill.
  std::map<std::string, std::string> Backfilled(const std::string& path, int threads,
                                                int64_t memory_bytes, int32_t pass_dates) {
    BackfillOptions options;
    options.start = "2026-01-03";
    options.end = "2026-01-06";
    options.threads = threads;
    options.parallel = threads;
    options.memory_bytes = memory_bytes;
    options.pass_dates = pass_dates;
    options.scratch = (root_ / "scratch").string();
    fs::create_directories(options.scratch);
    const auto report = Backfill(PipelineTo(path), options);
    EXPECT_TRUE(report.ok()) << report.status();
    std::map<std::string, std::string> hashes;
    if (!report.ok()) return hashes;
    EXPECT_TRUE(report->outcome.ok()) << report->outcome;
    for (const DateReport& date : report->dates) {
      for (const PublishedFile& file : date.files) hashes[file.path] = file.hash;
    }
    return hashes;
  }

  fs::path root_;
};

TEST_F(ThreadsTest, BackfillOnManyThreadsGivesWhatOneThreadGives) {
  const auto one = Backfilled("one", 1, 0, 1);
  EXPECT_EQ(one.size(), 4);
  EXPECT_EQ(Backfilled("many", 4, 0, 0), one);
}

#if !defined(__SANITIZE_THREAD__)  // Arrow's threads, not instrumented, read the spilled files
TEST_F(ThreadsTest, BackfillWithSpillGivesWhatMemoryGives) {
  EXPECT_EQ(Backfilled("small", 4, 1'000'000, 2), Backfilled("large", 4, 0, 0));
}
#endif

TEST_F(ThreadsTest, RunsPreviewsAndPlansOnManyThreads) {
  const Pipeline pipeline = PipelineTo("out");
  BackfillOptions options;
  options.date = options.start = options.end = "2026-01-05";
  options.threads = 4;
  const auto run = RunDate(pipeline, options);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->status, "done") << run->outcome;
  const auto preview = PreviewDate(pipeline, options, "", -1);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ((*preview)->num_rows(), run->rows_written);
  const auto plan = PlanDates(pipeline, options);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->dates.at(0).status, "done");
  EXPECT_EQ(plan->rows_expected, run->rows_written);
}

}  // namespace
}  // namespace tidemill
