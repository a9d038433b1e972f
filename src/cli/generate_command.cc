#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/byte_size.h"
#include "base/calendar.h"
#include "cli/command.h"
#include "cli/display_text.h"
#include "tidemill/generate.h"

namespace tidemill {
namespace {

struct GenerateFlags {
  GenerateOptions options;
  std::string end;
  CLI::Option* days = nullptr;
  CLI::Option* start = nullptr;
  OutputFlags output;
};

/// --end stands for --days where --start is given too, else for --start.
arrow::Status ApplyEnd(const GenerateFlags& flags, GenerateOptions* options) {
  if (flags.end.empty()) return arrow::Status::OK();
  const auto end = ParseCivilDay(flags.end);
  const auto start = ParseCivilDay(options->start);
  if (!end || !start) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("'{}' is not a date", end ? options->start : flags.end),
                     "write it as 2026-01-31");
  }
  if (flags.start->count() == 0) {
    options->start = FormatCivilDay(*end - options->days + 1);
    return arrow::Status::OK();
  }
  if (flags.days->count() > 0) {
    return MakeError(ErrorCode::kInvalid, "--days, --start and --end are one too many",
                     "give two of them");
  }
  if (*end < *start) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("--end {} is before --start {}", flags.end, options->start));
  }
  options->days = *end - *start + 1;
  return arrow::Status::OK();
}

int Generate(const GenerateFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  GenerateOptions options = flags.options;
  if (const auto status = ApplyEnd(flags, &options); !status.ok()) return session.Fail(status);
  options.cancelled = session.cancelled();
  options.on_progress = session.ProgressHandler();
  const arrow::Result<GenerateReport> report = GenerateEvents(options);
  if (!report.ok()) return session.Fail(report.status());
  Json document = ToJson(*report);
  document["directory"] = options.directory;
  session.Print(fmt::format("{}: {} of {} .. {}, {}, {}\n", options.directory,
                            FormatCount(report->events, "event", "events"), report->first_day,
                            report->last_day, FormatCount(report->files, "file", "files"),
                            FormatByteSize(report->bytes)),
                document);
  return 0;
}

}  // namespace

void AddGenerateCommand(CLI::App* program, std::vector<Command>* commands) {
  CLI::App* generate = program->add_subcommand("generate", "Write synthetic data");
  generate->require_subcommand(1);
  auto flags = std::make_shared<GenerateFlags>();
  GenerateOptions& options = flags->options;
  CLI::App* app = generate->add_subcommand("events", "Write a click stream, seeded and skewed");
  app->add_option("DIR", options.directory, "Where to; it must be new or empty")
      ->required()
      ->type_name("");
  flags->days = app->add_option("--days", options.days, "Number of days (31)")->type_name("N");
  app->add_option("--events-per-day", options.events_per_day, "Events of each day (100000)")
      ->type_name("N");
  app->add_option("--entities", options.entities, "Users that there are (10000)")->type_name("N");
  app->add_option("--skew", options.skew, "How much busier some users are; 0: all alike (0.75)")
      ->type_name("X");
  app->add_option("--seed", options.seed, "Another seed gives other events (7)")->type_name("N");
  flags->start =
      app->add_option("--start", options.start, "The first day (2026-01-01)")->type_name("D");
  app->add_option("--end", flags->end, "The last day, in place of --start or --days")
      ->type_name("D");
  app->add_flag("--overwrite", options.overwrite, "Replace the days that are there");
  AddThreadsFlag(app, &options.threads);
  AddOutputFlags(app, &flags->output);
  app->footer(
      "Writes DIR/event_date=2026-01-01/part-0.parquet and so on: event_id, user_id, session_id,\n"
      "event_type, product_category, value, timestamp. The same seed gives the same "
      "events.\n\nExamples:\n"
      "  tidemill generate events data/events\n"
      "  tidemill generate events big --days 61 --events-per-day 500000 --entities 1000000");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Generate(*flags, context); }});
}

}  // namespace tidemill
