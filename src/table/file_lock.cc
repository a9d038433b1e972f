#include "table/file_lock.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "table/durable_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

arrow::Status LockError(const std::string& path, const char* what) {
  return MakeError(ErrorCode::kRunFailed,
                   fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

arrow::Result<int> OpenLockFile(const std::string& path, bool create) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0666);
  if (fd < 0) return LockError(path, "cannot be opened");
  return fd;
}

/// 0 or the error.
int Flock(int fd, int operation) {
  while (flock(fd, operation) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

arrow::Result<std::optional<FileLock>> FileLock::Try(const std::string& path, bool create) {
  ARROW_ASSIGN_OR_RAISE(const int fd, OpenLockFile(path, create));
  FileLock lock(fd);
  const int error = Flock(fd, LOCK_EX | LOCK_NB);
  if (error == 0) return std::optional<FileLock>(std::move(lock));
  if (error == EWOULDBLOCK) return std::optional<FileLock>();
  errno = error;
  return LockError(path, "cannot be locked");
}

arrow::Result<FileLock> FileLock::Wait(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const int fd, OpenLockFile(path, /*create=*/true));
  FileLock lock(fd);
  errno = Flock(fd, LOCK_EX);
  if (errno != 0) return LockError(path, "cannot be locked");
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

void FileLock::SetHolder(const std::string& text) {
  if (ftruncate(fd_, 0) == 0) {
    [[maybe_unused]] const ssize_t written = pwrite(fd_, text.data(), text.size(), 0);
  }
}

std::string FileLock::HolderOf(const std::string& path) {
  const auto content = ReadSmallFile(path);
  return content.ok() && content->has_value() ? **content : "";
}

}  // namespace tidemill
