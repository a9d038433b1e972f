#include "table/publication.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "table/durable_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

/// Paths of a ledger file lead nowhere but below their folder, whatever was written into it.
bool IsBelow(const std::string& path) {
  const std::filesystem::path parts(path);
  return !path.empty() && parts.is_relative() &&
         std::ranges::none_of(parts, [](const auto& part) { return part == ".."; });
}

class Publisher {
 public:
  Publisher(const std::string& table_path, PublishIntent intent, StagingFolder* staging,
            const PublishProbe& probe)
      : table_path_(table_path),
        target_(table_path + "/" + intent.entry.published->partition),
        staged_(StagingRoot(table_path) + "/" + intent.staged),
        retired_(staged_ + ".old"),
        intent_(std::move(intent)),
        date_(intent_.entry.feature_date),
        staging_(staging),
        probe_(probe) {}

  arrow::Status Publish() {
    ARROW_ASSIGN_OR_RAISE(const auto staged, IdentityOf(staged_));
    ARROW_ASSIGN_OR_RAISE(const auto in_place, IdentityOf(target_));
    if (!staged.has_value()) {
      return MakeError(ErrorCode::kRunFailed, fmt::format("{}: is gone", staged_));
    }
    if (in_place.has_value() && !in_place->is_directory) {
      return MakeError(ErrorCode::kRunFailed,
                       fmt::format("{}: is in the way of the partition", target_),
                       "a partition is a directory; move the file away");
    }
    intent_.staged_inode = staged->inode;
    ARROW_RETURN_NOT_OK(MakeDirectories(ParentOf(target_)));
    ARROW_RETURN_NOT_OK(MakeDirectories(ParentOf(IntentPath())));
    ARROW_RETURN_NOT_OK(MakeDirectories(ParentOf(EntryPath())));
    Report("prepared");
    ARROW_RETURN_NOT_OK(
        ReplaceFile(IntentPath(), IntentToJson(intent_), staging_->TemporaryPath()));
    Report("intent");
    const arrow::Status exchanged = PutInPlace(in_place.has_value());
    if (!exchanged.ok()) return Undo(exchanged, in_place.has_value());
    Report("exchanged");
    const arrow::Status recorded = WriteEntry();
    if (!recorded.ok()) return Undo(recorded, in_place.has_value());
    Report("entry");
    CleanUp();
    return arrow::Status::OK();
  }

  arrow::Status Recover() {
    ARROW_ASSIGN_OR_RAISE(const bool happened, ExchangeHappened());
    if (happened) {
      ARROW_RETURN_NOT_OK(WriteEntry());
      Report("entry");
    } else {
      ARROW_ASSIGN_OR_RAISE(const auto in_place, IdentityOf(target_));
      ARROW_ASSIGN_OR_RAISE(const auto retired, IdentityOf(retired_));
      if (!in_place.has_value() && retired.has_value()) {
        ARROW_RETURN_NOT_OK(Rename(retired_, target_));
        Report("restored");
      }
    }
    CleanUp();
    return arrow::Status::OK();
  }

 private:
  std::string IntentPath() const { return table_path_ + "/" + Ledger::IntentPath(date_); }
  std::string EntryPath() const { return table_path_ + "/" + Ledger::EntryPath(date_); }

  void Report(std::string_view step) const {
    if (probe_.after_step) probe_.after_step(step);
  }

