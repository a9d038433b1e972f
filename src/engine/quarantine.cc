#include "engine/quarantine.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>

#include "pipeline/bind_row_rules.h"
#include "storage/column_types.h"
#include "storage/parquet_source.h"

namespace tidemill {
namespace {

constexpr int kOwnColumns = std::size(kQuarantineColumns);

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

/// _file, _row_number, _slot, _rules.
arrow::Result<arrow::ArrayVector> OwnColumns(const Plan& plan, const RuleVerdicts& verdicts,
                                             const RowOrigins& origins,
                                             const std::vector<int32_t>& failed) {
  arrow::StringBuilder files;
  arrow::Int64Builder numbers;
  arrow::StringBuilder slots;
  auto names = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder rules(arrow::default_memory_pool(), names);
  for (const int32_t index : failed) {
    const auto i = static_cast<size_t>(index);
    ARROW_RETURN_NOT_OK(files.Append(origins.file));
    ARROW_RETURN_NOT_OK(numbers.Append(origins.file_rows[i]));
    ARROW_RETURN_NOT_OK(slots.Append(plan.calendar->Format(Slot{origins.slots[i]})));
    ARROW_RETURN_NOT_OK(rules.Append());
    for (size_t r = 0; r < verdicts.passed.size(); ++r) {
      if (verdicts.passed[r].empty() || verdicts.passed[r][i]) continue;
      ARROW_RETURN_NOT_OK(names->Append(plan.pipeline->row_rules[r].name));
    }
  }
  arrow::ArrayVector columns(kOwnColumns);
  ARROW_RETURN_NOT_OK(files.Finish(&columns[0]));
  ARROW_RETURN_NOT_OK(numbers.Finish(&columns[1]));
  ARROW_RETURN_NOT_OK(slots.Finish(&columns[2]));
  ARROW_RETURN_NOT_OK(rules.Finish(&columns[3]));
  return columns;
}

}  // namespace

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
  for (int c = kOwnColumns; c < schema->num_fields(); ++c) {
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
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, OwnColumns(plan, verdicts, origins, in_frame));
  size_t next = 0;
  for (int c = kOwnColumns; c < schema->num_fields(); ++c) {
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
