#include "table/object_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "storage/parallel_for.h"
#include "storage/scratch_folder.h"
#include "table/ledger_json.h"
#include "table/quarantine.h"
#include "table/run_id.h"
#include "table/this_process.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr const char* kPending = "_tidemill/pending";
constexpr int64_t kOldAge = int64_t{86'400} * 1'000'000;
constexpr int kUploads = 4;
/// An entry that others keep changing without publishing (failures of theirs).
constexpr int kMaxPuts = 50;

std::string PublishedRun(const std::optional<LedgerEntry>& entry) {
  return entry.has_value() && entry->published.has_value() ? entry->published->run_id : "";
}

class ObjectWriter : public TableWriter {
 public:
  ObjectWriter(const Table& table, std::string run_id, PublishProbe probe)
      : table_(table),
        run_id_(std::move(run_id)),
        probe_(std::move(probe)),
        scratch_(table.options().scratch),
        files_(MakeObjectTableFiles(table.location())) {}

  const std::string& run_id() const override { return run_id_; }

  arrow::Result<DateLock> Lock(const std::string& date, const std::string& partition) override {
    DateLock lock(date, partition, std::nullopt);
    ARROW_ASSIGN_OR_RAISE(const auto entry, Entry(date));
    lock.seen_run = PublishedRun(entry.value);
    ARROW_RETURN_NOT_OK(RemoveOrphans(date, entry.value));
    return lock;
  }

  arrow::Result<std::unique_ptr<StagedPartition>> Stage(
      const DateLock& lock, const std::shared_ptr<arrow::Schema>& schema,
      std::vector<std::string> volatile_columns, FileOptions options) override {
    ARROW_ASSIGN_OR_RAISE(const std::string directory, scratch_.NewPath());
    return StagedPartition::Open(table_.layout(), directory, lock.partition(), schema,
                                 std::move(volatile_columns), std::move(options));
  }

  arrow::Result<Publication> Publish(const DateLock& lock, std::unique_ptr<StagedPartition> staged,
                                     PublishedState state) override {
    ARROW_ASSIGN_OR_RAISE(const auto before, Entry(lock.date()));
    if (PublishedRun(before.value) != lock.seen_run) return Conflict(lock.date());
    ARROW_ASSIGN_OR_RAISE(Publication publication,
                          CompleteState(run_id_, lock.date(), *staged, before.value, &state));
    std::vector<std::string> local_paths;
    for (PublishedFile& file : state.files) {
      local_paths.push_back(staged->directory() + file.path.substr(staged->partition().size()));
      // "part-00000.parquet" -> "part-00000-RUN.parquet"
      file.path.insert(file.path.size() - std::string_view(".parquet").size(), "-" + run_id_);
    }
    publication.files = state.files;
    const LedgerEntry entry = EntryOf(lock.date(), std::move(state));
    ARROW_RETURN_NOT_OK(NoteUpload(entry));
    Report("intent");
    if (auto status = Upload(local_paths, publication.files); !status.ok()) {
      DropUpload(entry);
      return status;
    }
    Report("placed");
    ARROW_ASSIGN_OR_RAISE(const auto note, files_->Read(NotePath(lock.date(), run_id_)));
    if (!note.has_value()) {
      DropUpload(entry);
      return MakeError(ErrorCode::kConflict,
                       fmt::format("another run took this one for dead and removed its files of {}",
                                   lock.date()),
                       "run again");
    }
    const auto published = PutEntry(lock, entry);
    if (!published.ok()) {
      // Of other failures nobody knows whether the entry is there after all, with these files.
      if (CodeOf(published.status()) == ErrorCode::kConflict) DropUpload(entry);
      return published.status();
    }
    Report("entry");
    ARROW_ASSIGN_OR_RAISE(publication.warnings, RemoveReplaced(*published, entry));
    static_cast<void>(files_->Remove(NotePath(lock.date(), run_id_)));
    return publication;
  }

  arrow::Result<std::string> NewQuarantinePath() override { return scratch_.NewPath(); }

  arrow::Status KeepQuarantined(const std::string& local_path, const std::string& name,
                                int64_t bytes) override {
    return files_->Place(local_path, QuarantinePath(run_id_, name), bytes);
  }

  arrow::Status RecordFailure(const DateLock& lock, const std::string& reason) override {
    for (int i = 0; i < kMaxPuts; ++i) {
      ARROW_ASSIGN_OR_RAISE(auto entry, Entry(lock.date()));
      const LedgerEntry failed = WithFailure(std::move(entry.value), lock.date(), run_id_, reason);
      ARROW_ASSIGN_OR_RAISE(
          const bool is_written,
          files_->ReplaceIf(Ledger::EntryPath(lock.date()), EntryToJson(failed), entry.revision));
      if (is_written) return arrow::Status::OK();
    }
    return arrow::Status::IOError("the ledger's entry of ", lock.date(), " keeps changing");
  }

  arrow::Status WriteRun(RunRecord run) override {
    run.run_id = run_id_;
    return files_->Replace(Ledger::RunPath(run_id_), RunToJson(run));
  }

 private:
  struct VersionedEntry {
    std::optional<LedgerEntry> value;
    std::string revision;  ///< empty: there is none
  };

  void Report(std::string_view step) const {
    if (probe_.after_step) probe_.after_step(step);
  }

  static std::string NotePath(const std::string& date, const std::string& run_id) {
    return fmt::format("{}/{}.{}.json", kPending, date, run_id);
  }

  static arrow::Status Conflict(const std::string& date) {
    return MakeError(ErrorCode::kConflict,
                     fmt::format("somebody else published {} while this run computed it", date),
                     "what they published stands; run again to replace it");
  }

  arrow::Result<VersionedEntry> Entry(const std::string& date) const {
    const std::string path = Ledger::EntryPath(date);
    ARROW_ASSIGN_OR_RAISE(auto file, files_->Read(path));
    VersionedEntry entry;
    if (!file.has_value()) return entry;
    ARROW_ASSIGN_OR_RAISE(entry.value, EntryFromJson(file->text, path));
    entry.revision = std::move(file->revision);
    return entry;
  }

  arrow::Status NoteUpload(const LedgerEntry& entry) {
    PublishIntent intent;
    intent.run_id = run_id_;
    intent.process = ThisProcess();
    intent.entry = entry;
    return files_->Replace(NotePath(entry.feature_date, run_id_), IntentToJson(intent));
  }

  arrow::Status Upload(const std::vector<std::string>& local_paths,
                       const std::vector<PublishedFile>& files) {
    return ParallelFor(static_cast<int64_t>(files.size()), kUploads, nullptr,
                       [&](int64_t i, int) -> arrow::Status {
                         const auto at = static_cast<size_t>(i);
                         return files_->Place(local_paths[at], files[at].path, files[at].bytes);
                       });
  }

  void DropUpload(const LedgerEntry& entry) {
    for (const PublishedFile& file : entry.published->files) {
      if (!files_->Remove(file.path).ok()) return;
    }
    static_cast<void>(files_->Remove(NotePath(entry.feature_date, run_id_)));
  }

  /// Puts the entry in place of the one that was there when the date was locked, and returns that.
  arrow::Result<std::optional<LedgerEntry>> PutEntry(const DateLock& lock,
                                                     const LedgerEntry& entry) {
    const std::string path = Ledger::EntryPath(lock.date());
    const std::string text = EntryToJson(entry);
    arrow::Status failure;
    std::optional<LedgerEntry> replaced;
    for (int i = 0; i < kMaxPuts; ++i) {
      ARROW_ASSIGN_OR_RAISE(auto current, Entry(lock.date()));
      // An answer was lost, and this run had won.
      if (i > 0 && PublishedRun(current.value) == run_id_) return replaced;
      if (PublishedRun(current.value) != lock.seen_run) return Conflict(lock.date());
      ARROW_RETURN_NOT_OK(failure);
      replaced = std::move(current.value);
      const auto put = files_->ReplaceIf(path, text, current.revision);
      if (put.ok() && *put) return replaced;
      failure = put.status();
    }
    return arrow::Status::IOError("the ledger's entry of ", lock.date(), " keeps changing");
  }

  arrow::Result<std::vector<std::string>> RemoveReplaced(const std::optional<LedgerEntry>& old,
                                                         const LedgerEntry& entry) {
    std::vector<std::string> warnings;
    if (!old.has_value() || !old->published.has_value()) return warnings;
    for (const PublishedFile& file : old->published->files) {
      if (Names(entry, file.path)) continue;
      const arrow::Status removed = files_->Remove(file.path);
      if (removed.ok()) continue;
      warnings.push_back(
          fmt::format("{}/{} was replaced and cannot be removed: {}; `tidemill "
                      "table vacuum` tries again",
                      table_.path(), file.path, removed.message()));
    }
    return warnings;
  }

  static bool Names(const std::optional<LedgerEntry>& entry, const std::string& path) {
    return entry.has_value() && entry->published.has_value() &&
           std::ranges::any_of(entry->published->files,
                               [&](const PublishedFile& file) { return file.path == path; });
  }

  /// Files in the date's folder that no run will ever publish: those of dead runs, and those that
  /// were replaced by a run which died before it could remove them.
  arrow::Status RemoveOrphans(const std::string& date, const std::optional<LedgerEntry>& entry) {
    ARROW_ASSIGN_OR_RAISE(const auto names, files_->NamesIn(kPending));
    for (const std::string& name : names) {
      if (!name.starts_with(date + ".")) continue;
      const std::string path = fmt::format("{}/{}", kPending, name);
      ARROW_ASSIGN_OR_RAISE(const auto text, files_->Read(path));
      if (!text.has_value()) continue;
      ARROW_ASSIGN_OR_RAISE(const PublishIntent intent, IntentFromJson(text->text, path));
      const bool has_published = PublishedRun(entry) == intent.run_id;
      if (!IsAbandoned(intent)) continue;
      ARROW_RETURN_NOT_OK(has_published ? RemoveOthers(intent.entry)
                                        : RemoveFiles(intent.entry.published->files, entry));
      ARROW_RETURN_NOT_OK(files_->Remove(path));
    }
    return arrow::Status::OK();
  }

  arrow::Status RemoveFiles(const std::vector<PublishedFile>& files,
                            const std::optional<LedgerEntry>& keep) {
    for (const PublishedFile& file : files) {
      if (!Names(keep, file.path)) ARROW_RETURN_NOT_OK(files_->Remove(file.path));
    }
    return arrow::Status::OK();
  }

  /// A run published and died before it removed what it replaced: files of runs before it.
  arrow::Status RemoveOthers(const LedgerEntry& entry) {
    const PublishedState& state = *entry.published;
    arrow::fs::FileSelector selector;
    selector.base_dir = table_.location().path + "/" + state.partition;
    selector.recursive = true;
    selector.allow_not_found = true;
    ARROW_ASSIGN_OR_RAISE(const auto infos, table_.location().filesystem->GetFileInfo(selector));
    for (const auto& info : infos) {
      const std::string path = info.path().substr(table_.location().path.size() + 1);
      const size_t run = path.rfind('-', path.rfind('-') - 1);
      if (!info.IsFile() || run == std::string::npos || Names(entry, path)) continue;
      // Names of runs sort by time; younger ones are not this one's to judge.
      if (path.substr(run + 1) < state.run_id) ARROW_RETURN_NOT_OK(files_->Remove(path));
    }
    return arrow::Status::OK();
  }

  Table table_;
  std::string run_id_;
  PublishProbe probe_;
  ScratchFolder scratch_;
  std::shared_ptr<TableFiles> files_;
};

}  // namespace

bool IsAbandoned(const PublishIntent& note) {
  const Liveness liveness = LivenessOf(note.process);
  if (liveness != Liveness::kUnknown) return liveness == Liveness::kGone;
  return NowMicros() - note.entry.published->published_at > kOldAge;
}

arrow::Result<std::unique_ptr<TableWriter>> MakeObjectWriter(const Table& table, std::string run_id,
                                                             PublishProbe probe) {
  return std::make_unique<ObjectWriter>(table, std::move(run_id), std::move(probe));
}

}  // namespace tidemill
