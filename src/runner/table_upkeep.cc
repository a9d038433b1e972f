// `tidemill table history` and `tidemill table vacuum`.

#include <algorithm>
#include <filesystem>

#include "table/run_id.h"
#include "table/table.h"
#include "tidemill/table.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

/// The table at `path`; what it is partitioned by does not matter for upkeep.
arrow::Result<Table> OpenForUpkeep(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(Location location, ParseLocation(path));
  std::error_code error;
  if (!fs::is_directory(fs::path(location.path) / "_tidemill", error)) {
    return MakeError(ErrorCode::kRunFailed, "no table with a ledger at " + location.uri,
                     "give the path of a pipeline's output");
  }
  const Calendar calendar(Calendar::Step::kDay, TimeZone::Find("UTC"));
  ARROW_ASSIGN_OR_RAISE(PartitionLayout layout, PartitionLayout::Make({PartitionTerm{}}, calendar));
  return Table::Open(location, std::move(layout));
}

int64_t BytesBelow(const fs::path& folder) {
  int64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) bytes += static_cast<int64_t>(entry.file_size(error));
  }
  return bytes;
}

}  // namespace

arrow::Result<std::vector<RunRecord>> TableHistory(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const Table table, OpenForUpkeep(path));
  return table.ledger().ReadRuns();
}

arrow::Result<std::vector<Leftover>> VacuumTable(const std::string& path, bool apply) {
  ARROW_ASSIGN_OR_RAISE(const Table table, OpenForUpkeep(path));
  std::vector<Leftover> leftovers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(StagingRoot(table.location().path), error)) {
    ARROW_ASSIGN_OR_RAISE(const auto lock,
                          FileLock::Try((entry.path() / "lock").string(), /*create=*/false));
    if (lock) leftovers.push_back({entry.path(), "staging folder", BytesBelow(entry.path())});
  }
  const fs::path pending = fs::path(table.location().path) / "_tidemill" / "pending";
  for (const auto& entry : fs::directory_iterator(pending, error)) {
    const auto size = static_cast<int64_t>(entry.file_size(error));
    leftovers.push_back({entry.path(), "half-done publication", size});
  }
  std::sort(leftovers.begin(), leftovers.end(),
            [](const Leftover& a, const Leftover& b) { return a.path < b.path; });
  if (apply && !leftovers.empty()) ARROW_RETURN_NOT_OK(table.Begin(MakeRunId()).status());
  return leftovers;
}

}  // namespace tidemill
