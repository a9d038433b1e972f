#pragma once

/// A folder for spilled tiles and files on their way to an object store, which does not outlive its
/// process.

#include <mutex>
#include <string>

#include <arrow/result.h>

namespace tidemill {

/// Made on first use below `base` (empty: $TMPDIR, else /tmp), removed with the object. The folder
/// holds a locked file while its process lives; folders of dead processes are removed by whoever
/// comes next. Thread-safe.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string base) : base_(std::move(base)) {}
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  /// A path in the folder that nothing has yet. Errors (kRunFailed) name the folder.
  arrow::Result<std::string> NewPath();

 private:
  arrow::Status Create();

  std::string base_;
  std::mutex mutex_;
  std::string folder_;
  int lock_ = -1;
  int next_ = 0;
};

}  // namespace tidemill
