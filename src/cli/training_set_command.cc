#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/cell_text.h"
#include "cli/command.h"
#include "cli/preview_table.h"
#include "cli/training_set_report.h"
#include "tidemill/training_set.h"

namespace tidemill {
namespace {

constexpr int64_t kMaxRows = 1'000'000'000;

struct TrainingSetFlags : PipelineFlags {
  std::string labels;
  std::string label_time;
  std::vector<std::string> on;
  bool exact = false;
  std::string max_age;
  bool prefix = false;
  std::string out;
  bool overwrite = false;
  int64_t limit = 10;
};

arrow::Result<TrainingSetOptions> OptionsOf(const TrainingSetFlags& flags, Session* session) {
  TrainingSetOptions options;
  static_cast<RunOptions&>(options) = session->Options(flags, "");
  options.labels = flags.labels;
  options.label_time = flags.label_time;
  for (const std::string& pair : flags.on) {
    ARROW_ASSIGN_OR_RAISE(auto columns, ParseEntityPair(pair));
    options.on.push_back(std::move(columns));
  }
  options.exact = flags.exact;
  if (!flags.max_age.empty()) {
    ARROW_ASSIGN_OR_RAISE(options.max_age, ParseAge(flags.max_age));
  }
  options.prefix = flags.prefix;
  options.out = flags.out;
  options.overwrite = flags.overwrite;
  options.limit = flags.limit;
  return options;
}

int TrainingSet(const TrainingSetFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const auto pipelines = session.LoadAll(flags);
  if (!pipelines.ok()) return session.Fail(pipelines.status());
  const auto options = OptionsOf(flags, &session);
  if (!options.ok()) return session.Fail(options.status());
  const auto report = MakeTrainingSet(*pipelines, *options);
  if (!report.ok()) return session.Fail(report.status());
  session.Warn(report->warnings);
  Json document = ToJson(*report);
  std::string text = RenderTrainingSetReport(*report, session.style());
  if (report->rows != nullptr) {
    document["rows"] = ToJson(*report->rows);
    text = RenderPreview(*report->rows, session.console().out_width(), session.style().has_colour) +
           "\n" + text;
  }
  session.Print(text, document);
  return 0;
}

}  // namespace

void AddTrainingSetCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<TrainingSetFlags>();
  CLI::App* app = program->add_subcommand(
      "training-set", "Join features to labels as they were at each label's time");
  app->add_option("--labels", flags->labels,
                  "The labels: a Parquet file, a directory of them, or a Delta table")
      ->required()
      ->type_name("PATH");
  app->add_option("--label-time", flags->label_time,
                  "Their column of times: a timestamp, or a date, which is its midnight")
      ->required()
      ->type_name("COL");
  app->add_option("--out", flags->out,
                  "A file (.parquet) or a directory to write; without it, rows are shown")
      ->type_name("PATH");
  app->add_flag("--overwrite", flags->overwrite, "Replace what is there");
  app->add_flag("--exact", flags->exact,
                "Compute from events, over windows that end at each label's time");
  app->add_option("--max-age", flags->max_age,
                  "Use no feature date that ended longer before, as in 7d or 36h")
      ->type_name("AGE");
  app->add_option("--on", flags->on,
                  "Column of the labels and the entity column it stands for; may be repeated")
      ->type_name("COL=ENTITY")
      ->allow_extra_args(false);
  app->add_flag("--prefix", flags->prefix, "Call feature columns PIPELINE__FEATURE");
  app->add_option("-n,--rows", flags->limit, "Rows to show at most (10)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kMaxRows).description(""));
  AddComputeFlags(app, flags.get());
  app->footer(
      "Each label gets the features of the last feature date that had ended at its time, never "
      "those\nof its own day. Labels keep their order and columns; features that there are none of "
      "are NULL.\n\nExamples:\n"
      "  tidemill training-set engagement.yaml --labels labels.parquet --label-time shown_at\n"
      "  tidemill training-set engagement.yaml items.yaml --labels s3://ml/labels --label-time at "
      "\\\n      --on user=user_id --max-age 7d --out train.parquet\n"
      "  tidemill training-set engagement.yaml --labels labels --label-time at --exact --out "
      "train");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return TrainingSet(*flags, context); }});
}

}  // namespace tidemill
