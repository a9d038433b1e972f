#include "cli/report_json.h"

namespace tidemill {
namespace {

const char* KindOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kRunFailed:
      return "run_failed";
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kInputCheckFailed:
      return "input_check_failed";
    case ErrorCode::kOutputCheckFailed:
      return "output_check_failed";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kInterrupted:
      return "interrupted";
  }
  return "run_failed";
}

}  // namespace

Json ErrorJson(const arrow::Status& status) {
  Json error;
  const ErrorCode code = CodeOf(status);
  error["code"] = static_cast<int>(code);
  error["kind"] = KindOf(code);
  error["message"] = status.message();
  error["diagnostics"] = Json::array();
  for (const Diagnostic& diagnostic : DiagnosticsOf(status)) {
    Json one;
    one["message"] = diagnostic.message;
    if (!diagnostic.hint.empty()) one["hint"] = diagnostic.hint;
    if (!diagnostic.position.file.empty()) one["file"] = diagnostic.position.file;
    if (diagnostic.position.line > 0) one["line"] = diagnostic.position.line;
    if (diagnostic.position.column > 0) one["column"] = diagnostic.position.column;
    error["diagnostics"].push_back(std::move(one));
  }
  return error;
}

Json ToJson(const CheckResult& check) {
  Json json;
  json["check"] = check.check;
  json["stage"] = check.stage;
  json["severity"] = check.severity == Severity::kWarn ? "warn" : "error";
  json["passed"] = check.passed;
  json["value"] = check.value;
  json["reason"] = check.reason;
  return json;
}

Json ToJson(const std::vector<CheckResult>& checks) {
  Json json = Json::array();
  for (const CheckResult& check : checks) json.push_back(ToJson(check));
  return json;
}

Json ToJson(const std::vector<RowRuleResult>& rules) {
  Json json = Json::array();
  for (const RowRuleResult& rule : rules) {
    Json one;
    one["rule"] = rule.rule;
    one["quarantine"] = rule.quarantine;
    one["max_rate"] = rule.max_rate ? Json(*rule.max_rate) : Json();
    one["rows_failed"] = rule.rows_failed;
    json.push_back(std::move(one));
  }
  return json;
}

Json SecondsJson(const std::vector<std::pair<std::string, double>>& seconds) {
  Json json = Json::object();
  for (const auto& [stage, taken] : seconds) json[stage] = taken;
  return json;
}

void AddVolumes(const InvocationReport& report, Json* json) {
  (*json)["joins"] = Json::array();
  for (const JoinReport& join : report.joins) {
    Json one;
    one["path"] = join.path;
    one["type"] = join.type;
    one["rows"] = join.rows;
    one["unmatched"] = join.unmatched;
    one["dimension_rows"] = join.dimension_rows;
    (*json)["joins"].push_back(std::move(one));
  }
  (*json)["bytes_read"] = report.bytes_read;
  (*json)["bytes_written"] = report.bytes_written;
  (*json)["spilled_bytes"] = report.spilled_bytes;
  (*json)["io_retries"] = report.io_retries;
  (*json)["peak_memory"] = report.peak_memory;
}

Json ToJson(const RunReport& report) {
  Json json;
  json["run_id"] = report.run_id;
  json["pipeline"] = report.pipeline;
  json["feature_date"] = report.feature_date;
  json["status"] = report.status;
  if (!report.outcome.ok()) json["error"] = ErrorJson(report.outcome);
  json["rows_read"] = report.rows_read;
  json["rows_quarantined"] = report.rows_quarantined;
  if (!report.quarantine.empty()) json["quarantine"] = report.quarantine;
  json["rows_filtered"] = report.rows_filtered;
  json["rows_unmatched"] = report.rows_unmatched;
  json["rows_dropped"] = report.rows_dropped;
  json["rows_written"] = report.rows_written;
  json["entities"] = report.entities;
  if (report.entities_entered) json["entities_entered"] = *report.entities_entered;
  if (report.entities_left) json["entities_left"] = *report.entities_left;
  json["features"] = report.features;
  json["days_read"] = report.days_read;
  json["files_read"] = report.files_read;
  AddVolumes(report, &json);
  json["row_rules"] = ToJson(report.row_rules);
  json["checks"] = ToJson(report.checks);
  json["files"] = Json::array();
  for (const PublishedFile& file : report.files) {
    Json one;
    one["path"] = file.path;
    one["rows"] = file.rows;
    one["bytes"] = file.bytes;
    one["hash"] = file.hash;
    json["files"].push_back(std::move(one));
  }
  json["seconds"] = SecondsJson(report.seconds);
  json["warnings"] = report.warnings;
  return json;
}

Json ToJson(const PlanReport& report) {
  Json json;
  json["pipeline"] = report.pipeline;
  json["source"] = report.source;
  json["output"] = report.output;
  json["first_day"] = report.first_day;
  json["last_day"] = report.last_day;
  json["days_read"] = report.days_read;
  json["files_read"] = report.files_read;
  json["files_pruned"] = report.files_pruned;
  json["row_groups_read"] = report.row_groups_read;
  json["row_groups_pruned"] = report.row_groups_pruned;
  json["rows_read"] = report.rows_read;
  json["bytes_read"] = report.bytes_read;
  json["memory_bytes"] = report.memory_bytes;
  json["dimensions"] = Json::array();
  for (const PlannedDimension& dimension : report.dimensions) {
    Json one;
    one["path"] = dimension.path;
    one["files"] = dimension.files;
    one["rows"] = dimension.rows;
    one["bytes"] = dimension.bytes;
    one["memory_bytes"] = dimension.memory_bytes;
    one["columns"] = dimension.columns;
    json["dimensions"].push_back(std::move(one));
  }
  json["passes"] = report.passes;
  json["rows_expected"] = report.rows_expected < 0 ? Json() : Json(report.rows_expected);
  json["files_expected"] = report.files_expected < 0 ? Json() : Json(report.files_expected);
  json["columns"] = report.columns;
  json["dates"] = Json::array();
  for (const PlannedDate& date : report.dates) {
    Json one = DateJson(date);
    one["picked"] = date.is_picked;
    json["dates"].push_back(std::move(one));
  }
  json["warnings"] = report.warnings;
  return json;
}

Json ToJson(const GenerateReport& report) {
  Json json;
  json["events"] = report.events;
  json["files"] = report.files;
  json["bytes"] = report.bytes;
  json["first_day"] = report.first_day;
  json["last_day"] = report.last_day;
  return json;
}

std::string Dump(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tidemill
