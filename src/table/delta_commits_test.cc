#include "table/delta_commits.h"

#include <functional>
#include <map>
#include <thread>

#include <gmock/gmock.h>

#include "storage/test_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::HasSubstr;
using Verdict = DeltaCommits::Verdict;

PartitionValues Date(const std::string& date) { return {{"feature_date", date}}; }

std::string Add(const std::string& date, bool data_change = true) {
  return AddAction({"feature_date=" + date + "/part-0.parquet", Date(date), 1, 1, "", data_change});
}

std::string Lines(const std::string& attempt, const std::string& actions) {
  return CommitInfoAction({"WRITE", "{}", attempt, 1, ""}) + actions;
}

/// The small files of a table in memory. `before_create` runs before each creation, as another
/// writer would; `lose_answers` creations succeed and say that they failed.
class MemoryFiles : public TableFiles {
 public:
  arrow::Result<std::optional<Content>> Read(const std::string& path) const override {
    const auto at = files.find(path);
    if (at == files.end()) return std::nullopt;
    return Content{at->second, ""};
  }
  arrow::Result<std::vector<std::string>> NamesIn(const std::string&) const override {
    return std::vector<std::string>();
  }
  arrow::Status Replace(const std::string& path, std::string_view content) override {
    files[path] = content;
    return arrow::Status::OK();
  }
  arrow::Result<bool> Create(const std::string& path, std::string_view content) override {
    if (before_create) std::exchange(before_create, nullptr)();
    if (refusals > 0) {
      --refusals;
      return false;
    }
    const bool is_new = files.try_emplace(path, content).second;
    if (is_new && lose_answers > 0) {
      --lose_answers;
      if (as_failure) return arrow::Status::IOError("no answer");
      return false;
    }
    return is_new;
  }
  arrow::Result<bool> ReplaceIf(const std::string&, std::string_view, const std::string&) override {
    return arrow::Status::NotImplemented("");
  }
  arrow::Status Remove(const std::string& path) override {
    files.erase(path);
    return arrow::Status::OK();
  }
  arrow::Status Place(const std::string&, const std::string&, int64_t) override {
    return arrow::Status::OK();
  }

  std::map<std::string, std::string> files;
  std::function<void()> before_create;
  int lose_answers = 0;
  int refusals = 0;  ///< creations that are refused although nothing is there
  bool as_failure = false;
};

class DeltaCommitsTest : public testing::Test {
 protected:
  arrow::Result<std::optional<int64_t>> Commit(const std::string& date,
                                               const std::string& attempt = "mine") {
    return commits_.Commit(0, Date(date), attempt, Lines(attempt, Add(date)));
  }
  void Other(int64_t version, const std::string& actions) {
    files_->files[DeltaCommitPath(version)] = Lines("other", actions);
  }

  std::shared_ptr<MemoryFiles> files_ = std::make_shared<MemoryFiles>();
  DeltaCommits commits_{files_, "table"};
};

TEST_F(DeltaCommitsTest, TakesTheNextVersion) {
  ASSERT_OK_AND_ASSIGN(const auto version, Commit("2026-03-02"));
  EXPECT_EQ(version, 1);
  EXPECT_TRUE(files_->files.contains("_delta_log/00000000000000000001.json"));
}

TEST_F(DeltaCommitsTest, OtherDatesDoNotConflict) {
  Other(1, Add("2026-03-01"));
  Other(2, Add("2026-03-03"));
  ASSERT_OK_AND_ASSIGN(const auto version, Commit("2026-03-02"));
  EXPECT_EQ(version, 3);
}

TEST_F(DeltaCommitsTest, TheSameDateConflictsEvenWithoutACommonFile) {
  Other(1, Add("2026-03-02"));
  const auto version = Commit("2026-03-02");
  EXPECT_EQ(CodeOf(version.status()), ErrorCode::kConflict);
  EXPECT_THAT(version.status().message(), HasSubstr("2026-03-02"));
  EXPECT_FALSE(files_->files.contains(DeltaCommitPath(2)));
}

TEST_F(DeltaCommitsTest, ARemovalConflictsAsAnAdditionDoes) {
  DeltaFile file;
  file.path = "feature_date=2026-03-02/x.parquet";
  file.partition_values = R"({"feature_date":"2026-03-02"})";
  Other(1, RemoveAction(file, 1, true));
  EXPECT_EQ(CodeOf(Commit("2026-03-02").status()), ErrorCode::kConflict);
}

