#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/backfill_report.h"
#include "cli/command.h"
#include "cli/pipeline_reports.h"
#include "tidemill/plan.h"

namespace tidemill {
namespace {

struct BackfillFlags : PipelineFlags {
  std::string start, end, every;
  std::vector<std::string> only;
  int parallel = 0;
  int pass_dates = 0;
  bool fail_fast = false;
  bool dry_run = false;
};

/// "7d", "6h" or a plain number of slots, which means the same to all pipelines.
arrow::Result<std::optional<WindowLength>> Every(const std::string& text,
                                                 const std::vector<Pipeline>& pipelines) {
  if (text.empty()) return std::nullopt;
  int32_t count = 0;
  size_t used = 0;
  while (used < text.size() && text[used] >= '0' && text[used] <= '9' && count < 100'000) {
    count = count * 10 + (text[used++] - '0');
  }
  const std::string unit = text.substr(used);
  const Grain grain = pipelines.front().grain;
  const bool is_mixed = std::ranges::any_of(
      pipelines, [&](const Pipeline& pipeline) { return pipeline.grain != grain; });
  if (is_mixed && unit != "d") {
    return MakeError(ErrorCode::kInvalid,
                     "--every " + text + ": some of the pipelines compute days, others hours",
                     "give a step that both have, as in 1d");
  }
  const bool by_hour = grain == Grain::kHour;
  const bool is_known = unit.empty() || unit == "d" || (unit == "h" && by_hour);
  if (count < 1 || !is_known) {
    return MakeError(ErrorCode::kInvalid, "--every: '" + text + "' is not a step between dates",
                     by_hour ? "as in 6h or 1d" : "as in 7d");
  }
  return WindowLength{count, unit == "d" ? Grain::kDay : unit == "h" ? Grain::kHour : grain};
}

int Run(const BackfillFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const arrow::Result<std::vector<Pipeline>> pipelines = session.LoadAll(flags);
  if (!pipelines.ok()) return session.Fail(pipelines.status());
  const arrow::Result<RunOptions> computing = flags.dry_run
                                                  ? session.Options(flags, flags.start)
                                                  : session.ComputeOptions(flags, flags.start);
  if (!computing.ok()) return session.Fail(computing.status());
  BackfillOptions options;
  static_cast<RunOptions&>(options) = *computing;
  options.start = flags.start;
  options.end = flags.end;
  const auto every = Every(flags.every, *pipelines);
  if (!every.ok()) return session.Fail(every.status());
  options.every = *every;
  options.only = flags.only;
  options.parallel = flags.parallel;
  options.pass_dates = flags.pass_dates;
  options.fail_fast = flags.fail_fast;
  if (flags.dry_run) {
    return PrintForEach(
        flags, &session, [&](const Pipeline& pipeline) -> arrow::Result<PipelineText> {
          ARROW_ASSIGN_OR_RAISE(const PlanReport plan, PlanDates(pipeline, options));
          session.Warn(plan.warnings);
          return PipelineText{RenderPlanReport(plan, session.style()), ToJson(plan)};
        });
  }
  const auto reports = BackfillPipelines(*pipelines, options);
  if (!reports.ok()) return session.Fail(reports.status());
  if (reports->size() > 1) return PrintReports(flags.files, *reports, &session);
  const BackfillReport& report = reports->front();
  session.Warn(report.warnings);
  session.Print(RenderBackfillReport(report, session.style()), ToJson(report));
  return report.outcome.ok() ? 0 : session.Explain(report.outcome);
}

}  // namespace

void AddBackfillCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<BackfillFlags>();
  CLI::App* app = program->add_subcommand("backfill", "Compute many feature dates in one read");
  app->add_option("--start", flags->start, "First feature date")->type_name("D")->required();
  app->add_option("--end", flags->end, "Last feature date")->type_name("D")->required();
  app->add_option("--every", flags->every, "Step between dates, as in 7d for weekly ones")
      ->type_name("STEP");
  app->add_option("--only", flags->only,
                  "Dates in these states: missing, stale, failed, empty, done, changed")
      ->type_name("STATES")
      ->delimiter(',');
  app->add_option("--parallel", flags->parallel, "Dates written at the same time (all cores)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  app->add_option("--pass-days", flags->pass_dates,
                  "Most dates computed from one read (what --memory allows)")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000));
  app->add_flag("--fail-fast", flags->fail_fast, "Begin no further pass after a date failed");
  app->add_flag("--dry-run", flags->dry_run, "Plan only");
  AddPipelinesFlags(app, flags.get());
  app->footer(
      "Each day of events is read once, whatever the number of dates and windows. Each date is\n"
      "checked and published by itself; exit code 1 if any of them failed. Pipelines with the "
      "same\n"
      "source share the reads.\n\n"
      "Examples:\n"
      "  tidemill backfill engagement.yaml --start 2026-01-01 --end 2026-03-02\n"
      "  tidemill backfill engagement.yaml --start 2026-01-01 --end 2026-03-02 "
      "--only missing,stale,failed\n"
      "  tidemill backfill pipelines/*.yaml --start 2026-01-01 --end 2026-03-02");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Run(*flags, context); }});
}

}  // namespace tidemill
