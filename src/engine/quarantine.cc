#include "engine/quarantine.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <arrow/array/util.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>

#include "storage/column_types.h"
#include "storage/parquet_source.h"

namespace tidemill {
namespace {

arrow::Result<std::shared_ptr<arrow::Array>> TakePlain(const std::shared_ptr<arrow::Array>& column,
                                                       const std::shared_ptr<arrow::Array>& rows,
                                                       const std::shared_ptr<arrow::DataType>& as) {
  ARROW_ASSIGN_OR_RAISE(
      arrow::Datum taken,
      arrow::compute::Take(column, rows, arrow::compute::TakeOptions::NoBoundsCheck()));
  if (!taken.type()->Equals(*as)) {
    ARROW_ASSIGN_OR_RAISE(taken, arrow::compute::Cast(taken, as));
  }
  return taken.make_array();
}

arrow::Result<std::shared_ptr<arrow::Array>> IndicesOf(const std::vector<int32_t>& rows) {
  arrow::Int32Builder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(rows));
  return builder.Finish();
}

}  // namespace

arrow::Status QuarantineOrigins::Append(const std::string& file, int64_t row, Slot slot,
                                        const std::function<bool(size_t)>& has_failed) {
  ARROW_RETURN_NOT_OK(files_.Append(file));
  ARROW_RETURN_NOT_OK(numbers_.Append(row));
  ARROW_RETURN_NOT_OK(slots_.Append(plan_.calendar->Format(slot)));
  ARROW_RETURN_NOT_OK(rules_.Append());
  const std::vector<BoundRowRule>& rules = plan_.pipeline->row_rules;
  for (size_t r = 0; r < rules.size(); ++r) {
    if (has_failed(r)) ARROW_RETURN_NOT_OK(names_->Append(rules[r].name));
  }
  return arrow::Status::OK();
}

arrow::Result<arrow::ArrayVector> QuarantineOrigins::Finish() {
  arrow::ArrayVector columns(kQuarantineOwnColumns);
  ARROW_RETURN_NOT_OK(files_.Finish(&columns[0]));
  ARROW_RETURN_NOT_OK(numbers_.Finish(&columns[1]));
  ARROW_RETURN_NOT_OK(slots_.Finish(&columns[2]));
  ARROW_RETURN_NOT_OK(rules_.Finish(&columns[3]));
  return columns;
}

std::shared_ptr<arrow::Schema> QuarantineSchema(const Plan& plan) {
  arrow::FieldVector fields = {
      arrow::field(kQuarantineColumns[0], arrow::utf8(), false),
      arrow::field(kQuarantineColumns[1], arrow::int64(), false),
      arrow::field(kQuarantineColumns[2], arrow::utf8(), false),
      arrow::field(kQuarantineColumns[3], arrow::list(arrow::utf8()), false)};
  for (const auto& field : plan.source->schema->fields()) {
    const auto type = PlainType(field->type());
    if (IsReadable(*type)) fields.push_back(arrow::field(field->name(), type));
  }
  return arrow::schema(std::move(fields));
}

std::vector<int64_t> FileRowsOf(const Plan& plan, const MorselRef& morsel,
                                const std::vector<int32_t>& rows, int64_t num_rows) {
  const auto file = static_cast<size_t>(morsel.file);
  const auto& metadata = *plan.source->footers[file].metadata;
  int64_t first = 0;
  for (int g = 0; g < morsel.row_group; ++g) first += metadata.RowGroup(g)->num_rows();
  std::vector<int64_t> numbers;
  if (rows.empty()) {
    numbers.resize(static_cast<size_t>(num_rows));
    std::iota(numbers.begin(), numbers.end(), first);
  } else {
    for (const int32_t row : rows) numbers.push_back(first + row);
  }
  const auto& deleted = plan.source->files[file].deleted_rows;
  if (deleted == nullptr) return numbers;
  // Each row stands behind the deleted ones before it.
  auto next = std::ranges::lower_bound(*deleted, first);
  int64_t before = 0;
  for (int64_t& number : numbers) {
    while (next != deleted->end() && *next <= number + before) {
      ++next;
      ++before;
    }
    number += before;
  }
  return numbers;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> QuarantinedRows(
    const Plan& plan, const MorselRef& morsel, const Frame& frame, const std::vector<int32_t>& rows,
    const RuleVerdicts& verdicts, const RowOrigins& origins) {
  std::vector<int32_t> in_frame;
  std::vector<int32_t> in_row_group;
  for (size_t i = 0; i < verdicts.kept.size(); ++i) {
    if (verdicts.kept[i]) continue;
    in_frame.push_back(static_cast<int32_t>(i));
    in_row_group.push_back(rows.empty() ? static_cast<int32_t>(i) : rows[i]);
  }
  const Source& source = *plan.source;
  const auto file = static_cast<size_t>(morsel.file);
  const auto schema = QuarantineSchema(plan);
  const auto column_of = [&](const std::string& name) -> const arrow::Datum& {
    return frame.columns[static_cast<size_t>(plan.pipeline->rows->GetFieldIndex(name))];
  };
  std::vector<std::string> missing;
  for (int c = kQuarantineOwnColumns; c < schema->num_fields(); ++c) {
    const std::string& name = schema->field(c)->name();
    if (column_of(name).kind() == arrow::Datum::NONE) missing.push_back(name);
  }
  auto read = ReadRowGroup(source.root, source.files[file], source.footers[file], morsel.row_group,
                           *source.file_schema, missing);
  if (!read.ok()) {
    return arrow::Status(arrow::StatusCode::IOError, read.status().message(),
                         read.status().detail());
  }
  ARROW_ASSIGN_OR_RAISE(const auto frame_rows, IndicesOf(in_frame));
  ARROW_ASSIGN_OR_RAISE(const auto group_rows, IndicesOf(in_row_group));
  QuarantineOrigins own(plan);
  for (const int32_t index : in_frame) {
    const auto i = static_cast<size_t>(index);
    ARROW_RETURN_NOT_OK(own.Append(
        origins.file, origins.file_rows[i], Slot{origins.slots[i]},
        [&](size_t r) { return !verdicts.passed[r].empty() && !verdicts.passed[r][i]; }));
  }
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, own.Finish());
  size_t next = 0;
  for (int c = kQuarantineOwnColumns; c < schema->num_fields(); ++c) {
    const auto& field = schema->field(c);
    const arrow::Datum& column = column_of(field->name());
    std::shared_ptr<arrow::Array> array;
    if (column.kind() == arrow::Datum::NONE) {
      ARROW_ASSIGN_OR_RAISE(array, TakePlain(read->arrays[next++], group_rows, field->type()));
    } else if (column.is_scalar()) {
      ARROW_ASSIGN_OR_RAISE(array, arrow::MakeArrayFromScalar(
                                       *column.scalar(), static_cast<int64_t>(in_frame.size())));
    } else {
      ARROW_ASSIGN_OR_RAISE(array, TakePlain(column.make_array(), frame_rows, field->type()));
    }
    columns.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(schema, static_cast<int64_t>(in_frame.size()),
                                  std::move(columns));
}

}  // namespace tidemill
