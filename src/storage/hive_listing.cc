#include "storage/hive_listing.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <utility>

#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include "base/calendar.h"
#include "storage/percent_encoding.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr std::string_view kNullName = "__HIVE_DEFAULT_PARTITION__";
constexpr std::string_view kDataSuffix = ".parquet";
/// Deeper than any layout; a loop of symbolic links ends here.
constexpr int kMaxDepth = 32;

/// What a listing finds before the types of the partition columns are known.
struct FoundFile {
  DataFile file;
  std::vector<std::pair<std::string, std::string>> partitions;  ///< decoded name, raw value
  int depth = 0;
};

std::string_view NameOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool IsHidden(std::string_view name, bool is_directory) {
  if (name.starts_with('.')) return true;
  return name.starts_with('_') && !(is_directory && name.find('=') != std::string_view::npos);
}

class Lister {
 public:
  explicit Lister(const Location& root) : root_(root) {}

  arrow::Status List() { return root_.is_local ? Descend(root_.path, "", 0) : ListAtOnce(); }

  std::vector<FoundFile> found;

 private:
  arrow::Status Descend(const std::string& directory, const std::string& relative, int depth) {
    if (depth > kMaxDepth) {
      return MakeError(ErrorCode::kRunFailed,
                       fmt::format("{}: more than {} directories deep", directory, kMaxDepth),
                       "a symbolic link may point to a directory above itself");
    }
    arrow::fs::FileSelector selector;
    selector.base_dir = directory;
    auto listed = root_.filesystem->GetFileInfo(selector);
    if (!listed.ok()) {
      return MakeError(ErrorCode::kRunFailed, fmt::format("{}: cannot be listed: {}", directory,
                                                          listed.status().message()));
    }
    ARROW_RETURN_NOT_OK(RefuseDanglingLinks(directory, relative));
    for (const arrow::fs::FileInfo& info : *listed) {
      const std::string name(NameOf(info.path()));
      const bool is_directory = info.IsDirectory();
      if (IsHidden(name, is_directory)) continue;
      const std::string below = relative.empty() ? name : relative + "/" + name;
      if (is_directory) {
        const bool is_partition = PushPartition(name);
        ARROW_RETURN_NOT_OK(Descend(info.path(), below, depth + 1));
        if (is_partition) partitions_.pop_back();
      } else if (info.IsFile() && name.ends_with(kDataSuffix)) {
        ARROW_RETURN_NOT_OK(Add(info, below, depth));
      }
    }
    return arrow::Status::OK();
  }

  /// An object store lists all keys below a prefix in pages, which is faster than folder by folder.
  arrow::Status ListAtOnce() {
    arrow::fs::FileSelector selector;
    selector.base_dir = root_.path;
    selector.recursive = true;
    auto listed = root_.filesystem->GetFileInfo(selector);
    if (!listed.ok()) {
      return MakeError(ErrorCode::kRunFailed, fmt::format("{}: cannot be listed: {}", root_.uri,
                                                          listed.status().message()));
    }
    for (const arrow::fs::FileInfo& info : *listed) {
      if (!info.IsFile() || !info.path().ends_with(kDataSuffix)) continue;
      const std::string below = info.path().substr(root_.path.size() + 1);
      partitions_.clear();
      int depth = 0;
      size_t begin = 0;
      bool is_hidden = IsHidden(NameOf(below), false);
      for (size_t slash = below.find('/'); slash != std::string::npos;
           slash = below.find('/', begin)) {
        const std::string_view name = std::string_view(below).substr(begin, slash - begin);
        is_hidden = is_hidden || IsHidden(name, true);
        PushPartition(name);
        ++depth;
        begin = slash + 1;
      }
      if (!is_hidden) ARROW_RETURN_NOT_OK(Add(info, below, depth));
    }
    return arrow::Status::OK();
  }

  /// Arrow leaves links to nowhere out of its listings, and with them the rows that they stood for.
  arrow::Status RefuseDanglingLinks(const std::string& directory, const std::string& relative) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_symlink(error) || entry.exists(error) || IsHidden(name, false) ||
          !name.ends_with(kDataSuffix)) {
        continue;
      }
      return MakeError(ErrorCode::kRunFailed,
                       fmt::format("{} is a link to a file that does not exist",
                                   relative.empty() ? name : relative + "/" + name),
                       "remove it, or restore what it points to");
    }
    return arrow::Status::OK();
  }

  bool PushPartition(std::string_view name) {
    const size_t equals = name.find('=');
    if (equals == std::string_view::npos || equals == 0) return false;
    partitions_.emplace_back(PercentDecode(name.substr(0, equals)), name.substr(equals + 1));
    return true;
  }

  arrow::Status Add(const arrow::fs::FileInfo& info, const std::string& relative, int depth) {
    FoundFile one;
    one.file.path = info.path();
    one.file.relative_path = relative;
    one.file.size = info.size();
    one.file.mtime_ns = info.mtime().time_since_epoch().count();
    one.partitions = partitions_;
    one.depth = depth;
    for (size_t i = 0; i < partitions_.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (partitions_[i].first != partitions_[j].first) continue;
        return MakeError(ErrorCode::kRunFailed,
                         fmt::format("{}: the path gives partition column '{}' twice", info.path(),
                                     partitions_[i].first));
      }
    }
    found.push_back(std::move(one));
    return arrow::Status::OK();
  }

  const Location& root_;
  std::vector<std::pair<std::string, std::string>> partitions_;
};

