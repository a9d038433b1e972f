#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "storage/column_types.h"
#include "storage/parquet_source.h"
#include "storage/percent_encoding.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

/// The names that the directories of a file give values to.
std::unordered_set<std::string> PartitionNames(std::string_view relative_path) {
  std::unordered_set<std::string> names;
  for (size_t slash = relative_path.find('/'); slash != std::string_view::npos;
       slash = relative_path.find('/')) {
    const std::string_view part = relative_path.substr(0, slash);
    const size_t equals = part.find('=');
    if (equals != std::string_view::npos) names.insert(PercentDecode(part.substr(0, equals)));
    relative_path.remove_prefix(slash + 1);
  }
  return names;
}

struct UnifiedColumn {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  size_t typed_by = 0;   ///< a file that has this type
  size_t num_files = 0;  ///< that have the column
  size_t last_file = 0;
};

class Unifier {
 public:
  explicit Unifier(const std::vector<DataFile>& files) : files_(files) {
    if (!files.empty()) partitions_ = PartitionNames(files.front().relative_path);
  }

  arrow::Status Add(size_t file, const arrow::Schema& schema) {
    for (const std::shared_ptr<arrow::Field>& field : schema.fields()) {
      if (partitions_.contains(field->name())) continue;
      const auto [at, is_new] = index_.try_emplace(field->name(), columns_.size());
      if (is_new) {
        columns_.push_back({field->name(), field->type(), file, 1, file});
        continue;
      }
      UnifiedColumn& column = columns_[at->second];
      if (column.last_file == file) {
        return MakeError(ErrorCode::kRunFailed, fmt::format("{}: column '{}' occurs twice",
                                                            files_[file].path, field->name()));
      }
      column.last_file = file;
      ++column.num_files;
      ARROW_RETURN_NOT_OK(Widen(&column, file, field->type()));
    }
    return arrow::Status::OK();
  }

  UnifiedSchema Finish(const std::vector<ParquetFooter>& footers) const {
    UnifiedSchema unified;
    arrow::FieldVector fields;
    for (const UnifiedColumn& column : columns_) {
      fields.push_back(arrow::field(column.name, column.type));
      const size_t missing = files_.size() - column.num_files;
      if (missing == 0 || !IsReadable(*column.type)) continue;
      size_t first = 0;
      while (footers[first].schema->GetFieldIndex(column.name) >= 0) ++first;
      unified.warnings.push_back(
          fmt::format("column '{}' is missing in {} {} (first: {}); read as NULL", column.name,
                      missing, missing == 1 ? "file" : "files", files_[first].relative_path));
    }
    unified.schema = arrow::schema(std::move(fields));
    return unified;
  }

 private:
  arrow::Status Widen(UnifiedColumn* column, size_t file,
                      const std::shared_ptr<arrow::DataType>& type) {
    // Nobody can select a struct and the like, so it does not matter that its types differ.
    if (!IsReadable(*column->type) && !IsReadable(*type)) return arrow::Status::OK();
    std::shared_ptr<arrow::DataType> widened = WidenedType(column->type, type);
    // Nor can anybody select a list whose files disagree; they are no reason to refuse the others.
    if (widened == nullptr && arrow::is_nested(column->type->id()) &&
        arrow::is_nested(type->id())) {
      widened = arrow::struct_({});
    }
    if (widened == nullptr) {
      return MakeError(ErrorCode::kRunFailed,
                       fmt::format("column '{}' is {} in {} but {} in {}", column->name,
                                   column->type->ToString(), files_[column->typed_by].path,
                                   type->ToString(), files_[file].path),
                       "write the files with one type");
    }
    if (!widened->Equals(*column->type)) {
      column->type = widened;
      column->typed_by = file;
    }
    return arrow::Status::OK();
  }

  const std::vector<DataFile>& files_;
  std::unordered_set<std::string> partitions_;
  std::vector<UnifiedColumn> columns_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace

arrow::Result<UnifiedSchema> UnifySchemas(const std::vector<DataFile>& files,
                                          const std::vector<ParquetFooter>& footers) {
  Unifier unifier(files);
  for (size_t i = 0; i < footers.size(); ++i) {
    ARROW_RETURN_NOT_OK(unifier.Add(i, *footers[i].schema));
  }
  return unifier.Finish(footers);
}

}  // namespace tidemill
