// Passes of tasks against passes of the native engine: what comes out is the same, batch by batch
// and byte by byte, whatever happens to the tasks on the way.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include <arrow/compare.h>
#include <arrow/filesystem/localfs.h>
#include <arrow/table.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distributed/fake_schedulers.h"
#include "engine/pass_engine.h"
#include "runner/pass_request.h"
#include "runner/prepare.h"
#include "tidemill/backfill.h"
#include "tidemill/generate.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Every way in which a state can be carried: fixed, with references, masks, lists, fed values.
constexpr const char* kPipeline = R"yaml(
pipeline: tasks
source:
  path: events
  day: event_date
  event_time: timestamp
  where: event_type <> 'search'
  columns: {key: "case when event_id % 1009 = 0 then null else user_id end"}
entity: key
null_entity: POLICY
window: 4d
checks:
  rows:
    - {rule: "event_id % 97 <> 0", name: sevens, quarantine: true, max_rate: 0.5}
    - {rule: "product_category is not null", max_rate: 1}
  input:
    - row_count > 0
    - max(product_category) >= min(product_category)
    - count(distinct event_type) between 2 and 20
    - unique(event_id)
    - sum(value) > 0
    - sum(distinct cast(value as bigint)) > 0
    - MORE
  output: [unique(key), "null_count(n) = 0"]
features:
  n: count(*)
  sessions: count(distinct session_id)
  kinds: count(distinct event_type)
  spend: coalesce(sum(value), 0)
  wide: sum(value * 1e290)
  cents: sum(distinct cast(value as bigint))
  spread: stddev_samp(value)
  mean: avg(value) filter (where event_type = 'click')
  first_category: first(product_category)
  last_category: last(product_category)
  least: min(event_type || '/' || coalesce(product_category, ''))
  seen: max(timestamp)
  recent: {expr: count(distinct session_id), windows: [1d, 2d], default: 0}
  total: sum(AMOUNT)
  rate: sessions / n
  computed_at: run_timestamp()
output: {path: PATH, cluster_by: "sort(n)", entities: {path: events, column: user_id}}
)yaml";

void Replace(const std::string& from, const std::string& to, std::string* text) {
  text->replace(text->find(from), from.size(), to);
}

std::string ContentOf(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream content;
  content << stream.rdbuf();
  return content.str();
}

/// All that a pass hands out.
class KeepingSink : public FeatureSink {
 public:
  explicit KeepingSink(size_t dates) : batches_(dates) {}

  arrow::Status Append(size_t date, const std::shared_ptr<arrow::RecordBatch>& batch) override {
    const std::lock_guard lock(mutex_);
    batches_[date].push_back(batch);
    return arrow::Status::OK();
  }

  std::shared_ptr<arrow::Table> table(size_t date, const Plan& plan) const {
    return *(*arrow::Table::FromRecordBatches(plan.pipeline->output, batches_[date]))
                ->CombineChunks();
  }
  size_t num_batches(size_t date) const { return batches_[date].size(); }

 private:
  std::mutex mutex_;
  std::vector<std::vector<std::shared_ptr<arrow::RecordBatch>>> batches_;
};

class DistributedTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / "tidemill_distributed_test" /
            testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
    GenerateOptions events;
    events.directory = (root_ / "events").string();
    events.days = 7;
    events.events_per_day = 2500;
    events.entities = 900;
    events.threads = 2;
    ASSERT_TRUE(GenerateEvents(events).ok());
  }
  void TearDown() override { fs::remove_all(root_); }

  Pipeline PipelineTo(const std::string& path, const std::string& policy = "drop",
                      const std::string& amount = "1", const std::string& more = "true") {
    std::string text = kPipeline;
    Replace("PATH", path, &text);
    Replace("POLICY", policy, &text);
    Replace("AMOUNT", amount, &text);
    Replace("MORE", more == "true" ? "row_count > 1" : more, &text);
    return ParsePipeline(text, (root_ / "tasks.yaml").string()).ValueOrDie();
  }

  static BackfillOptions Options(std::shared_ptr<PassEngine> engine) {
    BackfillOptions options;
    options.start = "2026-01-04";
    options.end = "2026-01-07";
    options.threads = 2;
    options.parallel = 2;
    options.engine = std::move(engine);
    return options;
  }

  /// Small enough for many tasks of both kinds.
  static std::shared_ptr<PassEngine> EngineOn(std::shared_ptr<TaskScheduler> scheduler) {
    return DistributedEngine(std::move(scheduler), {60'000, 100'000});
  }

  BackfillReport Backfilled(const Pipeline& pipeline, std::shared_ptr<PassEngine> engine) {
    auto report = Backfill(pipeline, Options(std::move(engine)));
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ValueOr(BackfillReport{});
  }

  /// Runs the same pass natively and with tasks, and compares everything that comes out. Notes what
  /// the tasks wrote.
  void ExpectSamePass(const Pipeline& pipeline, std::shared_ptr<TaskScheduler> scheduler) {
    BackfillOptions options = Options(nullptr);
    const auto calendar = CalendarOf(pipeline).ValueOrDie();
    std::vector<Slot> dates;
    for (const char* label : {"2026-01-04", "2026-01-05", "2026-01-07"}) {
      dates.push_back(ParseFeatureDate(*calendar, label).ValueOrDie());
    }
    const Plan plan = PreparePass(pipeline, calendar, dates, options).ValueOrDie();
    PassRequest request = RequestFor(plan, options).ValueOrDie();
    request.options.writers = 2;
    request.options.scratch = [this] {
      return arrow::Result<std::string>((root_ / "scratch").string());
    };
    std::atomic<int> files = 0;
    request.options.quarantine = [&]() -> arrow::Result<NewFile> {
      return BeginFile(std::make_shared<arrow::fs::LocalFileSystem>(),
                       (root_ / ("quarantine" + std::to_string(files++))).string());
    };
    const std::vector<bool> wanted = {true, false, true};
    std::vector<std::shared_ptr<arrow::RecordBatch>> quarantined[2];
    ScanSummary scans[2];
    FeatureSummary summaries[2];
    KeepingSink sinks[2] = {KeepingSink(3), KeepingSink(3)};
    for (int i = 0; i < 2; ++i) {
      const auto engine = i == 0 ? NativeEngine() : EngineOn(scheduler);
      const auto work = engine->Begin(plan, request).ValueOrDie();
      auto scan = work->Scan();
      ASSERT_TRUE(scan.ok()) << scan.status();
      scans[i] = *std::move(scan);
      const auto keep = [&](const std::shared_ptr<arrow::RecordBatch>& batch) {
        quarantined[i].push_back(batch);
        return arrow::Status::OK();
      };
      ASSERT_TRUE(VisitRows(scans[i].quarantined, keep).ok());
      auto features = work->Features(wanted, &sinks[i]);
      ASSERT_TRUE(features.ok()) << features.status();
      summaries[i] = *std::move(features);
    }
    EXPECT_EQ(scans[1].counts.rows_read, scans[0].counts.rows_read);
    EXPECT_EQ(scans[1].counts.rows_filtered, scans[0].counts.rows_filtered);
    EXPECT_EQ(scans[1].counts.rows_without_entity, scans[0].counts.rows_without_entity);
    EXPECT_EQ(scans[1].counts.rows_of_slot, scans[0].counts.rows_of_slot);
    EXPECT_GT(scans[0].counts.rows_without_entity, 0);
    const SlotRange all = plan.strata.slots();
    const RuleCounts native_rules = scans[0].counts.rules.Sum(all);
    const RuleCounts task_rules = scans[1].counts.rules.Sum(all);
    EXPECT_EQ(task_rules.rows_quarantined, native_rules.rows_quarantined);
    ASSERT_EQ(native_rules.rules.size(), 2u);
    for (size_t r = 0; r < 2; ++r) {
      EXPECT_GT(native_rules.rules[r].rows, 100);
      EXPECT_EQ(task_rules.rules[r].rows, native_rules.rules[r].rows);
      EXPECT_EQ(task_rules.rules[r].examples, native_rules.rules[r].examples);
    }
    ASSERT_EQ(quarantined[1].size(), quarantined[0].size());
    int64_t rows = 0;
    for (size_t b = 0; b < quarantined[0].size(); ++b) {
      EXPECT_TRUE(quarantined[1][b]->Equals(*quarantined[0][b]));
      rows += quarantined[0][b]->num_rows();
    }
    EXPECT_EQ(rows, native_rules.rows_quarantined);
    for (size_t d = 0; d < 3; ++d) {
      const auto& native = *scans[0].input_metrics[d];
      const auto& tasks = *scans[1].input_metrics[d];
      ASSERT_EQ(tasks.size(), native.size());
      for (size_t m = 0; m < native.size(); ++m) {
        EXPECT_TRUE(tasks[m].scalar()->Equals(*native[m].scalar())) << "metric " << m;
      }
    }
    spilled_bytes_ = scans[1].spilled_bytes;
    EXPECT_EQ(summaries[1].entities, summaries[0].entities);
    for (size_t d = 0; d < 3; ++d) {
      EXPECT_TRUE(summaries[1].dates[d].ok()) << summaries[1].dates[d];
      const auto native = sinks[0].table(d, plan);
      const auto tasks = sinks[1].table(d, plan);
      EXPECT_EQ(native->num_rows() > 500, wanted[d]);
      EXPECT_TRUE(tasks->Equals(*native, arrow::EqualOptions::Defaults().nans_equal(true)));
    }
    EXPECT_GT(sinks[1].num_batches(0), 3) << "the test is about several window tasks";
    EXPECT_FALSE(fs::exists(request.work.path));
  }

  fs::path root_;
  int64_t spilled_bytes_ = 0;
};

