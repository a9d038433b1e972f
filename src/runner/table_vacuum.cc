// `tidemill table vacuum`: what nobody needs any more.

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "runner/open_table.h"
#include "table/ledger_json.h"
#include "table/run_id.h"
#include "table/staging.h"
#include "table/this_process.h"
#include "tidemill/table.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWeekMs = int64_t{7} * 86'400'000;
/// Files of an object store that belong to no date and are younger than this may be about to be
/// published.
constexpr int64_t kHourNs = int64_t{3600} * 1'000'000'000;

int64_t BytesBelow(const fs::path& folder) {
  int64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) bytes += static_cast<int64_t>(entry.file_size(error));
  }
  return bytes;
}

/// "interval 7 days", as Delta's properties say it.
int64_t RetentionOf(const DeltaMetadata& metadata) {
  const std::string text =
      metadata.Property("delta.deletedFileRetentionDuration", "interval 7 days");
  int64_t count = 0;
  char unit[16] = {};
  if (std::sscanf(text.c_str(), "interval %ld %15s", &count, unit) != 2 || count < 0)
    return kWeekMs;
  const std::string_view name = unit;
  if (name.starts_with("day")) return count * 86'400'000;
  if (name.starts_with("hour")) return count * 3'600'000;
  if (name.starts_with("week")) return count * kWeekMs;
  if (name.starts_with("minute")) return count * 60'000;
  if (name.starts_with("second")) return count * 1000;
  return kWeekMs;
}

/// What dead runs left on a local disk.
arrow::Result<std::vector<Leftover>> LocalLeftovers(const Location& location) {
  std::vector<Leftover> leftovers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(StagingRoot(location.path), error)) {
    ARROW_ASSIGN_OR_RAISE(const auto lock,
                          FileLock::Try((entry.path() / "lock").string(), /*create=*/false));
    if (lock) leftovers.push_back({entry.path(), "staging folder", BytesBelow(entry.path())});
  }
  const fs::path pending = fs::path(location.path) / "_tidemill" / "pending";
  for (const auto& entry : fs::directory_iterator(pending, error)) {
    const auto size = static_cast<int64_t>(entry.file_size(error));
    leftovers.push_back({entry.path(), "half-done publication", size});
  }
  return leftovers;
}

arrow::Status Remove(const Location& location, const std::string& relative) {
  return location.filesystem->DeleteFile(location.path + "/" + relative);
}

/// Files that no entry of the ledger names, on an object store; and the notes of runs that are
/// over.
arrow::Result<std::vector<Leftover>> ObjectLeftovers(const Location& location, const Ledger& ledger,
                                                     bool apply) {
  ARROW_ASSIGN_OR_RAISE(const auto entries, ledger.ReadAll("", ""));
  std::set<std::string> named;
  for (const LedgerEntry& entry : entries) {
    if (!entry.published.has_value()) continue;
    for (const PublishedFile& file : entry.published->files) named.insert(file.path);
  }
  std::vector<Leftover> leftovers;
  ARROW_ASSIGN_OR_RAISE(const HiveListing listing, ListHive(location));
  const int64_t now_ns = NowMicros() * 1000;
  for (const DataFile& file : listing.files) {
    if (named.contains(file.relative_path) || now_ns - file.mtime_ns < kHourNs) continue;
    leftovers.push_back({location.uri + "/" + file.relative_path, "unused file", file.size});
    if (apply) ARROW_RETURN_NOT_OK(Remove(location, file.relative_path));
  }
  const auto files = MakeObjectTableFiles(location);
  ARROW_ASSIGN_OR_RAISE(const auto notes, files->NamesIn("_tidemill/pending"));
  for (const std::string& name : notes) {
    const std::string path = "_tidemill/pending/" + name;
    ARROW_ASSIGN_OR_RAISE(const auto text, files->Read(path));
    if (!text.has_value()) continue;
    ARROW_ASSIGN_OR_RAISE(const PublishIntent intent, IntentFromJson(text->text, path));
    const int64_t age_ns = now_ns - intent.entry.published->published_at * 1000;
    if (!IsGone(intent.process) && age_ns < kHourNs) continue;
    for (const PublishedFile& file : intent.entry.published->files) {
      if (named.contains(file.path)) continue;
      leftovers.push_back({location.uri + "/" + file.path, "unused file", file.bytes});
      if (apply) ARROW_RETURN_NOT_OK(files->Remove(file.path));
    }
    leftovers.push_back({location.uri + "/" + path, "half-done publication",
                         static_cast<int64_t>(text->text.size())});
    if (apply) ARROW_RETURN_NOT_OK(files->Remove(path));
  }
  return leftovers;
}

arrow::Result<std::vector<Leftover>> DeltaLeftovers(const Location& location,
                                                    const VacuumOptions& options) {
  std::vector<Leftover> leftovers;
  ARROW_ASSIGN_OR_RAISE(const auto snapshot, DeltaSnapshot::Open(location));
  if (snapshot == nullptr) return leftovers;
  const int64_t retention =
      options.retention_ms >= 0 ? options.retention_ms : RetentionOf(snapshot->metadata());
  ARROW_ASSIGN_OR_RAISE(const auto paths, snapshot->Vacuum(retention, /*apply=*/false));
  for (const std::string& path : paths) {
    const auto info = location.filesystem->GetFileInfo(location.path + "/" + path);
    const int64_t bytes = info.ok() && info->IsFile() ? info->size() : 0;
    leftovers.push_back({location.uri + "/" + path, "unused file", bytes});
  }
  if (options.apply && !paths.empty()) {
    ARROW_RETURN_NOT_OK(snapshot->Vacuum(retention, /*apply=*/true).status());
  }
  return leftovers;
}

}  // namespace

arrow::Result<std::vector<Leftover>> VacuumTable(const std::string& path,
                                                 const VacuumOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const Location location, LocateTable(path));
  ARROW_ASSIGN_OR_RAISE(const bool is_delta, IsDeltaTable(location));
  ARROW_ASSIGN_OR_RAISE(const bool has_ledger, HasLedger(location));
  if (!is_delta && !has_ledger) {
    return MakeError(ErrorCode::kRunFailed, "no table with a ledger at " + location.uri,
                     "give the path of a pipeline's output");
  }
  std::vector<Leftover> leftovers;
  if (has_ledger && location.is_local) {
    ARROW_ASSIGN_OR_RAISE(leftovers, LocalLeftovers(location));
    if (options.apply && !leftovers.empty()) {
      ARROW_ASSIGN_OR_RAISE(const Table table, OpenForUpkeep(location));
      ARROW_RETURN_NOT_OK(table.Begin(MakeRunId()).status());
    }
  } else if (has_ledger && !is_delta) {
    ARROW_ASSIGN_OR_RAISE(const Table table, OpenForUpkeep(location));
    ARROW_ASSIGN_OR_RAISE(leftovers, ObjectLeftovers(location, table.ledger(), options.apply));
  }
  if (is_delta) {
    ARROW_ASSIGN_OR_RAISE(const auto unused, DeltaLeftovers(location, options));
    leftovers.insert(leftovers.end(), unused.begin(), unused.end());
  }
  std::ranges::sort(leftovers, {}, &Leftover::path);
  return leftovers;
}

}  // namespace tidemill
