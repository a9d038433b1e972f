#pragma once

/// Changes to the file system that survive a crash, and their order: write, fsync, rename, fsync
/// the directory.
///
/// All paths are local. Errors (kRunFailed) name the path and the reason.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

namespace tidemill {

/// Which directory or file a path leads to; stays the same when it is renamed.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  bool is_directory = false;
};

/// Without following a link at the end of the path; nothing if there is no such path.
arrow::Result<std::optional<FileIdentity>> IdentityOf(const std::string& path);

/// Creates a directory and those above it that are missing, each entry flushed to the disk.
arrow::Status MakeDirectories(const std::string& path);

/// The same, not flushed: for what need not survive a crash.
arrow::Status MakeScratchDirectories(const std::string& path);

/// Flushes the entries of a directory.
arrow::Status SyncDirectory(const std::string& path);
/// Flushes the entries of a directory and of all below it.
arrow::Status SyncTree(const std::string& path);

/// Flushes the files of a directory whose name begins with `prefix`, then the directory's entries.
arrow::Status SyncFiles(const std::string& directory, const std::string& prefix);

/// Replaces the content of `path` at once: readers see the old or the new. `temporary` is a path on
/// the same file system that nobody else uses; it is gone afterwards, but after a crash.
arrow::Status ReplaceFile(const std::string& path, std::string_view content,
                          const std::string& temporary);

/// Creates `path` with its content, at once; false if there is such a file. `temporary` as above.
arrow::Result<bool> CreateFile(const std::string& path, std::string_view content,
                               const std::string& temporary);

/// Nothing if there is no such file.
arrow::Result<std::optional<std::string>> ReadSmallFile(const std::string& path);

/// Renames, then flushes both directories.
arrow::Status Rename(const std::string& from, const std::string& to);

/// Swaps what two paths lead to, in one step; false if the file system cannot. Flushes both
/// directories.
arrow::Result<bool> Exchange(const std::string& a, const std::string& b);

/// Removes a file; no error if there is none. Not flushed: after a crash it may be back.
arrow::Status RemoveFile(const std::string& path);
/// Removes a directory with all it holds, or a file; no error if there is none.
arrow::Status RemoveTree(const std::string& path);

/// The names in a directory, sorted; none if there is no such directory.
arrow::Result<std::vector<std::string>> NamesIn(const std::string& directory);

/// "/a/b" -> "/a".
std::string ParentOf(const std::string& path);

}  // namespace tidemill
