#include "table/local_writer.h"

#include <set>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "table/durable_files.h"
#include "table/quarantine.h"
#include "table/table_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr std::string_view kSuffix = ".json";

/// A label as the name of a directory.
std::string FolderOf(const std::string& date) { return "date " + date; }

std::string LockPath(const std::string& table_path, const std::string& date) {
  return table_path + "/_tidemill/locks/" + date + ".lock";
}

class LocalWriter : public TableWriter {
 public:
  LocalWriter(const Table& table, std::string run_id, PublishProbe probe)
      : table_(table),
        path_(table.location().path),
        run_id_(std::move(run_id)),
        probe_(std::move(probe)) {}

  arrow::Status Begin() {
    for (const char* folder :
         {"/_tidemill/locks", "/_tidemill/dates", "/_tidemill/pending", "/_tidemill/runs"}) {
      ARROW_RETURN_NOT_OK(MakeDirectories(path_ + folder));
    }
    ARROW_ASSIGN_OR_RAISE(staging_, StagingFolder::Create(path_, run_id_));
    return RecoverOtherRuns();
  }

  const std::string& run_id() const override { return run_id_; }

  arrow::Result<DateLock> Lock(const std::string& date, const std::string& partition) override {
    ARROW_ASSIGN_OR_RAISE(FileLock lock, LockDate(path_, date, run_id_));
    ARROW_RETURN_NOT_OK(RecoverDate(path_, date, staging_.get(), probe_));
    return DateLock(date, partition, std::move(lock));
  }

  arrow::Result<std::unique_ptr<StagedPartition>> Stage(
      const DateLock& lock, const std::shared_ptr<arrow::Schema>& schema,
      std::vector<std::string> volatile_columns, FileOptions options) override {
    const std::string directory = staging_->path() + "/" + FolderOf(lock.date());
    ARROW_RETURN_NOT_OK(RemoveTree(directory));
    return StagedPartition::Open(table_.layout(), directory, lock.partition(), schema,
                                 std::move(volatile_columns), std::move(options));
  }

  arrow::Result<Publication> Publish(const DateLock& lock, std::unique_ptr<StagedPartition> staged,
                                     PublishedState state) override {
    ARROW_ASSIGN_OR_RAISE(const auto previous, table_.ledger().Read(lock.date()));
    ARROW_ASSIGN_OR_RAISE(Publication publication,
                          CompleteState(run_id_, lock.date(), *staged, previous, &state));
    PublishIntent intent;
    intent.run_id = run_id_;
    intent.staged = run_id_ + "/" + FolderOf(lock.date());
    intent.entry = EntryOf(lock.date(), std::move(state));
    ARROW_RETURN_NOT_OK(PublishStaged(path_, std::move(intent), staging_.get(), probe_));
    return publication;
  }

  arrow::Result<std::string> NewQuarantinePath() override { return staging_->TemporaryPath(); }

  arrow::Status KeepQuarantined(const std::string& local_path, const std::string& name,
                                int64_t bytes) override {
    const auto files = MakeLocalTableFiles(path_, [this] { return staging_->TemporaryPath(); });
    return files->Place(local_path, QuarantinePath(run_id_, name), bytes);
  }

  arrow::Status RecordFailure(const DateLock& lock, const std::string& reason) override {
    ARROW_ASSIGN_OR_RAISE(auto entry, table_.ledger().Read(lock.date()));
    const LedgerEntry failed = WithFailure(std::move(entry), lock.date(), run_id_, reason);
    return ReplaceFile(path_ + "/" + Ledger::EntryPath(lock.date()), EntryToJson(failed),
                       staging_->TemporaryPath());
  }

  arrow::Status WriteRun(RunRecord run) override {
    run.run_id = run_id_;
    return ReplaceFile(path_ + "/" + Ledger::RunPath(run_id_), RunToJson(run),
                       staging_->TemporaryPath());
  }

 private:
  arrow::Status RecoverOtherRuns() {
    ARROW_ASSIGN_OR_RAISE(const auto names, NamesIn(path_ + "/_tidemill/pending"));
    std::set<std::string> still_needed;
    for (const std::string& name : names) {
      if (!name.ends_with(kSuffix)) continue;
      const std::string date = name.substr(0, name.size() - kSuffix.size());
      ARROW_ASSIGN_OR_RAISE(const auto lock, FileLock::Try(LockPath(path_, date)));
      if (lock.has_value()) {
        ARROW_RETURN_NOT_OK(RecoverDate(path_, date, staging_.get(), probe_));
        continue;
      }
      // Its publisher lives, or somebody else is recovering it; the staged directory may still be
      // needed.
      const std::string path = path_ + "/" + Ledger::IntentPath(date);
      ARROW_ASSIGN_OR_RAISE(const auto text, ReadSmallFile(path));
      if (!text.has_value()) continue;
      ARROW_ASSIGN_OR_RAISE(const auto intent, IntentFromJson(*text, path));
      still_needed.insert(intent.run_id);
    }
    staging_->RemoveDeadRuns(
        [&](const std::string& run_id) { return still_needed.contains(run_id); });
    return arrow::Status::OK();
  }

  Table table_;
  std::string path_;
  std::string run_id_;
  PublishProbe probe_;
  std::unique_ptr<StagingFolder> staging_;
};

}  // namespace

arrow::Result<FileLock> LockDate(const std::string& table_path, const std::string& date,
                                 const std::string& run_id) {
  const std::string path = LockPath(table_path, date);
  ARROW_ASSIGN_OR_RAISE(auto lock, FileLock::Try(path));
  if (!lock.has_value()) {
    const std::string holder = FileLock::HolderOf(path);
    return MakeError(ErrorCode::kConflict,
                     fmt::format("{} is being published by {}", date,
                                 holder.empty() ? "another process" : holder),
                     "wait for it to end, then run again");
  }
  lock->SetHolder(fmt::format("run {} (process {})", run_id, getpid()));
  return *std::move(lock);
}

arrow::Result<std::unique_ptr<TableWriter>> MakeLocalWriter(const Table& table, std::string run_id,
                                                            PublishProbe probe) {
  auto writer = std::make_unique<LocalWriter>(table, std::move(run_id), std::move(probe));
  ARROW_RETURN_NOT_OK(writer->Begin());
  return writer;
}

}  // namespace tidemill
