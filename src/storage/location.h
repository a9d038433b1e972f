#pragma once

/// Where data lives: a file system and a path in it.

#include <map>
#include <memory>
#include <string>

#include <arrow/filesystem/filesystem.h>
#include <arrow/result.h>

#include "storage/retrying_file.h"

namespace tidemill {

struct Location {
  std::shared_ptr<arrow::fs::FileSystem> filesystem;
  std::string path;  ///< in the file system, no trailing slash; absolute if local
  std::string uri;   ///< as shown to people; a local path as it is
  bool is_local = true;
  std::shared_ptr<IoRetries> retries = std::make_shared<IoRetries>();
  /// How conditional puts reach the same store (object_store.h). Holds credentials: never shown.
  std::map<std::string, std::string> store_options;
};

/// "dir", "/dir", "file:///dir", "s3://bucket/dir"; gs:// and abfs:// go the same way, untested.
/// Object stores are configured by the usual variables and files (remote_filesystem.h); nothing is
/// asked of them yet.
arrow::Result<Location> ParseLocation(const std::string& path_or_uri);

}  // namespace tidemill
