// cast(x as T).
//
// Sources are brought to a few wide forms first (bigint, double, decimal128, utf8), so that what is
// written here is wide form to target: one loop per pair, which refuses a value by naming it.

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/type_traits.h>

#include "sql/clock.h"
#include "sql/decimal.h"
#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/signatures.h"
#include "sql/value_text.h"

namespace tidemill {

namespace {

using arrow::Type;

// ---- which casts there are ----

enum class Kind { kNull, kBoolean, kNumber, kText, kBinary, kDate, kTimestamp, kTime, kOther };

Kind KindOf(const arrow::DataType& type) {
  if (IsNull(type)) return Kind::kNull;
  if (type.id() == Type::BOOL) return Kind::kBoolean;
  if (IsNumber(type)) return Kind::kNumber;
  if (IsText(type)) return Kind::kText;
  if (IsBinary(type)) return Kind::kBinary;
  if (IsDate(type)) return Kind::kDate;
  if (IsTimestamp(type)) return Kind::kTimestamp;
  if (arrow::is_time(type.id())) return Kind::kTime;
  return Kind::kOther;
}

/// Types that a cast can make; others are only ever kept.
bool IsTarget(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::HALF_FLOAT:
    case Type::DECIMAL32:
    case Type::DECIMAL64:
    case Type::DECIMAL256:
    case Type::FIXED_SIZE_BINARY:
      return false;
    default:
      return KindOf(type) != Kind::kOther && KindOf(type) != Kind::kNull;
  }
}

bool IsCastable(const arrow::DataType& from, const arrow::DataType& to) {
  if (from.Equals(to)) return true;
  if (!IsTarget(to)) return false;
  const Kind source = KindOf(from);
  const Kind target = KindOf(to);
  switch (source) {
    case Kind::kNull:
      return true;
    case Kind::kBoolean:
      return target == Kind::kNumber || target == Kind::kText;
    case Kind::kNumber:
      return target == Kind::kNumber || target == Kind::kText ||
             (target == Kind::kBoolean && IsInteger(from));
    case Kind::kText:
      return target != Kind::kBinary && target != Kind::kTime;
    case Kind::kBinary:
      return target == Kind::kBinary;
    case Kind::kDate:
      return target == Kind::kDate || target == Kind::kTimestamp || target == Kind::kText;
    case Kind::kTimestamp:
      return target == Kind::kTimestamp || target == Kind::kDate || target == Kind::kText;
    case Kind::kTime:
      return target == Kind::kTime || target == Kind::kText;
    case Kind::kOther:
      return false;
  }
  return false;
}

// ---- refusals ----

arrow::Status Refuse(std::string_view value, const arrow::DataType& to) {
  return arrow::Status::Invalid("cannot cast ", value, " to ", TypeName(to));
}

arrow::Status RefuseText(std::string_view text, const arrow::DataType& to) {
  constexpr size_t kShown = 60;
  std::string quoted = "'";
  quoted += text.substr(0, kShown);
  quoted += text.size() > kShown ? "...'" : "'";
  return Refuse(quoted, to);
}

arrow::Status OutOfRange(std::string_view value, const arrow::DataType& to) {
  return arrow::Status::Invalid("cannot cast ", value, " to ", TypeName(to), ": out of range");
}

// ---- helpers of every pair ----

struct Source {
  const arrow::ArrayData& data;
  DataTypePtr to;
  int64_t num_rows;
  std::shared_ptr<arrow::Buffer> validity;
};

arrow::Result<Datum> ArrowCast(const Datum& x, const DataTypePtr& to) {
  const auto options = arrow::compute::CastOptions::Unsafe(to);
  return CallArrow("cast", {x}, &options);
}

/// Calls `visitor.operator()<T>()` for an integer type.
template <typename Visitor>
arrow::Result<Datum> VisitInteger(const arrow::DataType& type, Visitor&& visitor) {
  switch (type.id()) {
    case Type::INT8:
      return visitor.template operator()<int8_t>();
    case Type::INT16:
      return visitor.template operator()<int16_t>();
    case Type::INT32:
      return visitor.template operator()<int32_t>();
    case Type::UINT8:
      return visitor.template operator()<uint8_t>();
    case Type::UINT16:
      return visitor.template operator()<uint16_t>();
    case Type::UINT32:
      return visitor.template operator()<uint32_t>();
    case Type::UINT64:
      return visitor.template operator()<uint64_t>();
    default:
      return visitor.template operator()<int64_t>();
  }
}

int ScaleOf(const arrow::DataType& type) {
  return static_cast<const arrow::DecimalType&>(type).scale();
}
int PrecisionOf(const arrow::DataType& type) {
  return static_cast<const arrow::DecimalType&>(type).precision();
}

/// A number array of `to` whose valid rows are the whole numbers whole(row, int128_t*), refused
/// where that returns false or the number is out of range. `name` gives the text of a refused row.
template <typename Whole, typename Name>
arrow::Result<Datum> ToInteger(const Source& source, Whole whole, Name name) {
  return VisitInteger(*source.to, [&]<typename T>() {
    return GenerateOrFail<T>(
        source.to, source.num_rows, source.validity,
        [&](int64_t row, T* out) {
          int128_t value;
          if (!whole(row, &value)) return false;
          *out = static_cast<T>(value);
          return value >= int128_t{std::numeric_limits<T>::min()} &&
                 value <= int128_t{std::numeric_limits<T>::max()};
        },
        [&](int64_t row) { return OutOfRange(name(row), *source.to); });
  });
}

// ---- numbers ----

arrow::Result<Datum> FromInteger(const Source& source) {
  const ColumnValues<int64_t> values(source.data);
  const auto name = [&](int64_t row) { return std::to_string(values(row)); };
  if (source.to->id() == Type::BOOL) {
    return Generate<bool>(source.to, source.num_rows, source.validity,
                          [&](int64_t row) { return values(row) != 0; });
  }
  if (IsDecimal(*source.to)) {
    const int scale = ScaleOf(*source.to);
    const int precision = PrecisionOf(*source.to);
    return GenerateOrFail<int128_t>(
        source.to, source.num_rows, source.validity,
        [&](int64_t row, int128_t* out) {
          return Rescale(values(row), 0, scale, out) && FitsPrecision(*out, precision);
        },
        [&](int64_t row) { return OutOfRange(name(row), *source.to); });
  }
  return ToInteger(
      source,
      [&](int64_t row, int128_t* out) {
        *out = values(row);
        return true;
      },
      name);
}

arrow::Result<Datum> FromDouble(const Source& source) {
  const ColumnValues<double> values(source.data);
  const auto name = [&](int64_t row) { return FormatDouble(values(row)); };
  if (source.to->id() == Type::FLOAT) {
    return GenerateOrFail<float>(
        source.to, source.num_rows, source.validity,
        [&](int64_t row, float* out) {
          *out = static_cast<float>(values(row));
          return std::isfinite(*out) || !std::isfinite(values(row));
        },
        [&](int64_t row) { return OutOfRange(name(row), *source.to); });
  }
  if (IsDecimal(*source.to)) {
    const int scale = ScaleOf(*source.to);
    const int precision = PrecisionOf(*source.to);
    return GenerateOrFail<int128_t>(
        source.to, source.num_rows, source.validity,
        [&](int64_t row, int128_t* out) {
          const auto decimal = ParseDecimal(FormatDouble(values(row)), precision, scale);
          *out = decimal.value_or(0);
          return decimal.has_value();
        },
        [&](int64_t row) { return OutOfRange(name(row), *source.to); });
  }
  constexpr double kLimit = 1.7e38;
  return ToInteger(
      source,
      [&](int64_t row, int128_t* out) {
        const double value = values(row);
        if (!(std::fabs(value) < kLimit)) return false;
        *out = static_cast<int128_t>(std::rint(value));
        return true;
      },
      name);
}

arrow::Result<Datum> FromDecimal(const Source& source) {
  const ColumnValues<int128_t> values(source.data);
  const int scale = ScaleOf(*source.data.type);
  const auto name = [&](int64_t row) { return FormatDecimal(values(row), scale); };
  if (source.to->id() == Type::DOUBLE) {
    return Generate<double>(source.to, source.num_rows, source.validity,
                            [&](int64_t row) { return DecimalToDouble(values(row), scale); });
  }
  if (source.to->id() == Type::FLOAT) {
    return Generate<float>(source.to, source.num_rows, source.validity, [&](int64_t row) {
      return static_cast<float>(DecimalToDouble(values(row), scale));
    });
  }
  if (IsDecimal(*source.to)) {
    const int to_scale = ScaleOf(*source.to);
    const int precision = PrecisionOf(*source.to);
    return GenerateOrFail<int128_t>(
        source.to, source.num_rows, source.validity,
        [&](int64_t row, int128_t* out) {
          return Rescale(values(row), scale, to_scale, out) && FitsPrecision(*out, precision);
        },
        [&](int64_t row) { return OutOfRange(name(row), *source.to); });
  }
  return ToInteger(
      source, [&](int64_t row, int128_t* out) { return Rescale(values(row), scale, 0, out); },
      name);
}

/// Integers to bigint (ubigint to decimal(20,0)), floats to double, decimals to decimal128.
arrow::Result<Datum> Widen(const Datum& x) {
  const arrow::DataType& type = *x.type();
  switch (type.id()) {
    case Type::INT64:
    case Type::DOUBLE:
    case Type::DECIMAL128:
      return x;
    case Type::UINT64: {
      ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity({x}, x.length()));
      const ColumnValues<uint64_t> values(*x.array());
      return Generate<int128_t>(arrow::decimal128(20, 0), x.length(), validity,
                                [&](int64_t row) { return int128_t{values(row)}; });
    }
    case Type::HALF_FLOAT:
    case Type::FLOAT:
      return ArrowCast(x, arrow::float64());
    case Type::DECIMAL32:
    case Type::DECIMAL64:
    case Type::DECIMAL256: {
      const arrow::compute::CastOptions options =
          arrow::compute::CastOptions::Safe(DecimalOf(type));
      return CallArrow("cast", {x}, &options);
    }
    default:
      return ArrowCast(x, arrow::int64());
  }
}

