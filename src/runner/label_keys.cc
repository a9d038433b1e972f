#include "runner/label_keys.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include <arrow/array/array_primitive.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <fmt/format.h>

#include "engine/day_of_row.h"
#include "storage/column_types.h"
#include "storage/parallel_for.h"

namespace tidemill {
namespace {

/// The values of a column in the pipeline's type. `is_lost` is set where that type has no such
/// value: no entity equals it.
arrow::Result<std::shared_ptr<arrow::Array>> InTypeOfEntity(
    const std::shared_ptr<arrow::Array>& column, const std::shared_ptr<arrow::DataType>& type,
    std::vector<uint8_t>* is_lost) {
  if (column->type()->Equals(*type)) return column;
  if (column->type_id() == arrow::Type::NA) {
    return arrow::MakeArrayOfNull(type, column->length());
  }
  const auto unchecked = arrow::compute::CastOptions::Unsafe();
  ARROW_ASSIGN_OR_RAISE(const auto cast, arrow::compute::Cast(*column, type, unchecked));
  ARROW_ASSIGN_OR_RAISE(const auto back, arrow::compute::Cast(*cast, column->type(), unchecked));
  const auto options = arrow::EqualOptions::Defaults().nans_equal(true);
  const bool is_same = column->Equals(*back, options);
  for (int64_t i = 0; i < column->length() && !is_same; ++i) {
    if (column->IsValid(i) && !column->RangeEquals(*back, i, i + 1, i, options)) {
      (*is_lost)[static_cast<size_t>(i)] = 1;
    }
  }
  const bool has_other_sign =
      arrow::is_integer(type->id()) &&
      (arrow::is_unsigned_integer(type->id()) != arrow::is_unsigned_integer(column->type_id()));
  if (!has_other_sign) return cast;
  // What was negative, or became it, may come back as what it was.
  const auto& as_signed = arrow::is_signed_integer(type->id()) ? cast : column;
  ARROW_ASSIGN_OR_RAISE(const auto wide, arrow::compute::Cast(*as_signed, arrow::int64()));
  const auto& values = static_cast<const arrow::Int64Array&>(*wide);
  for (int64_t i = 0; i < values.length(); ++i) {
    if (values.IsValid(i) && values.Value(i) < 0) (*is_lost)[static_cast<size_t>(i)] = 1;
  }
  return cast;
}

/// The entities of one batch of labels before they have numbers.
struct LabelBatch {
  std::vector<uint8_t> is_lost;
  KeyedRows rows;
};

arrow::Result<LabelBatch> ReadLabels(const LabelSource& labels, size_t batch,
                                     const EntityColumns& entity, const EntityKeyCodec& codec) {
  ARROW_ASSIGN_OR_RAISE(const auto read, labels.Read(batch, entity.names));
  LabelBatch result;
  result.is_lost.assign(static_cast<size_t>(read->num_rows()), 0);
  arrow::ArrayVector columns;
  for (size_t c = 0; c < entity.types.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(auto column, InTypeOfEntity(read->column(static_cast<int>(c)),
                                                      entity.types[c], &result.is_lost));
    columns.push_back(std::move(column));
  }
  ARROW_ASSIGN_OR_RAISE(result.rows, KeyedRows::Make(codec, columns, read->num_rows()));
  return result;
}

enum class Family { kNone, kInteger, kFloat, kDecimal, kText, kTime, kInstant, kLocalTime };

Family FamilyOf(const arrow::DataType& type) {
  if (arrow::is_integer(type.id())) return Family::kInteger;
  if (arrow::is_floating(type.id())) return Family::kFloat;
  if (arrow::is_decimal(type.id())) return Family::kDecimal;
  if (arrow::is_string(type.id())) return Family::kText;
  if (arrow::is_time(type.id())) return Family::kTime;
  if (type.id() == arrow::Type::TIMESTAMP) {
    const bool is_local = static_cast<const arrow::TimestampType&>(type).timezone().empty();
    return is_local ? Family::kLocalTime : Family::kInstant;
  }
  return Family::kNone;
}

}  // namespace

bool AreComparable(const arrow::DataType& a, const arrow::DataType& b) {
  if (a.Equals(b) || a.id() == arrow::Type::NA) return true;
  return FamilyOf(a) != Family::kNone && FamilyOf(a) == FamilyOf(b);
}

arrow::Status CheckLabelTime(const LabelSource& labels, const std::string& column) {
  const auto& type = labels.schema()->GetFieldByName(column)->type();
  if (arrow::is_date(type->id()) || type->id() == arrow::Type::TIMESTAMP) {
    return arrow::Status::OK();
  }
  return MakeError(
      ErrorCode::kInvalid,
      fmt::format("--label-time {}: the column is of type {}", column, type->ToString()),
      "it must be a timestamp or a date");
}

std::optional<std::pair<int64_t, int64_t>> LabelTimes::Span() const {
  std::optional<std::pair<int64_t, int64_t>> span;
  for (size_t i = 0; i < instants.size(); ++i) {
    if (!is_known[i]) continue;
    if (!span) span = {instants[i], instants[i]};
    span->first = std::min(span->first, instants[i]);
    span->second = std::max(span->second, instants[i]);
  }
  return span;
}

arrow::Result<LabelTimes> ReadLabelTimes(const LabelSource& labels, const std::string& label_time,
                                         const TimeZone& zone, int threads,
                                         const std::atomic<bool>* cancelled) {
  LabelTimes times;
  times.instants.resize(static_cast<size_t>(labels.num_rows()));
  times.is_known.resize(times.instants.size());
  ARROW_RETURN_NOT_OK(ParallelFor(
      static_cast<int64_t>(labels.num_batches()), threads, cancelled,
      [&](int64_t index, int) -> arrow::Status {
        const auto batch = static_cast<size_t>(index);
        ARROW_ASSIGN_OR_RAISE(const auto read, labels.Read(batch, {label_time}));
        Frame frame;
        frame.num_rows = read->num_rows();
        frame.columns.emplace_back(read->column(0));
        Evaluator evaluator(&frame);
        std::vector<int64_t> instants;
        std::vector<uint8_t> valid;
        ARROW_RETURN_NOT_OK(InstantsOf(ColumnExpression(0, label_time, read->column(0)->type()),
                                       zone, &evaluator, frame.num_rows, &instants, &valid));
        const auto first = static_cast<std::ptrdiff_t>(labels.first_row(batch));
        std::ranges::copy(instants, times.instants.begin() + first);
        std::ranges::copy(valid, times.is_known.begin() + first);
        return arrow::Status::OK();
      }));
  return times;
}

arrow::Result<KeyedRows> KeyedRows::Make(const EntityKeyCodec& codec,
                                         const arrow::ArrayVector& columns, int64_t num_rows) {
  KeyedRows rows;
  rows.frame_ = std::make_unique<Frame>();
  rows.frame_->num_rows = num_rows;
  std::vector<ExpressionPtr> entity;
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto index = static_cast<int>(c);
    entity.push_back(ColumnExpression(index, "entity " + std::to_string(c), columns[c]->type()));
    rows.frame_->columns.emplace_back(columns[c]);
  }
  rows.evaluator_ = std::make_unique<Evaluator>(rows.frame_.get());
  rows.reader_ = std::make_unique<ArgumentReader>(rows.frame_.get(), rows.evaluator_.get());
  if (num_rows == 0) return rows;
  ARROW_ASSIGN_OR_RAISE(
      rows.groups_, GroupRows(entity, codec, /*drop_nulls=*/true, nullptr, 0, rows.reader_.get()));
  return rows;
}

