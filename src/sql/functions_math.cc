#include <algorithm>
#include <cmath>
#include <string>

#include <arrow/array/util.h>

#include "sql/decimal.h"
#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/signatures.h"

namespace tidemill {

namespace {

const arrow::DecimalType& AsDecimal(const arrow::DataType& type) {
  return static_cast<const arrow::DecimalType&>(type);
}

/// bigint for integers, the decimal for decimals, double for the rest; null for what is no number.
DataTypePtr ExactType(const ArgumentInfo& x) {
  if (IsNull(*x.type) || IsFloat(*x.type) || IsTextLiteral(x)) return arrow::float64();
  if (IsDecimal(*x.type) || x.type->id() == arrow::Type::UINT64) return DecimalOf(*x.type);
  return IsInteger(*x.type) ? arrow::int64() : nullptr;
}

/// Resolves f(x) for a number x; `result` maps the exact type of x to the type of f(x).
Resolver OfNumber(std::string name, DataTypePtr (*result)(const DataTypePtr&)) {
  return [name = std::move(name),
          result](const std::vector<ArgumentInfo>& arguments) -> arrow::Result<ScalarSignature> {
    const DataTypePtr type = ExactType(arguments[0]);
    if (type == nullptr) return NoSignature(name, arguments, "the argument must be a number");
    return ScalarSignature{{type}, result(type)};
  };
}

DataTypePtr SameType(const DataTypePtr& type) { return type; }

DataTypePtr SignType(const DataTypePtr& type) {
  return IsFloat(*type) ? arrow::float64() : arrow::int64();
}

/// The decimal of `scale` places that holds a value of `type` rounded to them (one digit more, for
/// the carry).
DataTypePtr RoundedType(const DataTypePtr& type, int scale) {
  const arrow::DecimalType& decimal = AsDecimal(*type);
  if (scale >= decimal.scale()) return type;
  const int whole = decimal.precision() - decimal.scale();
  return arrow::decimal128(std::clamp(whole + scale + 1, 1, kMaxPrecision), scale);
}

DataTypePtr WholeType(const DataTypePtr& type) {
  return IsDecimal(*type) ? RoundedType(type, 0) : type;
}

arrow::Result<Datum> Abs(const Arguments& arguments, const CallContext& context) {
  const arrow::ArrayData& x = *arguments[0].array();
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  if (IsFloat(*x.type)) {
    const ColumnValues<double> values(x);
    return Generate<double>(x.type, context.num_rows, validity,
                            [&](int64_t row) { return std::fabs(values(row)); });
  }
  if (IsDecimal(*x.type)) {
    const ColumnValues<int128_t> values(x);
    return Generate<int128_t>(x.type, context.num_rows, validity, [&](int64_t row) {
      const int128_t value = values(row);
      return value < 0 ? static_cast<int128_t>(-static_cast<uint128_t>(value)) : value;
    });
  }
  const ColumnValues<int64_t> values(x);
  return GenerateOrFail<int64_t>(
      x.type, context.num_rows, validity,
      [&](int64_t row, int64_t* out) {
        *out = values(row);
        return *out >= 0 || !__builtin_sub_overflow(int64_t{0}, values(row), out);
      },
      [&](int64_t row) {
        return arrow::Status::Invalid("bigint out of range: abs(", values(row), ")");
      });
}

arrow::Result<Datum> Sign(const Arguments& arguments, const CallContext& context) {
  const arrow::ArrayData& x = *arguments[0].array();
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  if (IsFloat(*x.type)) {
    const ColumnValues<double> values(x);
    return Generate<double>(arrow::float64(), context.num_rows, validity, [&](int64_t row) {
      const double value = values(row);
      return value != value ? value : static_cast<double>((value > 0) - (value < 0));
    });
  }
  if (IsDecimal(*x.type)) {
    const ColumnValues<int128_t> values(x);
    return Generate<int64_t>(arrow::int64(), context.num_rows, validity, [&](int64_t row) {
      return int64_t{values(row) > 0} - int64_t{values(row) < 0};
    });
  }
  const ColumnValues<int64_t> values(x);
  return Generate<int64_t>(arrow::int64(), context.num_rows, validity, [&](int64_t row) {
    return int64_t{values(row) > 0} - int64_t{values(row) < 0};
  });
}

/// floor (`up` false) and ceil.
arrow::Result<Datum> ToWhole(const Arguments& arguments, const CallContext& context, bool up) {
  const arrow::ArrayData& x = *arguments[0].array();
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  if (IsFloat(*x.type)) {
    const ColumnValues<double> values(x);
    return Generate<double>(x.type, context.num_rows, validity, [&](int64_t row) {
      return up ? std::ceil(values(row)) : std::floor(values(row));
    });
  }
  if (IsInteger(*x.type) || AsDecimal(*x.type).scale() <= 0) return arguments[0];
  const int128_t unit = PowerOfTen(AsDecimal(*x.type).scale());
  const ColumnValues<int128_t> values(x);
  return Generate<int128_t>(context.call->type, context.num_rows, validity, [&](int64_t row) {
    const int128_t quotient = values(row) / unit;
    const int128_t rest = values(row) % unit;
    if (up) return rest > 0 ? quotient + 1 : quotient;
    return rest < 0 ? quotient - 1 : quotient;
  });
}

// ---- round ----

double RoundDouble(double x, int64_t digits) {
  if (digits == 0) return std::round(x);
  const double power = std::pow(10.0, static_cast<double>(digits < 0 ? -digits : digits));
  if (digits < 0) {
    const double rounded = std::round(x / power) * power;
    return std::isfinite(rounded) || !std::isfinite(x) ? rounded : 0.0;
  }
  const double rounded = std::round(x * power) / power;
  return std::isfinite(rounded) ? rounded : x;
}

/// `value` at `scale`, rounded to `digits` places and brought to scale `to`; false if it does not
/// fit.
bool RoundDecimal(int128_t value, int scale, int64_t digits, int to, int128_t* out) {
  if (digits >= scale) return Rescale(value, scale, to, out);
  const int64_t drop = scale - digits;
  if (drop > 38) {
    *out = 0;
    return true;
  }
  const int128_t rounded = DivideRounded(value, PowerOfTen(static_cast<int>(drop)));
  return Rescale(rounded, static_cast<int>(digits), to, out);
}

arrow::Result<ScalarSignature> ResolveRound(const std::vector<ArgumentInfo>& arguments) {
  const DataTypePtr type = ExactType(arguments[0]);
  if (type == nullptr) return NoSignature("round", arguments, "the argument must be a number");
  ScalarSignature signature{{type}, WholeType(type)};
  if (arguments.size() == 1) return signature;
  const DataTypePtr digits_type = Accept(arguments[1], Wanted::kInteger);
  if (digits_type == nullptr) {
    return NoSignature("round", arguments, "the second argument must be an integer");
  }
  signature.arguments.push_back(digits_type);
  if (IsDecimal(*type)) {
    signature.result = type;
    const auto& literal = arguments[1].literal;
    if (literal != nullptr && literal->is_valid && IsInteger(*literal->type)) {
      ARROW_ASSIGN_OR_RAISE(const auto digits, literal->CastTo(arrow::int64()));
      const int64_t places = ScalarValue<int64_t>(*digits);
      signature.result = RoundedType(
          type, static_cast<int>(std::clamp<int64_t>(places, 0, AsDecimal(*type).scale())));
    }
  }
  return signature;
}

template <typename Digits>
arrow::Result<Datum> RoundTo(const Arguments& arguments, const CallContext& context,
                             Digits digits) {
  const arrow::ArrayData& x = *arguments[0].array();
  const DataTypePtr& type = context.call->type;
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  if (IsFloat(*x.type)) {
    const ColumnValues<double> values(x);
    return Generate<double>(type, context.num_rows, validity,
                            [&](int64_t row) { return RoundDouble(values(row), digits(row)); });
  }
  if (IsDecimal(*x.type)) {
    const ColumnValues<int128_t> values(x);
    const int scale = AsDecimal(*x.type).scale();
    const arrow::DecimalType& to = AsDecimal(*type);
    return GenerateOrFail<int128_t>(
        type, context.num_rows, validity,
        [&](int64_t row, int128_t* out) {
          return RoundDecimal(values(row), scale, digits(row), to.scale(), out) &&
                 FitsPrecision(*out, to.precision());
        },
        [&](int64_t row) {
          return arrow::Status::Invalid(TypeName(*type), " out of range: round(",
                                        FormatDecimal(values(row), scale), ", ", digits(row), ")");
        });
  }
  const ColumnValues<int64_t> values(x);
  return GenerateOrFail<int64_t>(
      type, context.num_rows, validity,
      [&](int64_t row, int64_t* out) {
        int128_t rounded;
        if (!RoundDecimal(values(row), 0, digits(row), 0, &rounded)) return false;
        *out = static_cast<int64_t>(rounded);
        return *out == rounded;
      },
      [&](int64_t row) {
        return arrow::Status::Invalid("bigint out of range: round(", values(row), ", ", digits(row),
                                      ")");
      });
}

arrow::Result<Datum> Round(const Arguments& arguments, const CallContext& context) {
  Arguments both = arguments;
  if (arguments[0].is_scalar()) {  // round(constant, column)
    ARROW_ASSIGN_OR_RAISE(auto column,
                          arrow::MakeArrayFromScalar(*arguments[0].scalar(), context.num_rows));
    both[0] = std::move(column);
  }
  if (both.size() == 1) return RoundTo(both, context, ConstantValue<int64_t>(0));
  return VisitValues<int64_t>(both[1], [&](auto digits) { return RoundTo(both, context, digits); });
}

// ---- functions of doubles ----

bool Always(double) { return true; }
bool IfPositive(double x) { return !(x <= 0); }
bool UnlessNegative(double x) { return !(x < 0); }

/// A function of one double that is NULL where `defined` is false.
void AddOfDouble(ScalarRegistry* registry, const char* name, bool (*defined)(double),
                 double (*function)(double), ScalarFunctionDoc doc, const char* duckdb) {
  registry->Add(
      {.name = name,
       .min_arguments = 1,
       .max_arguments = 1,
       .doc = std::move(doc),
       .resolve = Takes(name, {Wanted::kDouble}, arrow::float64()),
       .evaluate = OnRows([defined, function](const Arguments& arguments,
                                              const CallContext& context) -> arrow::Result<Datum> {
         const ColumnValues<double> values(*arguments[0].array());
         ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
         return GenerateWhere<double>(
             arrow::float64(), context.num_rows, validity,
             [&](int64_t row) { return defined(values(row)); },
             [&](int64_t row) { return function(values(row)); });
       }),
       .duckdb = duckdb});
}

arrow::Result<Datum> Power(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  return VisitValues<double>(arguments[0], [&](auto base) {
    return VisitValues<double>(arguments[1], [&](auto exponent) {
      return GenerateWhere<double>(
          arrow::float64(), context.num_rows, validity,
          [&](int64_t row) { return !(base(row) == 0 && exponent(row) < 0); },
          [&](int64_t row) { return std::pow(base(row), exponent(row)); });
    });
  });
}

arrow::Result<Datum> IsNan(const Arguments& arguments, const CallContext& context) {
  const ColumnValues<double> values(*arguments[0].array());
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  return Generate<bool>(arrow::boolean(), context.num_rows, validity,
                        [&](int64_t row) { return values(row) != values(row); });
}

}  // namespace

void RegisterMath(ScalarRegistry* registry) {
  registry->Add({.name = "abs",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .doc = {"abs(x)", "The magnitude of a number.", "abs(-3)", "3"},
                 .resolve = OfNumber("abs", SameType),
                 .evaluate = OnRows(Abs)});
  registry->Add(
      {.name = "sign",
       .min_arguments = 1,
       .max_arguments = 1,
       .doc = {"sign(x)", "-1, 0 or 1 as x is negative, zero or positive.", "sign(-12)", "-1"},
       .resolve = OfNumber("sign", SignType),
       .evaluate = OnRows(Sign)});
  registry->Add(
      {.name = "round",
       .min_arguments = 1,
       .max_arguments = 2,
       .doc = {"round(x [, digits])",
               "x rounded to a number of decimal places (0; negative: tens, hundreds, ...), halves "
               "away from zero. Integers and decimals stay exact.",
               "round(-2.5)", "-3"},
       .resolve = ResolveRound,
       .evaluate = OnRows(Round)});
  registry->Add({.name = "floor",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .doc = {"floor(x)", "The largest whole number not above x.", "floor(-1.5)", "-2"},
                 .resolve = OfNumber("floor", WholeType),
                 .evaluate = OnRows([](const Arguments& arguments, const CallContext& context) {
                   return ToWhole(arguments, context, false);
                 })});
  registry->Add({.name = "ceil",
                 .aliases = {"ceiling"},
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .doc = {"ceil(x)", "The smallest whole number not below x.", "ceil(1.2)", "2"},
                 .resolve = OfNumber("ceil", WholeType),
                 .evaluate = OnRows([](const Arguments& arguments, const CallContext& context) {
                   return ToWhole(arguments, context, true);
                 })});
  AddOfDouble(registry, "ln", IfPositive, std::log,
              {"ln(x)", "The natural logarithm; NULL unless x is positive.", "ln(1)", "0"},
              "CASE WHEN {0} > 0 THEN ln({0}) END");
  AddOfDouble(
      registry, "log10", IfPositive, std::log10,
      {"log10(x)", "The logarithm to base 10; NULL unless x is positive.", "log10(1000)", "3"},
      "CASE WHEN {0} > 0 THEN log10({0}) END");
  AddOfDouble(registry, "log2", IfPositive, std::log2,
              {"log2(x)", "The logarithm to base 2; NULL unless x is positive.", "log2(8)", "3"},
              "CASE WHEN {0} > 0 THEN log2({0}) END");
  AddOfDouble(registry, "exp", Always, std::exp, {"exp(x)", "e to the power of x.", "exp(0)", "1"},
              "");
  AddOfDouble(registry, "sqrt", UnlessNegative, std::sqrt,
              {"sqrt(x)", "The square root; NULL for negative x.", "sqrt(2.25)", "1.5"},
              "CASE WHEN {0} >= 0 THEN sqrt({0}) END");
  registry->Add({.name = "power",
                 .aliases = {"pow"},
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .doc = {"power(x, y)",
                         "x to the power of y; NULL for 0 to a negative power, NaN for a negative "
                         "number to a fraction.",
                         "power(2, 10)", "1024"},
                 .resolve = Takes("power", {Wanted::kDouble, Wanted::kDouble}, arrow::float64()),
                 .evaluate = OnRows(Power),
                 .duckdb = "CASE WHEN {0} <> 0 OR {1} >= 0 THEN pow({0}, {1}) END"});
  registry->Add({.name = "isnan",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .doc = {"isnan(x)", "Whether x is NaN (not a number).",
                         "isnan(cast('NaN' as double precision))", "true"},
                 .resolve = Takes("isnan", {Wanted::kDouble}, arrow::boolean()),
                 .evaluate = OnRows(IsNan)});
}

}  // namespace tidemill
