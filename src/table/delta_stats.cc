#include <algorithm>
#include <cmath>
#include <optional>

#include <arrow/compute/api.h>
#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/calendar.h"
#include "storage/parquet_source.h"
#include "table/delta_actions.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;
using Json = nlohmann::ordered_json;

/// Delta writers keep this many bytes of text; a longer maximum would have to be rounded up.
constexpr size_t kMaxText = 32;

/// "2026-03-02T14:15:30.123456" for microseconds since the epoch.
std::string FormatMicros(int64_t micros) {
  constexpr int64_t kDay = 86'400'000'000;
  int64_t day = micros / kDay;
  if (micros % kDay < 0) --day;
  const int64_t in_day = micros - day * kDay;
  return fmt::format("{}T{:02}:{:02}:{:02}.{:06}", FormatCivilDay(static_cast<CivilDay>(day)),
                     in_day / 3'600'000'000, in_day / 60'000'000 % 60, in_day / 1'000'000 % 60,
                     in_day % 1'000'000);
}

std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

/// The members of a JSON object, whose values are JSON already.
class Members {
 public:
  void Add(const std::string& name, const std::string& value) {
    text_ += (text_.empty() ? "" : ",") + Quoted(name) + ":" + value;
  }
  std::string Object() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

/// A bound as JSON, as the log writes it; nothing if it cannot be told exactly. Text, since numbers
/// of many digits do not survive as doubles.
std::optional<std::string> BoundText(const arrow::Scalar& value) {
  switch (value.type->id()) {
    case arrow::Type::INT8:
      return std::to_string(checked_cast<const arrow::Int8Scalar&>(value).value);
    case arrow::Type::INT16:
      return std::to_string(checked_cast<const arrow::Int16Scalar&>(value).value);
    case arrow::Type::INT32:
      return std::to_string(checked_cast<const arrow::Int32Scalar&>(value).value);
    case arrow::Type::INT64:
      return std::to_string(checked_cast<const arrow::Int64Scalar&>(value).value);
    case arrow::Type::DATE32:
      return Quoted(FormatCivilDay(checked_cast<const arrow::Date32Scalar&>(value).value));
    case arrow::Type::STRING: {
      const auto text = checked_cast<const arrow::StringScalar&>(value).view();
      if (text.size() > kMaxText) return std::nullopt;
      return Quoted(std::string(text));
    }
    case arrow::Type::DECIMAL128: {
      // Numbers without quotes; readers take them for decimals.
      const auto& type = checked_cast<const arrow::Decimal128Type&>(*value.type);
      return checked_cast<const arrow::Decimal128Scalar&>(value).value.ToString(type.scale());
    }
    case arrow::Type::TIMESTAMP: {
      const auto& type = checked_cast<const arrow::TimestampType&>(*value.type);
      if (type.unit() != arrow::TimeUnit::MICRO) return std::nullopt;
      const int64_t micros = checked_cast<const arrow::TimestampScalar&>(value).value;
      return Quoted(FormatMicros(micros) + (type.timezone().empty() ? "" : "Z"));
    }
    case arrow::Type::FLOAT: {
      const double number = checked_cast<const arrow::FloatScalar&>(value).value;
      return std::isfinite(number) ? std::optional(Json(number).dump()) : std::nullopt;
    }
    case arrow::Type::DOUBLE: {
      const double number = checked_cast<const arrow::DoubleScalar&>(value).value;
      return std::isfinite(number) ? std::optional(Json(number).dump()) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

/// What the row groups of a file say of one column.
struct ColumnStats {
  std::optional<int64_t> nulls = 0;
  bool is_bounded = true;
  std::shared_ptr<arrow::Scalar> min;
  std::shared_ptr<arrow::Scalar> max;
};

arrow::Result<bool> IsLess(const std::shared_ptr<arrow::Scalar>& a,
                           const std::shared_ptr<arrow::Scalar>& b) {
  static const arrow::Status initialized = arrow::compute::Initialize();
  ARROW_RETURN_NOT_OK(initialized);
  ARROW_ASSIGN_OR_RAISE(const arrow::Datum less, arrow::compute::CallFunction("less", {a, b}));
  return checked_cast<const arrow::BooleanScalar&>(*less.scalar()).value;
}

}  // namespace

arrow::Result<std::string> DeltaStatsOf(const std::string& local_path, int columns,
                                        const std::vector<std::string>& without_bounds) {
  ARROW_ASSIGN_OR_RAISE(const Location location, ParseLocation(local_path));
  DataFile file;
  file.path = local_path;
  ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(location, {file}, 1));
  const ParquetFooter& footer = footers.front();
  Members min;
  Members max;
  Members nulls;
  const int counted =
      columns < 0 ? footer.schema->num_fields() : std::min(columns, footer.schema->num_fields());
  for (int i = 0; i < counted; ++i) {
    const std::string& name = footer.schema->field(i)->name();
    ColumnStats stats;
    stats.is_bounded = std::ranges::find(without_bounds, name) == without_bounds.end();
    for (int group = 0; group < footer.metadata->num_row_groups(); ++group) {
      const ColumnFacts facts = FactsOf(footer, group, name);
      stats.nulls =
          stats.nulls && facts.nulls ? std::optional(*stats.nulls + *facts.nulls) : std::nullopt;
      if (facts.nulls == footer.metadata->RowGroup(group)->num_rows()) continue;
      if (!facts.range) {
        stats.is_bounded = false;
        continue;
      }
      if (stats.min == nullptr) {
        stats.min = facts.range->min;
        stats.max = facts.range->max;
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(const bool is_lower, IsLess(facts.range->min, stats.min));
      ARROW_ASSIGN_OR_RAISE(const bool is_higher, IsLess(stats.max, facts.range->max));
      if (is_lower) stats.min = facts.range->min;
      if (is_higher) stats.max = facts.range->max;
    }
    if (stats.nulls) nulls.Add(name, std::to_string(*stats.nulls));
    if (!stats.is_bounded || stats.min == nullptr) continue;
    if (const auto bound = BoundText(*stats.min)) min.Add(name, *bound);
    if (const auto bound = BoundText(*stats.max)) max.Add(name, *bound);
  }
  Members all;
  all.Add("numRecords", std::to_string(footer.metadata->num_rows()));
  all.Add("minValues", min.Object());
  all.Add("maxValues", max.Object());
  all.Add("nullCount", nulls.Object());
  return all.Object();
}

}  // namespace tidemill
