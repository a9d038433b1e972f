#include "engine/source_files.h"

#include <utility>

#include <fmt/format.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

arrow::Result<Location> RootOf(const Pipeline& pipeline) {
  return ParseLocation(pipeline.Resolve(pipeline.source.path.text));
}

arrow::Result<bool> IsDelta(const SourceSpec& spec, const Location& root) {
  if (!spec.format.empty()) return spec.format == "delta";
  return IsDeltaTable(root);
}

}  // namespace

arrow::Result<std::shared_ptr<SourceFiles>> SourceFiles::List(const Pipeline& pipeline) {
  ARROW_ASSIGN_OR_RAISE(Location root, RootOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const bool is_delta, IsDelta(pipeline.source, root));
  return List(pipeline.source, std::move(root), is_delta);
}

arrow::Result<std::shared_ptr<SourceFiles>> SourceFiles::List(const SourceSpec& spec, Location root,
                                                              bool is_delta) {
  auto source = std::make_shared<SourceFiles>();
  source->root_ = root;
  if (is_delta) {
    ARROW_ASSIGN_OR_RAISE(source->delta_, ListDelta(root, {spec.version, spec.timestamp_ms}));
    return source;
  }
  if (spec.version || spec.timestamp_ms) {
    return MakeError(ErrorCode::kInvalid, root.uri + ": is no Delta table and has no versions",
                     "remove source.version and source.timestamp");
  }
  ARROW_ASSIGN_OR_RAISE(source->listing_, ListHive(root));
  if (source->listing_.files.empty()) {
    return MakeError(ErrorCode::kRunFailed, "no Parquet files in " + root.uri,
                     "check source.path; files and folders whose name starts with '_' or '.' are "
                     "not read");
  }
  return source;
}

arrow::Result<DataFile> SourceFiles::WithDeletedRows(size_t file) {
  const DataFile& listed = listing().files[file];
  if (!delta_) return listed;
  if (const auto found = loaded_.find(file); found != loaded_.end()) return found->second;
  DataFile loaded = listed;
  ARROW_RETURN_NOT_OK(LoadDeletedRows(*delta_, file, &loaded));
  if (loaded.deleted_rows != nullptr) loaded_[file] = loaded;
  return loaded;
}

arrow::Result<std::vector<ParquetFooter>> SourceFiles::Footers(const std::vector<DataFile>& files,
                                                               int threads) {
  std::vector<DataFile> unread;
  for (const DataFile& file : files) {
    if (!footers_.contains(file.path)) unread.push_back(file);
  }
  ARROW_ASSIGN_OR_RAISE(auto read, ReadFooters(root_, unread, threads));
  for (size_t i = 0; i < unread.size(); ++i) {
    if (delta_) NameColumns(*delta_, &read[i]);
    footers_[unread[i].path] = std::move(read[i]);
  }
  std::vector<ParquetFooter> footers;
  for (const DataFile& file : files) footers.push_back(footers_.at(file.path));
  return footers;
}

arrow::Result<std::shared_ptr<SourceFiles>> SourcePool::Find(const Pipeline& pipeline) {
  const SourceSpec& spec = pipeline.source;
  ARROW_ASSIGN_OR_RAISE(Location root, RootOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const bool is_delta, IsDelta(spec, root));
  const std::string key = fmt::format("{}\n{}\n{}\n{}", root.uri, is_delta,
                                      spec.version ? std::to_string(*spec.version) : "",
                                      spec.timestamp_ms ? std::to_string(*spec.timestamp_ms) : "");
  std::shared_ptr<SourceFiles>& found = sources_[key];
  if (found == nullptr) {
    ARROW_ASSIGN_OR_RAISE(found, SourceFiles::List(spec, std::move(root), is_delta));
  }
  return found;
}

}  // namespace tidemill
