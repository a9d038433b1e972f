#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "sql/cast_values.h"
#include "sql/clock.h"
#include "sql/decimal.h"
#include "sql/signatures.h"
#include "sql/value_text.h"

namespace tidemill {

namespace {

using arrow::Type;

arrow::Status RefuseText(std::string_view text, const arrow::DataType& to) {
  constexpr size_t kShown = 60;
  std::string quoted = "'";
  quoted += text.substr(0, kShown);
  quoted += text.size() > kShown ? "...'" : "'";
  return arrow::Status::Invalid("cannot cast ", quoted, " to ", TypeName(to));
}

/// An array of `storage`, the target or what is made into it, whose rows are parse(text); refused
/// where that gives nothing.
template <typename T, typename Parse>
arrow::Result<Datum> ParseRows(const CastSource& source, const DataTypePtr& storage, Parse parse) {
  const ColumnValues<std::string_view> texts(source.data);
  return GenerateOrFail<T>(
      storage, source.num_rows, source.validity,
      [&](int64_t row, T* out) {
        const auto value = parse(texts(row));
        if (!value) return false;
        *out = *value;
        return true;
      },
      [&](int64_t row) { return RefuseText(texts(row), *source.to); });
}

std::optional<int64_t> TicksOf(const TimeText& time, const Clock& clock) {
  const int64_t of_day = clock.ticks_per_second() == 1
                             ? time.nanos_of_day / 1'000'000'000
                             : time.nanos_of_day / (1'000'000'000 / clock.ticks_per_second());
  int64_t ticks;
  if (__builtin_mul_overflow(time.days, clock.ticks_per_day(), &ticks) ||
      __builtin_add_overflow(ticks, of_day, &ticks)) {
    return std::nullopt;
  }
  if (!time.offset_seconds) return clock.ToInstant(ticks);
  return ticks - *time.offset_seconds * clock.ticks_per_second();
}

arrow::Result<Datum> IntegerToText(const CastSource& source) {
  const ColumnValues<int64_t> values(source.data);
  char buffer[24];
  return GenerateText(source.num_rows, source.validity, [&](int64_t row) {
    const char* end = std::to_chars(buffer, buffer + sizeof(buffer), values(row)).ptr;
    return std::string_view(buffer, static_cast<size_t>(end - buffer));
  });
}

arrow::Result<Datum> TimestampToText(const CastSource& source) {
  const auto& type = static_cast<const arrow::TimestampType&>(*source.data.type);
  ARROW_ASSIGN_OR_RAISE(const Clock clock, Clock::Of(type));
  const bool zoned = !type.timezone().empty();
  const ColumnValues<int64_t> instants(source.data);
  return GenerateText(source.num_rows, source.validity,
                      [&](int64_t row) { return FormatTimestamp(instants(row), clock, zoned); });
}

}  // namespace

std::string FormatTimestamp(int64_t instant, const Clock& clock, bool zoned) {
  const int64_t offset = clock.OffsetAt(instant);
  const int64_t local = instant + offset;
  std::string text = FormatDate(FloorDivide(local, clock.ticks_per_day()));
  text += ' ';
  text += FormatTimeOfDay(FloorModulo(local, clock.ticks_per_day()), clock.ticks_per_second());
  if (zoned) text += FormatUtcOffset(offset / clock.ticks_per_second());
  return text;
}

arrow::Result<Datum> CastFromText(const CastSource& source) {
  const arrow::DataType& to = *source.to;
  switch (to.id()) {
    case Type::BOOL: {
      ARROW_ASSIGN_OR_RAISE(const Datum bytes,
                            ParseRows<uint8_t>(source, arrow::uint8(), ParseBoolean));
      return ArrowCast(bytes, source.to);
    }
    case Type::DOUBLE:
      return ParseRows<double>(source, source.to, ParseDouble);
    case Type::FLOAT:
      return ParseRows<float>(source, source.to, [](std::string_view text) -> std::optional<float> {
        const std::optional<double> value = ParseDouble(text);
        if (!value) return std::nullopt;
        const auto narrow = static_cast<float>(*value);
        if (std::isinf(narrow) && !std::isinf(*value)) return std::nullopt;
        return narrow;
      });
    case Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(to);
      return ParseRows<int128_t>(source, source.to, [&](std::string_view text) {
        return ParseDecimal(text, decimal.precision(), decimal.scale());
      });
    }
    case Type::UINT64:
      return ParseRows<uint64_t>(source, source.to, ParseUnsigned);
    case Type::DATE32:
      return ParseRows<int32_t>(source, source.to,
                                [](std::string_view text) -> std::optional<int32_t> {
                                  const std::optional<TimeText> time = ParseTime(text);
                                  if (!time) return std::nullopt;
                                  return static_cast<int32_t>(time->days);
                                });
    case Type::DATE64:
      return ParseRows<int64_t>(source, source.to,
                                [](std::string_view text) -> std::optional<int64_t> {
                                  const std::optional<TimeText> time = ParseTime(text);
                                  if (!time) return std::nullopt;
                                  return time->days * kSecondsPerDay * 1000;
                                });
    case Type::TIMESTAMP: {
      ARROW_ASSIGN_OR_RAISE(const Clock clock,
                            Clock::Of(static_cast<const arrow::TimestampType&>(to)));
      return ParseRows<int64_t>(source, source.to,
                                [&](std::string_view text) -> std::optional<int64_t> {
                                  const std::optional<TimeText> time = ParseTime(text);
                                  if (!time) return std::nullopt;
                                  return TicksOf(*time, clock);
                                });
    }
    default:
      return VisitInteger(to, [&]<typename T>() {
        return ParseRows<T>(source, source.to, [](std::string_view text) -> std::optional<T> {
          const std::optional<int64_t> value = ParseInteger(text);
          if (!value || !std::in_range<T>(*value)) return std::nullopt;
          return static_cast<T>(*value);
        });
      });
  }
}

arrow::Result<Datum> CastToText(const Datum& x, const CastSource& source) {
  const arrow::DataType& from = *source.data.type;
  switch (from.id()) {
    case Type::BOOL: {
      const ColumnValues<bool> values(source.data);
      return GenerateText(source.num_rows, source.validity,
                          [&](int64_t row) { return values(row) ? "true" : "false"; });
    }
    case Type::DATE32:
    case Type::DATE64: {
      ARROW_ASSIGN_OR_RAISE(const Datum dates, ArrowCast(x, arrow::date32()));
      const ColumnValues<int32_t> days(*dates.array());
      return GenerateText(source.num_rows, source.validity,
                          [&](int64_t row) { return FormatDate(days(row)); });
    }
    case Type::TIMESTAMP:
      return TimestampToText(source);
    case Type::TIME32:
    case Type::TIME64: {
      const int64_t ticks_per_second =
          TicksPerSecond(static_cast<const arrow::TimeType&>(from).unit());
      const auto text = [&](auto values) {
        return GenerateText(source.num_rows, source.validity, [&](int64_t row) {
          return FormatTimeOfDay(values(row), ticks_per_second);
        });
      };
      return from.id() == Type::TIME32 ? text(ColumnValues<int32_t>(source.data))
                                       : text(ColumnValues<int64_t>(source.data));
    }
    case Type::FLOAT: {
      const ColumnValues<float> values(source.data);
      return GenerateText(source.num_rows, source.validity,
                          [&](int64_t row) { return FormatFloat(values(row)); });
    }
    default:
      break;
  }
  ARROW_ASSIGN_OR_RAISE(const Datum wide, WidenNumber(x));
  const CastSource widened{*wide.array(), source.to, source.num_rows, source.validity};
  if (IsInteger(*wide.type())) return IntegerToText(widened);
  if (IsFloat(*wide.type())) {
    const ColumnValues<double> values(*wide.array());
    return GenerateText(source.num_rows, source.validity,
                        [&](int64_t row) { return FormatDouble(values(row)); });
  }
  const ColumnValues<int128_t> values(*wide.array());
  const int scale = static_cast<const arrow::DecimalType&>(*wide.type()).scale();
  return GenerateText(source.num_rows, source.validity,
                      [&](int64_t row) { return FormatDecimal(values(row), scale); });
}

}  // namespace tidemill