arrow::Status CheckSameLayout(const std::vector<FoundFile>& found) {
  const FoundFile& first = found.front();
  for (const FoundFile& other : found) {
    if (other.depth != first.depth) {
      return MakeError(
          ErrorCode::kRunFailed,
          fmt::format("files lie at different depths: {} and {}", first.file.path, other.file.path),
          "all data files of a source must lie the same number of directories deep");
    }
    const bool same = std::equal(first.partitions.begin(), first.partitions.end(),
                                 other.partitions.begin(), other.partitions.end(),
                                 [](const auto& a, const auto& b) { return a.first == b.first; });
    if (!same) {
      return MakeError(ErrorCode::kRunFailed,
                       fmt::format("files have different partition columns: {} and {}",
                                   first.file.path, other.file.path));
    }
  }
  return arrow::Status::OK();
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::shared_ptr<arrow::DataType> InferType(const std::vector<FoundFile>& found, size_t column) {
  bool all_dates = true;
  bool all_integers = true;
  bool any_value = false;
  const std::string* last = nullptr;
  for (const FoundFile& one : found) {
    const std::string& raw = one.partitions[column].second;
    if (raw == kNullName || (last != nullptr && raw == *last)) continue;
    last = &raw;
    any_value = true;
    const std::string value = PercentDecode(raw);
    all_dates = all_dates && ParseCivilDay(value).has_value();
    all_integers = all_integers && ParseInteger(value).has_value();
    if (!all_dates && !all_integers) break;
  }
  if (!any_value) return arrow::utf8();
  if (all_dates) return arrow::date32();
  return all_integers ? arrow::int64() : arrow::utf8();
}

arrow::Result<std::shared_ptr<arrow::Scalar>> ParseValue(const FoundFile& one, size_t column,
                                                         const arrow::DataType& type) {
  const std::string& raw = one.partitions[column].second;
  if (raw == kNullName) return arrow::MakeNullScalar(type.GetSharedPtr());
  std::string value = PercentDecode(raw);
  switch (type.id()) {
    case arrow::Type::DATE32:
      return std::make_shared<arrow::Date32Scalar>(*ParseCivilDay(value));
    case arrow::Type::INT64:
      return std::make_shared<arrow::Int64Scalar>(*ParseInteger(value));
    default:
      if (!arrow::util::ValidateUTF8(value)) {
        return MakeError(ErrorCode::kRunFailed,
                         fmt::format("{}: the value of partition column '{}' is not valid UTF-8",
                                     one.file.path, one.partitions[column].first));
      }
      return std::make_shared<arrow::StringScalar>(std::move(value));
  }
}

}  // namespace

HiveListing ListFile(const Location& file, const arrow::fs::FileInfo& info) {
  HiveListing listing;
  listing.root = file;
  listing.partition_schema = arrow::schema({});
  DataFile only;
  only.path = file.path;
  only.relative_path = info.base_name();
  only.size = info.size();
  only.mtime_ns = info.mtime().time_since_epoch().count();
  listing.files.push_back(std::move(only));
  return listing;
}

arrow::Result<HiveListing> ListHive(const Location& root) {
  auto info = root.filesystem->GetFileInfo(root.path);
  if (!info.ok()) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: cannot be read: {}", root.uri, info.status().message()));
  }
  if (info->type() == arrow::fs::FileType::NotFound) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("{}: there is no such directory", root.uri));
  }
  if (!info->IsDirectory()) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("{}: is not a directory", root.uri),
                     "name the directory that holds the files");
  }

  arrow::util::InitializeUTF8();
  Lister lister(root);
  ARROW_RETURN_NOT_OK(lister.List());
  std::vector<FoundFile>& found = lister.found;
  std::sort(found.begin(), found.end(), [](const FoundFile& a, const FoundFile& b) {
    return a.file.relative_path < b.file.relative_path;
  });

  HiveListing listing;
  listing.root = root;
  arrow::FieldVector fields;
  if (!found.empty()) {
    ARROW_RETURN_NOT_OK(CheckSameLayout(found));
    for (size_t i = 0; i < found.front().partitions.size(); ++i) {
      fields.push_back(arrow::field(found.front().partitions[i].first, InferType(found, i)));
    }
  }
  listing.partition_schema = arrow::schema(fields);
  listing.files.reserve(found.size());
  for (FoundFile& one : found) {
    for (size_t i = 0; i < fields.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(auto value, ParseValue(one, i, *fields[i]->type()));
      one.file.partition_values.push_back(std::move(value));
    }
    listing.files.push_back(std::move(one.file));
  }
  return listing;
}

}  // namespace tidemill
