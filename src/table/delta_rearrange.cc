#include "table/delta_rearrange.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "table/delta_actions.h"
#include "table/durable_files.h"
#include "table/partition_layout.h"
#include "table/run_id.h"
#include "tidemill/error.h"

namespace tidemill {

arrow::Result<std::unique_ptr<DeltaRearranger>> DeltaRearranger::Begin(const Location& location,
                                                                       const std::string& run_id,
                                                                       const std::string& scratch) {
  std::unique_ptr<DeltaRearranger> rearranger(new DeltaRearranger(location, run_id, scratch));
  if (location.is_local) {
    ARROW_RETURN_NOT_OK(MakeDirectories(location.path + "/_tidemill/locks"));
    ARROW_ASSIGN_OR_RAISE(rearranger->staging_, StagingFolder::Create(location.path, run_id));
    rearranger->files_ = MakeLocalTableFiles(
        location.path, [staging = rearranger->staging_.get()] { return staging->TemporaryPath(); });
  } else {
    rearranger->files_ = MakeObjectTableFiles(location);
  }
  rearranger->commits_ = std::make_unique<DeltaCommits>(rearranger->files_, location.uri);
  return rearranger;
}

arrow::Result<std::unique_ptr<StagedPartition>> DeltaRearranger::Stage(
    const std::string& folder, const std::shared_ptr<arrow::Schema>& rows, FileOptions options) {
  std::string directory;
  if (staging_ != nullptr) {
    directory = fmt::format("{}/partition-{}", staging_->path(), staged_++);
  } else {
    ARROW_ASSIGN_OR_RAISE(directory, scratch_.NewPath());
  }
  // The rows are in their partition already; the layout has nothing to divide.
  const Calendar calendar(Calendar::Step::kDay, TimeZone::Find("UTC"));
  ARROW_ASSIGN_OR_RAISE(const PartitionLayout layout,
                        PartitionLayout::Make({PartitionTerm{}}, calendar));
  return StagedPartition::Open(layout, directory, folder, rows, {}, std::move(options));
}

arrow::Status DeltaRearranger::Publish(const StagedPartition& staged, const DeltaListing& listing,
                                       const std::vector<size_t>& files,
                                       const std::string& cluster_by) {
  const int64_t now = NowMicros() / 1000;
  const DeltaMetadata metadata = listing.snapshot->metadata();
  ARROW_ASSIGN_OR_RAISE(const PartitionValues partition,
                        ParsePartitionValues(listing.logged[files.front()].partition_values));
  DeltaCommitInfo info;
  info.operation = "OPTIMIZE";
  info.parameters = nlohmann::json({{"predicate", "[]"}, {"clusterBy", cluster_by}}).dump();
  info.attempt = MakeUuid();
  info.timestamp_ms = now;
  std::string lines = CommitInfoAction(info);
  for (const size_t f : files) lines += RemoveAction(listing.logged[f], now, false);
  const int indexed =
      std::atoi(metadata.Property("delta.dataSkippingNumIndexedCols", "32").c_str());
  for (size_t i = 0; i < staged.files().size(); ++i) {
    const PublishedFile& file = staged.files()[i];
    if (file.rows == 0) continue;
    const std::string local = staged.directory() + file.path.substr(staged.partition().size());
    std::string path = file.path.starts_with('/') ? file.path.substr(1) : file.path;
    path.insert(path.size() - std::string_view(".parquet").size(), "-" + run_id_);
    ARROW_ASSIGN_OR_RAISE(std::string stats, DeltaStatsOf(local, indexed, staged.nan_columns(i)));
    ARROW_RETURN_NOT_OK(files_->Place(local, path, file.bytes));
    lines += AddAction({path, partition, file.bytes, now, std::move(stats), false});
  }
  // What is left of an attempt that fails here belongs to no version, and vacuum removes it.
  ARROW_ASSIGN_OR_RAISE(const auto version,
                        commits_->Commit(listing.version, partition, info.attempt, lines));
  if (version.has_value()) return arrow::Status::OK();
  return MakeError(ErrorCode::kConflict,
                   fmt::format("{}: the table changed while {} was being rewritten", location_.uri,
                               staged.partition()),
                   "run again");
}

}  // namespace tidemill
