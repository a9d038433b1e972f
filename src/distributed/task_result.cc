#include "distributed/task_result.h"

#include <nlohmann/json.hpp>

#include "distributed/hex_text.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using Json = nlohmann::json;

/// Code, diagnostics and positions survive the journey.
Json ToJson(const arrow::Status& status) {
  Json diagnostics = Json::array();
  for (const Diagnostic& diagnostic : DiagnosticsOf(status)) {
    diagnostics.push_back({{"message", diagnostic.message},
                           {"hint", diagnostic.hint},
                           {"file", diagnostic.position.file},
                           {"line", diagnostic.position.line},
                           {"column", diagnostic.position.column},
                           {"source_line", diagnostic.source_line}});
  }
  return {{"code", static_cast<int>(CodeOf(status))}, {"diagnostics", std::move(diagnostics)}};
}

arrow::Status StatusFrom(const Json& json) {
  std::vector<Diagnostic> diagnostics;
  for (const Json& one : json.at("diagnostics")) {
    diagnostics.push_back({one.at("message"),
                           one.at("hint"),
                           {one.at("file"), one.at("line"), one.at("column")},
                           one.at("source_line")});
  }
  if (diagnostics.empty()) diagnostics.push_back({"a task failed", "", {}, ""});
  return MakeError(static_cast<ErrorCode>(json.at("code").get<int>()), std::move(diagnostics));
}

Json ToJson(const RuleCountsOfSlots& rules) {
  Json slots = Json::array();
  for (const auto& [slot, counts] : rules.slots) {
    Json failures = Json::array();
    for (const RuleFailures& rule : counts.rules) {
      Json examples = Json::array();
      for (const FailedRow& row : rule.examples) {
        examples.push_back({row.file, row.row, row.content});
      }
      failures.push_back({rule.rows, std::move(examples)});
    }
    slots.push_back({slot, counts.rows_quarantined, std::move(failures)});
  }
  return slots;
}

RuleCountsOfSlots RulesFrom(const Json& json) {
  RuleCountsOfSlots rules;
  for (const Json& slot : json) {
    RuleCounts& counts = rules.slots[slot.at(0).get<int32_t>()];
    slot.at(1).get_to(counts.rows_quarantined);
    for (const Json& rule : slot.at(2)) {
      RuleFailures& failures = counts.rules.emplace_back();
      rule.at(0).get_to(failures.rows);
      for (const Json& row : rule.at(1)) {
        failures.examples.push_back({row.at(0), row.at(1), row.at(2)});
      }
    }
  }
  return rules;
}

Json ToJson(const ScanAnswer& answer) {
  const ScanCounts& counts = answer.counts;
  Json json = {{"rows_read", counts.rows_read},
               {"rows_filtered", counts.rows_filtered},
               {"rows_unmatched", counts.rows_unmatched},
               {"looked_up", counts.looked_up},
               {"not_found", counts.not_found},
               {"rows_without_entity", counts.rows_without_entity},
               {"rows_without_day", counts.rows_without_day},
               {"rows_misplaced", counts.rows_misplaced},
               {"rows_of_slot", counts.rows_of_slot},
               {"rules", ToJson(counts.rules)},
               {"metrics", answer.metrics},
               {"spilled_bytes", answer.spilled_bytes}};
  for (const RowSpoolFile& file : answer.quarantined) {
    json["quarantined"].push_back(
        {{"path", file.path}, {"bytes", file.bytes}, {"morsels", file.morsels}});
  }
  if (answer.tiles) {
    Json first_keys = Json::array();
    for (const std::string& key : answer.tiles->first_keys) first_keys.push_back(ToHex(key));
    json["tiles"] = {{"path", answer.tiles->path},
                     {"first_keys", std::move(first_keys)},
                     {"rows", answer.tiles->num_rows},
                     {"memory", answer.tiles->memory},
                     {"bytes", answer.tiles->bytes}};
  }
  return json;
}

