#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/pipeline_file_names.h"
#include "pipeline/pipeline_file_yaml.h"
#include "tidemill/pipeline.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kBadFiles = fs::path(TIDEMILL_SOURCE_DIR) / "tests/cases/bad_files";

/// A sound file: `top` goes to the end, `features` is the section's content.
std::string Sound(const std::string& features = "  n: count(*)\n", const std::string& top = "") {
  return "pipeline: p\nsource: {path: data, day: event_date, event_time: ts}\nentity: user_id\n"
         "window: 31d\noutput: {path: out}\nfeatures:\n" +
         features + top;
}

Pipeline Parse(const std::string& text, const NameValues& names = {}) {
  auto pipeline = ParsePipeline(text, "dir/p.yaml", names);
  if (!pipeline.ok()) {
    ADD_FAILURE() << RenderDiagnostics(DiagnosticsOf(pipeline.status()));
    return {};
  }
  return *pipeline;
}

std::vector<Diagnostic> FaultsOf(const std::string& text, const NameValues& names = {}) {
  auto pipeline = ParsePipeline(text, "dir/p.yaml", names);
  EXPECT_FALSE(pipeline.ok()) << text;
  if (pipeline.ok()) return {};
  EXPECT_EQ(CodeOf(pipeline.status()), ErrorCode::kInvalid);
  return DiagnosticsOf(pipeline.status());
}

std::string At(const SourcePosition& position) {
  return fmt::format("{}:{}", position.line, position.column);
}

// ---- files with faults

struct ExpectedFault {
  std::string at, message, hint;
};

class BadFile : public testing::TestWithParam<fs::path> {};

TEST_P(BadFile, HasExactlyTheFaultsThatItLists) {
  std::ifstream stream(GetParam());
  std::string text((std::istreambuf_iterator<char>(stream)), {});
  std::vector<ExpectedFault> expected;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line.rfind("# ", 0) == 0;) {
    const size_t space = line.find(' ', 2), bar = line.rfind(" | ");
    expected.push_back({line.substr(2, space - 2), line.substr(space + 1, bar - space - 1),
                        bar == std::string::npos ? "" : line.substr(bar + 3)});
  }
  const std::vector<Diagnostic> faults = FaultsOf(text);
  const std::string shown = RenderDiagnostics(faults);
  EXPECT_EQ(faults.size(), expected.size()) << shown;
  for (const ExpectedFault& want : expected) {
    const bool found = std::any_of(faults.begin(), faults.end(), [&](const Diagnostic& fault) {
      return At(fault.position) == want.at &&
             fault.message.find(want.message) != std::string::npos &&
             fault.hint.find(want.hint) != std::string::npos;
    });
    EXPECT_TRUE(found) << "no fault " << want.at << " " << want.message << " | " << want.hint
                       << " in\n"
                       << shown;
  }
}

std::vector<fs::path> BadFiles() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kBadFiles)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Cases, BadFile, testing::ValuesIn(BadFiles()),
                         [](const auto& bad_file) { return bad_file.param.stem().string(); });

// ---- text that no editor would save beside the others

TEST(PipelineText, EmptyFilesSaySo) {
  for (const std::string text : {"", "\n\n", "# only a comment\n", "---\n", "\xEF\xBB\xBF", "~"}) {
    EXPECT_THAT(FaultsOf(text).front().message, HasSubstr("the file is empty")) << text;
  }
}

TEST(PipelineText, RefusesWhatIsNotUtf8) {
  const auto faults = FaultsOf("pipeline: p\ndescription: caf\xE9\n");
  EXPECT_THAT(faults.front().message, HasSubstr("not UTF-8"));
  EXPECT_EQ(At(faults.front().position), "2:17");
  for (const std::string text :
       {"a: \xC0\xAF", "a: \xED\xA0\x80", "a: \xF5\x80\x80\x80", "\xFF\xFEp", "a: \xE2\x82"}) {
    EXPECT_THAT(FaultsOf(text).front().message, HasSubstr("not UTF-8"));
  }
  EXPECT_THAT(FaultsOf(std::string("a: b\0c", 6)).front().message, HasSubstr("control character"));
  EXPECT_THAT(FaultsOf("a: b\x04\nc: d").front().message, HasSubstr("control character"));
}

