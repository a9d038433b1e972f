#pragma once

/// What --json prints: reports and failures as JSON, with the field names that scripts rely on.

#include <string>

#include <nlohmann/json.hpp>

#include "tidemill/generate.h"
#include "tidemill/plan.h"

namespace tidemill {

using Json = nlohmann::ordered_json;

/// {"code", "kind", "message", "diagnostics": [{"message", "hint", "file", "line", "column"}]}.
Json ErrorJson(const arrow::Status& status);

Json ToJson(const CheckResult& check);
Json ToJson(const std::vector<CheckResult>& checks);
Json ToJson(const std::vector<RowRuleResult>& rules);
/// The start of every object about a feature date: "feature_date", "status", "reason".
template <typename Date>
Json DateJson(const Date& date) {
  Json json;
  json["feature_date"] = date.feature_date;
  json["status"] = date.status;
  json["reason"] = date.reason;
  return json;
}

/// Wall time by stage.
Json SecondsJson(const std::vector<std::pair<std::string, double>>& seconds);

/// Adds the bytes, retries and memory of a run.
void AddVolumes(const InvocationReport& report, Json* json);

/// With "error" where the run failed.
Json ToJson(const RunReport& report);
Json ToJson(const PlanReport& report);
Json ToJson(const GenerateReport& report);

/// Two blanks a level, one '\n' at the end. Text that is not UTF-8 is repaired.
std::string Dump(const Json& document);

}  // namespace tidemill
