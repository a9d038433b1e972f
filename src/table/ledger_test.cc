#include "table/ledger.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>

#include "storage/test_files.h"
#include "table/ledger_json.h"
#include "table/staleness.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

LedgerEntry FullEntry() {
  LedgerEntry entry;
  entry.feature_date = "2026-03-02";
  entry.last_attempt = Attempt{"run-2", "failed", "because: \"x\"\n", 1'772'460'000'123'456};
  PublishedState& state = entry.published.emplace();
  state.run_id = "run-1";
  state.status = "done";
  state.definition_hash = "abc";
  state.features = {{"z", "1"}, {"a", "2"}};
  state.partition = "feature_date=2026-03-02";
  state.inputs = {
      {std::nullopt, {{"x.parquet", 1, 2, "vector@1"}}},
      {20'514,
       {{"d=1/a.parquet", 10, 1'772'460'000'123'456'789, ""}, {"d=1/b.parquet", 20, 3, ""}}}};
  state.input_version = 12;
  state.transaction = 1'772'460'000'123'456;
  state.rows_read = 5;
  state.rows_dropped = 1;
  state.rows_filtered = 2;
  state.rows_written = 3;
  state.checks = {{"row_count > 0", "output", Severity::kWarn, true, "row_count = 3", ""}};
  state.files = {{"feature_date=2026-03-02/part-00000.parquet", 3, 1000, "ff"}};
  state.published_at = 1'772'460'000'123'456;
  return entry;
}

TEST(LedgerJsonTest, KeepsEverything) {
  LedgerEntry entry = FullEntry();
  const std::vector<std::shared_ptr<arrow::Scalar>> values = {
      arrow::MakeScalar(int64_t{-7}),
      arrow::MakeScalar(uint64_t{18446744073709551615u}),
      arrow::MakeScalar(0.1),
      arrow::MakeScalar(-INFINITY),
      arrow::MakeScalar(static_cast<double>(NAN)),
      arrow::MakeScalar(0.1f),
      arrow::MakeScalar(true),
      arrow::MakeScalar("text ä"),
      arrow::MakeNullScalar(arrow::float64()),
      arrow::MakeNullScalar(arrow::null()),
      arrow::MakeScalar(arrow::date32(), int32_t{-1}).ValueOrDie(),
      arrow::MakeScalar(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), int64_t{-1}).ValueOrDie(),
      arrow::MakeScalar(arrow::timestamp(arrow::TimeUnit::NANO), int64_t{1} << 60).ValueOrDie(),
      arrow::MakeScalar(arrow::time64(arrow::TimeUnit::MICRO), int64_t{5}).ValueOrDie(),
      std::make_shared<arrow::Decimal128Scalar>(
          arrow::Decimal128("-123456789012345678901234567890.12"), arrow::decimal128(38, 2)),
      arrow::MakeScalar(int8_t{-3}),
      arrow::MakeScalar(uint32_t{4294967295u}),
  };
  for (size_t i = 0; i < values.size(); ++i)
    entry.published->metrics.emplace_back("m" + std::to_string(i), values[i]);
  ASSERT_OK_AND_ASSIGN(const LedgerEntry read, EntryFromJson(EntryToJson(entry), "f"));
  EXPECT_EQ(EntryToJson(read), EntryToJson(entry));
  EXPECT_EQ(read.published->inputs, entry.published->inputs);
  EXPECT_EQ(read.published->published_at, entry.published->published_at);
  EXPECT_EQ(read.published->features, entry.published->features);
  EXPECT_EQ(read.last_attempt->reason, entry.last_attempt->reason);
  ASSERT_EQ(read.published->metrics.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_TRUE(read.published->metrics[i].second->Equals(*values[i],
                                                          arrow::EqualOptions().nans_equal(true)))
        << values[i]->ToString() << " " << values[i]->type->ToString();
  }

  const PublishIntent intent = {"run-1",         "run-1/date", 18446744073709551615u,
                                "host/boot/1/1", "app",        entry};
  ASSERT_OK_AND_ASSIGN(const PublishIntent read_intent, IntentFromJson(IntentToJson(intent), "f"));
  EXPECT_EQ(IntentToJson(read_intent), IntentToJson(intent));

  RunRecord run;
  run.run_id = "r";
  run.status = "done";
  run.dates = {{"2026-03-02", "done", "", 7}};
  run.warnings = {"w"};
  run.seconds = {{"scan", 0.25}, {"total", 1.5}};
  ASSERT_OK_AND_ASSIGN(const RunRecord read_run, RunFromJson(RunToJson(run), "f"));
  EXPECT_EQ(RunToJson(read_run), RunToJson(run));
}

