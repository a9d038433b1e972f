#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "sql/decimal.h"
#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/signatures.h"

namespace tidemill {

namespace {

struct Add {
  static constexpr const char* kSymbol = "+";
  static double Apply(double a, double b) { return a + b; }
  template <typename T>
  static bool Overflows(T a, T b, T* out) {
    return __builtin_add_overflow(a, b, out);
  }
};

struct Subtract {
  static constexpr const char* kSymbol = "-";
  static double Apply(double a, double b) { return a - b; }
  template <typename T>
  static bool Overflows(T a, T b, T* out) {
    return __builtin_sub_overflow(a, b, out);
  }
};

struct Multiply {
  static constexpr const char* kSymbol = "*";
  static double Apply(double a, double b) { return a * b; }
  template <typename T>
  static bool Overflows(T a, T b, T* out) {
    return __builtin_mul_overflow(a, b, out);
  }
};

int ScaleOf(const arrow::DataType& type) {
  return static_cast<const arrow::DecimalType&>(type).scale();
}
int PrecisionOf(const arrow::DataType& type) {
  return static_cast<const arrow::DecimalType&>(type).precision();
}

// ---- kernels ----

template <typename Op>
arrow::Result<Datum> Int64Kernel(const Arguments& arguments, int64_t num_rows,
                                 std::shared_ptr<arrow::Buffer> validity) {
  return VisitValues<int64_t>(arguments[0], [&](auto left) {
    return VisitValues<int64_t>(arguments[1], [&](auto right) -> arrow::Result<Datum> {
      bool overflow = false;  // perhaps of a value under NULL
      ARROW_ASSIGN_OR_RAISE(Datum result,
                            Generate<int64_t>(arrow::int64(), num_rows, validity, [&](int64_t row) {
                              int64_t value;
                              overflow |= Op::Overflows(left(row), right(row), &value);
                              return value;
                            }));
      for (int64_t row = 0; overflow && row < num_rows; ++row) {
        int64_t value;
        if (IsValidAt(validity, row) && Op::Overflows(left(row), right(row), &value)) {
          return arrow::Status::Invalid("bigint out of range: ", left(row), " ", Op::kSymbol, " ",
                                        right(row));
        }
      }
      return result;
    });
  });
}

template <typename Op>
arrow::Result<Datum> DoubleKernel(const Arguments& arguments, int64_t num_rows,
                                  std::shared_ptr<arrow::Buffer> validity) {
  return VisitValues<double>(arguments[0], [&](auto left) {
    return VisitValues<double>(arguments[1], [&](auto right) {
      return Generate<double>(arrow::float64(), num_rows, validity,
                              [&](int64_t row) { return Op::Apply(left(row), right(row)); });
    });
  });
}

template <typename Op>
arrow::Result<Datum> DecimalKernel(const Arguments& arguments, const CallContext& context,
                                   std::shared_ptr<arrow::Buffer> validity) {
  const DataTypePtr& type = context.call->type;
  const int precision = PrecisionOf(*type);
  const int scale_a = ScaleOf(*arguments[0].type());
  const int scale_b = ScaleOf(*arguments[1].type());
  const bool product = std::is_same_v<Op, Multiply>;
  const int to_a = product ? scale_a : ScaleOf(*type);
  const int to_b = product ? scale_b : ScaleOf(*type);
  return VisitValues<int128_t>(arguments[0], [&](auto left) {
    return VisitValues<int128_t>(arguments[1], [&](auto right) {
      return GenerateOrFail<int128_t>(
          type, context.num_rows, validity,
          [&](int64_t row, int128_t* out) {
            int128_t a, b;
            return Rescale(left(row), scale_a, to_a, &a) &&
                   Rescale(right(row), scale_b, to_b, &b) && !Op::Overflows(a, b, out) &&
                   FitsPrecision(*out, precision);
          },
          [&](int64_t row) {
            return arrow::Status::Invalid(TypeName(*type),
                                          " out of range: ", FormatDecimal(left(row), scale_a), " ",
                                          Op::kSymbol, " ", FormatDecimal(right(row), scale_b));
          });
    });
  });
}

/// date + days, days + date, date - days.
template <typename Op>
arrow::Result<Datum> DateKernel(const Arguments& arguments, int64_t num_rows,
                                std::shared_ptr<arrow::Buffer> validity) {
  const bool date_first = IsDate(*arguments[0].type());
  return VisitValues<int32_t>(arguments[date_first ? 0 : 1], [&](auto date) {
    return VisitValues<int64_t>(arguments[date_first ? 1 : 0], [&](auto days) {
      return GenerateOrFail<int32_t>(
          arrow::date32(), num_rows, validity,
          [&](int64_t row, int32_t* out) {
            int64_t moved;
            if (Op::Overflows(int64_t{date(row)}, int64_t{days(row)}, &moved)) return false;
            *out = static_cast<int32_t>(moved);
            return *out == moved;
          },
          [&](int64_t row) {
            return arrow::Status::Invalid("date out of range: a date ", Op::kSymbol, " ", days(row),
                                          " days");
          });
    });
  });
}

arrow::Result<Datum> DaysBetween(const Arguments& arguments, int64_t num_rows,
                                 std::shared_ptr<arrow::Buffer> validity) {
  return VisitValues<int32_t>(arguments[0], [&](auto end) {
    return VisitValues<int32_t>(arguments[1], [&](auto start) {
      return Generate<int64_t>(arrow::int64(), num_rows, validity, [&](int64_t row) {
        return int64_t{end(row)} - int64_t{start(row)};
      });
    });
  });
}

template <typename Op>
arrow::Result<Datum> Compute(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  switch (context.call->type->id()) {
    case arrow::Type::DOUBLE:
      return DoubleKernel<Op>(arguments, context.num_rows, validity);
    case arrow::Type::DECIMAL128:
      return DecimalKernel<Op>(arguments, context, validity);
    case arrow::Type::DATE32:
      return DateKernel<Op>(arguments, context.num_rows, validity);
    default:
      break;
  }
  if (IsDate(*arguments[0].type())) return DaysBetween(arguments, context.num_rows, validity);
  return Int64Kernel<Op>(arguments, context.num_rows, validity);
}

arrow::Result<Datum> Divide(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  return VisitValues<double>(arguments[0], [&](auto left) {
    return VisitValues<double>(arguments[1], [&](auto right) {
      return GenerateWhere<double>(
          arrow::float64(), context.num_rows, validity,
          [&](int64_t row) { return right(row) != 0; },
          [&](int64_t row) { return left(row) / right(row); });
    });
  });
}

/// The remainder with the sign of the dividend; NULL where the divisor is 0.
template <typename T, typename Rest>
arrow::Result<Datum> RemainderOf(const Arguments& arguments, const CallContext& context,
                                 Rest rest) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  return VisitValues<T>(arguments[0], [&](auto left) {
    return VisitValues<T>(arguments[1], [&](auto right) {
      return GenerateWhere<T>(
          context.call->type, context.num_rows, validity,
          [&](int64_t row) { return right(row) != 0; },
          [&](int64_t row) { return rest(left(row), right(row)); });
    });
  });
}

arrow::Result<Datum> Remainder(const Arguments& arguments, const CallContext& context) {
  switch (context.call->type->id()) {
    case arrow::Type::DOUBLE:
      return RemainderOf<double>(arguments, context,
                                 [](double a, double b) { return std::fmod(a, b); });
    case arrow::Type::DECIMAL128:
      return RemainderOf<int128_t>(arguments, context, [](int128_t a, int128_t b) {
        return b == 0 || b == -1 ? int128_t{0} : a % b;
      });
    default:
      return RemainderOf<int64_t>(arguments, context, [](int64_t a, int64_t b) {
        return b == 0 || b == -1 ? int64_t{0} : a % b;
      });
  }
}

arrow::Result<Datum> Negate(const Arguments& arguments, const CallContext& context) {
  const Datum& x = arguments[0];
  const DataTypePtr& type = context.call->type;
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  if (IsFloat(*type)) {
    const ColumnValues<double> values(*x.array());
    return Generate<double>(type, context.num_rows, validity,
                            [&](int64_t row) { return -values(row); });
  }
  if (IsDecimal(*type)) {
    const ColumnValues<int128_t> values(*x.array());
    return Generate<int128_t>(type, context.num_rows, validity, [&](int64_t row) {
      return static_cast<int128_t>(-static_cast<uint128_t>(values(row)));
    });
  }
  const ColumnValues<int64_t> values(*x.array());
  return GenerateOrFail<int64_t>(
      type, context.num_rows, validity,
      [&](int64_t row, int64_t* out) {
        return !__builtin_sub_overflow(int64_t{0}, values(row), out);
      },
      [&](int64_t row) {
        return arrow::Status::Invalid("bigint out of range: -(", values(row), ")");
      });
}

// ---- resolution ----

/// The types of two operands, in which NULL and a text constant take the other's type.
arrow::Result<std::pair<ArgumentInfo, ArgumentInfo>> Operands(
    const std::string& name, const std::vector<ArgumentInfo>& arguments) {
  ArgumentInfo a = arguments[0];
  ArgumentInfo b = arguments[1];
  const auto open = [](const ArgumentInfo& x) { return IsNull(*x.type) || IsTextLiteral(x); };
  if (open(a) && open(b)) {
    if (IsTextLiteral(a) || IsTextLiteral(b)) {
      return NoSignature(name, arguments, "text is no number; cast it to one");
    }
    return std::pair(ArgumentInfo{arrow::int64(), nullptr}, ArgumentInfo{arrow::int64(), nullptr});
  }
  if (open(a)) a = {b.type, nullptr};
  if (open(b)) b = {a.type, nullptr};
  return std::pair(a, b);
}

DataTypePtr DecimalOperand(const ArgumentInfo& argument) {
  if (IsInteger(*argument.type) && argument.literal != nullptr && argument.literal->is_valid) {
    std::string digits = argument.literal->ToString();
    std::erase(digits, '-');
    return arrow::decimal128(static_cast<int32_t>(digits.size()), 0);
  }
  return DecimalOf(*argument.type);
}

arrow::Status RefuseOperands(const std::string& name, const std::vector<ArgumentInfo>& arguments) {
  for (const ArgumentInfo& argument : arguments) {
    if (IsTimestamp(*argument.type)) {
      return NoSignature(name, arguments,
                         "for times use datediff(end, start), epoch(t) or add_days(t, n)");
    }
  }
  for (const ArgumentInfo& argument : arguments) {
    if (IsText(*argument.type)) {
      return NoSignature(name, arguments, "text is no number; cast it to one");
    }
  }
  return NoSignature(name, arguments, "both operands must be numbers");
}

arrow::Result<ScalarSignature> ResolveArithmetic(const std::string& name,
                                                 const std::vector<ArgumentInfo>& arguments) {
  ARROW_ASSIGN_OR_RAISE(const auto operands, Operands(name, arguments));
  const ArgumentInfo& a = operands.first;
  const ArgumentInfo& b = operands.second;
  if (IsDate(*a.type) && IsDate(*b.type) && name == "-") {
    if (IsNull(*arguments[1].type))
      return ScalarSignature{{arrow::date32(), arrow::int64()}, arrow::date32()};
    return ScalarSignature{{arrow::date32(), arrow::date32()}, arrow::int64()};
  }
  if (IsDate(*a.type) && IsInteger(*b.type) && (name == "+" || name == "-")) {
    return ScalarSignature{{arrow::date32(), arrow::int64()}, arrow::date32()};
  }
  if (IsInteger(*a.type) && IsDate(*b.type) && name == "+") {
    return ScalarSignature{{arrow::int64(), arrow::date32()}, arrow::date32()};
  }
  if (!IsNumber(*a.type) || !IsNumber(*b.type)) return RefuseOperands(name, arguments);
  const auto is_wide = [](const ArgumentInfo& x) { return x.type->id() == arrow::Type::UINT64; };
  if (IsFloat(*a.type) || IsFloat(*b.type) || name == "/") {
    return ScalarSignature{{arrow::float64(), arrow::float64()}, arrow::float64()};
  }
  if (IsInteger(*a.type) && IsInteger(*b.type) && !is_wide(a) && !is_wide(b)) {
    return ScalarSignature{{arrow::int64(), arrow::int64()}, arrow::int64()};
  }
  const DataTypePtr left = DecimalOperand(a);
  const DataTypePtr right = DecimalOperand(b);
  const int scale_a = ScaleOf(*left), scale_b = ScaleOf(*right);
  const int whole_a = PrecisionOf(*left) - scale_a, whole_b = PrecisionOf(*right) - scale_b;
  const auto decimal = [](int whole, int scale) {
    return arrow::decimal128(std::clamp(whole + scale, 1, kMaxPrecision), scale);
  };
  const int scale = std::max(scale_a, scale_b);
  const int whole = std::max(whole_a, whole_b);
  if (name == "*") {
    if (scale_a + scale_b > kMaxPrecision) {
      return NoSignature(name, arguments,
                         "the product has more than 38 decimal places; cast an operand to fewer");
    }
    return ScalarSignature{{left, right}, decimal(whole_a + whole_b, scale_a + scale_b)};
  }
  if (name == "%") {
    const DataTypePtr both = decimal(whole, scale);
    return ScalarSignature{{both, both}, both};
  }
  return ScalarSignature{{left, right}, decimal(whole + 1, scale)};
}

arrow::Result<ScalarSignature> ResolveNegate(const std::vector<ArgumentInfo>& arguments) {
  const ArgumentInfo& x = arguments[0];
  if (!IsNumber(*x.type) && !IsNull(*x.type)) {
    return NoSignature("-", arguments, "the operand must be a number");
  }
  const bool decimal = IsDecimal(*x.type) || x.type->id() == arrow::Type::UINT64;
  const DataTypePtr type = IsFloat(*x.type) ? arrow::float64()
                           : decimal        ? DecimalOf(*x.type)
                                            : arrow::int64();
  return ScalarSignature{{type}, type};
}

Resolver Arithmetic(std::string name) {
  return [name = std::move(name)](const std::vector<ArgumentInfo>& arguments) {
    return ResolveArithmetic(name, arguments);
  };
}

}  // namespace