TEST_F(DistributedTest, TasksGiveWhatOneProcessGives) {
  const auto scheduler = std::make_shared<FakeScheduler>();
  ExpectSamePass(PipelineTo("out"), scheduler);
  EXPECT_GT(scheduler->tasks_run(), 10);
  EXPECT_EQ(scheduler->rounds(), 2);
  EXPECT_FALSE(fs::exists(root_ / "out")) << "nothing was published";
}

TEST_F(DistributedTest, ARowWithoutEntityCanBeAnEntity) {
  ExpectSamePass(PipelineTo("out", "keep"), std::make_shared<FakeScheduler>());
}

TEST_F(DistributedTest, TasksWithLittleMemorySpill) {
  ExpectSamePass(PipelineTo("out"), std::make_shared<FakeScheduler>(TaskResources{2, 200'000}));
}

TEST_F(DistributedTest, AnyOrderAndEitherOfTwoAttemptsWillDo) {
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    ExpectSamePass(PipelineTo("out"), std::make_shared<ImpatientScheduler>(seed));
  }
}

TEST_F(DistributedTest, LostResultsAreComputedAgain) {
  const auto scheduler = std::make_shared<DyingScheduler>();
  ExpectSamePass(PipelineTo("out"), scheduler);
  EXPECT_GT(scheduler->deaths(), 3);
}

/// The only file of quarantined rows of a table.
fs::path QuarantineOf(const fs::path& table) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(table / "_tidemill" / "quarantine")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  EXPECT_EQ(files.size(), 1u);
  return files.empty() ? fs::path() : files[0];
}

TEST_F(DistributedTest, PublishedFilesAreTheSame) {
  Pipeline pipeline = PipelineTo("native");
  pipeline.features.pop_back();  // computed_at, which differs from run to run
  std::string text = pipeline.text;
  Replace("  computed_at: run_timestamp()\n", "", &text);
  const auto parse = [&](const std::string& path) {
    std::string to = text;
    Replace("path: native", "path: " + path, &to);
    return ParsePipeline(to, (root_ / "tasks.yaml").string()).ValueOrDie();
  };
  const auto native = Backfilled(parse("native"), nullptr);
  const auto tasks = Backfilled(parse("tasks"), EngineOn(std::make_shared<ImpatientScheduler>(5)));
  ASSERT_EQ(native.status, "done");
  ASSERT_EQ(tasks.status, "done");
  ASSERT_EQ(tasks.dates.size(), 4u);
  EXPECT_GT(native.rows_quarantined, 100);
  EXPECT_EQ(tasks.rows_quarantined, native.rows_quarantined);
  EXPECT_EQ(ContentOf(QuarantineOf(root_ / "tasks")), ContentOf(QuarantineOf(root_ / "native")));
  for (size_t d = 0; d < 4; ++d) {
    ASSERT_EQ(tasks.dates[d].files.size(), native.dates[d].files.size());
    EXPECT_EQ(tasks.dates[d].rows_written, native.dates[d].rows_written);
    for (size_t f = 0; f < native.dates[d].files.size(); ++f) {
      const PublishedFile& file = native.dates[d].files[f];
      EXPECT_EQ(tasks.dates[d].files[f].path, file.path);
      EXPECT_EQ(tasks.dates[d].files[f].hash, file.hash);
      const std::string content = ContentOf(root_ / "native" / file.path);
      EXPECT_GT(content.size(), 1000u);
      EXPECT_TRUE(ContentOf(root_ / "tasks" / file.path) == content) << file.path;
    }
  }
  EXPECT_EQ(tasks.rows_read, native.rows_read);
  EXPECT_FALSE(fs::exists(root_ / "tasks" / "_tidemill" / "work"));
}

TEST_F(DistributedTest, ADateThatFailsLeavesTheOthersAlone) {
  // From the sixth of January on the sum overflows.
  const std::string amount =
      "case when event_date >= date '2026-01-06' then 9000000000000000000 else 1 end";
  const auto native = Backfilled(PipelineTo("native", "drop", amount), nullptr);
  const auto tasks =
      Backfilled(PipelineTo("tasks", "drop", amount), EngineOn(std::make_shared<FakeScheduler>()));
  ASSERT_EQ(tasks.dates.size(), 4u);
  for (size_t d = 0; d < 4; ++d) {
    EXPECT_EQ(tasks.dates[d].status, native.dates[d].status);
    EXPECT_EQ(tasks.dates[d].status, d < 2 ? "done" : "failed");
    if (d < 2) continue;
    // Of many entities any may be the one that is named.
    for (const std::string& reason : {tasks.dates[d].reason, native.dates[d].reason}) {
      EXPECT_THAT(reason,
                  testing::MatchesRegex("feature 'total': the sum [0-9]+ does not fit bigint"));
    }
  }
}

TEST_F(DistributedTest, AFailedInputCheckKeepsItsDateFromBeingComputed) {
  const std::string check = "max(timestamp) < timestamp '2026-01-07'";
  const auto tasks = Backfilled(PipelineTo("tasks", "drop", "1", check),
                                EngineOn(std::make_shared<FakeScheduler>()));
  EXPECT_EQ(tasks.dates[2].status, "done") << tasks.dates[2].reason;
  EXPECT_EQ(tasks.dates[3].status, "failed");
  EXPECT_THAT(tasks.dates[3].reason, HasSubstr("input check failed"));
}

TEST_F(DistributedTest, AnErrorOfTheDataIsTheErrorOfTheRunAndNotTriedAgain) {
  const auto scheduler = std::make_shared<MeddlingScheduler>(-1, [] {}, /*retries=*/3);
  const auto report = Backfilled(PipelineTo("out", "error"), EngineOn(scheduler));
  EXPECT_EQ(report.status, "failed");
  EXPECT_EQ(scheduler->failures(), 0) << "the failure is an answer";
  EXPECT_EQ(scheduler->tasks_run(), 1);
  const auto native = Backfilled(PipelineTo("native", "error"), nullptr);
  EXPECT_EQ(DiagnosticsOf(report.outcome).front().hint, DiagnosticsOf(native.outcome).front().hint);
  EXPECT_THAT(report.dates[0].reason, HasSubstr("with a NULL entity (key)"));
}

TEST_F(DistributedTest, ASourceThatIsBackForTheNextAttemptDoesNoHarm) {
  // The first task has planned the pass, so the second one fails in reading.
  const auto hide = [&] { fs::rename(root_ / "events", root_ / "hidden"); };
  const auto scheduler = std::make_shared<MeddlingScheduler>(1, hide, /*retries=*/3);
  scheduler->between = [&] { fs::rename(root_ / "hidden", root_ / "events"); };
  const auto report = Backfilled(PipelineTo("out"), EngineOn(scheduler));
  EXPECT_EQ(report.status, "done") << report.outcome;
  EXPECT_EQ(scheduler->failures(), 1);
}

TEST_F(DistributedTest, ASourceThatChangesIsAnError) {
  const fs::path day = root_ / "events" / "event_date=2026-01-03";
  const fs::path file = fs::directory_iterator(day)->path();
  const auto add = [&] { fs::copy_file(file, day / "late.parquet"); };
  const auto report =
      Backfilled(PipelineTo("out"), EngineOn(std::make_shared<MeddlingScheduler>(0, add)));
  EXPECT_EQ(report.status, "failed");
  for (const DateReport& date : report.dates) {
    EXPECT_EQ(date.status, "failed");
    EXPECT_THAT(date.reason, HasSubstr("changed while the pass ran"));
  }
  EXPECT_FALSE(fs::exists(root_ / "out" / "feature_date=2026-01-07"));
  EXPECT_FALSE(fs::exists(root_ / "out" / "_tidemill" / "work"));
}

TEST_F(DistributedTest, AFileOfTilesThatIsGoneIsTriedAgainAndThenAnError) {
  std::map<std::string, std::string> hidden;
  const auto hide = [&] {
    for (const auto& entry :
         fs::recursive_directory_iterator(root_ / "out" / "_tidemill" / "work")) {
      if (!entry.path().filename().string().starts_with("tiles-")) continue;
      const std::string away = (root_ / entry.path().filename()).string();
      hidden[entry.path().string()] = away;
    }
    for (const auto& [from, to] : hidden) fs::rename(from, to);
  };
  const auto counter = std::make_shared<MeddlingScheduler>(-1, [] {});
  ASSERT_EQ(Backfilled(PipelineTo("count"), EngineOn(counter)).status, "done");
  // The number of scan tasks is that of days with data in the windows here, and window tasks
  // follow.
  const auto lasting = std::make_shared<MeddlingScheduler>(counter->tasks_run() - 1, hide, 2);
  const auto failed = Backfilled(PipelineTo("out"), EngineOn(lasting));
  EXPECT_EQ(failed.status, "failed");
  EXPECT_EQ(lasting->failures(), 3);
  EXPECT_FALSE(hidden.empty());
  EXPECT_FALSE(fs::exists(root_ / "out" / "feature_date=2026-01-07"));
  hidden.clear();
  const auto passing = std::make_shared<MeddlingScheduler>(counter->tasks_run() - 1, hide, 2);
  passing->between = [&] {
    for (const auto& [from, to] : hidden) fs::rename(to, from);
  };
  const auto done = Backfilled(PipelineTo("out"), EngineOn(passing));
  EXPECT_EQ(done.status, "done") << done.outcome;
  EXPECT_EQ(passing->failures(), 1);
}

TEST_F(DistributedTest, AWorkerThatCannotReachTheFolderSaysWhatItTakes) {
  const auto hide = [&] { fs::remove_all(root_ / "out" / "_tidemill" / "work"); };
  const auto scheduler = std::make_shared<MeddlingScheduler>(1, hide, /*retries=*/1);
  const auto report = Backfilled(PipelineTo("out"), EngineOn(scheduler));
  ASSERT_EQ(scheduler->failures(), 2) << report.outcome << report.dates[0].reason;
  EXPECT_THAT(report.dates[0].reason, HasSubstr("_tidemill/work/"));
  EXPECT_THAT(DiagnosticsOf(scheduler->last_failure()).front().hint,
              HasSubstr("every worker must reach the folder of the table"));
}

TEST_F(DistributedTest, CancellingEndsThePassAndLeavesNothing) {
  for (const int after : {1, 9}) {
    std::atomic<bool> cancelled = false;
    BackfillOptions options =
        Options(EngineOn(std::make_shared<MeddlingScheduler>(after, [&] { cancelled = true; })));
    options.cancelled = &cancelled;
    const auto report = Backfill(PipelineTo("out"), options);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(CodeOf(report->outcome), ErrorCode::kInterrupted);
    EXPECT_FALSE(fs::exists(root_ / "out" / "_tidemill" / "work"));
  }
}

TEST_F(DistributedTest, ProgressReachesItsEnd) {
  std::map<std::string, Progress> last;
  BackfillOptions options = Options(EngineOn(std::make_shared<ImpatientScheduler>(9)));
  options.on_progress = [&](const Progress& progress) {
    EXPECT_GE(progress.done, last[progress.stage].done);
    last[progress.stage] = progress;
  };
  const auto report = Backfill(PipelineTo("out"), options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(last["scan"].done, report->rows_read);
  EXPECT_EQ(last["scan"].total, report->rows_read);
  EXPECT_GT(last["merge"].total, 3);
  EXPECT_EQ(last["merge"].done, last["merge"].total);
}

TEST_F(DistributedTest, PreviewsAndChecksRunAsTasksToo) {
  RunOptions options = Options(EngineOn(std::make_shared<FakeScheduler>()));
  options.date = "2026-01-05";
  const Pipeline pipeline = PipelineTo("out");
  const auto checks = CheckDate(pipeline, options);
  ASSERT_TRUE(checks.ok()) << checks.status();
  ASSERT_EQ(checks->size(), 9u);
  for (const CheckResult& check : *checks) EXPECT_TRUE(check.passed) << check.check;
  const auto preview = PreviewDate(pipeline, options, "", 20);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ((*preview)->num_rows(), 20);
  EXPECT_FALSE(fs::exists(root_ / "out"));
}

}  // namespace
}  // namespace tidemill
