#include "table/ledger_json.h"

#include <cstdio>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/calendar.h"
#include "table/metric_value.h"
#include "table/run_id.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;

/// A damaged or foreign file; caught at the edge of this file.
struct FormatError : std::exception {
  explicit FormatError(std::string text) : message(std::move(text)) {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

std::string Text(const Json& json) {
  return json.dump(1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

template <typename T>
T Get(const Json& json, const char* key, T fallback) {
  const auto at = json.find(key);
  return at == json.end() ? fallback : at->get<T>();
}

int64_t InstantFrom(const Json& json, const char* key) {
  const auto text = json.at(key).get<std::string>();
  // "2026-03-02T14:15:30.123456Z", as FormatInstant writes it.
  int hour = 0;
  int minute = 0;
  int second = 0;
  int micros = 0;
  const auto day = ParseCivilDay(std::string_view(text).substr(0, 10));
  if (!day.has_value() ||
      std::sscanf(text.c_str() + 10, "T%2d:%2d:%2d.%6dZ", &hour, &minute, &second, &micros) != 4) {
    throw FormatError(fmt::format("'{}' is not a time", text));
  }
  return ((((int64_t{*day} * 24 + hour) * 60 + minute) * 60) + second) * 1'000'000 + micros;
}

Json ChecksToJson(const std::vector<CheckResult>& checks) {
  Json json = Json::array();
  for (const CheckResult& check : checks) {
    json.push_back({{"check", check.check},
                    {"stage", check.stage},
                    {"severity", check.severity == Severity::kWarn ? "warn" : "error"},
                    {"passed", check.passed},
                    {"value", check.value},
                    {"reason", check.reason}});
  }
  return json;
}

std::vector<CheckResult> ChecksFromJson(const Json& json) {
  std::vector<CheckResult> checks;
  for (const Json& one : json) {
    CheckResult check;
    check.check = one.at("check");
    check.stage = Get<std::string>(one, "stage", "");
    check.severity =
        Get<std::string>(one, "severity", "error") == "warn" ? Severity::kWarn : Severity::kError;
    check.passed = one.at("passed");
    check.value = Get<std::string>(one, "value", "");
    check.reason = Get<std::string>(one, "reason", "");
    checks.push_back(std::move(check));
  }
  return checks;
}

/// Files are arrays of path, size, time and perhaps a revision: there may be thousands.
Json FilesToJson(const std::vector<InputFile>& inputs) {
  Json files = Json::array();
  for (const InputFile& file : inputs) {
    files.push_back(Json::array({file.path, file.size, file.mtime_ns}));
    if (!file.revision.empty()) files.back().push_back(file.revision);
  }
  return files;
}

std::vector<InputFile> FilesFromJson(const Json& json) {
  std::vector<InputFile> files;
  for (const Json& file : json) {
    files.push_back({file.at(0), file.at(1), file.at(2), ""});
    if (file.size() > 3) files.back().revision = file.at(3);
  }
  return files;
}

Json InputsToJson(const std::vector<InputDay>& days) {
  Json json = Json::array();
  for (const InputDay& day : days) {
    json.push_back({{"day", day.day.has_value() ? Json(FormatCivilDay(*day.day)) : Json()},
                    {"files", FilesToJson(day.files)}});
  }
  return json;
}

Json OtherInputsToJson(const std::vector<OtherInput>& inputs) {
  Json json = Json::array();
  for (const OtherInput& input : inputs) {
    Json one = {{"role", input.role}, {"path", input.path}};
    if (input.version.has_value()) one["version"] = *input.version;
    one["files"] = FilesToJson(input.files);
    json.push_back(std::move(one));
  }
  return json;
}

std::vector<OtherInput> OtherInputsFromJson(const Json& json) {
  std::vector<OtherInput> inputs;
  for (const Json& one : json) {
    OtherInput input;
    input.role = one.at("role");
    input.path = one.at("path");
    if (const auto at = one.find("version"); at != one.end()) input.version = at->get<int64_t>();
    input.files = FilesFromJson(one.at("files"));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::vector<InputDay> InputsFromJson(const Json& json) {
  std::vector<InputDay> days;
  for (const Json& one : json) {
    InputDay day;
    if (!one.at("day").is_null()) {
      const auto text = one.at("day").get<std::string>();
      day.day = ParseCivilDay(text);
      if (!day.day.has_value()) throw FormatError(fmt::format("'{}' is not a day", text));
    }
    day.files = FilesFromJson(one.at("files"));
    days.push_back(std::move(day));
  }
  return days;
}

Json PublishedToJson(const PublishedState& state) {
  Json json = {{"run_id", state.run_id},
               {"status", state.status},
               {"definition_hash", state.definition_hash},
               {"partition", state.partition},
               {"published_at", FormatInstant(state.published_at)},
               {"rows_read", state.rows_read},
               {"rows_quarantined", state.rows_quarantined},
               {"rows_dropped", state.rows_dropped},
               {"rows_filtered", state.rows_filtered},
               {"rows_unmatched", state.rows_unmatched},
               {"rows_written", state.rows_written}};
  Json& files = json["files"] = Json::array();
  for (const PublishedFile& file : state.files) {
    files.push_back(
        {{"path", file.path}, {"rows", file.rows}, {"bytes", file.bytes}, {"hash", file.hash}});
  }
  Json& features = json["features"] = Json::object();
  for (const auto& [name, hash] : state.features) features[name] = hash;
  Json& metrics = json["metrics"] = Json::object();
  for (const auto& [expression, value] : state.metrics) {
    // A type that has no JSON form is of no use to previous(); it is as if it had not been
    // measured.
    auto metric = MetricToJson(*value);
    if (metric.ok()) metrics[expression] = std::move(metric).ValueUnsafe();
  }
  json["checks"] = ChecksToJson(state.checks);
  json["inputs"] = InputsToJson(state.inputs);
  if (state.input_version.has_value()) json["input_version"] = *state.input_version;
  if (state.entities_entered) json["entities_entered"] = *state.entities_entered;
  if (state.entities_left) json["entities_left"] = *state.entities_left;
  if (!state.other_inputs.empty()) json["other_inputs"] = OtherInputsToJson(state.other_inputs);
  if (state.transaction >= 0) json["transaction"] = state.transaction;
  return json;
}

PublishedState PublishedFromJson(const Json& json) {
  PublishedState state;
  state.run_id = json.at("run_id");
  state.status = json.at("status");
  state.definition_hash = json.at("definition_hash");
  state.partition = json.at("partition");
  state.published_at = InstantFrom(json, "published_at");
  state.rows_read = Get<int64_t>(json, "rows_read", 0);
  state.rows_quarantined = Get<int64_t>(json, "rows_quarantined", 0);
  state.rows_dropped = Get<int64_t>(json, "rows_dropped", 0);
  state.rows_filtered = Get<int64_t>(json, "rows_filtered", 0);
  state.rows_unmatched = Get<int64_t>(json, "rows_unmatched", 0);
  state.rows_written = Get<int64_t>(json, "rows_written", 0);
  for (const Json& file : json.at("files")) {
    state.files.push_back({file.at("path"), file.at("rows"), file.at("bytes"), file.at("hash")});
  }
  for (const auto& [name, hash] : json.at("features").items()) {
    state.features.emplace_back(name, hash.get<std::string>());
  }
  for (const auto& [expression, value] : json.at("metrics").items()) {
    auto metric = MetricFromJson(value);
    if (!metric.ok()) throw FormatError(metric.status().message());
    state.metrics.emplace_back(expression, std::move(metric).ValueUnsafe());
  }
  state.checks = ChecksFromJson(json.at("checks"));
  state.inputs = InputsFromJson(json.at("inputs"));
  if (const auto at = json.find("input_version"); at != json.end()) {
    state.input_version = at->get<int64_t>();
  }
  if (const auto at = json.find("entities_entered"); at != json.end()) {
    state.entities_entered = at->get<int64_t>();
  }
  if (const auto at = json.find("entities_left"); at != json.end()) {
    state.entities_left = at->get<int64_t>();
  }
  if (const auto at = json.find("other_inputs"); at != json.end()) {
    state.other_inputs = OtherInputsFromJson(*at);
  }
  state.transaction = Get<int64_t>(json, "transaction", -1);
  return state;
}

Json EntryJson(const LedgerEntry& entry) {
  Json json = {{"format", kFormat}, {"feature_date", entry.feature_date}};
  if (entry.last_attempt.has_value()) {
    const Attempt& attempt = *entry.last_attempt;
    json["last_attempt"] = {{"run_id", attempt.run_id},
                            {"status", attempt.status},
                            {"reason", attempt.reason},
                            {"finished_at", FormatInstant(attempt.finished_at)}};
  }
  if (entry.published.has_value()) json["published"] = PublishedToJson(*entry.published);
  return json;
}

void CheckFormat(const Json& json) {
  const int format = json.at("format").get<int>();
  if (format > kFormat) {
    throw FormatError(
        fmt::format("its format {} is newer than this tidemill, which knows {}", format, kFormat));
  }
}

LedgerEntry EntryOf(const Json& json) {
  CheckFormat(json);
  LedgerEntry entry;
  entry.feature_date = json.at("feature_date");
  if (const auto at = json.find("last_attempt"); at != json.end()) {
    entry.last_attempt = {at->at("run_id"), at->at("status"), Get<std::string>(*at, "reason", ""),
                          InstantFrom(*at, "finished_at")};
  }
  if (const auto at = json.find("published"); at != json.end()) {
    entry.published = PublishedFromJson(*at);
  }
  return entry;
}

template <typename Work>
auto Parse(const std::string& text, const std::string& file, const Work& work)
    -> arrow::Result<decltype(work(Json()))> {
  try {
    return work(Json::parse(text));
  } catch (const FormatError& error) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("{}: {}", file, error.message));
  } catch (const Json::exception& error) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: this file of the ledger is damaged: {}", file, error.what()),
                     "remove the file; its date then counts as missing and can be run again");
  }
}

}  // namespace

std::string EntryToJson(const LedgerEntry& entry) { return Text(EntryJson(entry)); }

std::string IntentToJson(const PublishIntent& intent) {
  return Text({{"format", kFormat},
               {"run_id", intent.run_id},
               {"staged", intent.staged},
               {"staged_inode", intent.staged_inode},
               {"process", intent.process},
               {"app_id", intent.app_id},
               {"entry", EntryJson(intent.entry)}});
}

std::string RunToJson(const RunRecord& run) {
  Json json = {{"format", kFormat},
               {"run_id", run.run_id},
               {"command", run.command},
               {"pipeline", run.pipeline},
               {"definition_hash", run.definition_hash},
               {"version", run.version},
               {"status", run.status},
               {"reason", run.reason},
               {"started_at", FormatInstant(run.started_at)},
               {"finished_at", FormatInstant(run.finished_at)},
               {"rows_read", run.rows_read},
               {"rows_quarantined", run.rows_quarantined},
               {"bytes_read", run.bytes_read},
               {"bytes_written", run.bytes_written},
               {"peak_memory", run.peak_memory},
               {"warnings", run.warnings}};
  Json& dates = json["dates"] = Json::array();
  for (const RunRecord::Date& date : run.dates) {
    dates.push_back({{"feature_date", date.feature_date},
                     {"status", date.status},
                     {"reason", date.reason},
                     {"rows_written", date.rows_written}});
  }
  Json& seconds = json["seconds"] = Json::object();
  for (const auto& [stage, taken] : run.seconds) seconds[stage] = taken;
  return Text(json);
}

arrow::Result<LedgerEntry> EntryFromJson(const std::string& text, const std::string& file) {
  return Parse(text, file, EntryOf);
}

arrow::Result<PublishIntent> IntentFromJson(const std::string& text, const std::string& file) {
  return Parse(text, file, [](const Json& json) {
    CheckFormat(json);
    PublishIntent intent;
    intent.run_id = json.at("run_id");
    intent.staged = json.at("staged");
    intent.staged_inode = json.at("staged_inode");
    intent.process = Get<std::string>(json, "process", "");
    intent.app_id = Get<std::string>(json, "app_id", "");
    intent.entry = EntryOf(json.at("entry"));
    if (!intent.entry.published.has_value()) throw FormatError("it publishes nothing");
    return intent;
  });
}

arrow::Result<RunRecord> RunFromJson(const std::string& text, const std::string& file) {
  return Parse(text, file, [](const Json& json) {
    CheckFormat(json);
    RunRecord run;
    run.run_id = json.at("run_id");
    run.command = Get<std::string>(json, "command", "");
    run.pipeline = Get<std::string>(json, "pipeline", "");
    run.definition_hash = Get<std::string>(json, "definition_hash", "");
    run.version = Get<std::string>(json, "version", "");
    run.status = json.at("status");
    run.reason = Get<std::string>(json, "reason", "");
    run.started_at = InstantFrom(json, "started_at");
    run.finished_at = InstantFrom(json, "finished_at");
    run.rows_read = Get<int64_t>(json, "rows_read", 0);
    run.rows_quarantined = Get<int64_t>(json, "rows_quarantined", 0);
    run.bytes_read = Get<int64_t>(json, "bytes_read", 0);
    run.bytes_written = Get<int64_t>(json, "bytes_written", 0);
    run.peak_memory = Get<int64_t>(json, "peak_memory", 0);
    run.warnings = Get<std::vector<std::string>>(json, "warnings", {});
    for (const Json& date : json.at("dates")) {
      run.dates.push_back({date.at("feature_date"), date.at("status"),
                           Get<std::string>(date, "reason", ""),
                           Get<int64_t>(date, "rows_written", 0)});
    }
    for (const auto& [stage, taken] : json.at("seconds").items()) {
      run.seconds.emplace_back(stage, taken.get<double>());
    }
    return run;
  });
}

}  // namespace tidemill
