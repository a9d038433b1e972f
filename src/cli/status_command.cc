#include <memory>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/pipeline_reports.h"

namespace tidemill {
namespace {

struct StatusFlags : PipelineFlags {
  std::string start, end;
};

int Status(const StatusFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  return PrintForEach(
      flags, &session, [&](const Pipeline& pipeline) -> arrow::Result<PipelineText> {
        ARROW_ASSIGN_OR_RAISE(
            const StatusReport report,
            StatusOfDates(pipeline, flags.start, flags.end, session.Options(flags, flags.start)));
        return PipelineText{RenderStatusReport(report, session.style()), ToJson(report)};
      });
}

}  // namespace

void AddStatusCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<StatusFlags>();
  CLI::App* app = program->add_subcommand("status", "Tell the state of every feature date");
  app->add_option("--start", flags->start, "First feature date (the first of the ledger)")
      ->type_name("D");
  app->add_option("--end", flags->end, "Last feature date (the last of the ledger)")
      ->type_name("D");
  AddPipelinesFlags(app, flags.get());
  app->footer(
      "States: done (#), empty (o), missing (.), stale (~: input days of its windows changed "
      "since),\n"
      "changed (c: the pipeline means something else now), failed (x).\n\n"
      "Examples:\n"
      "  tidemill status engagement.yaml\n"
      "  tidemill status engagement.yaml --start 2026-01-01 --end 2026-03-02 --json");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Status(*flags, context); }});
}

}  // namespace tidemill
