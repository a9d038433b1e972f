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
#include "table/key_set.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

std::string FolderOfFile(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

class Rewriter {
 public:
  Rewriter(const DeltaMergeInput& input, std::string rest_directory)
      : input_(input), rest_directory_(std::move(rest_directory)) {}

  arrow::Result<DeltaRewrite> Rewrite() {
    ARROW_RETURN_NOT_OK(ReadNewKeys());
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
    for (auto& [folder, sink] : sinks_) {
      ARROW_ASSIGN_OR_RAISE(const auto written, sink->Close());
      for (WrittenFile one : written) {
        PublishedFile& file = one.file;
        const std::string local = rest_directory_ + "/" + folder + "/" + file.path;
        ARROW_ASSIGN_OR_RAISE(const PublishedFile read,
                              ReadBack(local, {}, input_.options.threads));
        if (read.rows != file.rows || read.hash != file.hash) {
          return MakeError(ErrorCode::kRunFailed,
                           fmt::format("{}: does not read back as it was written", local),
                           "the disk or its memory may be at fault; nothing was published");
        }
        file.path = folder + "/" + file.path;
        result_.rest.push_back(std::move(one));
      }
    }
    return std::move(result_);
  }

 private:
  /// The key columns of some rows; those that are partition columns come from the path.
  arrow::Result<arrow::ArrayVector> Keys(const arrow::ArrayVector& columns, int64_t num_rows,
                                         const PartitionValues& values) const {
    arrow::ArrayVector keys;
    for (const std::string& name : input_.keys) {
      const int column = input_.file_schema->GetFieldIndex(name);
      if (column >= 0) {
        ARROW_ASSIGN_OR_RAISE(auto plain,
                              ConvertColumn(columns[static_cast<size_t>(column)],
                                            input_.file_schema->field(column)->type(), false));
        keys.push_back(std::move(plain));
        continue;
      }
      const auto at = values.find(name);
      const bool is_null = at == values.end() || !at->second.has_value();
      const auto scalar =
          is_null ? arrow::MakeNullScalar(arrow::utf8()) : arrow::MakeScalar(*at->second);
      ARROW_ASSIGN_OR_RAISE(auto constant, arrow::MakeArrayFromScalar(*scalar, num_rows));
      keys.push_back(std::move(constant));
    }
    return keys;
  }

  std::vector<std::string> FileColumns() const { return input_.file_schema->field_names(); }

  arrow::Status ReadNewKeys() {
    ARROW_ASSIGN_OR_RAISE(const Location local, ParseLocation(input_.directory));
    for (const PublishedFile& staged : input_.staged) {
      DataFile file;
      file.path = input_.directory + "/" + staged.path;
      const PartitionValues values = PartitionValuesOf(input_.partition + "/" + staged.path);
      ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(local, {file}, 1));
      for (int group = 0; group < footers[0].metadata->num_row_groups(); ++group) {
        ARROW_ASSIGN_OR_RAISE(
            const RowGroupColumns rows,
            ReadRowGroup(local, file, footers[0], group, *input_.file_schema, FileColumns()));
        ARROW_ASSIGN_OR_RAISE(const auto keys, Keys(rows.arrays, rows.num_rows, values));
        ARROW_ASSIGN_OR_RAISE(const auto repeated, new_keys_.Add(keys, rows.num_rows));
        if (repeated) {
          return MakeError(ErrorCode::kRunFailed,
                           fmt::format("two rows to merge have the key {}",
                                       KeyText(input_.keys, keys, *repeated)),
                           "a merge needs one row for each entity and feature date");
        }
      }
    }
    return arrow::Status::OK();
  }

  /// Whether the file holds a row with a new key; if so its other rows are copied.
  arrow::Result<bool> CopyRest(const DataFile& file, const PartitionValues& values) {
    ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(*input_.table, {file}, 1));
    const int groups = footers[0].metadata->num_row_groups();
    bool is_touched = false;
    for (int group = 0; group < groups && !is_touched; ++group) {
      ARROW_ASSIGN_OR_RAISE(const auto rows, Read(file, footers[0], group));
      ARROW_ASSIGN_OR_RAISE(const auto keys, Keys(rows.arrays, rows.num_rows, values));
      std::vector<uint8_t> found;
      ARROW_ASSIGN_OR_RAISE(const int64_t count, new_keys_.Find(keys, rows.num_rows, &found));
      is_touched = count > 0;
    }
    if (!is_touched) return false;
    for (int group = 0; group < groups; ++group) {
      ARROW_ASSIGN_OR_RAISE(const auto rows, Read(file, footers[0], group));
      ARROW_ASSIGN_OR_RAISE(const auto keys, Keys(rows.arrays, rows.num_rows, values));
      std::vector<uint8_t> found;
      ARROW_RETURN_NOT_OK(new_keys_.Find(keys, rows.num_rows, &found).status());
      ARROW_RETURN_NOT_OK(Keep(rows, found, FolderOfFile(file.relative_path)));
    }
    return true;
  }

  arrow::Result<RowGroupColumns> Read(const DataFile& file, const ParquetFooter& footer,
                                      int group) const {
    return ReadRowGroup(*input_.table, file, footer, group, *input_.file_schema, FileColumns());
  }

  arrow::Status Keep(const RowGroupColumns& rows, const std::vector<uint8_t>& found,
                     const std::string& folder) {
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
                                    input_.file_schema->field(static_cast<int>(i))->type(), false));
      columns.push_back(std::move(plain));
    }
    ARROW_ASSIGN_OR_RAISE(ParquetSink * sink, SinkOf(folder));
    return sink->Write(
        arrow::RecordBatch::Make(input_.file_schema, kept->length(), std::move(columns)));
  }

  arrow::Result<ParquetSink*> SinkOf(const std::string& folder) {
    std::unique_ptr<ParquetSink>& sink = sinks_[folder];
    if (sink != nullptr) return sink.get();
    ParquetSinkOptions options;
    options.directory = rest_directory_ + "/" + folder;
    options.file_size = input_.options.file_size;
    options.max_rows_per_file = input_.options.max_rows_per_file;
    options.compression = input_.options.compression;
    options.threads = input_.options.threads;
    options.write_empty_file = false;
    options.cancelled = input_.options.cancelled;
    ARROW_RETURN_NOT_OK(MakeScratchDirectories(options.directory));
    ARROW_ASSIGN_OR_RAISE(sink, ParquetSink::Open(input_.file_schema, std::move(options)));
    return sink.get();
  }

  const DeltaMergeInput& input_;
  std::string rest_directory_;
  KeySet new_keys_;
  std::map<std::string, std::unique_ptr<ParquetSink>> sinks_;  ///< by folder below the table
  DeltaRewrite result_;
};

}  // namespace

arrow::Result<DeltaRewrite> RewriteForMerge(const DeltaMergeInput& input,
                                            const std::string& rest_directory) {
  return Rewriter(input, rest_directory).Rewrite();
}

}  // namespace tidemill
