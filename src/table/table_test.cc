#include "table/table.h"

#include <csignal>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "storage/test_files.h"
#include "table/durable_files.h"
#include "table/run_id.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

PartitionTerm Term(PartitionTerm::Kind kind, const std::string& column = "", int32_t buckets = 0) {
  PartitionTerm term;
  term.kind = kind;
  term.column.text = column;
  term.buckets = buckets;
  return term;
}

const Calendar kDays(Calendar::Step::kDay, TimeZone::Find("UTC"));

/// What a reader sees of the table: hashes of files by relative path, `_` and `.` folders left out.
using View = std::map<std::string, std::string>;

class TableTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    path_ = Path("features");
  }

  Table Open(const std::vector<PartitionTerm>& terms = {Term(PartitionTerm::Kind::kFeatureDate)}) {
    return Table::Open(ParseLocation(path_).ValueOrDie(),
                       PartitionLayout::Make(terms, kDays).ValueOrDie())
        .ValueOrDie();
  }

  static std::shared_ptr<arrow::RecordBatch> Rows(int n, int offset) {
    arrow::StringBuilder users;
    arrow::StringBuilder countries;
    arrow::Int64Builder counts;
    for (int i = 0; i < n; ++i) {
      char name[16];
      std::snprintf(name, sizeof(name), "u%06d", i);
      EXPECT_TRUE(users.Append(name).ok());
      EXPECT_TRUE(
          (i % 5 == 0 ? countries.AppendNull() : countries.Append(i % 2 == 0 ? "de" : "a/b")).ok());
      EXPECT_TRUE(counts.Append(i * 7919 % 1000 + offset).ok());
    }
    const auto schema =
        arrow::schema({arrow::field("user_id", arrow::utf8()),
                       arrow::field("country", arrow::utf8()), arrow::field("n", arrow::int64())});
    return arrow::RecordBatch::Make(
        schema, n,
        arrow::ArrayVector{users.Finish().ValueOrDie(), countries.Finish().ValueOrDie(),
                           counts.Finish().ValueOrDie()});
  }

  /// One run that publishes `n` rows for a date.
  static arrow::Result<Publication> Run(const Table& table, const std::string& date, int n,
                                        int offset, PublishProbe probe = {},
                                        std::string run_id = MakeRunId()) {
    ARROW_ASSIGN_OR_RAISE(auto writer, table.Begin(run_id, std::move(probe)));
    ARROW_ASSIGN_OR_RAISE(const DateLock lock, table.Lock(writer.get(), *kDays.Parse(date)));
    const auto rows = Rows(n, offset);
    ARROW_ASSIGN_OR_RAISE(auto staged, writer->Stage(lock, rows->schema(), {}, {}));
    ARROW_RETURN_NOT_OK(staged->Write(rows));
    ARROW_RETURN_NOT_OK(staged->Close());
    ARROW_RETURN_NOT_OK(staged->Audit());
    PublishedState state;
    state.rows_read = offset;
    return writer->Publish(lock, std::move(staged), state);
  }

  View ViewOf(const std::string& root, bool with_ledger = false) const {
    View view;
    for (std::filesystem::recursive_directory_iterator at(root), end; at != end; ++at) {
      const std::string name = at->path().filename().string();
      if (!with_ledger && (name[0] == '_' || name[0] == '.')) {
        at.disable_recursion_pending();
        continue;
      }
      if (!at->is_regular_file()) continue;
      std::ifstream stream(at->path(), std::ios::binary);
      view[std::filesystem::relative(at->path(), root).string()] =
          HashHex(std::string(std::istreambuf_iterator<char>(stream), {}));
    }
    return view;
  }
  View ViewOfTable() const { return ViewOf(path_); }

  std::vector<std::string> FilesLike(const std::string& suffix) const {
    std::vector<std::string> found;
    for (const auto& [name, content] : ViewOf(folder_, true)) {
      if (name.ends_with(suffix)) found.push_back(name);
    }
    return found;
  }

  /// Rows that the ledger and the files say; they must agree.
  void ExpectLedgerMatches(const Table& table, const std::string& date, int64_t rows,
                           int64_t rows_read) {
    ASSERT_OK_AND_ASSIGN(const auto entry, table.ledger().Read(date));
    ASSERT_TRUE(entry.has_value() && entry->published.has_value());
    EXPECT_EQ(entry->published->rows_written, rows);
    EXPECT_EQ(entry->published->rows_read, rows_read);
    int64_t in_files = 0;
    for (const PublishedFile& file : entry->published->files) {
      ASSERT_OK_AND_ASSIGN(const PublishedFile read, ReadBack(path_ + "/" + file.path, {}, 1));
      EXPECT_EQ(read.hash, file.hash);
      EXPECT_EQ(read.bytes, file.bytes);
      in_files += read.rows;
    }
    EXPECT_EQ(in_files, rows);
  }

  std::string path_;
};

