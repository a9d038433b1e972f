#include "runner/work_folder.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "table/run_id.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "/_tidemill/work";
constexpr const char* kLock = "lock";
constexpr const char* kKind = "work folder";
/// A folder without a lock that is older was left between two steps of its making.
constexpr auto kTimeToLock = std::chrono::hours(1);
/// In an object store nothing tells whether a process lives; tasks write far more often than this.
constexpr int64_t kOldAgeNs = int64_t{86'400} * 1'000'000'000;

/// Whether the process that made a folder is gone. Keeps the lock, if there is one to get.
arrow::Result<bool> IsDead(const fs::path& folder, std::optional<FileLock>* lock) {
  std::error_code error;
  const fs::path path = folder / kLock;
  if (fs::exists(path, error)) {
    ARROW_ASSIGN_OR_RAISE(*lock, FileLock::Try(path.string(), /*create=*/false));
    return lock->has_value();
  }
  const auto changed = fs::last_write_time(folder, error);
  return !error && fs::file_time_type::clock::now() - changed > kTimeToLock;
}

arrow::Result<std::vector<Leftover>> LocalLeftovers(const fs::path& root, bool apply) {
  std::vector<Leftover> leftovers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    std::optional<FileLock> lock;
    ARROW_ASSIGN_OR_RAISE(const bool is_dead, IsDead(entry.path(), &lock));
    if (!is_dead) continue;
    int64_t bytes = 0;
    for (const auto& file : fs::recursive_directory_iterator(entry.path(), error)) {
      if (file.is_regular_file(error)) bytes += static_cast<int64_t>(file.file_size(error));
    }
    leftovers.push_back({entry.path().string(), kKind, bytes});
    if (!apply) continue;
    fs::remove_all(entry.path(), error);
    if (error) {
      return MakeError(ErrorCode::kRunFailed, fmt::format("{}: cannot be removed: {}",
                                                          entry.path().string(), error.message()));
    }
  }
  return leftovers;
}

arrow::Result<std::vector<Leftover>> RemoteLeftovers(const Location& table, bool apply) {
  arrow::fs::FileSelector selector;
  selector.base_dir = table.path + kFolder;
  selector.recursive = true;
  selector.allow_not_found = true;
  ARROW_ASSIGN_OR_RAISE(const auto infos, table.filesystem->GetFileInfo(selector));
  struct Folder {
    int64_t bytes = 0;
    int64_t newest_ns = 0;
  };
  std::map<std::string, Folder> folders;
  for (const auto& info : infos) {
    if (!info.IsFile()) continue;
    const std::string rest = info.path().substr(selector.base_dir.size() + 1);
    Folder& folder = folders[rest.substr(0, rest.find('/'))];
    folder.bytes += info.size();
    folder.newest_ns = std::max<int64_t>(folder.newest_ns, info.mtime().time_since_epoch().count());
  }
  std::vector<Leftover> leftovers;
  for (const auto& [id, folder] : folders) {
    if (NowMicros() * 1000 - folder.newest_ns < kOldAgeNs) continue;
    leftovers.push_back({table.uri + kFolder + "/" + id, kKind, folder.bytes});
    if (!apply) continue;
    ARROW_RETURN_NOT_OK(table.filesystem->DeleteDir(selector.base_dir + "/" + id));
  }
  return leftovers;
}

}  // namespace

Location WorkFolder::Of(const Location& table, const std::string& id) {
  Location location = table;
  location.path += std::string(kFolder) + "/" + id;
  location.uri += std::string(kFolder) + "/" + id;
  return location;
}

arrow::Result<std::unique_ptr<WorkFolder>> WorkFolder::Create(const Location& location) {
  std::unique_ptr<WorkFolder> folder(new WorkFolder(location));
  if (location.is_local) ARROW_RETURN_NOT_OK(folder->CreateLocal());
  return folder;
}

arrow::Status WorkFolder::CreateLocal() {
  fs::path missing = location_.path;
  std::error_code error;
  while (missing.has_relative_path() && !fs::exists(missing, error)) {
    outermost_ = missing.string();
    missing = missing.parent_path();
  }
  // Another pass that ends may remove an empty folder on the way while this one is made.
  constexpr int kAttempts = 5;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    fs::create_directories(location_.path, error);
    if (!error) break;
  }
  if (error) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: cannot be made: {}", location_.path, error.message()));
  }
  ARROW_ASSIGN_OR_RAISE(lock_, FileLock::Try(location_.path + "/" + kLock));
  return arrow::Status::OK();
}

WorkFolder::~WorkFolder() {
  if (!location_.is_local) {
    // A task that was given up and is still at work may leave an object behind it: vacuum's.
    static_cast<void>(location_.filesystem->DeleteDir(location_.path));
    return;
  }
  // A task that was given up may be at work still. Under another name it cannot put a new file
  // between the removal of the last one and that of the folder.
  std::error_code error;
  const std::string gone = location_.path + ".gone";
  fs::rename(location_.path, gone, error);
  fs::remove_all(error ? location_.path : gone, error);
  fs::path folder = fs::path(location_.path).parent_path();
  while (folder.string().size() >= outermost_.size() && !outermost_.empty() &&
         fs::remove(folder, error) && !error) {
    folder = folder.parent_path();
  }
}

arrow::Result<std::vector<Leftover>> WorkLeftovers(const Location& table, bool apply) {
  return table.is_local ? LocalLeftovers(table.path + kFolder, apply)
                        : RemoteLeftovers(table, apply);
}

}  // namespace tidemill
