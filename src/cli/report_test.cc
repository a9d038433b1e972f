#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/report_json.h"
#include "cli/report_text.h"

namespace tidemill {
namespace {

using testing::HasSubstr;
using testing::Not;

RunReport Sample() {
  RunReport report;
  report.run_id = "r1";
  report.pipeline = "user_engagement";
  report.feature_date = "2026-03-02";
  report.status = "done";
  report.rows_read = 620'000;
  report.rows_dropped = 1'240;
  report.entities = 4'891;
  report.features = 18;
  report.rows_written = 4'891;
  report.bytes_read = 9'400'000;
  report.bytes_written = 310'000;
  report.files_read = 31;
  report.days_read = 31;
  report.checks = {{"row_count > 0", "input", Severity::kError, true, "row_count = 620000", ""},
                   {"contains(event_type, 'refund')", "input", Severity::kWarn, false, "",
                    "'refund' is missing"},
                   {"max(x)\n  < 3", "output", Severity::kError, true, "max(x) = 2", ""}};
  report.files = {{"feature_date=2026-03-02/part-0.parquet", 4'891, 310'000, "0a1b"}};
  report.seconds = {{"scan", 0.21}, {"write", 0.04}, {"total", 0.31}};
  return report;
}

TEST(RenderRunReport, IsCompactAndAligned) {
  EXPECT_EQ(RenderRunReport(Sample(), {}),
            "user_engagement  2026-03-02  done  run r1\n"
            "  read      620,000 rows, 31 days, 31 files, 9.4 MB\n"
            "  dropped   1,240 rows without an entity\n"
            "  computed  4,891 entities, 18 features\n"
            "  checks    input   ok    row_count > 0                   row_count = 620000\n"
            "            input   WARN  contains(event_type, 'refund')  'refund' is missing\n"
            "            output  ok    max(x) < 3                      max(x) = 2\n"
            "  written   4,891 rows, 1 file, 310 kB\n"
            "  files     feature_date=2026-03-02/part-0.parquet  4,891 rows  310 kB\n"
            "  time      scan 0.21 s, write 0.04 s, total 0.31 s (2.0 M rows/s)\n");
}

TEST(RenderRunReport, SaysThatAFailureWroteNothing) {
  RunReport report = Sample();
  report.status = "failed";
  report.checks[2].passed = false;
  const std::string text = RenderRunReport(report, {});
  EXPECT_THAT(text, HasSubstr("output  FAIL  max(x) < 3"));
  EXPECT_THAT(text, HasSubstr("written   nothing; the table is as it was before"));
  EXPECT_THAT(text, Not(HasSubstr("part-0")));
}

TEST(RenderRunReport, LeavesOutWhatAnEarlyFailureDidNotReach) {
  RunReport report;
  report.pipeline = "p";
  report.feature_date = "2026-03-02";
  report.status = "failed";
  report.files_read = 20;
  report.features = 3;
  EXPECT_EQ(RenderRunReport(report, {}),
            "p  2026-03-02  failed\n"
            "  written   nothing; the table is as it was before\n");
}

TEST(RenderRunReport, ShowsMoreWhenVerbose) {
  RunReport report = Sample();
  report.files.resize(6, report.files[0]);
  EXPECT_THAT(RenderRunReport(report, {}), HasSubstr("            and 2 more\n"));
  const std::string text = RenderRunReport(report, {.has_colour = false, .verbose = true});
  EXPECT_THAT(text, HasSubstr("0a1b"));
  EXPECT_THAT(text, Not(HasSubstr("more\n")));
}

TEST(RenderRunReport, TellsWhenItSpilled) {
  RunReport report = Sample();
  EXPECT_THAT(RenderRunReport(report, {}), Not(HasSubstr("spilled")));
  report.spilled_bytes = 42'000'000;
  EXPECT_THAT(RenderRunReport(report, {}), HasSubstr("  spilled   42 MB to the scratch folder\n"));
}

TEST(RenderRunReport, HasColourOnlyWhenAsked) {
  EXPECT_THAT(RenderRunReport(Sample(), {}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(RenderRunReport(Sample(), {.has_colour = true, .verbose = false}),
              HasSubstr("\x1b[33;1mWARN\x1b[0m"));
}

TEST(ExplainCheck, NamesTheCheckAndWhatWasFound) {
  EXPECT_EQ(ExplainCheck({"null_rate(x) <= 0.01", "input", Severity::kError, false,
                          "null_rate(x) = 0.02", ""}),
            "input check failed: null_rate(x) <= 0.01 (null_rate(x) = 0.02)");
  EXPECT_EQ(ExplainCheck({"a = 1", "output", Severity::kError, false, "a = NULL", "it is NULL"}),
            "output check failed: a = 1 (a = NULL; it is NULL)");
  EXPECT_EQ(ExplainCheck({"a = 1", "output", Severity::kError, false, "", ""}),
            "output check failed: a = 1");
}

TEST(RenderPlanReport, TellsWhatWouldBeDone) {
  PlanReport report;
  report.pipeline = "p";
  report.source = "/data/events";
  report.output = "/data/features";
  report.first_day = "2026-01-31";
  report.last_day = "2026-03-03";
  report.days_read = 31;
  report.files_read = 31;
  report.files_pruned = 2;
  report.row_groups_read = 124;
  report.rows_read = 620'000;
  report.bytes_read = 9'400'000;
  report.memory_bytes = 120'000'000;
  report.passes = 1;
  report.rows_expected = 1'000;
  report.files_expected = 2;
  report.columns = {"user_id", "value"};
  report.dates = {{"2026-03-01", "done", "", false},
                  {"2026-03-02", "missing", ""},
                  {"2026-03-03", "stale", "2026-02-01 changed"}};
  EXPECT_EQ(RenderPlanReport(report, {}),
            "plan of p\n"
            "  source    /data/events\n"
            "  output    /data/features\n"
            "  days      2026-01-31 .. 2026-03-03, of which 31 in the source\n"
            "  read      620,000 rows, 31 files (2 skipped), 124 row groups, 9.4 MB, one pass\n"
            "  columns   user_id, value\n"
            "  write     about 1,000 rows, 2 files\n"
            "  memory    about 120 MB\n"
            "  dates     2026-03-01  done  (left out)\n"
            "            2026-03-02  missing\n"
            "            2026-03-03  stale  2026-02-01 changed\n");
}

TEST(RunReportJson, HasTheFieldsThatScriptsReadAndNoErrorIfDone) {
  const Json json = ToJson(Sample());
  EXPECT_EQ(json["run_id"], "r1");
  EXPECT_EQ(json["feature_date"], "2026-03-02");
  EXPECT_EQ(json["status"], "done");
  EXPECT_EQ(json["rows_read"], 620'000);
  EXPECT_EQ(json["rows_written"], 4'891);
  EXPECT_EQ(json["checks"][1], Json::parse(R"json({
    "check": "contains(event_type, 'refund')", "stage": "input", "severity": "warn",
    "passed": false, "value": "", "reason": "'refund' is missing"})json"));
  EXPECT_EQ(json["files"][0]["hash"], "0a1b");
  EXPECT_EQ(json["seconds"]["total"], 0.31);
  EXPECT_TRUE(json["warnings"].is_array());
  EXPECT_FALSE(json.contains("error"));
}

TEST(ErrorJson, CarriesCodeAndPlaces) {
  const arrow::Status status = MakeError(
      ErrorCode::kInvalid,
      std::vector<Diagnostic>{{"unknown key 'x'", "did you mean 'y'?", {"p.yaml", 3, 5}, "x: 1"},
                              {"empty", "", {"p.yaml", 9, 0}, ""}});
  EXPECT_EQ(ErrorJson(status), Json::parse(R"json({
    "code": 2, "kind": "invalid", "message": "unknown key 'x' (and 1 more)",
    "diagnostics": [
      {"message": "unknown key 'x'", "hint": "did you mean 'y'?", "file": "p.yaml", "line": 3,
       "column": 5},
      {"message": "empty", "file": "p.yaml", "line": 9}]})json"));
  EXPECT_EQ(ErrorJson(arrow::Status::IOError("disk"))["code"], 1);
  RunReport failed = Sample();
  failed.outcome = MakeError(ErrorCode::kOutputCheckFailed, "no");
  EXPECT_EQ(ToJson(failed)["error"]["kind"], "output_check_failed");
}

TEST(Dump, RepairsTextThatIsNotUtf8) {
  EXPECT_EQ(Dump({{"a", "\xFF"}}), "{\n  \"a\": \"\xEF\xBF\xBD\"\n}\n");
}

}  // namespace
}  // namespace tidemill
