#include <memory>

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace tidemill {
namespace {

struct RunFlags : PipelineFlags {
  std::string date;
};

int Run(const RunFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const arrow::Result<Pipeline> pipeline = session.Load(flags);
  if (!pipeline.ok()) return session.Fail(pipeline.status());
  const arrow::Result<RunOptions> options = session.ComputeOptions(flags, flags.date);
  if (!options.ok()) return session.Fail(options.status());
  const arrow::Result<RunReport> report = RunDate(*pipeline, *options);
  if (!report.ok()) return session.Fail(report.status());

  session.Warn(report->warnings);
  session.WarnOfChecks(report->checks);
  session.Print(RenderRunReport(*report, session.style()), ToJson(*report));
  if (report->status == "failed") return session.Explain(report->outcome, report->checks);
  return 0;
}

}  // namespace

void AddRunCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* app = program->add_subcommand("run", "Compute and publish one feature date");
  AddDateFlag(app, &flags->date);
  AddPipelineFlags(app, flags.get());
  app->footer(
      "The partitions of the date are replaced as a whole, or, if anything fails, left as they "
      "are.\n\nExamples:\n"
      "  tidemill run engagement.yaml --date 2026-03-02\n"
      "  tidemill run engagement.yaml --date 2026-03-02 --set EVENTS=/data/events --memory 4GB\n"
      "  tidemill run engagement.yaml --date 2026-03-02 --json | jq .rows_written");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Run(*flags, context); }});
}

}  // namespace tidemill
