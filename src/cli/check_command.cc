#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"

namespace tidemill {
namespace {

struct CheckFlags : PipelineFlags {
  std::string date;
};

int Check(const CheckFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const arrow::Result<Pipeline> pipeline = session.Load(flags);
  if (!pipeline.ok()) return session.Fail(pipeline.status());
  const arrow::Result<RunOptions> options = session.ComputeOptions(flags, flags.date);
  if (!options.ok()) return session.Fail(options.status());
  const arrow::Result<std::vector<CheckResult>> checks = CheckDate(*pipeline, *options);
  if (!checks.ok()) return session.Fail(checks.status());

  const auto failed = std::count_if(checks->begin(), checks->end(), [](const CheckResult& check) {
    return !check.passed && check.severity == Severity::kError;
  });
  session.WarnOfChecks(*checks);
  const std::string status = failed > 0 ? "failed" : "passed";
  std::string text = fmt::format(
      "{}  {}  input checks {}\n", pipeline->name, flags.date,
      Painted(status, failed > 0 ? Paint::kRed : Paint::kGreen, session.style().has_colour));
  text += checks->empty() ? "  the pipeline has none\n" : RenderChecks(*checks, session.style());
  Json document;
  document["pipeline"] = pipeline->name;
  document["feature_date"] = flags.date;
  document["status"] = status;
  document["checks"] = ToJson(*checks);
  arrow::Status outcome;
  if (failed > 0) {
    outcome = MakeError(ErrorCode::kInputCheckFailed,
                        fmt::format("{} of {} input checks did not pass", failed, checks->size()));
    document["error"] = ErrorJson(outcome);
  }
  session.Print(text, document);
  return failed > 0 ? session.Explain(outcome, *checks) : 0;
}

}  // namespace

void AddCheckCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* app =
      program->add_subcommand("check", "Judge the row rules and input checks of one feature date");
  AddDateFlag(app, &flags->date);
  AddPipelineFlags(app, flags.get());
  app->footer(
      "Exit code 3 if a check with severity error does not pass. Nothing is computed or "
      "published.\n\nExamples:\n"
      "  tidemill check engagement.yaml --date 2026-03-02\n"
      "  tidemill check engagement.yaml --date 2026-03-02 && tidemill run engagement.yaml --date "
      "2026-03-02");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Check(*flags, context); }});
}

}  // namespace tidemill
