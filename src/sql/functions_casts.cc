// cast(x as T).
//
// Sources are brought to a few wide forms first (bigint, double, decimal128, utf8), so that what is
// written here is wide form to target: one loop per pair, which refuses a value by naming it.

#include <cmath>
#include <limits>
#include <string>

#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/type_traits.h>

#include "sql/cast_values.h"
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

// ---- numbers ----

int ScaleOf(const arrow::DataType& type) {
  return static_cast<const arrow::DecimalType&>(type).scale();
}
int PrecisionOf(const arrow::DataType& type) {
  return static_cast<const arrow::DecimalType&>(type).precision();
}

/// A number array of `to` whose valid rows are the whole numbers whole(row, int128_t*), refused
/// where that returns false or the number is out of range. `name` gives the text of a refused row.
template <typename Whole, typename Name>
arrow::Result<Datum> ToInteger(const CastSource& source, Whole whole, Name name) {
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
        [&](int64_t row) { return CastOutOfRange(name(row), *source.to); });
  });
}

arrow::Result<Datum> FromInteger(const CastSource& source) {
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
        [&](int64_t row) { return CastOutOfRange(name(row), *source.to); });
  }
  return ToInteger(
      source,
      [&](int64_t row, int128_t* out) {
        *out = values(row);
        return true;
      },
      name);
}

arrow::Result<Datum> FromDouble(const CastSource& source) {
  const ColumnValues<double> values(source.data);
  const auto name = [&](int64_t row) { return FormatDouble(values(row)); };
  if (source.to->id() == Type::FLOAT) {
    return GenerateOrFail<float>(
        source.to, source.num_rows, source.validity,
        [&](int64_t row, float* out) {
          *out = static_cast<float>(values(row));
          return std::isfinite(*out) || !std::isfinite(values(row));
        },
        [&](int64_t row) { return CastOutOfRange(name(row), *source.to); });
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
        [&](int64_t row) { return CastOutOfRange(name(row), *source.to); });
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

arrow::Result<Datum> FromDecimal(const CastSource& source) {
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
        [&](int64_t row) { return CastOutOfRange(name(row), *source.to); });
  }
  return ToInteger(
      source, [&](int64_t row, int128_t* out) { return Rescale(values(row), scale, 0, out); },
      name);
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

// ---- dates and timestamps ----

arrow::Result<Datum> DateToTimestamp(const Datum& x, const CastSource& source) {
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
      [&](int64_t row) { return CastOutOfRange(FormatDate(days(row)), *source.to); });
}

arrow::Result<Datum> TimestampToDate(const CastSource& source) {
  ARROW_ASSIGN_OR_RAISE(const Clock clock,
                        Clock::Of(static_cast<const arrow::TimestampType&>(*source.data.type)));
  const ColumnValues<int64_t> ticks(source.data);
  const auto refuse = [&](int64_t row) {
    return CastOutOfRange(FormatTimestamp(ticks(row), clock, false), *source.to);
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
arrow::Result<Datum> TimestampToTimestamp(const CastSource& source) {
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
        return CastOutOfRange(FormatTimestamp(ticks(row), from, false), *source.to);
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
  ARROW_ASSIGN_OR_RAISE(const Datum wide, WidenNumber(x));
  if (wide.type()->Equals(*to)) return wide;
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity({wide}, x.length()));
  const CastSource source{*wide.array(), to, x.length(), validity};
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
  const CastSource source{*x.array(), to, context.num_rows, validity};
  if (to_kind == Kind::kText) {
    ARROW_ASSIGN_OR_RAISE(const Datum text, CastToText(x, source));
    return to->id() == Type::STRING ? text : ArrowCast(text, to);
  }
  switch (from_kind) {
    case Kind::kBoolean:
      return BooleanTo(x, to);
    case Kind::kNumber:
      return NumberTo(x, to);
    case Kind::kText:
      return CastFromText(source);
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

arrow::Result<Datum> ArrowCast(const Datum& x, const DataTypePtr& to) {
  const auto options = arrow::compute::CastOptions::Unsafe(to);
  return CallArrow("cast", {x}, &options);
}

arrow::Status CastOutOfRange(std::string_view value, const arrow::DataType& to) {
  return arrow::Status::Invalid("cannot cast ", value, " to ", TypeName(to), ": out of range");
}

arrow::Result<Datum> WidenNumber(const Datum& x) {
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
