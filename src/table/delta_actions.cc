#include "table/delta_actions.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "storage/percent_encoding.h"
#include "table/run_id.h"
#include "tidemill/error.h"
#include "tidemill/version.h"

namespace tidemill {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kNullName = "__HIVE_DEFAULT_PARTITION__";

std::string Line(const char* kind, Json action) {
  Json line;
  line[kind] = std::move(action);
  return line.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

Json ValuesJson(const PartitionValues& values) {
  Json json = Json::object();
  for (const auto& [name, value] : values) json[name] = value ? Json(*value) : Json();
  return json;
}

}  // namespace

PartitionValues PartitionValuesOf(const std::string& path) {
  PartitionValues values;
  size_t begin = 0;
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', begin)) {
    const std::string_view part = std::string_view(path).substr(begin, slash - begin);
    if (const size_t equals = part.find('='); equals != std::string_view::npos) {
      const std::string_view value = part.substr(equals + 1);
      auto& slot = values[PercentDecode(part.substr(0, equals))];
      if (value != kNullName) slot = PercentDecode(value);
    }
    begin = slash + 1;
  }
  return values;
}

arrow::Result<PartitionValues> ParsePartitionValues(const std::string& json) {
  const Json parsed = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("'{}' in the Delta log are no partition values", json));
  }
  PartitionValues values;
  for (const auto& [name, value] : parsed.items()) {
    auto& slot = values[name];
    if (value.is_string() && !value.get<std::string>().empty()) slot = value.get<std::string>();
  }
  return values;
}

std::string AddAction(const DeltaAdd& add) {
  Json action = {{"path", PercentEncodeForUri(add.path)},
                 {"partitionValues", ValuesJson(add.partition)},
                 {"size", add.bytes},
                 {"modificationTime", add.mtime_ms},
                 {"dataChange", add.data_change}};
  if (!add.stats.empty()) action["stats"] = add.stats;
  return Line("add", std::move(action));
}

std::string RemoveAction(const DeltaFile& file, int64_t deleted_ms, bool data_change) {
  Json action = {{"path", file.path},
                 {"deletionTimestamp", deleted_ms},
                 {"dataChange", data_change},
                 {"extendedFileMetadata", true},
                 {"partitionValues", Json::parse(file.partition_values, nullptr, false)},
                 {"size", file.size}};
  if (!file.deletion_vector.empty()) {
    action["deletionVector"] = Json::parse(file.deletion_vector, nullptr, false);
  }
  return Line("remove", std::move(action));
}

std::string TransactionAction(const std::string& app_id, int64_t version, int64_t now_ms) {
  return Line("txn", {{"appId", app_id}, {"version", version}, {"lastUpdated", now_ms}});
}

std::string ProtocolAction(const std::string& protocol_json) {
  return Line("protocol", Json::parse(protocol_json, nullptr, false));
}

std::string NewMetadataAction(const std::string& schema_string,
                              const std::vector<std::string>& partition_columns, int64_t now_ms) {
  return Line("metaData", {{"id", MakeUuid()},
                           {"format", {{"provider", "parquet"}, {"options", Json::object()}}},
                           {"schemaString", schema_string},
                           {"partitionColumns", partition_columns},
                           {"configuration", Json::object()},
                           {"createdTime", now_ms}});
}

std::string ChangedMetadataAction(const DeltaMetadata& metadata, const std::string& schema_string,
                                  const std::map<std::string, std::string>& properties) {
  Json action = Json::parse(metadata.metadata_json, nullptr, false);
  action["schemaString"] = schema_string;
  for (const auto& [name, value] : properties) action["configuration"][name] = value;
  return Line("metaData", std::move(action));
}

std::string CommitInfoAction(const DeltaCommitInfo& info) {
  Json action = {{"timestamp", info.timestamp_ms},
                 {"operation", info.operation},
                 {"operationParameters", Json::parse(info.parameters, nullptr, false)},
                 {"isolationLevel", "Serializable"},
                 {"isBlindAppend", false},
                 {"engineInfo", fmt::format("tidemill/{}", kVersion)},
                 {"txnId", info.attempt}};
  if (!info.ledger_entry.empty()) {
    action["tidemill"] = Json::parse(info.ledger_entry, nullptr, false);
  }
  return Line("commitInfo", std::move(action));
}

}  // namespace tidemill