TEST(PipelineText, TakesByteOrderMarkAndForeignLineEnds) {
  const std::string plain = Sound("  n: |\n    count(*)\n      + 1\n  m: sum(x)\n");
  const Pipeline expected = Parse(plain);
  std::string crlf = "\xEF\xBB\xBF", cr;
  for (const char c : plain) {
    crlf += c == '\n' ? "\r\n" : std::string(1, c);
    cr += c == '\n' ? '\r' : c;
  }
  for (const std::string& text : {crlf, cr}) {
    const Pipeline pipeline = Parse(text);
    ASSERT_EQ(pipeline.features.size(), 2u);
    EXPECT_EQ(pipeline.features[0].expr.text, "count(*)\n  + 1");
    EXPECT_EQ(At(pipeline.features[0].expr.position), At(expected.features[0].expr.position));
    EXPECT_EQ(At(pipeline.features[1].expr.position), "10:6");
    EXPECT_EQ(pipeline.file_lines, expected.file_lines);
  }
}

TEST(PipelineText, ShowsTheLine) {
  const std::string shown =
      RenderDiagnostics(FaultsOf(Sound("  n: {expr: count(*), windw: 7d}\n")));
  EXPECT_EQ(shown,
            "dir/p.yaml:7:23: error: unknown key 'windw' in feature 'n'\n"
            "    n: {expr: count(*), windw: 7d}\n"
            "                        ^\n"
            "  hint: did you mean 'window'?\n");
}

