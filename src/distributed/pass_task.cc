#include "distributed/pass_task.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "distributed/hex_text.h"
#include "tidemill/version.h"

namespace tidemill {
namespace {

using Json = nlohmann::json;

std::string Text(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

Json ToJson(const PassDescription& pass) {
  Json json = {{"version", pass.version},
               {"file", pass.file},
               {"text", pass.text},
               {"names", pass.names},
               {"dates", pass.dates},
               {"only_checks", pass.scope == PlanScope::kInputChecks},
               {"keep_quarantined", pass.keep_quarantined},
               {"fingerprint", pass.fingerprint},
               {"work", pass.work},
               {"run_timestamp", pass.run_timestamp},
               {"memory", pass.memory}};
  if (pass.source_version) json["source_version"] = *pass.source_version;
  for (const auto& version : pass.join_versions) {
    json["join_versions"].push_back(version ? Json(*version) : Json());
  }
  return json;
}

PassDescription PassFrom(const Json& json) {
  PassDescription pass;
  json.at("version").get_to(pass.version);
  json.at("file").get_to(pass.file);
  json.at("text").get_to(pass.text);
  json.at("names").get_to(pass.names);
  json.at("dates").get_to(pass.dates);
  pass.scope = json.at("only_checks") ? PlanScope::kInputChecks : PlanScope::kFeatures;
  json.at("keep_quarantined").get_to(pass.keep_quarantined);
  json.at("fingerprint").get_to(pass.fingerprint);
  json.at("work").get_to(pass.work);
  json.at("run_timestamp").get_to(pass.run_timestamp);
  json.at("memory").get_to(pass.memory);
  if (json.contains("source_version")) {
    pass.source_version = json.at("source_version").get<int64_t>();
  }
  if (json.contains("join_versions")) {
    for (const Json& version : json.at("join_versions")) {
      pass.join_versions.push_back(
          version.is_null() ? std::nullopt : std::optional<int64_t>(version.get<int64_t>()));
    }
  }
  return pass;
}

Json ToJson(const ScanTask& task) {
  return {{"begin", task.begin},
          {"end", task.end},
          {"segments", task.segments},
          {"universe", task.universe}};
}

Json ToJson(const WindowTask& task) {
  Json tiles = Json::array();
  for (const TileSegments& segments : task.tiles) {
    tiles.push_back({segments.path, segments.bytes, segments.begin, segments.end});
  }
  Json json = {
      {"first", ToHex(task.keys.first)}, {"tiles", std::move(tiles)}, {"wanted", task.wanted}};
  if (!task.keys.is_last) json["end"] = ToHex(task.keys.end);
  return json;
}

arrow::Result<WindowTask> WindowTaskFrom(const Json& json) {
  WindowTask task;
  ARROW_ASSIGN_OR_RAISE(task.keys.first, FromHex(json.at("first").get<std::string>()));
  task.keys.is_last = !json.contains("end");
  if (!task.keys.is_last) {
    ARROW_ASSIGN_OR_RAISE(task.keys.end, FromHex(json.at("end").get<std::string>()));
  }
  for (const Json& segments : json.at("tiles")) {
    task.tiles.push_back({segments.at(0), segments.at(1), segments.at(2), segments.at(3)});
  }
  json.at("wanted").get_to(task.wanted);
  return task;
}

}  // namespace

std::string TextOf(const PassDescription& pass) { return Text(ToJson(pass)); }

std::string TaskToText(const PassTask& task) {
  Json json = {{"pass", ToJson(task.pass)}};
  if (const auto* scan = std::get_if<ScanTask>(&task.part)) {
    json["scan"] = ToJson(*scan);
  } else {
    json["windows"] = ToJson(std::get<WindowTask>(task.part));
  }
  return Text(json);
}

arrow::Result<PassTask> TaskFromText(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    const auto version = json.at("pass").at("version").get<std::string>();
    if (version != kVersion) {
      return MakeError(
          ErrorCode::kInvalid,
          "a task of Tidemill " + version + " came to a worker with Tidemill " + kVersion,
          "install the same version everywhere");
    }
    PassTask task;
    task.pass = PassFrom(json.at("pass"));
    if (json.contains("scan")) {
      const Json& scan = json.at("scan");
      task.part =
          ScanTask{scan.at("begin"), scan.at("end"), scan.at("segments"), scan.at("universe")};
    } else {
      ARROW_ASSIGN_OR_RAISE(task.part, WindowTaskFrom(json.at("windows")));
    }
    return task;
  } catch (const Json::exception& error) {
    return MakeError(ErrorCode::kInvalid, std::string("this is no task: ") + error.what());
  }
}

}  // namespace tidemill