/// Number to number by a conversion that cannot fail and that Arrow does at full speed.
bool IsPlainConversion(const arrow::DataType& from, const arrow::DataType& to) {
  if (IsInteger(from) && IsFloat(to)) return true;
  if (IsFloat(from)) return to.id() == Type::DOUBLE;
  if (!IsInteger(from) || !IsInteger(to)) return false;
  const bool from_signed = arrow::is_signed_integer(from.id());
  const bool to_signed = arrow::is_signed_integer(to.id());
  return (from_signed == to_signed && to.bit_width() >= from.bit_width()) ||
         (!from_signed && to_signed && to.bit_width() > from.bit_width());
}

// ---- text ----

/// An array of `storage`, the target or what is made into it, whose rows are parse(text); refused
/// where that gives nothing.
template <typename T, typename Parse>
arrow::Result<Datum> ParseRows(const Source& source, const DataTypePtr& storage, Parse parse) {
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

arrow::Result<Datum> FromText(const Source& source) {
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
    case Type::DECIMAL128:
      return ParseRows<int128_t>(source, source.to, [&](std::string_view text) {
        return ParseDecimal(text, PrecisionOf(to), ScaleOf(to));
      });
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

arrow::Result<Datum> IntegerToText(const Source& source) {
  const ColumnValues<int64_t> values(source.data);
  char buffer[24];
  return GenerateText(source.num_rows, source.validity, [&](int64_t row) {
    const char* end = std::to_chars(buffer, buffer + sizeof(buffer), values(row)).ptr;
    return std::string_view(buffer, static_cast<size_t>(end - buffer));
  });
}

arrow::Result<Datum> TimestampToText(const Source& source) {
  const auto& type = static_cast<const arrow::TimestampType&>(*source.data.type);
  ARROW_ASSIGN_OR_RAISE(const Clock clock, Clock::Of(type));
  const bool zoned = !type.timezone().empty();
  const ColumnValues<int64_t> values(source.data);
  std::string text;
  return GenerateText(source.num_rows, source.validity, [&](int64_t row) -> const std::string& {
    const int64_t offset = clock.OffsetAt(values(row));
    const int64_t local = values(row) + offset;
    text = FormatDate(FloorDivide(local, clock.ticks_per_day()));
    text += ' ';
    text += FormatTimeOfDay(FloorModulo(local, clock.ticks_per_day()), clock.ticks_per_second());
    if (zoned) text += FormatUtcOffset(offset / clock.ticks_per_second());
    return text;
  });
}

arrow::Result<Datum> ToText(const Datum& x, const Source& source) {
  const arrow::DataType& from = *source.data.type;
  switch (KindOf(from)) {
    case Kind::kBoolean: {
      const ColumnValues<bool> values(source.data);
      return GenerateText(source.num_rows, source.validity,
                          [&](int64_t row) { return values(row) ? "true" : "false"; });
    }
    case Kind::kDate: {
      ARROW_ASSIGN_OR_RAISE(const Datum dates, ArrowCast(x, arrow::date32()));
      const ColumnValues<int32_t> days(*dates.array());
      return GenerateText(source.num_rows, source.validity,
                          [&](int64_t row) { return FormatDate(days(row)); });
    }
    case Kind::kTimestamp:
      return TimestampToText(source);
    case Kind::kTime: {
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
    default:
      break;
  }
  if (from.id() == Type::FLOAT) {
    const ColumnValues<float> values(source.data);
    return GenerateText(source.num_rows, source.validity,
                        [&](int64_t row) { return FormatFloat(values(row)); });
  }
  ARROW_ASSIGN_OR_RAISE(const Datum wide, Widen(x));
  const Source widened{*wide.array(), source.to, source.num_rows, source.validity};
  if (IsInteger(*wide.type())) return IntegerToText(widened);
  if (IsFloat(*wide.type())) {
    const ColumnValues<double> values(*wide.array());
    return GenerateText(source.num_rows, source.validity,
                        [&](int64_t row) { return FormatDouble(values(row)); });
  }
  const ColumnValues<int128_t> values(*wide.array());
  const int scale = ScaleOf(*wide.type());
  return GenerateText(source.num_rows, source.validity,
                      [&](int64_t row) { return FormatDecimal(values(row), scale); });
}

// ---- dates and timestamps ----

arrow::Result<Datum> DateToTimestamp(const Datum& x, const Source& source) {
  ARROW_ASSIGN_OR_RAISE(const Datum dates, ArrowCast(x, arrow::date32()));
  ARROW_ASSIGN_OR_RAISE(const Clock clock,
                        Clock::Of(static_cast<const arrow::TimestampType&>(*source.to)));
  const ColumnValues<int32_t> days(*dates.array());
  return GenerateOrFail<int64_t>(
      source.to, source.num_rows, source.validity,
      [&](int64_t row, int64_t* out) {
        int64_t local;
        if (__builtin_mul_overflow(int64_t{days(row)}, clock.ticks_per_day(), &local)) return false;
        *out = clock.ToInstant(local);
        return true;
      },
      [&](int64_t row) { return OutOfRange(FormatDate(days(row)), *source.to); });
}

arrow::Result<Datum> TimestampToDate(const Source& source) {
  ARROW_ASSIGN_OR_RAISE(const Clock clock,
                        Clock::Of(static_cast<const arrow::TimestampType&>(*source.data.type)));
  const ColumnValues<int64_t> ticks(source.data);
  const auto refuse = [&](int64_t row) {
    return OutOfRange("a timestamp of " + std::to_string(ticks(row)) + " ticks", *source.to);
  };
  if (source.to->id() == Type::DATE64) {
    return GenerateOrFail<int64_t>(
        source.to, source.num_rows, source.validity,
        [&](int64_t row, int64_t* out) {
          *out = FloorDivide(clock.ToLocal(ticks(row)), clock.ticks_per_day());
          return !__builtin_mul_overflow(*out, kSecondsPerDay * 1000, out);
        },
        refuse);
  }
  return GenerateOrFail<int32_t>(
      source.to, source.num_rows, source.validity,
      [&](int64_t row, int32_t* out) {
        const int64_t day = FloorDivide(clock.ToLocal(ticks(row)), clock.ticks_per_day());
        *out = static_cast<int32_t>(day);
        return *out == day;
      },
      refuse);
}

/// Between units and zones. Naive timestamps are local times: to a zone, or from one.
arrow::Result<Datum> TimestampToTimestamp(const Source& source) {
  const auto& from_type = static_cast<const arrow::TimestampType&>(*source.data.type);
  const auto& to_type = static_cast<const arrow::TimestampType&>(*source.to);
  ARROW_ASSIGN_OR_RAISE(const Clock from, Clock::Of(from_type));
  ARROW_ASSIGN_OR_RAISE(const Clock to, Clock::Of(to_type));
  const bool localise = from_type.timezone().empty() && !to_type.timezone().empty();
  const bool strip = !from_type.timezone().empty() && to_type.timezone().empty();
  const int64_t finer = to.ticks_per_second() / from.ticks_per_second();
  const int64_t coarser = from.ticks_per_second() / to.ticks_per_second();
  const ColumnValues<int64_t> ticks(source.data);
  return GenerateOrFail<int64_t>(
      source.to, source.num_rows, source.validity,
      [&](int64_t row, int64_t* out) {
        *out = strip ? from.ToLocal(ticks(row)) : ticks(row);
        if (finer > 1 && __builtin_mul_overflow(*out, finer, out)) return false;
        if (coarser > 1) *out = FloorDivide(*out, coarser);
        if (localise) *out = to.ToInstant(*out);
        return true;
      },
      [&](int64_t row) {
        return OutOfRange("a timestamp of " + std::to_string(ticks(row)) + " ticks", *source.to);
      });
}

// ---- dispatch ----

arrow::Result<Datum> BooleanTo(const Datum& x, const DataTypePtr& to) {
  if (!IsDecimal(*to)) return ArrowCast(x, to);
  ARROW_ASSIGN_OR_RAISE(const Datum wide, ArrowCast(x, arrow::int64()));
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity({wide}, x.length()));
  return FromInteger({*wide.array(), to, x.length(), validity});
}

arrow::Result<Datum> NumberTo(const Datum& x, const DataTypePtr& to) {
  if (IsPlainConversion(*x.type(), *to)) return ArrowCast(x, to);
  ARROW_ASSIGN_OR_RAISE(const Datum wide, Widen(x));
  if (wide.type()->Equals(*to)) return wide;
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity({wide}, x.length()));
  const Source source{*wide.array(), to, x.length(), validity};
  if (IsInteger(*wide.type())) return FromInteger(source);
  return IsFloat(*wide.type()) ? FromDouble(source) : FromDecimal(source);
}

arrow::Result<Datum> Cast(const Arguments& arguments, const CallContext& context) {
  Datum x = arguments[0];
  const DataTypePtr& to = context.call->type;
  if (x.type()->Equals(*to)) return x;
  ARROW_RETURN_NOT_OK(CheckCast(*x.type(), *to));
  const Kind from_kind = KindOf(*x.type());
  const Kind to_kind = KindOf(*to);
  if (from_kind == Kind::kNull) return Datum(arrow::MakeNullScalar(to));
  if (from_kind == Kind::kText) {
    if (to_kind == Kind::kText) return ArrowCast(x, to);
    ARROW_ASSIGN_OR_RAISE(x, ArrowCast(x, arrow::utf8()));
  }
  if (from_kind == to_kind &&
      (to_kind == Kind::kBinary || to_kind == Kind::kTime || to_kind == Kind::kDate)) {
    return ArrowCast(x, to);
  }
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity({x}, context.num_rows));
  const Source source{*x.array(), to, context.num_rows, validity};
  if (to_kind == Kind::kText) {
    ARROW_ASSIGN_OR_RAISE(const Datum text, ToText(x, source));
    return to->id() == Type::STRING ? text : ArrowCast(text, to);
  }
  switch (from_kind) {
    case Kind::kBoolean:
      return BooleanTo(x, to);
    case Kind::kNumber:
      return NumberTo(x, to);
    case Kind::kText:
      return FromText(source);
    case Kind::kDate:
      return DateToTimestamp(x, source);
    default:
      return to_kind == Kind::kDate ? TimestampToDate(source) : TimestampToTimestamp(source);
  }
}

