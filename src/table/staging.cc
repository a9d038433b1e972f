#include "table/staging.h"

#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "table/durable_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr const char* kLockName = "/lock";

/// The lock under which folders are created, judged and removed.
std::string SweepLockPath(const std::string& table_path) {
  return table_path + "/_tidemill/locks/staging.lock";
}

arrow::Status CheckSameDevice(const std::string& table_path, const std::string& root) {
  ARROW_ASSIGN_OR_RAISE(const auto table, IdentityOf(table_path));
  ARROW_ASSIGN_OR_RAISE(const auto staging, IdentityOf(root));
  if (table.has_value() && staging.has_value() && table->device == staging->device) {
    return arrow::Status::OK();
  }
  return MakeError(
      ErrorCode::kRunFailed,
      fmt::format(
          "{} is a file system of its own, so that nothing beside it can be renamed into it",
          table_path),
      fmt::format("write to a folder below it, such as {}/{}", table_path, "features"));
}

}  // namespace

std::string StagingRoot(const std::string& table_path) {
  const size_t slash = table_path.rfind('/');
  return fmt::format("{}/.{}.tidemill-staging", table_path.substr(0, slash),
                     table_path.substr(slash + 1));
}

StagingFolder::StagingFolder(std::string table_path, std::string run_id, FileLock lock)
    : table_path_(std::move(table_path)),
      run_id_(std::move(run_id)),
      path_(StagingRoot(table_path_) + "/" + run_id_),
      lock_(std::move(lock)) {}

arrow::Result<std::unique_ptr<StagingFolder>> StagingFolder::Create(const std::string& table_path,
                                                                    const std::string& run_id) {
  const std::string root = StagingRoot(table_path);
  const std::string path = root + "/" + run_id;
  ARROW_ASSIGN_OR_RAISE(const FileLock sweep, FileLock::Wait(SweepLockPath(table_path)));
  ARROW_RETURN_NOT_OK(WithContext(MakeScratchDirectories(path), "staging beside the table"));
  ARROW_ASSIGN_OR_RAISE(auto lock, FileLock::Try(path + kLockName));
  if (!lock.has_value()) {
    return MakeError(ErrorCode::kConflict, fmt::format("run {} is already going on", run_id));
  }
  lock->SetHolder(fmt::format("run {} (process {})", run_id, getpid()));
  std::unique_ptr<StagingFolder> folder(new StagingFolder(table_path, run_id, *std::move(lock)));
  ARROW_RETURN_NOT_OK(CheckSameDevice(table_path, root));
  return folder;
}

StagingFolder::~StagingFolder() {
  const auto sweep = FileLock::Wait(SweepLockPath(table_path_));
  // What cannot be removed now is removed by the next run.
  static_cast<void>(RemoveTree(path_));
  if (sweep.ok()) rmdir(StagingRoot(table_path_).c_str());
}

void StagingFolder::RemoveDeadRuns(
    const std::function<bool(const std::string& run_id)>& is_needed) const {
  const auto sweep = FileLock::Wait(SweepLockPath(table_path_));
  const std::string root = StagingRoot(table_path_);
  const auto names = NamesIn(root);
  if (!sweep.ok() || !names.ok()) return;
  for (const std::string& run_id : *names) {
    if (run_id == run_id_ || is_needed(run_id)) continue;
    const std::string path = root + "/" + run_id;
    const auto identity = IdentityOf(path + kLockName);
    if (!identity.ok()) continue;
    if (identity->has_value()) {
      const auto lock = FileLock::Try(path + kLockName, /*create=*/false);
      if (!lock.ok() || !lock->has_value()) continue;
    }
    static_cast<void>(RemoveTree(path));
  }
}

std::string StagingFolder::TemporaryPath() {
  return fmt::format("{}/file-{}", path_, next_temporary_.fetch_add(1));
}

}  // namespace tidemill
