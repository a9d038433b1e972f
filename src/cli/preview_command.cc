#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/cell_text.h"
#include "cli/command.h"
#include "cli/preview_table.h"

namespace tidemill {
namespace {

constexpr int64_t kMaxRows = 1'000'000'000;

struct PreviewFlags : PipelineFlags {
  std::string date;
  std::string entity;
  int64_t limit = 20;
};

int Preview(const PreviewFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const arrow::Result<Pipeline> pipeline = session.Load(flags);
  if (!pipeline.ok()) return session.Fail(pipeline.status());
  const arrow::Result<RunOptions> options = session.ComputeOptions(flags, flags.date);
  if (!options.ok()) return session.Fail(options.status());
  const auto features = PreviewDate(*pipeline, *options, flags.entity, flags.limit);
  if (!features.ok()) return session.Fail(features.status());

  std::vector<std::string> columns = (*features)->ColumnNames();
  Json document;
  document["pipeline"] = pipeline->name;
  document["feature_date"] = flags.date;
  document["num_rows"] = (*features)->num_rows();
  document["columns"] = columns;
  document["rows"] = ToJson(**features);
  session.PrintResult(
      RenderPreview(**features, session.console().out_width(), session.style().has_colour),
      document);
  if ((*features)->num_rows() == 0 && !flags.entity.empty()) {
    session.Warn(fmt::format("'{}' has no events in the window of {}", flags.entity, flags.date));
  }
  return 0;
}

}  // namespace

void AddPreviewCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<PreviewFlags>();
  CLI::App* app =
      program->add_subcommand("preview", "Show features of one date; nothing is published");
  AddDateFlag(app, &flags->date);
  app->add_option("--entity", flags->entity, "Only this value of the (first) entity column")
      ->type_name("V");
  app->add_option("-n,--rows", flags->limit, "Rows to show at most (20)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kMaxRows).description(""));
  AddPipelineFlags(app, flags.get());
  app->footer(
      "Examples:\n"
      "  tidemill preview engagement.yaml --date 2026-03-02\n"
      "  tidemill preview engagement.yaml --date 2026-03-02 --entity u00000042\n"
      "  tidemill preview engagement.yaml --date 2026-03-02 -n 1000 --json");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Preview(*flags, context); }});
}

}  // namespace tidemill
