#include <memory>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/pipeline_reports.h"

namespace tidemill {
namespace {

struct RunFlags : PipelineFlags {
  std::string date;
};

int Run(const RunFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const arrow::Result<std::vector<Pipeline>> pipelines = session.LoadAll(flags);
  if (!pipelines.ok()) return session.Fail(pipelines.status());
  const arrow::Result<RunOptions> options = session.ComputeOptions(flags, flags.date);
  if (!options.ok()) return session.Fail(options.status());
  const auto reports = RunPipelines(*pipelines, *options);
  if (!reports.ok()) return session.Fail(reports.status());
  if (reports->size() > 1) return PrintReports(flags.files, *reports, &session);

  const RunReport& report = reports->front();
  session.Warn(report.warnings);
  session.WarnOfChecks(report.checks);
  session.Print(RenderRunReport(report, session.style()), ToJson(report));
  if (report.status == "failed") return session.Explain(report.outcome, report.checks);
  return 0;
}

}  // namespace

void AddRunCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* app = program->add_subcommand(
      "run", "Compute and publish one feature date of one pipeline or several");
  AddDateFlag(app, &flags->date);
  AddPipelinesFlags(app, flags.get());
  app->footer(
      "The partitions of the date are replaced as a whole, or, if anything fails, left as they "
      "are.\n"
      "Pipelines with the same source share one read of it; each is checked and published by "
      "itself.\nThe exit code is that of the first that failed.\n\nExamples:\n"
      "  tidemill run engagement.yaml --date 2026-03-02\n"
      "  tidemill run engagement.yaml --date 2026-03-02 --set EVENTS=/data/events --memory 4GB\n"
      "  tidemill run engagement.yaml --date 2026-03-02 --json | jq .rows_written\n"
      "  tidemill run pipelines/*.yaml --date 2026-03-02");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Run(*flags, context); }});
}

}  // namespace tidemill