TEST(PipelineText, DeepNestingIsAnErrorNotACrash) {
  std::string text = "a: ";
  for (int i = 0; i < 100'000; ++i) text += '[';
  EXPECT_FALSE(ParsePipeline(text, "p.yaml").ok());
}

TEST(LoadPipeline, NamesFilesThatCannotBeRead) {
  const fs::path folder = fs::path(testing::TempDir()) / "pipeline_file_test";
  fs::create_directories(folder);
  std::ofstream(folder / "engagement.yaml") << Sound();
  auto missing = LoadPipeline((folder / "engagment.yaml").string()).status();
  EXPECT_EQ(CodeOf(missing), ErrorCode::kInvalid);
  EXPECT_THAT(missing.message(), HasSubstr("there is no such file"));
  EXPECT_THAT(DiagnosticsOf(missing).front().hint, HasSubstr("engagement.yaml"));
  auto directory = LoadPipeline(folder.string()).status();
  EXPECT_EQ(CodeOf(directory), ErrorCode::kInvalid);
  EXPECT_THAT(directory.message(), HasSubstr("it is a directory"));
  EXPECT_EQ(CodeOf(LoadPipeline("").status()), ErrorCode::kInvalid);
  EXPECT_EQ(CodeOf(LoadPipeline((folder / "engagement.yaml" / "x").string()).status()),
            ErrorCode::kInvalid);
  auto loaded = LoadPipeline((folder / "engagement.yaml").string());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->Resolve("../data"), (folder.parent_path() / "data").string());
}

// ---- sound files

TEST(ParsePipeline, ReadsTheWholeFormat) {
  const Pipeline p = Parse(R"(
pipeline: user_engagement
description: 30-day engagement
source:
  path: ../data/events
  format: parquet
  day: event_date
  event_time: timestamp
  timezone: Europe/Berlin
  where: "event_type <> 'heartbeat'"
  columns: {spend: "price * quantity", 'unit price': price}
grain: day
entity: [user_id, "home country"]
null_entity: keep
window: 31d
checks:
  input:
    - row_count > 0
    - check: contains(event_type, 'page_view', 'click')
      severity: warn
  output: [null_count(user_id) = 0]
features:
  total: count(*)
  clicks:
    expr: count(*) filter (where event_type = 'click')
    windows: [1d, 7d]
    default: 0
    description: clicks
  plan: {expr: first(plan), window: 3d, default: 'it''s none'}
output:
  path: ../data/features
  format: parquet
  partition_by: [year, month, day, "home country", bucket(16, user_id)]
  mode: overwrite
  file_size: 64MB
  max_rows_per_file: 1000000
  compression: snappy
)");
  EXPECT_EQ(p.name, "user_engagement");
  EXPECT_EQ(p.description, "30-day engagement");
  EXPECT_EQ(p.source.path.text, "../data/events");
  EXPECT_EQ(p.source.format, "parquet");
  EXPECT_EQ(p.source.timezone, "Europe/Berlin");
  EXPECT_EQ(p.source.where->text, "event_type <> 'heartbeat'");
  EXPECT_EQ(At(p.source.where->position), "10:11");
  ASSERT_EQ(p.source.columns.size(), 2u);
  EXPECT_EQ(p.source.columns[1].first.text, "unit price");
  EXPECT_EQ(At(p.source.columns[0].second.position), "11:21");
  EXPECT_EQ(p.entity[1].text, "home country");
  EXPECT_EQ(p.null_entity, NullEntity::kKeep);
  EXPECT_EQ(p.window->ToString(), "31d");
  ASSERT_EQ(p.input_checks.size(), 2u);
  EXPECT_EQ(p.input_checks[0].severity, Severity::kError);
  EXPECT_EQ(p.input_checks[1].severity, Severity::kWarn);
  EXPECT_EQ(At(p.input_checks[1].check.position), "19:14");
  EXPECT_EQ(p.output_checks[0].check.text, "null_count(user_id) = 0");
  std::vector<std::string> names;
  for (const auto& feature : p.features) names.push_back(feature.name.text);
  EXPECT_THAT(names, ElementsAre("total", "clicks_1d", "clicks_7d", "plan"));
  EXPECT_FALSE(p.features[0].window);
  EXPECT_EQ(p.features[2].window->count, 7);
  EXPECT_EQ(p.features[1].default_value->text, "0");
  EXPECT_EQ(p.features[3].default_value->text, "'it''s none'");
  EXPECT_EQ(At(p.features[3].default_value->position), "29:50");
  ASSERT_EQ(p.output.partition_by.size(), 5u);
  EXPECT_EQ(p.output.partition_by[2].kind, PartitionTerm::Kind::kDay);
  EXPECT_EQ(p.output.partition_by[3].column.text, "home country");
  EXPECT_EQ(p.output.partition_by[4].kind, PartitionTerm::Kind::kBucket);
  EXPECT_EQ(p.output.partition_by[4].buckets, 16);
  EXPECT_EQ(p.output.partition_by[4].column.text, "user_id");
  EXPECT_EQ(p.output.file_size, 64'000'000);
  EXPECT_EQ(p.output.max_rows_per_file, 1'000'000);
  EXPECT_EQ(p.output.compression, "snappy");
  EXPECT_EQ(p.Resolve(p.source.path.text), "data/events");
  EXPECT_EQ(p.Resolve("/abs/x"), "/abs/x");
  EXPECT_EQ(p.Resolve("file:///abs/x"), "file:///abs/x");
}

TEST(ParsePipeline, HasDefaults) {
  const Pipeline p = Parse(Sound());
  EXPECT_EQ(p.source.timezone, "UTC");
  EXPECT_EQ(p.null_entity, NullEntity::kDrop);
  ASSERT_EQ(p.output.partition_by.size(), 1u);
  EXPECT_EQ(p.output.partition_by[0].kind, PartitionTerm::Kind::kFeatureDate);
  EXPECT_EQ(p.output.compression, "zstd");
  EXPECT_EQ(p.output.max_rows_per_file, 0);
}

TEST(ParsePipeline, EmptyOptionalSectionsAreNone) {
  const Pipeline p =
      Parse(Sound("  n: count(*)\n", "description:\nchecks:\n  input:\n  output: []\n"));
  EXPECT_TRUE(p.input_checks.empty());
  EXPECT_TRUE(Parse(Sound("  n: count(*)\n", "checks:\n")).output_checks.empty());
}

TEST(ParsePipeline, WindowMayStandWithTheFeatures) {
  std::string text = Sound("  n: {expr: count(*), window: 7d}\n");
  text.erase(text.find("window: 31d\n"), 12);
  EXPECT_FALSE(Parse(text).window);
}

TEST(ParsePipeline, DefaultsKeepTheirSpelling) {
  const auto default_of = [](const std::string& yaml) {
    const Pipeline p = Parse(Sound("  n: {expr: sum(x), default: " + yaml + "}\n"));
    return p.features.empty() || !p.features[0].default_value ? "none"
                                                              : p.features[0].default_value->text;
  };
  EXPECT_EQ(default_of("0"), "0");
  EXPECT_EQ(default_of("0.50"), "0.50");
  EXPECT_EQ(default_of("-1"), "-1");
  EXPECT_EQ(default_of("true"), "true");
  EXPECT_EQ(default_of("none"), "none");
  EXPECT_EQ(default_of("'none'"), "'none'");
  EXPECT_EQ(default_of("\"a'b\""), "'a''b'");
  EXPECT_EQ(default_of("''"), "''");
  EXPECT_EQ(default_of("null"), "none");
}

TEST(ParsePipeline, PositionsAreThoseOfTheText) {
  const Pipeline p =
      Parse(Sound("  plain: count(*)\n"
                  "  'quoted': \"sum(x)\"\n"
                  "  block: |\n"
                  "    sum(y)\n"
                  "      + 1\n"
                  "  folded: >-\n"
                  "\n"
                  "    sum(z)\n"
                  "  anchored: &a !!str 'sum(v)'\n"
                  "  alias: *a\n"
                  "  below:\n"
                  "    sum(w)\n"
                  "  grün: {expr: sum(u)}\n"));
  ASSERT_EQ(p.features.size(), 8u);
  EXPECT_EQ(At(p.features[0].name.position), "7:3");
  EXPECT_EQ(At(p.features[0].expr.position), "7:10");
  EXPECT_EQ(At(p.features[1].name.position), "8:4");
  EXPECT_EQ(At(p.features[1].expr.position), "8:14");
  EXPECT_EQ(p.features[2].expr.text, "sum(y)\n  + 1");
  EXPECT_EQ(At(p.features[2].expr.position), "10:5");
  EXPECT_EQ(p.features[3].expr.text, "\nsum(z)");
  EXPECT_EQ(At(p.features[3].expr.position), "13:5");
  EXPECT_EQ(At(p.features[4].expr.position), "15:23");
  EXPECT_EQ(At(p.features[5].expr.position), "15:23");
  EXPECT_EQ(p.features[6].expr.text, "sum(w)");
  EXPECT_EQ(At(p.features[6].expr.position), "18:5");
  EXPECT_EQ(At(p.features[7].expr.position), "19:17");  // columns count bytes
}

// ---- ${NAME}

TEST(Names, SetWinsOverEnvironmentOverDefault) {
  setenv("TIDEMILL_TEST_NAME", "from environment", 1);
  const auto filled = [](const std::string& text, const NameValues& names = {}) {
    std::string result;
    for (const NameUse& use : FindNameUses(text, names)) {
      result += use.fault.empty() ? "[" + use.replacement + "]" : "!";
    }
    return result;
  };
  EXPECT_EQ(filled("${TIDEMILL_TEST_NAME}"), "[from environment]");
  EXPECT_EQ(filled("${TIDEMILL_TEST_NAME:-d}"), "[from environment]");
  EXPECT_EQ(filled("${TIDEMILL_TEST_NAME:-d}", {{"TIDEMILL_TEST_NAME", "set"}}), "[set]");
  EXPECT_EQ(filled("${TIDEMILL_TEST_NAME}", {{"TIDEMILL_TEST_NAME", ""}}), "[]");
  EXPECT_EQ(filled("${TIDEMILL_TEST_NONE:-a b}${TIDEMILL_TEST_NONE:-}"), "[a b][]");
  EXPECT_EQ(filled("$${TIDEMILL_TEST_NAME}"), "[${]");
  EXPECT_EQ(filled("$TIDEMILL_TEST_NAME $ {x} ${TIDEMILL_TEST_NONE} ${a-b} ${} ${a b}"), "!!!!");
  EXPECT_EQ(filled("${X}", {{"X", "${Y}"}}), "[${Y}]");  // a value is not filled in again
}

TEST(Names, ValuesCannotBreakTheYaml) {
  const std::string nasty = "a: \"b\", {c} # 'd' \\ \n- e";
  Pipeline p = Parse(Sound("  n: ${EXPR}\n  m: {expr: \"x ${EXPR}\"}\n"), {{"EXPR", nasty}});
  ASSERT_EQ(p.features.size(), 2u);
  EXPECT_EQ(p.features[0].expr.text, nasty);
  EXPECT_EQ(p.features[1].expr.text, "x " + nasty);
}

TEST(Names, WorkWherePlainValuesAreRead) {
  const Pipeline p = Parse(
      "pipeline: ${NAME:-p}\n"
      "source: {path: \"${EVENTS}\", day: event_date}\n"
      "entity: [\"${KEY:-user_id}\"]\n"
      "window: ${DAYS:-31}d\n"
      "checks: {input: [\"null_rate(x) <= ${MAX:-0.01}\"]}\n"
      "features:\n"
      "  n_${SUFFIX:-x}: sum(valeu) + $${y}\n"
      "output:\n"
      "  path: ${OUT}/p\n"
      "  max_rows_per_file: ${ROWS:-5}\n",
      {{"EVENTS", "/long/path/to/events"}, {"OUT", "/o"}, {"DAYS", "7"}, {"MAX", "1"}});
  EXPECT_EQ(p.source.path.text, "/long/path/to/events");
  EXPECT_EQ(p.window->ToString(), "7d");
  EXPECT_EQ(p.input_checks[0].check.text, "null_rate(x) <= 1");
  EXPECT_EQ(p.features[0].name.text, "n_x");
  EXPECT_EQ(p.features[0].expr.text, "sum(valeu) + ${y}");
  EXPECT_EQ(p.output.max_rows_per_file, 5);
  // Lines and columns are those of the text with the values in it.
  EXPECT_EQ(p.file_lines[1], "source: {path: \"/long/path/to/events\", day: event_date}");
  EXPECT_EQ(p.file_lines[1].substr(static_cast<size_t>(p.source.day->position.column) - 1, 10),
            "event_date");
  EXPECT_EQ(p.file_lines[6].substr(static_cast<size_t>(p.features[0].expr.position.column) - 1),
            "sum(valeu) + ${y}");
}

TEST(Names, APipelineCanBeReadAgainWhereTheEnvironmentIsAnother) {
  setenv("TIDEMILL_TEST_WINDOW", "9", 1);
  unsetenv("TIDEMILL_TEST_KEY");
  const std::string text =
      "pipeline: p # ${TIDEMILL_TEST_KEY}\n"
      "source: {path: \"${EVENTS}\", day: event_date}\n"
      "entity: [\"${TIDEMILL_TEST_KEY:-user_id}\"]\n"
      "window: ${TIDEMILL_TEST_WINDOW}d\n"
      "features:\n"
      "  n: sum(x) + $${y}\n"
      "output: {path: out}\n";
  const Pipeline here = Parse(text, {{"EVENTS", "${x}: y"}, {"UNUSED", "u"}});
  EXPECT_EQ(here.names, (NameValues{{"EVENTS", "${x}: y"}, {"TIDEMILL_TEST_WINDOW", "9"}}));
  setenv("TIDEMILL_TEST_WINDOW", "5", 1);
  setenv("TIDEMILL_TEST_KEY", "another_id", 1);
  const auto there = ParsePipeline(here.text, here.file, here.names, Environment::kIgnore);
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_EQ(there->window->ToString(), "9d");
  EXPECT_EQ(there->entity[0].text, "user_id");
  EXPECT_EQ(there->source.path.text, "${x}: y");
  EXPECT_EQ(there->features[0].expr.text, "sum(x) + ${y}");
}

TEST(Names, AnUnsetNameIsTheOnlyFaultOfItsValue) {
  const auto faults = FaultsOf(Sound("  n: count(*)\n", "null_entity: ${TIDEMILL_TEST_POLICY}\n"),
                               {{"TIDEMILL_TEST_POLCY", "x"}});
  ASSERT_EQ(faults.size(), 1u) << RenderDiagnostics(faults);
  EXPECT_EQ(faults[0].message, "${TIDEMILL_TEST_POLICY} has no value");
  EXPECT_EQ(faults[0].hint, "--set has 'TIDEMILL_TEST_POLCY'; did you mean that?");
  EXPECT_EQ(At(faults[0].position), "8:14");
}

}  // namespace
}  // namespace tidemill
