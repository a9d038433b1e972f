#include "table/delta_writer.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "storage/parallel_for.h"
#include "storage/percent_encoding.h"
#include "storage/scratch_folder.h"
#include "table/delta_commits.h"
#include "table/delta_plan.h"
#include "table/durable_files.h"
#include "table/ledger_json.h"
#include "table/local_writer.h"
#include "table/quarantine.h"
#include "table/run_id.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

/// Plans on a table that others change under it.
constexpr int kMaxPlans = 100;
/// Uploads of one date at the same time.
constexpr int kUploads = 4;

class DeltaWriter : public TableWriter {
 public:
  DeltaWriter(const Table& table, std::string run_id, PublishProbe probe)
      : table_(table),
        location_(table.location()),
        run_id_(std::move(run_id)),
        probe_(std::move(probe)),
        scratch_(table.options().scratch) {}

  arrow::Status Begin() {
    if (location_.is_local) {
      for (const char* folder : {"/_tidemill/locks", "/_tidemill/dates", "/_tidemill/pending",
                                 "/_tidemill/runs", "/_delta_log"}) {
        ARROW_RETURN_NOT_OK(MakeDirectories(location_.path + folder));
      }
      ARROW_ASSIGN_OR_RAISE(staging_, StagingFolder::Create(location_.path, run_id_));
      files_ = MakeLocalTableFiles(location_.path, [this] { return staging_->TemporaryPath(); });
      staging_->RemoveDeadRuns([](const std::string&) { return false; });
    } else {
      files_ = MakeObjectTableFiles(location_);
    }
    commits_ = std::make_unique<DeltaCommits>(files_, location_.uri);
    ARROW_RETURN_NOT_OK(UpdateSnapshot());
    return location_.is_local ? RecoverOtherRuns() : arrow::Status::OK();
  }

  const std::string& run_id() const override { return run_id_; }

  arrow::Result<DateLock> Lock(const std::string& date, const std::string& partition) override {
    std::optional<FileLock> file_lock;
    if (location_.is_local) {
      ARROW_ASSIGN_OR_RAISE(file_lock, LockDate(location_.path, date, run_id_));
      ARROW_RETURN_NOT_OK(RemoveOrphans(date));
    }
    DateLock lock(date, partition, std::move(file_lock));
    std::lock_guard guard(mutex_);
    ARROW_RETURN_NOT_OK(UpdateSnapshot());
    lock.seen_version = snapshot_ == nullptr ? -1 : snapshot_->version();
    return lock;
  }

  arrow::Result<std::unique_ptr<StagedPartition>> Stage(
      const DateLock& lock, const std::shared_ptr<arrow::Schema>& schema,
      std::vector<std::string> volatile_columns, FileOptions options) override {
    std::string directory;
    if (staging_ != nullptr) {
      directory = staging_->path() + "/date " + lock.date();
      ARROW_RETURN_NOT_OK(RemoveTree(directory));
    } else {
      ARROW_ASSIGN_OR_RAISE(directory, scratch_.NewPath());
    }
    ARROW_RETURN_NOT_OK(table_.layout().CheckSchema(*schema));
    ARROW_ASSIGN_OR_RAISE(const DeltaView view, View());
    ARROW_ASSIGN_OR_RAISE(const DeltaTableChange change, PlanTableChange(table_, view, *schema));
    options.stored = change.stored;
    return StagedPartition::Open(table_.layout(), directory, lock.partition(), schema,
                                 std::move(volatile_columns), std::move(options));
  }

