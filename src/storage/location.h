#pragma once

/// Where data lives: a file system and a path in it.

#include <memory>
#include <string>

#include <arrow/filesystem/filesystem.h>
#include <arrow/result.h>

#include "storage/retrying_file.h"

namespace tidemill {

struct Location {
  std::shared_ptr<arrow::fs::FileSystem> filesystem;
  std::string path;  ///< absolute, no trailing slash
  std::string uri;   ///< as shown to people
  bool is_local = true;
  std::shared_ptr<IoRetries> retries = std::make_shared<IoRetries>();
};

/// "dir", "/dir", "file:///dir". Other schemes (s3://, gs://, abfs://) are refused as not yet
/// supported.
arrow::Result<Location> ParseLocation(const std::string& path_or_uri);

}  // namespace tidemill
