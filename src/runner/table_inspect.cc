// `tidemill table inspect`: how a table is laid out, and what could be better.

#include <algorithm>
#include <map>

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <fmt/format.h>

#include "base/byte_size.h"
#include "runner/open_table.h"
#include "runner/prepare.h"
#include "sql/kernel.h"
#include "storage/column_types.h"
#include "tidemill/table.h"

namespace tidemill {
namespace {

/// A file smaller than its usual size by this factor is tiny, if its partition has several.
constexpr int64_t kTiny = 8;
/// A partition smaller than this is not worth a directory, if there are many.
constexpr int64_t kSmallPartition = 16'000'000;
constexpr size_t kManyPartitions = 1000;
constexpr int64_t kSmallGroup = 10'000;
constexpr double kSkewed = 10;
constexpr size_t kPartitionsShown = 5;
/// Values of a column that are looked for, at most, in a partition.
constexpr size_t kProbes = 64;

/// A row group with the partition it lies in.
struct Group {
  size_t file = 0;
  int row_group = 0;
  int64_t rows = 0;
  int64_t bytes = 0;
};

template <typename T>
T Median(std::vector<T> values) {
  if (values.empty()) return T{};
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// The bounds of a column in some row groups, as arrays; null where one does not tell.
struct Bounds {
  std::shared_ptr<arrow::Array> min;
  std::shared_ptr<arrow::Array> max;
};

arrow::Result<std::shared_ptr<arrow::Array>> ToArray(
    const std::vector<std::shared_ptr<arrow::Scalar>>& scalars,
    const std::shared_ptr<arrow::DataType>& type) {
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(type));
  for (const auto& scalar : scalars) ARROW_RETURN_NOT_OK(builder->AppendScalar(*scalar));
  return builder->Finish();
}

class Inspector {
 public:
  Inspector(const TableContents& contents, const InspectOptions& options)
      : contents_(contents), options_(options) {}

  arrow::Result<InspectReport> Inspect() {
    report_.format = contents_.is_delta ? "delta" : "parquet";
    if (contents_.is_delta) report_.version = contents_.delta->version;
    for (const auto& field : contents_.listing.partition_schema->fields()) {
      report_.partition_columns.push_back(field->name());
    }
    Measure();
    ARROW_RETURN_NOT_OK(MeasureSkipping());
    Advise();
    return std::move(report_);
  }

 private:
  void Measure() {
    std::map<std::string, PartitionSize> partitions;
    std::vector<int64_t> sizes;
    std::vector<int64_t> group_rows;
    for (size_t f = 0; f < contents_.listing.files.size(); ++f) {
      const DataFile& file = contents_.listing.files[f];
      const auto& metadata = *contents_.footers[f].metadata;
      const std::string name = PartitionOf(contents_.listing, file);
      PartitionSize& partition = partitions[name];
      partition.partition = name;
      ++partition.files;
      partition.rows += metadata.num_rows();
      partition.bytes += file.size;
      sizes.push_back(file.size);
      if (file.deleted_rows != nullptr) {
        report_.deleted_rows += static_cast<int64_t>(file.deleted_rows->size());
      }
      for (int g = 0; g < metadata.num_row_groups(); ++g) {
        const auto group = metadata.RowGroup(g);
        group_rows.push_back(group->num_rows());
        groups_[name].push_back({f, g, group->num_rows(), group->total_compressed_size()});
      }
    }
    report_.partitions = static_cast<int64_t>(partitions.size());
    report_.files = static_cast<int64_t>(sizes.size());
    report_.row_groups = static_cast<int64_t>(group_rows.size());
    report_.median_group_rows = Median(group_rows);
    if (!sizes.empty()) {
      report_.smallest_file = std::ranges::min(sizes);
      report_.median_file = Median(sizes);
      report_.largest_file = std::ranges::max(sizes);
    }
    std::vector<int64_t> partition_bytes;
    for (auto& [name, partition] : partitions) {
      report_.rows += partition.rows;
      report_.bytes += partition.bytes;
      partition_bytes.push_back(partition.bytes);
      report_.largest.push_back(std::move(partition));
    }
    for (const DataFile& file : contents_.listing.files) {
      const std::string name = PartitionOf(contents_.listing, file);
      const bool is_alone = partitions.at(name).files == 1;
      if (!is_alone && file.size < options_.file_size / kTiny) ++report_.tiny_files;
    }
    if (const int64_t median = Median(partition_bytes); median > 0) {
      report_.skew =
          static_cast<double>(std::ranges::max(partition_bytes)) / static_cast<double>(median);
    }
    std::ranges::sort(report_.largest, std::greater(), &PartitionSize::bytes);
    if (report_.largest.size() > kPartitionsShown) report_.largest.resize(kPartitionsShown);
  }

  arrow::Status MeasureSkipping() {
    for (const std::string& name : options_.columns) {
      if (contents_.schema->GetFieldIndex(name) >= 0) continue;
      return MakeError(ErrorCode::kInvalid, fmt::format("the files have no column '{}'", name),
                       "partition columns are skipped by their directories");
    }
    for (const auto& field : contents_.schema->fields()) {
      const bool is_wanted =
          options_.columns.empty() ||
          std::ranges::find(options_.columns, field->name()) != options_.columns.end();
      if (!is_wanted || !IsReadable(*field->type())) continue;
      ARROW_ASSIGN_OR_RAISE(const double skipped, Skipped(*field));
      report_.columns.push_back({field->name(), field->type()->ToString(), skipped});
    }
    return arrow::Status::OK();
  }

