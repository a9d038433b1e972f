#include "table/table.h"

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "table/durable_files.h"
#include "table/run_id.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr std::string_view kSuffix = ".json";

/// A label as the name of a directory.
std::string FolderOf(const std::string& date) { return "date " + date; }

}  // namespace

arrow::Result<Table> Table::Open(const Location& location, PartitionLayout layout) {
  if (!location.is_local) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("{}: only local directories can be written", location.uri));
  }
  std::error_code error;
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(location.path, error);
  if (error) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("{}: {}", location.uri, error.message()));
  }
  if (resolved == resolved.root_path()) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{}: cannot be a table", location.uri),
                     "name a directory of its own");
  }
  return Table(resolved.string(), std::move(layout));
}

arrow::Result<std::unique_ptr<TableWriter>> Table::Begin(const std::string& run_id,
                                                         PublishProbe probe) const {
  for (const char* folder :
       {"/_tidemill/locks", "/_tidemill/dates", "/_tidemill/pending", "/_tidemill/runs"}) {
    ARROW_RETURN_NOT_OK(MakeDirectories(path_ + folder));
  }
  std::unique_ptr<TableWriter> writer(new TableWriter(*this, run_id, std::move(probe)));
  ARROW_ASSIGN_OR_RAISE(writer->staging_, StagingFolder::Create(path_, run_id));
  ARROW_RETURN_NOT_OK(writer->RecoverOtherRuns());
  return writer;
}

arrow::Status TableWriter::RecoverOtherRuns() {
  const Ledger ledger = table_.ledger();
  ARROW_ASSIGN_OR_RAISE(const auto names, NamesIn(table_.path() + "/_tidemill/pending"));
  std::set<std::string> still_needed;
  for (const std::string& name : names) {
    if (!name.ends_with(kSuffix)) continue;
    const std::string date = name.substr(0, name.size() - kSuffix.size());
    ARROW_ASSIGN_OR_RAISE(const auto lock, FileLock::Try(LockPath(date)));
    if (lock.has_value()) {
      ARROW_RETURN_NOT_OK(RecoverDate(table_.path(), date, staging_.get(), probe_));
      continue;
    }
    // Its publisher lives, or somebody else is recovering it; the staged directory may still be
    // needed.
    ARROW_ASSIGN_OR_RAISE(const auto text, ReadSmallFile(ledger.IntentPath(date)));
    if (!text.has_value()) continue;
    ARROW_ASSIGN_OR_RAISE(const auto intent, IntentFromJson(*text, ledger.IntentPath(date)));
    still_needed.insert(intent.run_id);
  }
  staging_->RemoveDeadRuns(
      [&](const std::string& run_id) { return still_needed.contains(run_id); });
  return arrow::Status::OK();
}

std::string TableWriter::LockPath(const std::string& date) const {
  return table_.path() + "/_tidemill/locks/" + date + ".lock";
}

arrow::Result<DateLock> TableWriter::Lock(Slot slot) {
  std::string date = table_.layout().calendar().Format(slot);
  const std::string path = LockPath(date);
  ARROW_ASSIGN_OR_RAISE(auto lock, FileLock::Try(path));
  if (!lock.has_value()) {
    const std::string holder = FileLock::HolderOf(path);
    return MakeError(ErrorCode::kConflict,
                     fmt::format("{} is being published by {}", date,
                                 holder.empty() ? "another process" : holder),
                     "wait for it to end, then run again");
  }
  lock->SetHolder(fmt::format("run {} (process {})", run_id_, getpid()));
  ARROW_RETURN_NOT_OK(RecoverDate(table_.path(), date, staging_.get(), probe_));
  return DateLock(slot, std::move(date), *std::move(lock));
}

arrow::Result<std::unique_ptr<StagedPartition>> TableWriter::Stage(
    const DateLock& lock, const std::shared_ptr<arrow::Schema>& schema,
    std::vector<std::string> volatile_columns, FileOptions options) {
  const std::string directory = staging_->path() + "/" + FolderOf(lock.date());
  ARROW_RETURN_NOT_OK(RemoveTree(directory));
  return StagedPartition::Open(table_.layout(), directory, table_.layout().DatePath(lock.slot()),
                               schema, std::move(volatile_columns), std::move(options));
}

arrow::Result<Publication> TableWriter::Publish(const DateLock& lock,
                                                std::unique_ptr<StagedPartition> staged,
                                                PublishedState state) {
  ARROW_ASSIGN_OR_RAISE(const auto previous, table_.ledger().Read(lock.date()));
  if (previous.has_value() && previous->published.has_value() &&
      previous->published->partition != staged->partition()) {
    return MakeError(
        ErrorCode::kRunFailed,
        fmt::format("{} was published as {}, and partition_by now says {}", lock.date(),
                    previous->published->partition, staged->partition()),
        "both would be read as data of that date; write to another path, or remove the "
        "old directories and _tidemill/dates");
  }
  state.run_id = run_id_;
  state.status = staged->num_rows() > 0 ? "done" : "empty";
  state.partition = staged->partition();
  state.rows_written = staged->num_rows();
  state.files = staged->files();
  state.published_at = NowMicros();

  Publication publication = {lock.date(), state.status, state.files};
  PublishIntent intent;
  intent.run_id = run_id_;
  intent.staged = run_id_ + "/" + FolderOf(lock.date());
  intent.entry.feature_date = lock.date();
  intent.entry.last_attempt = Attempt{run_id_, state.status, "", state.published_at};
  intent.entry.published = std::move(state);
  ARROW_RETURN_NOT_OK(PublishStaged(table_.path(), std::move(intent), staging_.get(), probe_));
  return publication;
}

arrow::Status TableWriter::RecordFailure(const DateLock& lock, const std::string& reason) {
  const Ledger ledger = table_.ledger();
  ARROW_ASSIGN_OR_RAISE(auto entry, ledger.Read(lock.date()));
  if (!entry.has_value()) entry.emplace().feature_date = lock.date();
  entry->last_attempt = Attempt{run_id_, "failed", reason, NowMicros()};
  return ReplaceFile(ledger.EntryPath(lock.date()), EntryToJson(*entry), staging_->TemporaryPath());
}

arrow::Status TableWriter::WriteRun(RunRecord run) {
  run.run_id = run_id_;
  return ReplaceFile(table_.ledger().RunPath(run_id_), RunToJson(run), staging_->TemporaryPath());
}

}  // namespace tidemill