  /// Swaps the two directories, or renames the staged one into place if there was none.
  arrow::Status PutInPlace(bool has_old) {
    if (!has_old) return Rename(staged_, target_);
    if (!probe_.without_exchange) {
      ARROW_ASSIGN_OR_RAISE(const bool exchanged, Exchange(staged_, target_));
      if (exchanged) return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(Rename(target_, retired_));
    Report("retired");
    return Rename(staged_, target_);
  }

  /// Puts everything back after `failure` and returns it. If that cannot be done, the intent stays
  /// and says what happened.
  arrow::Status Undo(const arrow::Status& failure, bool had_old) {
    const auto happened = ExchangeHappened();
    if (!happened.ok()) return failure;
    arrow::Status undone;
    if (*happened) {
      undone = had_old ? TakeBackExchange() : Rename(target_, staged_);
    } else {
      const auto retired = IdentityOf(retired_);
      if (retired.ok() && retired->has_value()) undone = Rename(retired_, target_);
    }
    if (undone.ok()) static_cast<void>(RemoveFile(IntentPath()));
    return failure;
  }

  arrow::Status TakeBackExchange() {
    ARROW_ASSIGN_OR_RAISE(const auto retired, IdentityOf(retired_));
    if (!retired.has_value()) {
      ARROW_ASSIGN_OR_RAISE(const bool exchanged, Exchange(staged_, target_));
      return exchanged ? arrow::Status::OK() : arrow::Status::IOError("cannot exchange");
    }
    ARROW_RETURN_NOT_OK(Rename(target_, staged_));
    return Rename(retired_, target_);
  }

  arrow::Result<bool> ExchangeHappened() const {
    ARROW_ASSIGN_OR_RAISE(const auto in_place, IdentityOf(target_));
    if (in_place.has_value() && in_place->inode == intent_.staged_inode) return true;
    ARROW_ASSIGN_OR_RAISE(const auto staged, IdentityOf(staged_));
    if (staged.has_value() && staged->inode == intent_.staged_inode) return false;
    // Neither: the table was copied, or its file system gives new inodes. The files themselves
    // tell.
    return in_place.has_value() && HoldsExactlyTheNewFiles();
  }

  bool HoldsExactlyTheNewFiles() const {
    const std::vector<PublishedFile>& files = intent_.entry.published->files;
    for (const PublishedFile& file : files) {
      struct stat info;
      if (stat((table_path_ + "/" + file.path).c_str(), &info) != 0 || info.st_size != file.bytes) {
        return false;
      }
    }
    size_t found = 0;
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator at(target_, error), end; !error && at != end;
         at.increment(error)) {
      if (at->path().extension() == ".parquet") ++found;
    }
    return !error && found == files.size();
  }

  arrow::Status WriteEntry() {
    return ReplaceFile(EntryPath(), EntryToJson(intent_.entry), staging_->TemporaryPath());
  }

  /// The publication stands, whatever happens here; what is left over is removed by the next run.
  void CleanUp() {
    if (!RemoveFile(IntentPath()).ok()) return;
    Report("done");
    static_cast<void>(RemoveTree(staged_));
    static_cast<void>(RemoveTree(retired_));
    Report("cleaned");
  }

  std::string table_path_;
  std::string target_;   ///< where the partition is seen
  std::string staged_;   ///< where it comes from
  std::string retired_;  ///< where the old one goes if there is no exchange
  PublishIntent intent_;
  std::string date_;
  StagingFolder* staging_;
  const PublishProbe& probe_;
};

}  // namespace

Ledger::MaybeEntry EntryInPlace(const std::string& table_path, const std::string& date,
                                const std::function<Ledger::MaybeEntry()>& recorded) {
  // The intent first: if its writer finishes in between, the entry that is read next is the new
  // one.
  const std::string path = table_path + "/" + Ledger::IntentPath(date);
  ARROW_ASSIGN_OR_RAISE(const auto pending, ReadSmallFile(path));
  if (!pending.has_value()) return recorded();
  ARROW_ASSIGN_OR_RAISE(PublishIntent intent, IntentFromJson(*pending, path));
  ARROW_ASSIGN_OR_RAISE(const auto in_place,
                        IdentityOf(table_path + "/" + intent.entry.published->partition));
  const bool is_new = in_place.has_value() && in_place->inode == intent.staged_inode;
  return is_new ? std::move(intent.entry) : recorded();
}

arrow::Status PublishStaged(const std::string& table_path, PublishIntent intent,
                            StagingFolder* staging, const PublishProbe& probe) {
  return Publisher(table_path, std::move(intent), staging, probe).Publish();
}

arrow::Status RecoverDate(const std::string& table_path, const std::string& date,
                          StagingFolder* staging, const PublishProbe& probe) {
  const std::string path = table_path + "/" + Ledger::IntentPath(date);
  ARROW_ASSIGN_OR_RAISE(const auto text, ReadSmallFile(path));
  if (!text.has_value()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(PublishIntent intent, IntentFromJson(*text, path));
  if (!IsBelow(intent.staged) || !IsBelow(intent.entry.published->partition)) {
    return MakeError(
        ErrorCode::kRunFailed,
        fmt::format("{}: this file of the ledger is damaged: it leads outside the table", path),
        "remove the file");
  }
  return Publisher(table_path, std::move(intent), staging, probe).Recover();
}

}  // namespace tidemill