  arrow::Result<std::optional<Bounds>> BoundsOf(const std::vector<Group>& groups,
                                                const arrow::Field& field) const {
    std::vector<std::shared_ptr<arrow::Scalar>> min;
    std::vector<std::shared_ptr<arrow::Scalar>> max;
    for (const Group& group : groups) {
      const auto facts = FactsOf(contents_.footers[group.file], group.row_group, field.name());
      if (!facts.range) return std::nullopt;
      min.push_back(facts.range->min);
      max.push_back(facts.range->max);
    }
    Bounds bounds;
    // Files of a Delta table may hold a narrower type than the table has.
    const auto& type = min.front()->type;
    for (const auto* side : {&min, &max}) {
      for (const auto& scalar : *side) {
        if (!scalar->type->Equals(*type)) return std::nullopt;
      }
    }
    ARROW_ASSIGN_OR_RAISE(bounds.min, ToArray(min, type));
    ARROW_ASSIGN_OR_RAISE(bounds.max, ToArray(max, type));
    return bounds;
  }

  /// The average share of a partition's bytes in row groups that cannot hold a value, over values
  /// that row groups begin with.
  arrow::Result<double> Skipped(const arrow::Field& field) const {
    double skipped_bytes = 0;
    double all_bytes = 0;
    for (const auto& [name, groups] : groups_) {
      ARROW_ASSIGN_OR_RAISE(const auto bounds, BoundsOf(groups, field));
      if (!bounds) continue;
      double bytes = 0;
      for (const Group& group : groups) bytes += static_cast<double>(group.bytes);
      const size_t step = (groups.size() + kProbes - 1) / kProbes;
      double read = 0;
      int probes = 0;
      for (size_t p = 0; p < groups.size(); p += step, ++probes) {
        ARROW_ASSIGN_OR_RAISE(const auto value, bounds->min->GetScalar(static_cast<int64_t>(p)));
        ARROW_ASSIGN_OR_RAISE(const auto from, CallArrow("less_equal", {bounds->min, value}));
        ARROW_ASSIGN_OR_RAISE(const auto to, CallArrow("greater_equal", {bounds->max, value}));
        ARROW_ASSIGN_OR_RAISE(const auto both, CallArrow("and", {from, to}));
        const auto& holds = static_cast<const arrow::BooleanArray&>(*both.make_array());
        for (size_t g = 0; g < groups.size(); ++g) {
          if (holds.Value(static_cast<int64_t>(g))) read += static_cast<double>(groups[g].bytes);
        }
      }
      skipped_bytes += bytes - read / probes;
      all_bytes += bytes;
    }
    return all_bytes > 0 ? skipped_bytes / all_bytes : -1;
  }

  void Advise() {
    const auto advise = [&](std::string text) { report_.advice.push_back(std::move(text)); };
    if (report_.tiny_files > 0 && report_.tiny_files * 4 >= report_.files) {
      advise(fmt::format(
          "{} of {} files are much smaller than {}: `tidemill table optimize {}` "
          "puts them together",
          report_.tiny_files, report_.files, FormatByteSize(options_.file_size), report_.path));
    }
    const int64_t average = report_.partitions > 0 ? report_.bytes / report_.partitions : 0;
    if (report_.partitions > static_cast<int64_t>(kManyPartitions) && average < kSmallPartition) {
      advise(
          fmt::format("{} partitions of {} on average are too many: partition by fewer columns "
                      "or into fewer buckets",
                      report_.partitions, FormatByteSize(average)));
    }
    if (report_.skew > kSkewed) {
      advise(
          fmt::format("the largest partition is {:.0f} times the median one: bucket(n, column) "
                      "spreads a partition whose values are unevenly used",
                      report_.skew));
    }
    if (report_.median_group_rows < kSmallGroup && report_.row_groups > 2 * report_.files) {
      advise(
          fmt::format("row groups have {} rows, which is little: readers spend their time on "
                      "footers; rewrite with `tidemill table optimize`",
                      report_.median_group_rows));
    }
    if (report_.deleted_rows * 10 > report_.rows && report_.rows > 0) {
      advise(
          fmt::format("{} of {} rows are deleted and still in the files: `tidemill table "
                      "optimize` leaves them out",
                      report_.deleted_rows, report_.rows));
    }
  }

  const TableContents& contents_;
  const InspectOptions& options_;
  std::map<std::string, std::vector<Group>> groups_;  ///< by partition
  InspectReport report_;
};

}  // namespace

arrow::Result<InspectReport> InspectTable(const std::string& path, const InspectOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const Location location, LocateTable(path));
  RunOptions run;
  run.threads = options.threads;
  ARROW_ASSIGN_OR_RAISE(const TableContents contents, ReadContents(location, ThreadsOf(run)));
  ARROW_ASSIGN_OR_RAISE(InspectReport report, Inspector(contents, options).Inspect());
  report.path = location.uri;
  return report;
}

}  // namespace tidemill
