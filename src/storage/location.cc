#include "storage/location.h"

#include <cctype>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <arrow/filesystem/localfs.h>
#include <fmt/format.h>

#include "storage/percent_encoding.h"
#include "storage/remote_filesystem.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr std::string_view kFileScheme = "file";

/// The scheme of "scheme://...", empty for a plain path.
std::string_view SchemeOf(std::string_view text) {
  const size_t end = text.find("://");
  if (end == std::string_view::npos || end == 0) return {};
  for (const char c : text.substr(0, end)) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') return {};
  }
  return text.substr(0, end);
}

}  // namespace

arrow::Result<Location> ParseLocation(const std::string& path_or_uri) {
  if (path_or_uri.empty()) return MakeError(ErrorCode::kInvalid, "the path is empty");
  if (path_or_uri.find('\0') != std::string::npos) {
    return MakeError(ErrorCode::kInvalid, "the path holds a zero byte");
  }

  std::string path = path_or_uri;
  const std::string_view scheme = SchemeOf(path_or_uri);
  if (scheme == kFileScheme) {
    std::string_view rest = std::string_view(path_or_uri).substr(kFileScheme.size() + 3);
    constexpr std::string_view kLocalHost = "localhost/";
    if (rest.starts_with(kLocalHost)) rest.remove_prefix(kLocalHost.size() - 1);
    if (!rest.starts_with('/')) {
      return MakeError(
          ErrorCode::kInvalid,
          fmt::format("'{}' names a host, not a directory of this machine", path_or_uri),
          fmt::format("a local path has three slashes: file:///{}", rest));
    }
    path = PercentDecode(rest);
    if (path.find('\0') != std::string::npos) {
      return MakeError(ErrorCode::kInvalid, "the path holds a zero byte");
    }
  } else if (!scheme.empty()) {
    return RemoteLocation(path_or_uri, std::string(scheme));
  }

  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("cannot tell what '{}' is relative to: {}",
                                                        path, error.message()));
  }
  Location location;
  location.filesystem = std::make_shared<arrow::fs::LocalFileSystem>();
  location.path = absolute.lexically_normal().string();
  while (location.path.size() > 1 && location.path.back() == '/') location.path.pop_back();
  location.uri = location.path;
  return location;
}

}  // namespace tidemill