TEST_F(TableTest, OpeningTouchesNothing) {
  const Table table = Open();
  ASSERT_OK_AND_ASSIGN(const auto entry, table.ledger().Read("2026-03-02"));
  EXPECT_FALSE(entry.has_value());
  ASSERT_OK_AND_ASSIGN(const auto all, table.ledger().ReadAll("", ""));
  EXPECT_THAT(all, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(TableTest, PublishesReplacesAndLeavesNothingElse) {
  const Table table = Open();
  ASSERT_OK_AND_ASSIGN(const Publication first, Run(table, "2026-03-02", 100, 1));
  EXPECT_EQ(first.status, "done");
  ASSERT_EQ(first.files.size(), 1U);
  EXPECT_EQ(first.files[0].path, "feature_date=2026-03-02/part-00000.parquet");
  ASSERT_OK(Run(table, "2026-03-03", 50, 1).status());
  const View before = ViewOfTable();
  ASSERT_OK(Run(table, "2026-03-02", 30, 2).status());
  const View after = ViewOfTable();
  EXPECT_EQ(after.size(), 2U);
  EXPECT_EQ(after.at("feature_date=2026-03-03/part-00000.parquet"),
            before.at("feature_date=2026-03-03/part-00000.parquet"));
  ExpectLedgerMatches(table, "2026-03-02", 30, 2);
  ExpectLedgerMatches(table, "2026-03-03", 50, 1);
  EXPECT_EQ(FilesLike(".parquet").size(), 2U);
  EXPECT_FALSE(std::filesystem::exists(StagingRoot(path_)));
  EXPECT_THAT(FilesLike("pending/2026-03-02.json"), IsEmpty());
  ASSERT_OK(Run(table, "2026-03-02", 100, 1).status());
  EXPECT_EQ(ViewOfTable(), before) << "the same rows give the same bytes";
}

TEST_F(TableTest, StagedFilesAreNowhereBelowTheTable) {
  const Table table = Open();
  ASSERT_OK_AND_ASSIGN(auto writer, table.Begin("run"));
  ASSERT_OK_AND_ASSIGN(const DateLock lock, table.Lock(writer.get(), *kDays.Parse("2026-03-02")));
  ASSERT_OK_AND_ASSIGN(auto staged, writer->Stage(lock, Rows(5, 0)->schema(), {}, {}));
  ASSERT_OK(staged->Write(Rows(5, 0)));
  ASSERT_OK(staged->Close());
  EXPECT_EQ(FilesLike(".parquet").size(), 1U);
  EXPECT_THAT(ViewOf(path_, true), testing::Each(testing::Key(testing::Not(HasSubstr("parquet")))));
  staged.reset();
  writer.reset();
  EXPECT_THAT(FilesLike(".parquet"), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(StagingRoot(path_)));
}

TEST_F(TableTest, AnEmptyResultReplacesThePartition) {
  const Table table = Open();
  ASSERT_OK(Run(table, "2026-03-02", 100, 1).status());
  ASSERT_OK_AND_ASSIGN(const Publication empty, Run(table, "2026-03-02", 0, 2));
  EXPECT_EQ(empty.status, "empty");
  ASSERT_EQ(empty.files.size(), 1U);
  EXPECT_EQ(empty.files[0].rows, 0);
  ExpectLedgerMatches(table, "2026-03-02", 0, 2);

  path_ = Path("divided");
  const Table divided = Open(
      {Term(PartitionTerm::Kind::kFeatureDate), Term(PartitionTerm::Kind::kColumn, "country")});
  ASSERT_OK(Run(divided, "2026-03-02", 100, 1).status());
  EXPECT_EQ(ViewOfTable().size(), 3U);
  ASSERT_OK_AND_ASSIGN(const Publication none, Run(divided, "2026-03-02", 0, 2));
  EXPECT_THAT(none.files, IsEmpty());
  EXPECT_THAT(ViewOfTable(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_directory(path_ + "/feature_date=2026-03-02"));
}

TEST_F(TableTest, DividesADateByColumnsAndBuckets) {
  const Table table =
      Open({Term(PartitionTerm::Kind::kYear), Term(PartitionTerm::Kind::kMonth),
            Term(PartitionTerm::Kind::kDay), Term(PartitionTerm::Kind::kColumn, "country"),
            Term(PartitionTerm::Kind::kBucket, "user_id", 2)});
  ASSERT_OK_AND_ASSIGN(const Publication publication, Run(table, "2026-03-02", 100, 1));
  std::vector<std::string> paths;
  for (const PublishedFile& file : publication.files) paths.push_back(file.path);
  const std::string date = "year=2026/month=3/day=2/";
  EXPECT_THAT(
      paths,
      ElementsAre(date + "country=__HIVE_DEFAULT_PARTITION__/user_id_bucket=0/part-00000.parquet",
                  date + "country=__HIVE_DEFAULT_PARTITION__/user_id_bucket=1/part-00000.parquet",
                  date + "country=a%2Fb/user_id_bucket=0/part-00000.parquet",
                  date + "country=a%2Fb/user_id_bucket=1/part-00000.parquet",
                  date + "country=de/user_id_bucket=0/part-00000.parquet",
                  date + "country=de/user_id_bucket=1/part-00000.parquet"));
  ExpectLedgerMatches(table, "2026-03-02", 100, 1);
}

TEST_F(TableTest, ADateHasOneWriter) {
  const Table table = Open();
  ASSERT_OK_AND_ASSIGN(auto one, table.Begin("run-one"));
  ASSERT_OK_AND_ASSIGN(auto two, table.Begin("run-two"));
  const Slot slot = *kDays.Parse("2026-03-02");
  {
    ASSERT_OK_AND_ASSIGN(const DateLock lock, table.Lock(one.get(), slot));
    const auto refused = table.Lock(two.get(), slot);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(CodeOf(refused.status()), ErrorCode::kConflict);
    EXPECT_THAT(refused.status().ToString(), HasSubstr("run-one"));
    EXPECT_THAT(refused.status().ToString(), HasSubstr(std::to_string(getpid())));
    ASSERT_OK(table.Lock(two.get(), *kDays.Parse("2026-03-03")).status());
  }
  ASSERT_OK(table.Lock(two.get(), slot).status());
}

TEST_F(TableTest, AFailureIsNotedBesideWhatIsPublished) {
  const Table table = Open();
  ASSERT_OK(Run(table, "2026-03-02", 10, 1).status());
  ASSERT_OK_AND_ASSIGN(auto writer, table.Begin("later"));
  for (const char* date : {"2026-03-02", "2026-03-03"}) {
    ASSERT_OK_AND_ASSIGN(const DateLock lock, table.Lock(writer.get(), *kDays.Parse(date)));
    ASSERT_OK(writer->RecordFailure(lock, "a check: \xff no"));
  }
  ASSERT_OK_AND_ASSIGN(const auto entries, table.ledger().ReadAll("2026-03-02", "2026-03-03"));
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].last_attempt->status, "failed");
  EXPECT_EQ(entries[0].published->rows_written, 10);
  EXPECT_FALSE(entries[1].published.has_value());
  ASSERT_OK_AND_ASSIGN(const auto before, table.ledger().LastPublishedBefore("2026-03-09"));
  EXPECT_EQ(before->feature_date, "2026-03-02");
  ASSERT_OK_AND_ASSIGN(const auto none, table.ledger().LastPublishedBefore("2026-03-02"));
  EXPECT_FALSE(none.has_value());
}

TEST_F(TableTest, ALinkIsResolved) {
  std::filesystem::create_directories(Path("real/place"));
  std::filesystem::create_directory_symlink(Path("real/place"), Path("features"));
  ASSERT_OK(Run(Open(), "2026-03-02", 10, 1).status());
  EXPECT_TRUE(
      std::filesystem::exists(Path("real/place/feature_date=2026-03-02/part-00000.parquet")));
  EXPECT_TRUE(std::filesystem::is_symlink(Path("features")));
}

TEST_F(TableTest, ARefusedPlaceIsNamed) {
  EXPECT_FALSE(
      Table::Open(
          ParseLocation("/").ValueOrDie(),
          PartitionLayout::Make({Term(PartitionTerm::Kind::kFeatureDate)}, kDays).ValueOrDie())
          .ok());
  std::ofstream(Path("features")) << "a file";
  const auto run = Run(Open(), "2026-03-02", 10, 1);
  ASSERT_FALSE(run.ok());
  EXPECT_THAT(run.status().ToString(), HasSubstr(path_));
  EXPECT_EQ(CodeOf(run.status()), ErrorCode::kRunFailed);
}

TEST_F(TableTest, AnotherLayoutIsRefused) {
  ASSERT_OK(Run(Open(), "2026-03-02", 10, 1).status());
  const View before = ViewOfTable();
  const auto run = Run(Open({Term(PartitionTerm::Kind::kYear), Term(PartitionTerm::Kind::kMonth),
                             Term(PartitionTerm::Kind::kDay)}),
                       "2026-03-02", 10, 1);
  ASSERT_FALSE(run.ok());
  EXPECT_THAT(run.status().ToString(), HasSubstr("feature_date=2026-03-02"));
  EXPECT_EQ(ViewOfTable(), before);
}

TEST_F(TableTest, DamageToAStagedFileIsFoundBeforeItIsSeen) {
  const Table table = Open();
  ASSERT_OK_AND_ASSIGN(auto writer, table.Begin("run"));
  ASSERT_OK_AND_ASSIGN(const DateLock lock, table.Lock(writer.get(), *kDays.Parse("2026-03-02")));
  ASSERT_OK_AND_ASSIGN(auto staged, writer->Stage(lock, Rows(500, 0)->schema(), {}, {}));
  ASSERT_OK(staged->Write(Rows(500, 0)));
  ASSERT_OK(staged->Close());
  ASSERT_OK(staged->Audit());
  const std::string file = staged->directory() + "/part-00000.parquet";
  std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
  stream.seekp(200);
  stream.put('\x55');
  stream.close();
  const arrow::Status audit = staged->Audit();
  ASSERT_FALSE(audit.ok());
  EXPECT_THAT(audit.ToString(), HasSubstr("part-00000.parquet"));
}

TEST_F(TableTest, AFullDiskEndsTheRunAndNothingElse) {
  ASSERT_OK(Run(Open(), "2026-03-02", 100, 1).status());
  const View before = ViewOfTable();
  // A limit on the size of files acts like a full disk: a write fails in the middle of a file.
  for (const rlim_t limit : {1U, 200U, 1000U, 4000U, 8000U}) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit size = {limit, limit};
      if (setrlimit(RLIMIT_FSIZE, &size) != 0) _exit(2);
      const auto run = Run(Open(), "2026-03-02", 20'000, 2);
      _exit(!run.ok() && run.status().ToString().find("features") != std::string::npos ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << limit;
    EXPECT_EQ(ViewOfTable(), before);
    EXPECT_FALSE(std::filesystem::exists(StagingRoot(path_)));
    ExpectLedgerMatches(Open(), "2026-03-02", 100, 1);
  }
}

/// Runs `work` in a child process; returns whether it ended by `_exit(9)` or a kill.
bool DiesIn(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) || WEXITSTATUS(status) == 9;
}

class CrashTest : public TableTest, public testing::WithParamInterface<bool> {
 protected:
  PublishProbe DyingAt(int step) {
    PublishProbe probe;
    probe.without_exchange = GetParam();
    probe.after_step = [step, count = 0](std::string_view) mutable {
      if (count++ == step) _exit(9);
    };
    return probe;
  }

  /// The table shows one of two states, and so does the ledger, without and with recovery.
  void ExpectOldOrNew(const View& old_view, const View& new_view, int old_rows, int new_rows,
                      bool* is_new) {
    const Table table = Open();
    const View now = ViewOfTable();
    // Without exchange there is an instant in which nothing is seen; recovery ends it.
    if (!(GetParam() && now.empty())) {
      ASSERT_TRUE(now == old_view || now == new_view);
      if (now == new_view) {
        ExpectLedgerMatches(table, "2026-03-02", new_rows, 2);
      } else if (!old_view.empty()) {
        ExpectLedgerMatches(table, "2026-03-02", old_rows, 1);
      }
    }
    PublishProbe probe;
    probe.without_exchange = GetParam();
    ASSERT_OK(table.Begin(MakeRunId(), probe).status());
    const View recovered = ViewOfTable();
    ASSERT_TRUE(recovered == old_view || recovered == new_view);
    *is_new = recovered == new_view;
    if (*is_new) {
      ExpectLedgerMatches(table, "2026-03-02", new_rows, 2);
    } else if (!old_view.empty()) {
      ExpectLedgerMatches(table, "2026-03-02", old_rows, 1);
    } else {
      ASSERT_OK_AND_ASSIGN(const auto entry, table.ledger().Read("2026-03-02"));
      EXPECT_FALSE(entry.has_value());
    }
    EXPECT_FALSE(std::filesystem::exists(StagingRoot(path_)));
    EXPECT_THAT(FilesLike("pending/2026-03-02.json"), IsEmpty());
    EXPECT_EQ(FilesLike(".parquet").size(), recovered.size());
  }
};

TEST_P(CrashTest, AfterEveryStepTheTableIsOldOrNew) {
  ASSERT_OK(Run(Open(), "2026-03-02", 20, 2).status());
  const View new_view = ViewOfTable();
  for (const bool had_old : {true, false}) {
    bool reached_end = false;
    int olds = 0;
    int news = 0;
    for (int step = 0; !reached_end; ++step) {
      std::filesystem::remove_all(path_);
      if (had_old) {
        ASSERT_OK(Run(Open(), "2026-03-02", 40, 1).status());
      }
      const View old_view = had_old ? ViewOfTable() : View();
      reached_end =
          !DiesIn([&] { static_cast<void>(Run(Open(), "2026-03-02", 20, 2, DyingAt(step))); });
      bool is_new = false;
      ExpectOldOrNew(old_view, new_view, 40, 20, &is_new);
      if (HasFatalFailure()) FAIL() << "died after step " << step;
      ++(is_new ? news : olds);
      // The next run goes through.
      ASSERT_OK(Run(Open(), "2026-03-02", 20, 2).status());
      EXPECT_EQ(ViewOfTable(), new_view);
    }
    EXPECT_GE(olds, 2);
    EXPECT_GE(news, 4);
  }
}

TEST_P(CrashTest, RecoveryMayDieAsWell) {
  ASSERT_OK(Run(Open(), "2026-03-02", 20, 2).status());
  const View new_view = ViewOfTable();
  for (int step = 1; step < 7; ++step) {
    for (int again = 0; again < 3; ++again) {
      std::filesystem::remove_all(path_);
      ASSERT_OK(Run(Open(), "2026-03-02", 40, 1).status());
      const View old_view = ViewOfTable();
      DiesIn([&] { static_cast<void>(Run(Open(), "2026-03-02", 20, 2, DyingAt(step))); });
      DiesIn([&] { static_cast<void>(Open().Begin("recovering", DyingAt(again))); });
      bool is_new = false;
      ExpectOldOrNew(old_view, new_view, 40, 20, &is_new);
      if (HasFatalFailure()) FAIL() << "died after steps " << step << " and " << again;
    }
  }
}

TEST_P(CrashTest, KilledAtAnyMoment) {
  ASSERT_OK(Run(Open(), "2026-03-02", 20'000, 2).status());
  const View new_view = ViewOfTable();
  std::filesystem::remove_all(path_);
  ASSERT_OK(Run(Open(), "2026-03-02", 15'000, 1).status());
  View old_view = ViewOfTable();
  for (int round = 0; round < 40; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      PublishProbe probe;
      probe.without_exchange = GetParam();
      for (int i = 0; i < 1000; ++i) {
        static_cast<void>(
            Run(Open(), "2026-03-02", i % 2 == 0 ? 20'000 : 15'000, i % 2 == 0 ? 2 : 1, probe));
      }
      _exit(0);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(5'000 + 1'777 * round));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    bool is_new = false;
    ExpectOldOrNew(old_view, new_view, 15'000, 20'000, &is_new);
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Exchange, CrashTest, testing::Bool(), [](const auto& instance) {
  return instance.param ? "TwoRenames" : "OneExchange";
});

TEST_F(TableTest, AFailedLedgerWriteTakesThePartitionBack) {
  ASSERT_OK(Run(Open(), "2026-03-02", 100, 1).status());
  const View before = ViewOfTable();
  for (const bool without_exchange : {false, true}) {
    PublishProbe probe;
    probe.without_exchange = without_exchange;
    const std::string entry = path_ + "/_tidemill/dates/2026-03-02.json";
    probe.after_step = [&](std::string_view step) {
      if (step != "exchanged") return;
      EXPECT_NE(ViewOfTable(), before);
      std::filesystem::rename(entry, entry + ".away");
      std::filesystem::create_directories(entry + "/in-the-way");
    };
    EXPECT_FALSE(Run(Open(), "2026-03-02", 10, 2, probe).ok());
    std::filesystem::remove_all(entry);
    std::filesystem::rename(entry + ".away", entry);
    EXPECT_EQ(ViewOfTable(), before);
    ExpectLedgerMatches(Open(), "2026-03-02", 100, 1);
    EXPECT_THAT(FilesLike("pending/2026-03-02.json"), IsEmpty());
  }
}

TEST_F(TableTest, ManyThreadsPublishDifferentDates) {
  const Table table = Open();
  ASSERT_OK_AND_ASSIGN(auto writer, table.Begin("run"));
  std::vector<std::thread> threads;
  std::vector<arrow::Status> statuses(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      statuses[static_cast<size_t>(i)] = [&]() -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(const DateLock lock, table.Lock(writer.get(), Slot{20'000 + i}));
        ARROW_ASSIGN_OR_RAISE(auto staged, writer->Stage(lock, Rows(100, i)->schema(), {}, {}));
        ARROW_RETURN_NOT_OK(staged->Write(Rows(100, i)));
        ARROW_RETURN_NOT_OK(staged->Close());
        return writer->Publish(lock, std::move(staged), {}).status();
      }();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const arrow::Status& status : statuses) EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(ViewOfTable().size(), 8U);
}

TEST(RunIdTest, SortsByTime) {
  const std::string first = MakeRunId();
  const std::string second = MakeRunId();
  EXPECT_LT(first, second);
  EXPECT_EQ(first.size(), 31U);
  EXPECT_EQ(FormatInstant(-1), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace tidemill
