// `tidemill table history`: the ledger's runs and the Delta log's versions.

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runner/open_table.h"
#include "tidemill/table.h"

namespace tidemill {
namespace {

using Json = nlohmann::json;

std::string TextOr(const Json& json, const char* key) {
  const auto at = json.find(key);
  if (at == json.end() || at->is_null()) return "";
  return at->is_string() ? at->get<std::string>() : at->dump();
}

TableVersion VersionFrom(int64_t number, const std::string& lines) {
  TableVersion version;
  version.version = number;
  size_t begin = 0;
  while (begin < lines.size()) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    const Json line =
        Json::parse(lines.substr(begin, end - begin), nullptr, /*allow_exceptions=*/false);
    begin = end + 1;
    if (!line.is_object()) continue;
    if (const auto add = line.find("add"); add != line.end() && add->is_object()) {
      ++version.files_added;
    }
    if (const auto remove = line.find("remove"); remove != line.end() && remove->is_object()) {
      ++version.files_removed;
    }
    const auto info = line.find("commitInfo");
    if (info == line.end() || !info->is_object()) continue;
    if (const auto at = info->find("timestamp"); at != info->end() && at->is_number_integer()) {
      version.committed_at = at->get<int64_t>() * 1000;
    }
    version.operation = TextOr(*info, "operation");
    version.engine = TextOr(*info, "engineInfo");
    if (const auto parameters = info->find("operationParameters");
        parameters != info->end() && parameters->is_object()) {
      version.predicate = TextOr(*parameters, "predicate");
    }
  }
  return version;
}

arrow::Result<std::vector<TableVersion>> VersionsOf(const Location& location) {
  constexpr size_t kDigits = 20;
  const auto files =
      location.is_local ? MakeLocalTableFiles(location.path, {}) : MakeObjectTableFiles(location);
  ARROW_ASSIGN_OR_RAISE(const auto names, files->NamesIn("_delta_log"));
  std::vector<TableVersion> versions;
  for (const std::string& name : names) {
    if (name.size() != kDigits + 5 || !name.ends_with(".json")) continue;
    int64_t number = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + kDigits, number);
    if (error != std::errc() || rest != name.data() + kDigits) continue;
    ARROW_ASSIGN_OR_RAISE(const auto lines, files->Read("_delta_log/" + name));
    if (lines.has_value()) versions.push_back(VersionFrom(number, lines->text));
  }
  return versions;
}

}  // namespace

arrow::Result<HistoryReport> TableHistory(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const Location location, LocateTable(path));
  ARROW_ASSIGN_OR_RAISE(const bool is_delta, IsDeltaTable(location));
  ARROW_ASSIGN_OR_RAISE(const bool has_ledger, HasLedger(location));
  if (!is_delta && !has_ledger) {
    return MakeError(ErrorCode::kRunFailed, "no table with a ledger at " + location.uri,
                     "give the path of a pipeline's output");
  }
  HistoryReport report;
  if (has_ledger) {
    ARROW_ASSIGN_OR_RAISE(const Table table, OpenForUpkeep(location));
    ARROW_ASSIGN_OR_RAISE(report.runs, table.ledger().ReadRuns());
  }
  if (is_delta) {
    ARROW_ASSIGN_OR_RAISE(report.versions, VersionsOf(location));
  }
  return report;
}

}  // namespace tidemill
