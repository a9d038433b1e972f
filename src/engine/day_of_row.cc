#include "engine/day_of_row.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include "sql/civil.h"
#include "sql/clock.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

constexpr int64_t kMicrosPerDay = 86'400'000'000;

void CopyValidity(const arrow::Array& array, std::vector<uint8_t>* valid) {
  valid->assign(static_cast<size_t>(array.length()), 1);
  if (array.null_count() == 0) return;
  for (int64_t i = 0; i < array.length(); ++i) (*valid)[static_cast<size_t>(i)] = array.IsValid(i);
}

/// Timestamps of any unit as microseconds, rounded down.
void ToMicros(const arrow::TimestampArray& array, std::vector<int64_t>* micros) {
  const auto unit = static_cast<const arrow::TimestampType&>(*array.type()).unit();
  const int64_t per_second = TicksPerSecond(unit);
  micros->resize(static_cast<size_t>(array.length()));
  const int64_t* values = array.raw_values();
  for (size_t i = 0; i < micros->size(); ++i) {
    (*micros)[i] = per_second > 1'000'000 ? FloorDivide(values[i], per_second / 1'000'000)
                                          : values[i] * (1'000'000 / per_second);
  }
}

bool IsZoned(const arrow::DataType& type) {
  return !static_cast<const arrow::TimestampType&>(type).timezone().empty();
}

}  // namespace

arrow::Status CivilDaysOf(const ExpressionPtr& day, const TimeZone& zone, Evaluator* evaluator,
                          int64_t num_rows, std::vector<int32_t>* days,
                          std::vector<uint8_t>* valid) {
  ARROW_ASSIGN_OR_RAISE(auto array, evaluator->EvaluateToArray(day));
  CopyValidity(*array, valid);
  days->assign(static_cast<size_t>(num_rows), 0);
  switch (array->type_id()) {
    case arrow::Type::DATE32: {
      const auto& dates = static_cast<const arrow::Date32Array&>(*array);
      std::copy_n(dates.raw_values(), num_rows, days->begin());
      return arrow::Status::OK();
    }
    case arrow::Type::DATE64: {
      const auto& dates = static_cast<const arrow::Date64Array&>(*array);
      for (int64_t i = 0; i < num_rows; ++i) {
        (*days)[static_cast<size_t>(i)] =
            static_cast<int32_t>(FloorDivide(dates.Value(i), kMicrosPerDay / 1000));
      }
      return arrow::Status::OK();
    }
    case arrow::Type::TIMESTAMP: {
      std::vector<int64_t> micros;
      ToMicros(static_cast<const arrow::TimestampArray&>(*array), &micros);
      if (IsZoned(*array->type())) {
        zone.CivilDays(micros.data(), num_rows, days->data());
      } else {
        for (size_t i = 0; i < micros.size(); ++i) {
          (*days)[i] = static_cast<int32_t>(FloorDivide(micros[i], kMicrosPerDay));
        }
      }
      return arrow::Status::OK();
    }
    case arrow::Type::STRING: {
      const auto& texts = static_cast<const arrow::StringArray&>(*array);
      for (int64_t i = 0; i < num_rows; ++i) {
        if (texts.IsNull(i)) continue;
        auto parsed = ParseCivilDay(texts.GetView(i));
        if (!parsed) {
          return MakeError(ErrorCode::kRunFailed,
                           "'" + std::string(texts.GetView(i)) + "' is not a date (YYYY-MM-DD)");
        }
        (*days)[static_cast<size_t>(i)] = *parsed;
      }
      return arrow::Status::OK();
    }
    default:
      return MakeError(ErrorCode::kInvalid, "day cannot be of type " + array->type()->ToString());
  }
}

arrow::Status InstantsOf(const ExpressionPtr& column, const TimeZone& zone, Evaluator* evaluator,
                         int64_t num_rows, std::vector<int64_t>* instants,
                         std::vector<uint8_t>* valid) {
  ARROW_ASSIGN_OR_RAISE(auto array, evaluator->EvaluateToArray(column));
  bool is_local = true;
  if (array->type_id() == arrow::Type::TIMESTAMP) {
    CopyValidity(*array, valid);
    ToMicros(static_cast<const arrow::TimestampArray&>(*array), instants);
    is_local = !IsZoned(*array->type());
  } else {
    std::vector<int32_t> days;
    ARROW_RETURN_NOT_OK(CivilDaysOf(column, zone, evaluator, num_rows, &days, valid));
    instants->resize(days.size());
    for (size_t i = 0; i < days.size(); ++i) (*instants)[i] = days[i] * kMicrosPerDay;
  }
  if (is_local && !zone.is_utc()) {
    for (int64_t& instant : *instants) instant = zone.ToInstant(instant);
  }
  return arrow::Status::OK();
}

}  // namespace tidemill
