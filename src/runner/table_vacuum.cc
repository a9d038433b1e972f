// `tidemill table vacuum`: what nobody needs any more.

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "runner/open_table.h"
#include "runner/work_folder.h"
#include "table/ledger_json.h"
#include "table/object_writer.h"
#include "table/quarantine.h"
#include "table/run_id.h"
#include "table/staging.h"
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

/// Files that no entry of the ledger names, on an object store; and the notes of runs that are
/// over. Notes and entries are read after the listing: what was published in the meantime is then
/// named.
arrow::Result<std::vector<Leftover>> ObjectLeftovers(const Location& location, const Ledger& ledger,
                                                     bool apply) {
  ARROW_ASSIGN_OR_RAISE(const HiveListing listing, ListHive(location));
  const auto files = MakeObjectTableFiles(location);
  std::vector<Leftover> leftovers;
  std::vector<std::string> paths;
  std::set<std::string> needed;
  std::set<std::string> abandoned;
  ARROW_ASSIGN_OR_RAISE(const auto notes, files->NamesIn("_tidemill/pending"));
  for (const std::string& name : notes) {
    const std::string path = "_tidemill/pending/" + name;
    ARROW_ASSIGN_OR_RAISE(const auto text, files->Read(path));
    if (!text.has_value()) continue;
    ARROW_ASSIGN_OR_RAISE(const PublishIntent intent, IntentFromJson(text->text, path));
    if (IsAbandoned(intent)) {
      for (const PublishedFile& file : intent.entry.published->files) abandoned.insert(file.path);
      leftovers.push_back({location.uri + "/" + path, "half-done publication",
                           static_cast<int64_t>(text->text.size())});
      paths.push_back(path);
    } else {
      for (const PublishedFile& file : intent.entry.published->files) needed.insert(file.path);
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto entries, ledger.ReadAll("", ""));
  for (const LedgerEntry& entry : entries) {
    if (!entry.published.has_value()) continue;
    for (const PublishedFile& file : entry.published->files) needed.insert(file.path);
  }
  const int64_t now_ns = NowMicros() * 1000;
  for (const DataFile& file : listing.files) {
    const bool is_young = now_ns - file.mtime_ns < kHourNs;
    if (needed.contains(file.relative_path)) continue;
    if (is_young && !abandoned.contains(file.relative_path)) continue;
    leftovers.push_back({location.uri + "/" + file.relative_path, "unused file", file.size});
    paths.push_back(file.relative_path);
  }
  if (!apply) return leftovers;
  // Files before their notes: a note that is there tells of files that may be.
  for (const bool is_note : {false, true}) {
    for (const std::string& path : paths) {
      if (path.starts_with("_tidemill/") == is_note) ARROW_RETURN_NOT_OK(files->Remove(path));
    }
  }
  return leftovers;
}

/// Less than this would take files from runs that have placed them and not yet committed.
constexpr int64_t kLeastRetentionMs = 3'600'000;

arrow::Result<std::vector<Leftover>> DeltaLeftovers(const Location& location,
                                                    const VacuumOptions& options) {
  std::vector<Leftover> leftovers;
  ARROW_ASSIGN_OR_RAISE(const auto snapshot, DeltaSnapshot::Open(location));
  if (snapshot == nullptr) return leftovers;
  const int64_t retention =
      options.retention_ms >= 0 ? options.retention_ms : RetentionOf(snapshot->metadata());
  if (options.apply && retention < kLeastRetentionMs && !options.force) {
    return MakeError(ErrorCode::kInvalid,
                     "a retention of less than an hour takes away the files of runs that are about "
                     "to commit them",
                     "give --retention 1h or more; or, if surely nothing writes to the table, add "
                     "--force");
  }
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
  if (has_ledger) {
    ARROW_ASSIGN_OR_RAISE(const Table table, OpenForUpkeep(location));
    ARROW_ASSIGN_OR_RAISE(const auto quarantined,
                          QuarantineLeftovers(location, table.ledger(), options.apply));
    leftovers.insert(leftovers.end(), quarantined.begin(), quarantined.end());
  }
  ARROW_ASSIGN_OR_RAISE(const auto work, WorkLeftovers(location, options.apply));
  leftovers.insert(leftovers.end(), work.begin(), work.end());
  if (is_delta) {
    ARROW_ASSIGN_OR_RAISE(const auto unused, DeltaLeftovers(location, options));
    leftovers.insert(leftovers.end(), unused.begin(), unused.end());
  }
  std::ranges::sort(leftovers, {}, &Leftover::path);
  return leftovers;
}

}  // namespace tidemill
