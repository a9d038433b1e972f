#include "table/delta_merge.h"

#include <map>
#include <utility>

#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include "storage/column_types.h"
#include "storage/parquet_sink.h"
#include "storage/parquet_source.h"
#include "table/delta_actions.h"
#include "table/delta_listing.h"
#include "table/durable_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

/// The key columns of some rows; those that are partition columns come from the log or the path.
arrow::Result<arrow::ArrayVector> KeyColumns(const std::vector<std::string>& names,
                                             const arrow::Schema& schema,
                                             const RowGroupColumns& rows,
                                             const PartitionValues& values) {
  arrow::ArrayVector keys;
  for (const std::string& name : names) {
    const int column = schema.GetFieldIndex(name);
    if (column >= 0) {
      ARROW_ASSIGN_OR_RAISE(auto plain, ConvertColumn(rows.arrays[static_cast<size_t>(column)],
                                                      schema.field(column)->type(), false));
      keys.push_back(std::move(plain));
      continue;
    }
    const auto at = values.find(name);
    const bool is_null = at == values.end() || !at->second.has_value();
    const auto scalar =
        is_null ? arrow::MakeNullScalar(arrow::utf8()) : arrow::MakeScalar(*at->second);
    ARROW_ASSIGN_OR_RAISE(auto constant, arrow::MakeArrayFromScalar(*scalar, rows.num_rows));
    keys.push_back(std::move(constant));
  }
  return keys;
}

/// Files that get the rest of one partition.
struct RestSink {
  std::unique_ptr<ParquetSink> sink;
  std::string directory;
  PartitionValues partition;
};

class Rewriter {
 public:
  Rewriter(const DeltaMergeInput& input, std::string rest_directory)
      : input_(input), rest_directory_(std::move(rest_directory)) {}

  arrow::Result<DeltaRewrite> Rewrite() {
    for (const DeltaFile& logged : input_.files) {
      ARROW_ASSIGN_OR_RAISE(DataFile file, DataFileOf(*input_.table, logged));
      ARROW_ASSIGN_OR_RAISE(const PartitionValues values,
                            ParsePartitionValues(logged.partition_values));
      if (!logged.deletion_vector.empty()) {
        ARROW_ASSIGN_OR_RAISE(auto rows, input_.snapshot->DeletedRows(logged.deletion_vector));
        file.deleted_rows = std::make_shared<const std::vector<int64_t>>(std::move(rows));
      }
      ARROW_ASSIGN_OR_RAISE(const bool is_touched, CopyRest(file, values));
      if (is_touched) result_.replaced.push_back(logged);
    }
    for (auto& [values, rest] : sinks_) {
      ARROW_ASSIGN_OR_RAISE(const auto written, rest.sink->Close());
      for (WrittenFile one : written) {
        one.file.path = rest.directory + "/" + one.file.path;
        ARROW_ASSIGN_OR_RAISE(const PublishedFile read,
                              ReadBack(one.file.path, {}, input_.options.threads));
        if (read.rows != one.file.rows || read.hash != one.file.hash) {
          return MakeError(ErrorCode::kRunFailed,
                           fmt::format("{}: does not read back as it was written", one.file.path),
                           "the disk or its memory may be at fault; nothing was published");
        }
        result_.rest.push_back({std::move(one), rest.partition});
      }
    }
    return std::move(result_);
  }