  arrow::Result<Publication> Publish(const DateLock& lock, std::unique_ptr<StagedPartition> staged,
                                     PublishedState state) override {
    ARROW_ASSIGN_OR_RAISE(Publication publication,
                          CompleteState(run_id_, lock.date(), *staged, std::nullopt, &state));
    const PartitionValues partition = PartitionValuesOf(staged->partition() + "/");
    DeltaDatePlanner planner(table_, run_id_, lock, *staged);
    for (int attempt = 0; attempt < kMaxPlans; ++attempt) {
      ARROW_ASSIGN_OR_RAISE(const DeltaView view, View());
      ARROW_ASSIGN_OR_RAISE(const auto verdict,
                            commits_->Judge(lock.seen_version, view.version, partition));
      if (verdict == DeltaCommits::Verdict::kConflict) {
        RemoveFiles(planner.All());
        return DeltaCommits::Conflict(partition);
      }
      auto planned = planner.Plan(view, state);
      if (!planned.ok()) {
        RemoveFiles(planner.All());
        return planned.status();
      }
      DeltaDatePlan& plan = *planned;
      if (auto placed = Place(lock.date(), plan, &planner); !placed.ok()) {
        RemoveFiles(planner.All());
        return placed;
      }
      const auto committed = commits_->Commit(view.version, partition, plan.attempt, plan.lines);
      if (!committed.ok()) {
        // Of other failures nobody knows whether the commit is there after all, with these files.
        if (CodeOf(committed.status()) == ErrorCode::kConflict) RemoveFiles(planner.All());
        return committed.status();
      }
      if (!committed->has_value()) continue;
      Report("committed");
      const LedgerEntry entry = EntryOf(lock.date(), std::move(plan.state));
      publication.files = entry.published->files;
      const std::string entry_path = Ledger::EntryPath(lock.date());
      // The commit stands and holds the entry as well.
      if (files_->Replace(entry_path, EntryToJson(entry)).ok() && location_.is_local) {
        static_cast<void>(files_->Remove(Ledger::IntentPath(lock.date())));
      }
      Report("entry");
      RemoveFiles(planner.Obsolete());
      publication.warnings = CheckpointIfDue(**committed);
      return publication;
    }
    RemoveFiles(planner.All());
    return MakeError(ErrorCode::kConflict,
                     fmt::format("{}: its schema or files changed again and again while {} was "
                                 "being published",
                                 location_.uri, lock.date()),
                     "run again when fewer write to the table");
  }

  arrow::Result<std::string> NewQuarantinePath() override {
    if (staging_ != nullptr) return staging_->TemporaryPath();
    return scratch_.NewPath();
  }

  arrow::Status KeepQuarantined(const std::string& local_path, const std::string& name,
                                int64_t bytes) override {
    return files_->Place(local_path, QuarantinePath(run_id_, name), bytes);
  }

  arrow::Status RecordFailure(const DateLock& lock, const std::string& reason) override {
    ARROW_ASSIGN_OR_RAISE(auto entry, table_.ledger().Read(lock.date()));
    const LedgerEntry failed = WithFailure(std::move(entry), lock.date(), run_id_, reason);
    return files_->Replace(Ledger::EntryPath(lock.date()), EntryToJson(failed));
  }

  arrow::Status WriteRun(RunRecord run) override {
    run.run_id = run_id_;
    return files_->Replace(Ledger::RunPath(run_id_), RunToJson(run));
  }

 private:
  void Report(std::string_view step) const {
    if (probe_.after_step) probe_.after_step(step);
  }

  /// Under mutex_, or before there are threads.
  arrow::Status UpdateSnapshot() {
    if (snapshot_ != nullptr) return snapshot_->Update();
    ARROW_ASSIGN_OR_RAISE(snapshot_, DeltaSnapshot::Open(location_));
    return arrow::Status::OK();
  }

  /// The table as it is now.
  arrow::Result<DeltaView> View() {
    std::lock_guard guard(mutex_);
    ARROW_RETURN_NOT_OK(UpdateSnapshot());
    DeltaView view;
    if (snapshot_ == nullptr) return view;
    view.snapshot = snapshot_;
    view.version = snapshot_->version();
    view.metadata = snapshot_->metadata();
    ARROW_ASSIGN_OR_RAISE(view.files, snapshot_->Files());
    return view;
  }

  arrow::Status Place(const std::string& date, const DeltaDatePlan& plan,
                      DeltaDatePlanner* planner) {
    if (location_.is_local) {
      PublishIntent intent;
      intent.run_id = run_id_;
      intent.app_id = DeltaAppId(table_.options().pipeline, date);
      intent.entry = EntryOf(date, plan.state);
      ARROW_RETURN_NOT_OK(files_->Replace(Ledger::IntentPath(date), IntentToJson(intent)));
      Report("intent");
    }
    const auto& unplaced = planner->Unplaced();
    ARROW_RETURN_NOT_OK(ParallelFor(static_cast<int64_t>(unplaced.size()),
                                    location_.is_local ? 1 : kUploads, nullptr,
                                    [&](int64_t i, int) -> arrow::Status {
                                      const PlacedFile& file = unplaced[static_cast<size_t>(i)];
                                      return files_->Place(file.local_path, file.path, file.bytes);
                                    }));
    planner->MarkPlaced();
    Report("placed");
    return arrow::Status::OK();
  }

