#include "runner/table_rows.h"

#include <algorithm>

#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <fmt/format.h>

namespace tidemill {

arrow::Result<DateOfPartition> DateOfPartition::Make(const arrow::Schema& columns) {
  DateOfPartition made;
  made.date_ = columns.GetFieldIndex("feature_date");
  made.hour_ = columns.GetFieldIndex("feature_hour");
  for (const char* part : {"year", "month", "day"}) {
    made.parts_.push_back(columns.GetFieldIndex(part));
  }
  const bool has_parts = std::ranges::min(made.parts_) >= 0;
  if (made.date_ >= 0 || has_parts) return made;
  return MakeError(ErrorCode::kInvalid,
                   "the table is not partitioned by feature dates, so none can be picked",
                   "read all of it");
}

std::string DateOfPartition::operator()(
    const std::vector<std::shared_ptr<arrow::Scalar>>& values) const {
  const auto text = [&](int index) { return values[static_cast<size_t>(index)]->ToString(); };
  const auto padded = [&](int index) {
    const std::string digits = text(index);
    return digits.size() < 2 ? "0" + digits : digits;
  };
  std::string label = date_ >= 0
                          ? text(date_)
                          : text(parts_[0]) + "-" + padded(parts_[1]) + "-" + padded(parts_[2]);
  if (hour_ >= 0) label += "T" + padded(hour_);
  return label;
}

bool DateOfPartition::IsPart(const std::string& column) {
  return column == "feature_date" || column == "feature_hour" || column == "year" ||
         column == "month" || column == "day";
}

arrow::Result<TableColumns> TableColumns::Pick(const TableContents& contents,
                                               const std::vector<std::string>& names) {
  if (!names.empty()) return PickOnly(contents, names);
  std::vector<std::string> all = contents.schema->field_names();
  for (const std::string& name : contents.listing.partition_schema->field_names()) {
    all.push_back(name);
  }
  return PickOnly(contents, all);
}

arrow::Result<TableColumns> TableColumns::PickOnly(const TableContents& contents,
                                                   const std::vector<std::string>& names) {
  TableColumns picked;
  const arrow::Schema& partitions = *contents.listing.partition_schema;
  arrow::FieldVector from_files;
  arrow::FieldVector from_partitions;
  for (const std::string& name : names) {
    if (const int index = partitions.GetFieldIndex(name); index >= 0) {
      picked.of_partitions.push_back(index);
      from_partitions.push_back(partitions.field(index));
    } else if (const auto field = contents.schema->GetFieldByName(name)) {
      picked.of_files.push_back(name);
      from_files.push_back(field);
    } else {
      std::vector<std::string> all = contents.schema->field_names();
      for (const std::string& other : partitions.field_names()) all.push_back(other);
      return MakeError(ErrorCode::kInvalid, "the table has no column '" + name + "'",
                       fmt::format("there is {}", fmt::join(all, ", ")));
    }
  }
  int next_file = 0;
  int next_partition = static_cast<int>(from_files.size());
  for (const std::string& name : names) {
    picked.order.push_back(partitions.GetFieldIndex(name) >= 0 ? next_partition++ : next_file++);
  }
  from_files.insert(from_files.end(), from_partitions.begin(), from_partitions.end());
  picked.schema = arrow::schema(std::move(from_files));
  return picked;
}

arrow::Result<RowGroupColumns> ReadTableRows(const Location& location,
                                             const TableContents& contents,
                                             const TableColumns& columns, size_t file,
                                             int row_group, TextForm text) {
  const DataFile& data = contents.listing.files[file];
  ARROW_ASSIGN_OR_RAISE(auto rows, ReadRowGroup(location, data, contents.footers[file], row_group,
                                                *contents.schema, columns.of_files, text));
  for (const int partition : columns.of_partitions) {
    const auto& value = data.partition_values[static_cast<size_t>(partition)];
    ARROW_ASSIGN_OR_RAISE(auto column, arrow::MakeArrayFromScalar(*value, rows.num_rows));
    rows.arrays.push_back(std::move(column));
  }
  return rows;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadTableBatch(const Location& location,
                                                                  const TableContents& contents,
                                                                  const TableColumns& columns,
                                                                  size_t file, int row_group) {
  ARROW_ASSIGN_OR_RAISE(
      auto rows, ReadTableRows(location, contents, columns, file, row_group, TextForm::kPlain));
  for (size_t c = 0; c < rows.arrays.size(); ++c) {
    const auto& type = columns.schema->field(static_cast<int>(c))->type();
    if (rows.arrays[c]->type()->Equals(*type)) continue;
    ARROW_ASSIGN_OR_RAISE(rows.arrays[c], arrow::compute::Cast(*rows.arrays[c], type));
  }
  return arrow::RecordBatch::Make(columns.schema, rows.num_rows, std::move(rows.arrays));
}

}  // namespace tidemill