/// A cast has its target beside it as a second argument, of which only the type counts; with one
/// argument it is kept.
arrow::Result<ScalarSignature> ResolveCast(const std::vector<ArgumentInfo>& arguments) {
  const DataTypePtr& from = arguments[0].type;
  if (arguments.size() == 1) return ScalarSignature{{from}, from};
  ARROW_RETURN_NOT_OK(CheckCast(*from, *arguments[1].type));
  return ScalarSignature{{from}, arguments[1].type};
}

}  // namespace

arrow::Status CheckCast(const arrow::DataType& from, const arrow::DataType& to) {
  if (IsCastable(from, to)) return arrow::Status::OK();
  std::string reason = "there is no cast from " + TypeName(from) + " to " + TypeName(to);
  const Kind source = KindOf(from);
  const Kind target = KindOf(to);
  if (source == Kind::kTimestamp && target == Kind::kNumber) {
    reason += "; use epoch(t)";
  } else if (source == Kind::kNumber && target == Kind::kTimestamp) {
    reason += "; use to_timestamp(seconds)";
  } else if (source == Kind::kDate && target == Kind::kNumber) {
    reason += "; use epoch(d) or datediff(d, date '1970-01-01')";
  } else if (source == Kind::kNumber && target == Kind::kBoolean) {
    reason += "; compare with 0";
  }
  return arrow::Status::Invalid(reason);
}

void RegisterCasts(ScalarRegistry* registry) {
  registry->Add({.name = "cast",
                 .min_arguments = 1,
                 .max_arguments = 2,
                 .resolve = ResolveCast,
                 .evaluate = OnRows(Cast)});
}

}  // namespace tidemill
