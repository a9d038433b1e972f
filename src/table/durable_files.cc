#include "table/durable_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

arrow::Status PathError(const std::string& path, std::string_view what, int error) {
  std::string hint;
  if (error == ENOSPC || error == EDQUOT) hint = "free some space and run again";
  if (error == EACCES || error == EPERM || error == EROFS) {
    hint = "the run needs to create and rename files there";
  }
  return MakeError(ErrorCode::kRunFailed,
                   fmt::format("{}: {}: {}", path, what, std::strerror(error)), hint);
}

/// A file descriptor that is closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }
  int Close() { return close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

arrow::Status WriteAndSync(const std::string& path, std::string_view content) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.get() < 0) return PathError(path, "cannot be created", errno);
  while (!content.empty()) {
    const ssize_t written = write(file.get(), content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return PathError(path, "cannot be written", errno);
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(file.get()) != 0) return PathError(path, "cannot be flushed to the disk", errno);
  if (file.Close() != 0) return PathError(path, "cannot be closed", errno);
  return arrow::Status::OK();
}

}  // namespace

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

arrow::Result<std::optional<FileIdentity>> IdentityOf(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return PathError(path, "cannot be looked at", errno);
  }
  return FileIdentity{info.st_dev, info.st_ino, S_ISDIR(info.st_mode)};
}

arrow::Status MakeDirectories(const std::string& path) {
  if (mkdir(path.c_str(), 0777) == 0) return SyncDirectory(ParentOf(path));
  if (errno == EEXIST) {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return PathError(path, "cannot be looked at", errno);
    if (S_ISDIR(info.st_mode)) return arrow::Status::OK();
    return PathError(path, "is not a directory", ENOTDIR);
  }
  if (errno != ENOENT || ParentOf(path) == path) {
    return PathError(path, "cannot be created", errno);
  }
  ARROW_RETURN_NOT_OK(MakeDirectories(ParentOf(path)));
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
    return PathError(path, "cannot be created", errno);
  }
  return SyncDirectory(ParentOf(path));
}

arrow::Status MakeScratchDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? PathError(path, "cannot be created", error.value()) : arrow::Status::OK();
}

arrow::Status SyncDirectory(const std::string& path) {
  Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return PathError(path, "cannot be opened", errno);
  // Some file systems know no fsync of directories and say EINVAL; they order their own metadata.
  if (fsync(directory.get()) != 0 && errno != EINVAL) {
    return PathError(path, "cannot be flushed to the disk", errno);
  }
  return arrow::Status::OK();
}

arrow::Status SyncTree(const std::string& path) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator entries(path, error);
  for (; !error && entries != std::filesystem::recursive_directory_iterator();
       entries.increment(error)) {
    if (entries->is_directory(error)) ARROW_RETURN_NOT_OK(SyncDirectory(entries->path().string()));
  }
  if (error) return PathError(path, "cannot be listed", error.value());
  return SyncDirectory(path);
}

arrow::Status SyncFiles(const std::string& directory, const std::string& prefix) {
  ARROW_ASSIGN_OR_RAISE(const auto names, NamesIn(directory));
  for (const std::string& name : names) {
    if (!name.starts_with(prefix)) continue;
    const std::string path = directory + "/" + name;
    Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0 || fsync(file.get()) != 0) {
      return PathError(path, "cannot be flushed to the disk", errno);
    }
  }
  return SyncDirectory(directory);
}

arrow::Status ReplaceFile(const std::string& path, std::string_view content,
                          const std::string& temporary) {
  const arrow::Status written = WriteAndSync(temporary, content);
  if (!written.ok()) {
    unlink(temporary.c_str());
    return written;
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return PathError(path, "cannot be replaced", error);
  }
  // Whether the temporary name has gone for good does not matter.
  return SyncDirectory(ParentOf(path));
}

arrow::Result<bool> CreateFile(const std::string& path, std::string_view content,
                               const std::string& temporary) {
  const arrow::Status written = WriteAndSync(temporary, content);
  if (!written.ok()) {
    unlink(temporary.c_str());
    return written;
  }
  // A link never replaces what is there; file systems without links can rename under that
  // condition.
  int error = link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  if (error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK) {
    error = syscall(SYS_renameat2, AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(),
                    RENAME_NOREPLACE) == 0
                ? 0
                : errno;
  }
  unlink(temporary.c_str());
  if (error == EEXIST) return false;
  if (error != 0) return PathError(path, "cannot be created", error);
  ARROW_RETURN_NOT_OK(SyncDirectory(ParentOf(path)));
  return true;
}

arrow::Result<std::optional<std::string>> ReadSmallFile(const std::string& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return PathError(path, "cannot be opened", errno);
  }
  std::string content;
  char block[65536];
  while (true) {
    const ssize_t got = read(file.get(), block, sizeof(block));
    if (got < 0) {
      if (errno == EINTR) continue;
      return PathError(path, "cannot be read", errno);
    }
    if (got == 0) return content;
    content.append(block, static_cast<size_t>(got));
  }
}

arrow::Status Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) {
    return PathError(to, fmt::format("cannot be put in place from {}", from), errno);
  }
  ARROW_RETURN_NOT_OK(SyncDirectory(ParentOf(to)));
  return ParentOf(from) == ParentOf(to) ? arrow::Status::OK() : SyncDirectory(ParentOf(from));
}

arrow::Result<bool> Exchange(const std::string& a, const std::string& b) {
  // By number: older C libraries do not have the function.
  if (syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) return false;
    return PathError(b, fmt::format("cannot be exchanged with {}", a), errno);
  }
  ARROW_RETURN_NOT_OK(SyncDirectory(ParentOf(b)));
  ARROW_RETURN_NOT_OK(SyncDirectory(ParentOf(a)));
  return true;
}

arrow::Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) != 0) {
    return errno == ENOENT ? arrow::Status::OK() : PathError(path, "cannot be removed", errno);
  }
  return arrow::Status::OK();
}

arrow::Status RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return PathError(path, "cannot be removed", error.value());
  return arrow::Status::OK();
}

arrow::Result<std::vector<std::string>> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    names.push_back(entries->path().filename().string());
  }
  if (error) return PathError(directory, "cannot be listed", error.value());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tidemill