arrow::Status Read(const Json& json, ScanAnswer* answer) {
  ScanCounts& counts = answer->counts;
  json.at("rows_read").get_to(counts.rows_read);
  json.at("rows_filtered").get_to(counts.rows_filtered);
  json.at("rows_unmatched").get_to(counts.rows_unmatched);
  json.at("looked_up").get_to(counts.looked_up);
  json.at("not_found").get_to(counts.not_found);
  json.at("rows_without_entity").get_to(counts.rows_without_entity);
  json.at("rows_without_day").get_to(counts.rows_without_day);
  json.at("rows_misplaced").get_to(counts.rows_misplaced);
  json.at("rows_of_slot").get_to(counts.rows_of_slot);
  counts.rules = RulesFrom(json.at("rules"));
  json.at("metrics").get_to(answer->metrics);
  json.at("spilled_bytes").get_to(answer->spilled_bytes);
  if (json.contains("quarantined")) {
    for (const Json& file : json.at("quarantined")) {
      answer->quarantined.push_back(
          {nullptr, file.at("path"), file.at("bytes"), file.at("morsels")});
    }
  }
  if (!json.contains("tiles")) return arrow::Status::OK();
  const Json& tiles = json.at("tiles");
  TileFile& file = answer->tiles.emplace();
  tiles.at("path").get_to(file.path);
  for (const Json& key : tiles.at("first_keys")) {
    ARROW_ASSIGN_OR_RAISE(std::string bytes, FromHex(key.get<std::string>()));
    file.first_keys.push_back(std::move(bytes));
  }
  tiles.at("rows").get_to(file.num_rows);
  tiles.at("memory").get_to(file.memory);
  tiles.at("bytes").get_to(file.bytes);
  return arrow::Status::OK();
}

Json ToJson(const WindowAnswer& answer) {
  Json failed = Json::array();
  for (const auto& [date, status] : answer.failed) {
    failed.push_back({{"date", date}, {"error", ToJson(status)}});
  }
  return {{"path", answer.features.path}, {"dates", answer.features.dates},
          {"rows", answer.features.rows}, {"bytes", answer.features.bytes},
          {"entities", answer.entities},  {"failed", std::move(failed)}};
}

arrow::Status Read(const Json& json, WindowAnswer* answer) {
  json.at("path").get_to(answer->features.path);
  json.at("dates").get_to(answer->features.dates);
  json.at("rows").get_to(answer->features.rows);
  json.at("bytes").get_to(answer->features.bytes);
  json.at("entities").get_to(answer->entities);
  for (const Json& one : json.at("failed")) {
    answer->failed.emplace_back(one.at("date").get<size_t>(), StatusFrom(one.at("error")));
  }
  return arrow::Status::OK();
}

constexpr const char* kNames[] = {"scan", "windows", "error"};

constexpr const char* NameOf(const ScanAnswer*) { return kNames[0]; }
constexpr const char* NameOf(const WindowAnswer*) { return kNames[1]; }

}  // namespace

std::string AnswerToText(const TaskAnswer& answer) {
  const Json content = std::visit([](const auto& any) { return ToJson(any); }, answer);
  const Json json = {{kNames[answer.index()], content}};
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

template <typename Answer>
arrow::Result<Answer> AnswerFromText(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (json.contains("error")) return StatusFrom(json.at("error"));
    Answer answer;
    ARROW_RETURN_NOT_OK(Read(json.at(NameOf(&answer)), &answer));
    return answer;
  } catch (const Json::exception& error) {
    return MakeError(ErrorCode::kRunFailed,
                     std::string("a worker answered with what is no answer: ") + error.what());
  }
}

template arrow::Result<ScanAnswer> AnswerFromText(const std::string& text);
template arrow::Result<WindowAnswer> AnswerFromText(const std::string& text);

}  // namespace tidemill