class LedgerTest : public FolderTest {
 protected:
  void Put(const std::string& date, const std::string& text) {
    std::filesystem::create_directories(Path("_tidemill/dates"));
    std::ofstream(Path(Ledger::EntryPath(date))) << text;
  }
  Ledger Open() const { return Ledger(MakeLocalTableFiles(folder_, {})); }
};

TEST_F(LedgerTest, IgnoresUnknownFieldsAndRefusesNewerFormats) {
  std::string text = EntryToJson(FullEntry());
  text.insert(1, "\"something\": {\"new\": [1]},");
  Put("2026-03-02", text);
  ASSERT_OK_AND_ASSIGN(const auto entry, Open().Read("2026-03-02"));
  EXPECT_EQ(entry->published->rows_written, 3);

  text.replace(text.find("\"format\": 1"), 11, "\"format\": 2");
  Put("2026-03-02", text);
  const auto newer = Open().Read("2026-03-02");
  ASSERT_FALSE(newer.ok());
  EXPECT_THAT(newer.status().ToString(), HasSubstr("newer"));
}

TEST_F(LedgerTest, NamesADamagedFile) {
  const std::string whole = EntryToJson(FullEntry());
  for (const std::string& text :
       {std::string(), std::string("{}"), whole.substr(0, whole.size() / 2), std::string("[1]"),
        std::string("{\"format\": \"x\"}"), std::string("\xff\xfe")}) {
    Put("2026-03-02", text);
    const auto read = Open().Read("2026-03-02");
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(CodeOf(read.status()), ErrorCode::kRunFailed);
    EXPECT_THAT(read.status().ToString(), HasSubstr("_tidemill/dates/2026-03-02.json"));
    EXPECT_FALSE(Open().ReadAll("", "").ok());
  }
}

TEST_F(LedgerTest, ReadsRanges) {
  for (const char* date : {"2026-03-01", "2026-03-02", "2026-03-05"}) {
    LedgerEntry entry = FullEntry();
    entry.feature_date = date;
    if (entry.feature_date == "2026-03-02") entry.published.reset();
    Put(date, EntryToJson(entry));
  }
  const Ledger ledger = Open();
  const auto dates = [&](const std::string& first, const std::string& last) {
    std::vector<std::string> found;
    for (const LedgerEntry& entry : ledger.ReadAll(first, last).ValueOrDie())
      found.push_back(entry.feature_date);
    return found;
  };
  EXPECT_THAT(dates("", ""), ElementsAre("2026-03-01", "2026-03-02", "2026-03-05"));
  EXPECT_THAT(dates("2026-03-02", "2026-03-04"), ElementsAre("2026-03-02"));
  EXPECT_EQ((*ledger.LastPublishedBefore("2026-03-05"))->feature_date, "2026-03-01");
  EXPECT_FALSE(ledger.LastPublishedBefore("2026-03-01")->has_value());
}

std::vector<std::string> Texts(const std::vector<DayChange>& changes) {
  std::vector<std::string> texts;
  for (const DayChange& change : changes) texts.push_back(change.ToString());
  return texts;
}

TEST(StalenessTest, TellsWhichDaysChanged) {
  const std::vector<InputDay> recorded = {{20'510, {{"a", 1, 1}}},
                                          {20'511, {{"b", 1, 1}, {"c", 1, 1}}},
                                          {20'513, {{"d", 1, 1}}},
                                          {20'514, {{"e", 1, 1}}}};
  EXPECT_THAT(Texts(ChangedDays(recorded, recorded)), ElementsAre());
  const std::vector<InputDay> current = {{20'511, {{"b", 2, 1}, {"c", 1, 1}, {"late", 1, 9}}},
                                         {20'512, {{"x", 1, 1}}},
                                         {20'513, {{"d", 1, 2}}},
                                         {20'514, {{"e", 1, 1}}}};
  EXPECT_THAT(Texts(ChangedDays(recorded, current)),
              ElementsAre("2026-02-26: 1 file removed (a)",
                          "2026-02-27: 1 file added, 1 file rewritten (b)",
                          "2026-02-28: 1 file added (x)", "2026-03-01: 1 file rewritten (d)"));
  const std::vector<InputDay> undated = {{std::nullopt, {{"u", 1, 1}}}};
  EXPECT_THAT(Texts(ChangedDays(undated, {})), ElementsAre("files of any day: 1 file removed (u)"));
}

TEST(StalenessTest, GroupsFilesByDay) {
  const DataFile a = {"/r/a", "a", 1, 10, {}};
  const DataFile b = {"/r/b\xff", "b\xff", 2, 20, {}};
  const auto days = FingerprintOf({{20'514, &b}, {std::nullopt, &a}, {20'514, &a}});
  const std::vector<InputDay> expected = {{std::nullopt, {{"a", 1, 10}}},
                                          {20'514, {{"a", 1, 10}, {"b\\xff", 2, 20}}}};
  EXPECT_EQ(days, expected);
}

}  // namespace
}  // namespace tidemill
