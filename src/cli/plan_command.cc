#include <memory>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/pipeline_reports.h"
#include "tidemill/plan.h"

namespace tidemill {
namespace {

struct PlanFlags : PipelineFlags {
  std::string date, start, end;
};

arrow::Status CheckDates(const PlanFlags& flags) {
  const bool has_range = !flags.start.empty() && !flags.end.empty();
  if (flags.date.empty() && has_range) return arrow::Status::OK();
  if (!flags.date.empty() && flags.start.empty() && flags.end.empty()) return arrow::Status::OK();
  return MakeError(ErrorCode::kInvalid, "plan needs either --date, or --start and --end",
                   "as in --date 2026-03-02, or --start 2026-02-01 --end 2026-03-02");
}

int Plan(const PlanFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  if (const arrow::Status status = CheckDates(flags); !status.ok()) return session.Fail(status);
  BackfillOptions options;
  options.start = flags.date.empty() ? flags.start : flags.date;
  options.end = flags.date.empty() ? flags.end : flags.date;
  return PrintForEach(
      flags, &session, [&](const Pipeline& pipeline) -> arrow::Result<PipelineText> {
        static_cast<RunOptions&>(options) = session.Options(flags, options.start);
        ARROW_ASSIGN_OR_RAISE(const PlanReport report, PlanDates(pipeline, options));
        session.Warn(report.warnings);
        return PipelineText{RenderPlanReport(report, session.style()), ToJson(report)};
      });
}

}  // namespace

void AddPlanCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<PlanFlags>();
  CLI::App* app = program->add_subcommand("plan", "Tell what would be read and written");
  app->add_option("--date", flags->date,
                  "One feature date, as in 2026-03-02; at grain hour 2026-03-02T14")
      ->type_name("D");
  app->add_option("--start", flags->start, "The first of many")->type_name("D");
  app->add_option("--end", flags->end, "The last of many")->type_name("D");
  AddPipelinesFlags(app, flags.get());
  app->footer(
      "Days, files, bytes, memory, and the state of each date. Nothing is computed or written.\n\n"
      "Examples:\n"
      "  tidemill plan engagement.yaml --date 2026-03-02\n"
      "  tidemill plan engagement.yaml --start 2026-02-01 --end 2026-03-02");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Plan(*flags, context); }});
}

}  // namespace tidemill
