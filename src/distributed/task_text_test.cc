#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distributed/hex_text.h"
#include "distributed/pass_task.h"
#include "distributed/task_result.h"
#include "tidemill/error.h"
#include "tidemill/tasks.h"
#include "tidemill/version.h"

namespace tidemill {
namespace {

using testing::HasSubstr;

PassDescription SomePass() {
  PassDescription pass;
  pass.version = kVersion;
  pass.file = "/somewhere/Ünïcode.yaml";
  pass.text = "pipeline: \"x\"\n# \t\n";
  pass.names = {{"A", "\"quoted\"\n"}, {"B", ""}};
  pass.dates = {-3, 20'000};
  pass.scope = PlanScope::kInputChecks;
  pass.source_version = 0;
  pass.fingerprint = "f";
  pass.work = "s3://bucket/table/_tidemill/work/1";
  pass.run_timestamp = 1'772'460'000'123'456;
  pass.memory = int64_t{1} << 40;
  return pass;
}

TEST(TaskText, AScanTaskComesBackAsItWas) {
  const auto back = TaskFromText(TaskToText({SomePass(), ScanTask{3, 17, 64}}));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(TextOf(back->pass), TextOf(SomePass()));
  EXPECT_EQ(back->pass.names, SomePass().names);
  EXPECT_EQ(back->pass.scope, PlanScope::kInputChecks);
  EXPECT_EQ(back->pass.source_version, 0);
  const auto& scan = std::get<ScanTask>(back->part);
  EXPECT_EQ(scan.begin, 3u);
  EXPECT_EQ(scan.end, 17u);
  EXPECT_EQ(scan.segments, 64);
}

TEST(TaskText, KeysAreAnyBytes) {
  const std::string first("\x00\xff\"\n", 4);
  const std::string end("\xfe", 1);
  WindowTask task{{first, end, false}, {{"b/t.arrow", 99, 2, 5}}, {true, false}};
  auto back = TaskFromText(TaskToText({SomePass(), task}));
  ASSERT_TRUE(back.ok()) << back.status();
  const auto& window = std::get<WindowTask>(back->part);
  EXPECT_EQ(window.keys.first, first);
  EXPECT_EQ(window.keys.end, end);
  EXPECT_FALSE(window.keys.is_last);
  EXPECT_EQ(window.wanted, task.wanted);
  ASSERT_EQ(window.tiles.size(), 1u);
  EXPECT_EQ(window.tiles[0].path, "b/t.arrow");
  EXPECT_EQ(window.tiles[0].bytes, 99);
  EXPECT_EQ(window.tiles[0].begin, 2u);
  EXPECT_EQ(window.tiles[0].end, 5u);
  task.keys = {"", "", true};
  back = TaskFromText(TaskToText({SomePass(), task}));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(std::get<WindowTask>(back->part).keys.is_last);
}

TEST(TaskText, WhatIsNoTaskOfThisVersionIsRefused) {
  for (const char* text : {"", "{}", "[1, 2]", "{\"pass\": {\"version\": 3}}"}) {
    const auto task = TaskFromText(text);
    EXPECT_EQ(CodeOf(task.status()), ErrorCode::kInvalid) << text;
    EXPECT_THAT(task.status().message(), HasSubstr("no task")) << text;
  }
  PassDescription other = SomePass();
  other.version = "0.0.9";
  const auto answer = RunTask(TaskToText({other, ScanTask{}}));
  ASSERT_TRUE(answer.ok()) << "another attempt is in vain";
  const auto scan = AnswerFromText<ScanAnswer>(*answer);
  EXPECT_EQ(CodeOf(scan.status()), ErrorCode::kInvalid);
  EXPECT_THAT(scan.status().message(), HasSubstr("Tidemill 0.0.9"));
}

TEST(TaskText, AnErrorKeepsItsCodeItsPlacesAndItsHints) {
  const arrow::Status error =
      MakeError(ErrorCode::kOutputCheckFailed, {{"first", "do this", {"a.yaml", 3, 7}, "  x: y"},
                                                {"second \xff", "", {"a.yaml", 9, 1}, ""}});
  const auto back = AnswerFromText<WindowAnswer>(AnswerToText(error)).status();
  EXPECT_EQ(CodeOf(back), ErrorCode::kOutputCheckFailed);
  const auto diagnostics = DiagnosticsOf(back);
  ASSERT_EQ(diagnostics.size(), 2u);
  EXPECT_EQ(diagnostics[0].message, "first");
  EXPECT_EQ(diagnostics[0].hint, "do this");
  EXPECT_EQ(diagnostics[0].position.file, "a.yaml");
  EXPECT_EQ(diagnostics[0].position.line, 3);
  EXPECT_EQ(diagnostics[0].position.column, 7);
  EXPECT_EQ(diagnostics[0].source_line, "  x: y");
  EXPECT_EQ(diagnostics[1].position.line, 9);
}

TEST(TaskText, AnswersComeBackAsTheyWere) {
  ScanAnswer scan;
  scan.counts.rows_read = 5;
  scan.counts.rows_filtered = 4;
  scan.counts.rows_without_entity = 3;
  scan.counts.rows_without_day = 2;
  scan.counts.rows_misplaced = 1;
  scan.counts.rows_of_slot = {5, 0};
  scan.metrics = "m";
  scan.spilled_bytes = 7;
  scan.tiles.emplace();
  scan.tiles->path = "t";
  scan.tiles->first_keys = {std::string("\x00", 1), "\x80k"};
  scan.tiles->num_rows = 11;
  scan.tiles->memory = 12;
  scan.tiles->bytes = 13;
  const auto scanned = AnswerFromText<ScanAnswer>(AnswerToText(scan));
  ASSERT_TRUE(scanned.ok()) << scanned.status();
  EXPECT_EQ(scanned->counts.rows_of_slot, scan.counts.rows_of_slot);
  EXPECT_EQ(scanned->counts.rows_misplaced, 1);
  EXPECT_EQ(scanned->tiles->first_keys, scan.tiles->first_keys);
  EXPECT_EQ(AnswerToText(*scanned), AnswerToText(scan));

  WindowAnswer window;
  window.features = {"f", {0, 2, 0}, 21, 22};
  window.entities = 23;
  window.failed.emplace_back(2, MakeError(ErrorCode::kRunFailed, "overflow"));
  const auto windowed = AnswerFromText<WindowAnswer>(AnswerToText(window));
  ASSERT_TRUE(windowed.ok()) << windowed.status();
  EXPECT_EQ(windowed->features.dates, window.features.dates);
  EXPECT_EQ(windowed->failed[0].second.message(), "overflow");
  EXPECT_EQ(AnswerToText(*windowed), AnswerToText(window));

  EXPECT_FALSE(AnswerFromText<WindowAnswer>(AnswerToText(scan)).ok());
  EXPECT_FALSE(AnswerFromText<ScanAnswer>("null").ok());
}

TEST(TaskText, HexadecimalDigitsAreChecked) {
  EXPECT_EQ(FromHex(ToHex("\x01\xab")).ValueOrDie(), "\x01\xab");
  for (const char* text : {"0", "0g", "0A", "abc"}) EXPECT_FALSE(FromHex(text).ok()) << text;
}

}  // namespace
}  // namespace tidemill
