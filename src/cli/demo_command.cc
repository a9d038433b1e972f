#include <filesystem>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/calendar.h"
#include "cli/cell_text.h"
#include "cli/command.h"
#include "cli/display_text.h"
#include "cli/example_pipeline.h"
#include "cli/preview_table.h"
#include "tidemill/generate.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPipelineFile = "user_engagement.yaml";
constexpr const char* kFirstDay = "2026-01-29";
constexpr int kDays = 33;  // the window of 31 and two days to try other dates on
constexpr int64_t kEventsPerDay = 20'000;
constexpr int64_t kEntities = 5'000;
constexpr int64_t kRowsShown = 3;

struct DemoFlags {
  std::string directory = "tidemill-demo";
  int threads = 0;
  OutputFlags output;
};

/// The events of an earlier demo are used again: they would come out the same.
arrow::Status WriteEvents(const fs::path& directory, int threads, Session* session) {
  std::error_code error;
  if (fs::exists(directory, error) && !fs::is_empty(directory, error)) return arrow::Status::OK();
  GenerateOptions options;
  options.directory = directory.string();
  options.start = kFirstDay;
  options.days = kDays;
  options.events_per_day = kEventsPerDay;
  options.entities = kEntities;
  options.threads = threads;
  options.cancelled = session->cancelled();
  options.on_progress = session->ProgressHandler();
  return GenerateEvents(options).status();
}

/// A pipeline file that is there already is kept: it may have been edited. It also tells the
/// directory of an earlier demo from one with other things in it.
arrow::Status WritePipeline(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error)) return arrow::Status::OK();
  const fs::path directory = path.parent_path();
  if (fs::exists(directory, error) && !fs::is_empty(directory, error)) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("'{}' is not empty, and no earlier demo", directory.string()),
                     "name a new directory");
  }
  fs::create_directories(directory, error);
  std::ofstream stream(path, std::ios::binary);
  stream << kExamplePipeline;
  stream.close();
  if (stream) return arrow::Status::OK();
  return MakeError(ErrorCode::kRunFailed, fmt::format("cannot write '{}'{}", path.string(),
                                                      error ? ": " + error.message() : ""));
}

std::string WhatNext(const std::string& file, const std::string& date, const std::string& earlier,
                     const std::string& entity) {
  return fmt::format(
      "\nNext:\n"
      "  look at the pipeline     cat {0}\n"
      "  one user's features      tidemill preview {0} --date {1} --entity {3}\n"
      "  another date             tidemill run {0} --date {2}\n"
      "  what a run would read    tidemill plan {0} --date {1}\n"
      "  the same as SQL          tidemill sql {0} --date {1}\n"
      "  after editing the file   tidemill lint {0}\n",
      file, date, earlier, entity);
}

int Demo(const DemoFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const fs::path directory = flags.directory;
  const fs::path file = directory / kPipelineFile;
  const CivilDay last_day = *ParseCivilDay(kFirstDay) + kDays - 1;
  const std::string date = FormatCivilDay(last_day);

  arrow::Status written = WritePipeline(file);
  if (written.ok()) written = WriteEvents(directory / "events", flags.threads, &session);
  if (!written.ok()) return session.Fail(written);
  const NameValues names = {{"EVENTS", "events"}, {"OUT", "features/user_engagement"}};
  const arrow::Result<Pipeline> pipeline = LoadPipeline(file.string(), names);
  if (!pipeline.ok()) return session.Fail(pipeline.status());

  PipelineFlags pipeline_flags;
  pipeline_flags.threads = flags.threads;
  const RunOptions options = session.Options(pipeline_flags, date);
  const arrow::Result<RunReport> report = RunDate(*pipeline, options);
  if (!report.ok()) return session.Fail(report.status());
  session.Warn(report->warnings);
  session.WarnOfChecks(report->checks);
  if (report->status == "failed") {
    session.Print(RenderRunReport(*report, session.style()), ToJson(*report));
    return session.Explain(report->outcome, report->checks);
  }
  const auto features = PreviewDate(*pipeline, options, "", kRowsShown);
  if (!features.ok()) return session.Fail(features.status());

  std::string text = fmt::format("{}: {} of synthetic events, {} users\n{}: the pipeline\n\n",
                                 (directory / "events").string(), FormatCount(kDays, "day", "days"),
                                 FormatCount(kEntities), file.string());
  text += RenderRunReport(*report, session.style());
  text +=
      "\n" + RenderPreview(**features, session.console().out_width(), session.style().has_colour);
  const std::string entity =
      (*features)->num_rows() > 0 ? CellText(*(*features)->column(0)->chunk(0), 0) : "";
  text += WhatNext(file.string(), date, FormatCivilDay(last_day - 1), entity);
  Json document = ToJson(*report);
  document["directory"] = flags.directory;
  document["file"] = file.string();
  document["preview"] = ToJson(**features);
  session.Print(text, document);
  return 0;
}

}  // namespace

void AddDemoCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<DemoFlags>();
  CLI::App* app = program->add_subcommand(
      "demo", "Write sample events and a pipeline, run it, and show what came out");
  app->add_option("DIR", flags->directory, "Where to (tidemill-demo)")->type_name("");
  AddThreadsFlag(app, &flags->threads);
  AddOutputFlags(app, &flags->output);
  app->footer(
      "Examples:\n"
      "  tidemill demo\n"
      "  tidemill demo try-it");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Demo(*flags, context); }});
}

}  // namespace tidemill
