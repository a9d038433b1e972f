#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/display_text.h"
#include "cli/pipeline_reports.h"

namespace tidemill {
namespace {

/// What is said of a file without faults, or why it has some.
arrow::Result<PipelineText> LintFile(const std::string& file, const NameValues& names,
                                     Session* session) {
  ARROW_ASSIGN_OR_RAISE(const Pipeline pipeline, LoadPipeline(file, names));
  ARROW_ASSIGN_OR_RAISE(const std::vector<std::string> warnings, LintPipeline(pipeline));
  session->Warn(warnings);
  const size_t num_checks = pipeline.input_checks.size() + pipeline.output_checks.size();
  PipelineText told;
  told.text = fmt::format(
      "{}: {}  {}, {}\n", file, Painted("ok", Paint::kGreen, session->style().has_colour),
      FormatCount(static_cast<int64_t>(pipeline.features.size()), "feature", "features"),
      FormatCount(static_cast<int64_t>(num_checks), "check", "checks"));
  told.document["file"] = file;
  told.document["status"] = "ok";
  told.document["pipeline"] = pipeline.name;
  told.document["features"] = pipeline.features.size();
  told.document["checks"] = num_checks;
  told.document["warnings"] = warnings;
  return told;
}

int Lint(const PipelineFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const arrow::Result<NameValues> names = SetValues(flags);
  if (!names.ok()) return session.Fail(names.status());
  std::string text;
  std::vector<Json> documents;
  int code = 0;
  for (const std::string& file : flags.files) {
    const auto told = LintFile(file, *names, &session);
    Json failed = {{"file", file}, {"status", "failed"}};
    if (flags.files.size() == 1) {
      if (!told.ok()) return session.Fail(told.status(), std::move(failed));
      session.Print(told->text, told->document);
      return 0;
    }
    if (told.ok()) {
      text += told->text;
      documents.push_back(told->document);
      continue;
    }
    const int exit = session.Explain(told.status());
    if (code == 0) code = exit;
    failed["error"] = ErrorJson(told.status());
    documents.push_back(std::move(failed));
  }
  session.Print(text, ToJson(flags.files, std::move(documents)));
  return code;
}

}  // namespace

void AddLintCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<PipelineFlags>();
  CLI::App* app =
      program->add_subcommand("lint", "Check the file against the source's columns and types");
  AddFilesFlags(app, flags.get());
  app->footer(
      "Every error is shown, not the first: unknown keys, expressions that do not parse, columns\n"
      "that do not exist, types that do not fit.\n\nExamples:\n"
      "  tidemill lint engagement.yaml\n"
      "  tidemill lint engagement.yaml --set EVENTS=/data/events\n"
      "  tidemill lint pipelines/*.yaml");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Lint(*flags, context); }});
}

}  // namespace tidemill