  /// What cannot be removed belongs to no version, and vacuum finds it.
  void RemoveFiles(const std::vector<PlacedFile>& files) {
    for (const PlacedFile& file : files) static_cast<void>(files_->Remove(file.path));
  }

  arrow::Status RecoverOtherRuns() {
    ARROW_ASSIGN_OR_RAISE(const auto names, files_->NamesIn("_tidemill/pending"));
    constexpr std::string_view kSuffix = ".json";
    for (const std::string& name : names) {
      if (!name.ends_with(kSuffix)) continue;
      const std::string date = name.substr(0, name.size() - kSuffix.size());
      // Whoever holds the lock is publishing, or recovering it just now.
      const auto lock = LockDate(location_.path, date, run_id_);
      if (lock.ok()) ARROW_RETURN_NOT_OK(RemoveOrphans(date));
    }
    return arrow::Status::OK();
  }

  /// The files that a dead run placed for a date and did not commit.
  arrow::Status RemoveOrphans(const std::string& date) {
    const std::string path = Ledger::IntentPath(date);
    ARROW_ASSIGN_OR_RAISE(const auto text, files_->Read(path));
    if (!text.has_value()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(PublishIntent intent, IntentFromJson(text->text, path));
    const PublishedState& state = *intent.entry.published;
    int64_t made = -1;
    std::set<std::string> active;
    {
      std::lock_guard guard(mutex_);
      ARROW_RETURN_NOT_OK(UpdateSnapshot());
      if (snapshot_ != nullptr) {
        // The pipeline that published need not be the one that cleans up.
        ARROW_ASSIGN_OR_RAISE(made, snapshot_->Transaction(intent.app_id));
        ARROW_ASSIGN_OR_RAISE(const auto logged, snapshot_->Files());
        for (const DeltaFile& file : logged) active.insert(PercentDecode(file.path));
      }
    }
    const bool is_active = std::ranges::any_of(state.files, [&](const PublishedFile& file) {
      return file.path.find(intent.run_id) != std::string::npos && active.contains(file.path);
    });
    // Transactions may expire from the log; files that a version names are proof as well.
    if (made == state.transaction || is_active) {
      ARROW_RETURN_NOT_OK(files_->Replace(Ledger::EntryPath(date), EntryToJson(intent.entry)));
    } else {
      for (const PublishedFile& file : state.files) {
        const bool is_below =
            file.path.find("..") == std::string::npos && file.path.starts_with(state.partition);
        if (is_below && file.path.find(intent.run_id) != std::string::npos) {
          ARROW_RETURN_NOT_OK(files_->Remove(file.path));
        }
      }
    }
    return files_->Remove(path);
  }

  std::vector<std::string> CheckpointIfDue(int64_t version) {
    std::lock_guard guard(mutex_);
    arrow::Status status = UpdateSnapshot();
    if (status.ok() && snapshot_ == nullptr) {
      status = arrow::Status::IOError("the log is not to be seen");
    }
    if (status.ok()) {
      const std::string interval = snapshot_->metadata().Property("delta.checkpointInterval", "10");
      const int64_t every = std::max<int64_t>(1, std::strtoll(interval.c_str(), nullptr, 10));
      if (version == 0 || version % every != 0) return {};
      status = snapshot_->WriteCheckpoint();
      if (status.ok() && location_.is_local) {
        status = SyncFiles(location_.path + "/_delta_log",
                           fmt::format("{:020}.checkpoint", snapshot_->version()));
      }
    }
    if (status.ok()) return {};
    return {fmt::format("the Delta log got no checkpoint at version {}: {}", version,
                        status.message())};
  }

  Table table_;
  Location location_;
  std::string run_id_;
  PublishProbe probe_;
  ScratchFolder scratch_;
  std::unique_ptr<StagingFolder> staging_;  ///< on a local disk
  std::shared_ptr<TableFiles> files_;
  std::unique_ptr<DeltaCommits> commits_;
  std::mutex mutex_;
  std::shared_ptr<DeltaSnapshot> snapshot_;  ///< null: there is no table yet
};

}  // namespace

arrow::Result<std::unique_ptr<TableWriter>> MakeDeltaWriter(const Table& table, std::string run_id,
                                                            PublishProbe probe) {
  auto writer = std::make_unique<DeltaWriter>(table, std::move(run_id), std::move(probe));
  ARROW_RETURN_NOT_OK(writer->Begin());
  return writer;
}

}  // namespace tidemill