arrow::Result<IndexedLabels> IndexLabels(const LabelSource& labels, const EntityColumns& entity,
                                         const EntityKeyCodec& codec, LabelTimes times, int threads,
                                         const std::atomic<bool>* cancelled) {
  std::vector<std::optional<LabelBatch>> batches(labels.num_batches());
  IndexedLabels result;
  const auto num_labels = static_cast<size_t>(labels.num_rows());
  result.keys.instants = std::move(times.instants);
  result.keys.entity.assign(num_labels, EntityIndex::kNone);
  result.gaps.assign(num_labels, LabelGap::kNoRow);
  // Entities get their numbers in the order of the labels, so batches wait for those before them.
  std::mutex mutex;
  size_t next = 0;
  const auto number = [&](const LabelBatch& batch, size_t first) {
    const RowGroups& groups = batch.rows.groups();
    std::vector<uint32_t> entity_of_group(groups.num_groups, EntityIndex::kNone);
    for (size_t i = 0; i < batch.is_lost.size(); ++i) {
      const size_t label = first + i;
      if (!times.is_known[label]) {
        result.gaps[label] = LabelGap::kNoTime;
      } else if (!batch.rows.has_entity(static_cast<int64_t>(i))) {
        result.gaps[label] = LabelGap::kNoEntity;
      } else if (!batch.is_lost[i]) {
        const uint32_t group = groups.groups[i];
        if (entity_of_group[group] == EntityIndex::kNone) {
          entity_of_group[group] = result.keys.entities.Insert(groups.keys[group]);
        }
        result.keys.entity[label] = entity_of_group[group];
      }
    }
  };
  ARROW_RETURN_NOT_OK(
      ParallelFor(static_cast<int64_t>(batches.size()), threads, cancelled,
                  [&](int64_t index, int) -> arrow::Status {
                    const auto b = static_cast<size_t>(index);
                    ARROW_ASSIGN_OR_RAISE(LabelBatch batch, ReadLabels(labels, b, entity, codec));
                    std::lock_guard lock(mutex);
                    batches[b] = std::move(batch);
                    for (; next < batches.size() && batches[next]; ++next) {
                      number(*batches[next], static_cast<size_t>(labels.first_row(next)));
                      batches[next].reset();
                    }
                    return arrow::Status::OK();
                  }));
  return result;
}

}  // namespace tidemill
