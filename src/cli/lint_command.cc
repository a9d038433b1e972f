#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/display_text.h"

namespace tidemill {
namespace {

int Lint(const PipelineFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const auto fail = [&](const arrow::Status& status) {
    return session.Fail(status, {{"file", flags.file}, {"status", "failed"}});
  };
  const arrow::Result<Pipeline> pipeline = session.Load(flags);
  if (!pipeline.ok()) return fail(pipeline.status());
  const arrow::Result<std::vector<std::string>> warnings = LintPipeline(*pipeline);
  if (!warnings.ok()) return fail(warnings.status());

  session.Warn(*warnings);
  const size_t num_checks = pipeline->input_checks.size() + pipeline->output_checks.size();
  const std::string text = fmt::format(
      "{}: {}  {}, {}\n", flags.file, Painted("ok", Paint::kGreen, session.style().has_colour),
      FormatCount(static_cast<int64_t>(pipeline->features.size()), "feature", "features"),
      FormatCount(static_cast<int64_t>(num_checks), "check", "checks"));
  Json document;
  document["file"] = flags.file;
  document["status"] = "ok";
  document["pipeline"] = pipeline->name;
  document["features"] = pipeline->features.size();
  document["checks"] = num_checks;
  document["warnings"] = *warnings;
  session.Print(text, document);
  return 0;
}

}  // namespace

void AddLintCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<PipelineFlags>();
  CLI::App* app =
      program->add_subcommand("lint", "Check the file against the source's columns and types");
  AddFileFlags(app, flags.get());
  app->footer(
      "Every error is shown, not the first: unknown keys, expressions that do not parse, columns\n"
      "that do not exist, types that do not fit.\n\nExamples:\n"
      "  tidemill lint engagement.yaml\n"
      "  tidemill lint engagement.yaml --set EVENTS=/data/events");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Lint(*flags, context); }});
}

}  // namespace tidemill
