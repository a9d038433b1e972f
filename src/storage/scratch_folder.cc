#include "storage/scratch_folder.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
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

void RemoveDeadFolders(const fs::path& base) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(base, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const int fd = LockFile(entry.path() / kLockName, O_RDWR);
    if (fd < 0) continue;
    fs::remove_all(entry.path(), error);
    close(fd);
  }
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
  std::string pattern = base_ + "/" + kPrefix + "XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    return MakeError(ErrorCode::kRunFailed,
                     "cannot make a scratch folder in " + base_ + ": " + std::strerror(errno),
                     "give a writable folder with --scratch, or more --memory");
  }
  folder_ = pattern;
  lock_ = LockFile(fs::path(folder_) / kLockName, O_RDWR | O_CREAT);
  if (lock_ < 0) {
    return MakeError(ErrorCode::kRunFailed,
                     "cannot lock the scratch folder " + folder_ + ": " + std::strerror(errno));
  }
  return arrow::Status::OK();
}

}  // namespace tidemill