 private:
  /// Whether the file holds a row with a new key; if so its other rows are copied.
  arrow::Result<bool> CopyRest(const DataFile& file, const PartitionValues& values) {
    ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(*input_.table, {file}, 1));
    const int groups = footers[0].metadata->num_row_groups();
    bool is_touched = false;
    for (int group = 0; group < groups && !is_touched; ++group) {
      ARROW_ASSIGN_OR_RAISE(const auto rows, Read(file, footers[0], group));
      std::vector<uint8_t> found;
      ARROW_ASSIGN_OR_RAISE(const int64_t count, Find(rows, values, &found));
      is_touched = count > 0;
    }
    if (!is_touched) return false;
    for (int group = 0; group < groups; ++group) {
      ARROW_ASSIGN_OR_RAISE(const auto rows, Read(file, footers[0], group));
      std::vector<uint8_t> found;
      ARROW_RETURN_NOT_OK(Find(rows, values, &found).status());
      ARROW_RETURN_NOT_OK(Keep(rows, found, values));
    }
    return true;
  }

  arrow::Result<int64_t> Find(const RowGroupColumns& rows, const PartitionValues& values,
                              std::vector<uint8_t>* found) const {
    ARROW_ASSIGN_OR_RAISE(const auto keys, KeyColumns(input_.keys, *input_.schema, rows, values));
    return input_.new_keys->Find(keys, rows.num_rows, found);
  }

  arrow::Result<RowGroupColumns> Read(const DataFile& file, const ParquetFooter& footer,
                                      int group) const {
    return ReadRowGroup(*input_.table, file, footer, group, *input_.schema,
                        input_.schema->field_names());
  }

  arrow::Status Keep(const RowGroupColumns& rows, const std::vector<uint8_t>& found,
                     const PartitionValues& values) {
    arrow::Int32Builder builder;
    for (size_t row = 0; row < found.size(); ++row) {
      if (found[row] == 0) ARROW_RETURN_NOT_OK(builder.Append(static_cast<int32_t>(row)));
    }
    ARROW_ASSIGN_OR_RAISE(const auto kept, builder.Finish());
    if (kept->length() == 0) return arrow::Status::OK();
    arrow::ArrayVector columns;
    for (size_t i = 0; i < rows.arrays.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken, arrow::compute::Take(rows.arrays[i], kept));
      ARROW_ASSIGN_OR_RAISE(
          auto plain, ConvertColumn(taken.make_array(),
                                    input_.schema->field(static_cast<int>(i))->type(), false));
      columns.push_back(std::move(plain));
    }
    ARROW_ASSIGN_OR_RAISE(ParquetSink * sink, SinkOf(values));
    return sink->Write(arrow::RecordBatch::Make(input_.schema, kept->length(), std::move(columns)));
  }

  arrow::Result<ParquetSink*> SinkOf(const PartitionValues& values) {
    const auto [at, is_new] = sinks_.try_emplace(values);
    RestSink& rest = at->second;
    if (!is_new) return rest.sink.get();
    rest.partition = values;
    rest.directory = fmt::format("{}/{}", rest_directory_, sinks_.size());
    ParquetSinkOptions options;
    options.directory = rest.directory;
    options.file_size = input_.options.file_size;
    options.max_rows_per_file = input_.options.max_rows_per_file;
    options.compression = input_.options.compression;
    options.threads = input_.options.threads;
    options.write_empty_file = false;
    options.cancelled = input_.options.cancelled;
    ARROW_RETURN_NOT_OK(MakeScratchDirectories(options.directory));
    ARROW_ASSIGN_OR_RAISE(rest.sink, ParquetSink::Open(input_.schema, std::move(options)));
    return rest.sink.get();
  }

  const DeltaMergeInput& input_;
  std::string rest_directory_;
  std::map<PartitionValues, RestSink> sinks_;
  DeltaRewrite result_;
};

}  // namespace

arrow::Result<KeySet> KeysOfStaged(const StagedPartition& staged,
                                   const std::vector<std::string>& keys) {
  KeySet set;
  const arrow::Schema& schema = *staged.file_schema();
  ARROW_ASSIGN_OR_RAISE(const Location local, ParseLocation(staged.directory()));
  for (const PublishedFile& written : staged.files()) {
    DataFile file;
    file.path = staged.directory() + written.path.substr(staged.partition().size());
    const PartitionValues values = PartitionValuesOf(written.path);
    ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(local, {file}, 1));
    for (int group = 0; group < footers[0].metadata->num_row_groups(); ++group) {
      ARROW_ASSIGN_OR_RAISE(const RowGroupColumns rows, ReadRowGroup(local, file, footers[0], group,
                                                                     schema, schema.field_names()));
      ARROW_ASSIGN_OR_RAISE(const auto columns, KeyColumns(keys, schema, rows, values));
      ARROW_ASSIGN_OR_RAISE(const auto repeated, set.Add(columns, rows.num_rows));
      if (!repeated) continue;
      return MakeError(
          ErrorCode::kRunFailed,
          fmt::format("two rows to merge have the key {}", KeyText(keys, columns, *repeated)),
          "a merge needs one row for each entity and feature date");
    }
  }
  return set;
}

arrow::Result<DeltaRewrite> RewriteForMerge(const DeltaMergeInput& input,
                                            const std::string& rest_directory) {
  return Rewriter(input, rest_directory).Rewrite();
}

}  // namespace tidemill