TEST_F(DeltaCommitsTest, ARemovalThatDoesNotSayWhereConflicts) {
  Other(1, R"({"remove":{"path":"x.parquet","dataChange":true}})"
           "\n");
  EXPECT_EQ(CodeOf(Commit("2026-03-02").status()), ErrorCode::kConflict);
}

TEST_F(DeltaCommitsTest, CompactionOfTheDateAsksForANewPlan) {
  Other(1, Add("2026-03-02", /*data_change=*/false));
  ASSERT_OK_AND_ASSIGN(const auto version, Commit("2026-03-02"));
  EXPECT_FALSE(version.has_value());
}

TEST_F(DeltaCommitsTest, ANewSchemaAsksForANewPlan) {
  Other(1, NewMetadataAction("{}", {"feature_date"}, 1));
  ASSERT_OK_AND_ASSIGN(const auto version, Commit("2026-03-02"));
  EXPECT_FALSE(version.has_value());
}

TEST_F(DeltaCommitsTest, ALostAnswerIsRecognised) {
  for (const bool as_failure : {false, true}) {
    files_->files.clear();
    files_->lose_answers = 1;
    files_->as_failure = as_failure;
    DeltaCommits commits(files_, "table");
    ASSERT_OK_AND_ASSIGN(const auto version, commits.Commit(0, Date("2026-03-02"), "mine",
                                                            Lines("mine", Add("2026-03-02"))));
    EXPECT_EQ(version, 1);
    EXPECT_EQ(files_->files.size(), 1U);
  }
}

TEST_F(DeltaCommitsTest, ARefusalWithoutAWinnerIsTriedAgain) {
  files_->refusals = 3;
  ASSERT_OK_AND_ASSIGN(const auto version, Commit("2026-03-02"));
  EXPECT_EQ(version, 1);
}

TEST_F(DeltaCommitsTest, NullsOfOtherWritersMeanNothing) {
  files_->files[DeltaCommitPath(1)] =
      R"({"commitInfo":{"txnId":null,"operation":null},"remove":null,"metaData":null,"add":null})"
      "\n" +
      Add("2026-03-01");
  ASSERT_OK_AND_ASSIGN(const auto version, Commit("2026-03-02"));
  EXPECT_EQ(version, 2);
}

TEST_F(DeltaCommitsTest, SeesWhoComesInBetween) {
  files_->before_create = [&] { Other(1, Add("2026-03-02")); };
  EXPECT_EQ(CodeOf(Commit("2026-03-02").status()), ErrorCode::kConflict);
}

TEST_F(DeltaCommitsTest, JudgesAStretchOfTheLog) {
  Other(1, Add("2026-03-01"));
  Other(2, Add("2026-03-02", false));
  Other(3, Add("2026-03-03"));
  EXPECT_EQ(commits_.Judge(0, 1, Date("2026-03-02")).ValueOrDie(), Verdict::kStands);
  EXPECT_EQ(commits_.Judge(0, 3, Date("2026-03-02")).ValueOrDie(), Verdict::kReplan);
  EXPECT_EQ(commits_.Judge(0, 3, Date("2026-03-03")).ValueOrDie(), Verdict::kConflict);
  EXPECT_EQ(commits_.Judge(3, 9, Date("2026-03-03")).ValueOrDie(), Verdict::kStands);
}

TEST_F(DeltaCommitsTest, PartitionsBelowTheDateBelongToIt) {
  EXPECT_TRUE(LiesIn({{"feature_date", "2026-03-02"}, {"country", "de"}}, Date("2026-03-02")));
  EXPECT_FALSE(LiesIn({{"feature_date", "2026-03-01"}, {"country", "de"}}, Date("2026-03-02")));
  EXPECT_FALSE(LiesIn({{"feature_date", std::nullopt}}, Date("2026-03-02")));
  EXPECT_FALSE(LiesIn({}, Date("2026-03-02")));
}

TEST(DeltaActionsTest, PathsTellPartitionValues) {
  const PartitionValues values = PartitionValuesOf(
      "feature_date=2026-03-02/country=a%2Fb/plan=__HIVE_DEFAULT_PARTITION__/part-0.parquet");
  EXPECT_EQ(values.at("feature_date"), "2026-03-02");
  EXPECT_EQ(values.at("country"), "a/b");
  EXPECT_EQ(values.at("plan"), std::nullopt);
}

TEST(DeltaActionsTest, PathsAreEncodedOnceMore) {
  EXPECT_THAT(AddAction({"country=a%2Fb/part 0.parquet", {}, 1, 1, "", true}),
              HasSubstr(R"("path":"country=a%252Fb/part%200.parquet")"));
}

}  // namespace
}  // namespace tidemill
