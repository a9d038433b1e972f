#include "storage/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "tidemill-scratch-";
constexpr const char* kLockName = "lock";

/// Opens and locks a file; -1 if it is locked by a living process, or cannot be opened.
int LockFile(const fs::path& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/// A folder gets another name before it is removed: whoever is about to lock the file of a folder
/// that is just made finds either it, or no folder of that name.
void RemoveDeadFolders(const fs::path& base) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(base, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const int fd = LockFile(entry.path() / kLockName, O_RDWR);
    if (fd < 0) continue;
    const fs::path dead = entry.path().string() + "-dead";
    fs::rename(entry.path(), dead, error);
    if (!error) fs::remove_all(dead, error);
    close(fd);
  }
}

/// Whether the file at `path` is the one that is open as `fd`.
bool IsAt(const fs::path& path, int fd) {
  struct stat open_file{};
  struct stat there{};
  return fstat(fd, &open_file) == 0 && stat(path.c_str(), &there) == 0 &&
         open_file.st_ino == there.st_ino && open_file.st_dev == there.st_dev;
}

}  // namespace

ScratchFolder::~ScratchFolder() {
  if (lock_ < 0) return;
  std::error_code error;
  fs::remove_all(folder_, error);
  close(lock_);
}

arrow::Result<std::string> ScratchFolder::NewPath() {
  std::lock_guard lock(mutex_);
  if (lock_ < 0) ARROW_RETURN_NOT_OK(Create());
  return folder_ + "/" + std::to_string(next_++);
}

arrow::Status ScratchFolder::Create() {
  if (base_.empty()) {
    const char* temporary = getenv("TMPDIR");
    base_ = temporary != nullptr && *temporary != '\0' ? temporary : "/tmp";
  }
  std::error_code error;
  fs::create_directories(base_, error);
  RemoveDeadFolders(base_);
  // As long as it is not locked, another process may take the folder for a dead one's.
  constexpr int kAttempts = 100;
  for (int attempt = 0;; ++attempt) {
    std::string pattern = base_ + "/" + kPrefix + "XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      return MakeError(ErrorCode::kRunFailed,
                       "cannot make a scratch folder in " + base_ + ": " + std::strerror(errno),
                       "give a writable folder with --scratch, or more --memory");
    }
    const fs::path lock_file = fs::path(pattern) / kLockName;
    const int fd = LockFile(lock_file, O_RDWR | O_CREAT);
    const int reason = errno;
    if (fd >= 0 && IsAt(lock_file, fd)) {
      folder_ = pattern;
      lock_ = fd;
      return arrow::Status::OK();
    }
    if (fd >= 0) close(fd);
    if (attempt == kAttempts) {
      return MakeError(ErrorCode::kRunFailed,
                       "cannot lock the scratch folder " + pattern + ": " + std::strerror(reason));
    }
  }
}

}  // namespace tidemill
