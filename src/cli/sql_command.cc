#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/nearest_name.h"
#include "cli/command.h"

namespace tidemill {
namespace {

struct SqlFlags : PipelineFlags {
  std::string date;
  std::string dialect = "duckdb";
};

arrow::Status CheckDialect(const std::string& dialect) {
  if (dialect == "duckdb" || dialect == "spark") return arrow::Status::OK();
  const auto nearest = NearestName(dialect, {"duckdb", "spark"});
  return MakeError(
      ErrorCode::kInvalid, fmt::format("--dialect {}: no such dialect", dialect),
      nearest ? fmt::format("did you mean '{}'?", *nearest) : "the dialects are duckdb and spark");
}

int Sql(const SqlFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  if (const auto status = CheckDialect(flags.dialect); !status.ok()) return session.Fail(status);
  const arrow::Result<Pipeline> pipeline = session.Load(flags);
  if (!pipeline.ok()) return session.Fail(pipeline.status());
  const arrow::Result<std::string> sql = PipelineSql(*pipeline, flags.date, flags.dialect);
  if (!sql.ok()) return session.Fail(sql.status());
  Json document;
  document["pipeline"] = pipeline->name;
  document["feature_date"] = flags.date;
  document["dialect"] = flags.dialect;
  document["sql"] = *sql;
  session.PrintResult(sql->ends_with('\n') ? *sql : *sql + "\n", document);
  return 0;
}

}  // namespace

void AddSqlCommand(CLI::App* program, std::vector<Command>* commands) {
  auto flags = std::make_shared<SqlFlags>();
  CLI::App* app =
      program->add_subcommand("sql", "Print the query that another engine would run for a date");
  AddDateFlag(app, &flags->date);
  app->add_option("--dialect", flags->dialect, "The engine to write for: duckdb or spark")
      ->type_name("NAME");
  AddFileFlags(app, flags.get());
  app->footer(
      "Examples:\n"
      "  tidemill sql engagement.yaml --date 2026-03-02\n"
      "  tidemill sql engagement.yaml --date 2026-03-02 --dialect duckdb | duckdb\n"
      "  tidemill sql engagement.yaml --date 2026-03-02 --dialect spark > features.sql");
  commands->push_back(
      {app, [flags](const CommandContext& context) { return Sql(*flags, context); }});
}

}  // namespace tidemill