void RegisterArithmetic(ScalarRegistry* registry) {
  registry->Add({.name = "+",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .resolve = Arithmetic("+"),
                 .evaluate = OnRows(Compute<Add>)});
  registry->Add({.name = "-",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .resolve = Arithmetic("-"),
                 .evaluate = OnRows(Compute<Subtract>)});
  registry->Add({.name = "*",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .resolve = Arithmetic("*"),
                 .evaluate = OnRows(Compute<Multiply>)});
  registry->Add({.name = "/",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .resolve = Arithmetic("/"),
                 .evaluate = OnRows(Divide),
                 .duckdb = "(CAST({0} AS DOUBLE) / nullif(CAST({1} AS DOUBLE), 0))"});
  registry->Add({.name = "%",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .resolve = Arithmetic("%"),
                 .evaluate = OnRows(Remainder),
                 .duckdb = "({0} % nullif({1}, 0))"});
  registry->Add(
      {.name = "mod",
       .min_arguments = 2,
       .max_arguments = 2,
       .doc = {"mod(x, y)", "The remainder of x / y, with the sign of x; NULL where y is 0.",
               "mod(-7, 3)", "-1"},
       .resolve = Arithmetic("%"),
       .evaluate = OnRows(Remainder),
       .duckdb = "({0} % nullif({1}, 0))"});
  registry->Add({.name = "negate",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .resolve = ResolveNegate,
                 .evaluate = OnRows(Negate)});
}

}  // namespace tidemill
