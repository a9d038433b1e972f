#include "sql/signatures.h"

#include <array>
#include <optional>

#include <arrow/scalar.h>

namespace tidemill {

namespace {

std::optional<int64_t> IntegerOf(const ArgumentInfo& constant) {
  auto value = constant.literal->CastTo(arrow::int64());
  if (!value.ok() || !(*value)->is_valid) return std::nullopt;
  return static_cast<const arrow::Int64Scalar&>(**value).value;
}

bool IsExactInFloat(const ArgumentInfo& constant) {
  constexpr int64_t kLimit = int64_t{1} << 24;
  const std::optional<int64_t> value = IntegerOf(constant);
  return value && *value >= -kLimit && *value <= kLimit;
}

/// Whether an integer constant is a value of the integer type `type`.
bool Holds(const arrow::DataType& type, const ArgumentInfo& constant) {
  const std::optional<int64_t> value = IntegerOf(constant);
  if (!value) return false;
  const int64_t number = *value;
  if (type.id() == arrow::Type::UINT64) return number >= 0;
  const bool is_signed = arrow::is_signed_integer(type.id());
  const int bits = type.bit_width() - (is_signed ? 1 : 0);
  if (bits >= 63) return true;
  const int64_t limit = int64_t{1} << bits;
  return number < limit && number >= (is_signed ? -limit : 0);
}

/// The decimal that holds an integer constant.
DataTypePtr DecimalOfConstant(const ArgumentInfo& constant) {
  std::string digits = constant.literal->ToString();
  const size_t sign = digits.starts_with('-') ? 1 : 0;
  return arrow::decimal128(static_cast<int32_t>(digits.size() - sign), 0);
}

constexpr std::array<std::string_view, 6> kWantedNames = {
    "text", "an integer", "a number", "a boolean", "a date", "a date or a timestamp"};
constexpr std::array<std::string_view, 6> kOrdinals = {"first",  "second", "third",
                                                       "fourth", "fifth",  "sixth"};

}  // namespace

bool IsTextLiteral(const ArgumentInfo& argument) {
  return argument.literal != nullptr && IsText(*argument.type);
}

std::string_view LiteralText(const ArgumentInfo& argument) {
  if (!IsTextLiteral(argument) || !argument.literal->is_valid) return {};
  return static_cast<const arrow::BaseBinaryScalar&>(*argument.literal).view();
}

DataTypePtr CommonArgumentType(const std::vector<ArgumentInfo>& arguments) {
  DataTypePtr common;
  const auto add = [&common](const DataTypePtr& type) {
    common = common == nullptr ? Canonical(type) : CommonType(common, type);
    return common != nullptr;
  };
  for (const ArgumentInfo& argument : arguments) {
    if (argument.literal == nullptr && !add(argument.type)) return nullptr;
  }
  // Constants adapt to what the columns are.
  for (const ArgumentInfo& argument : arguments) {
    if (argument.literal == nullptr || IsTextLiteral(argument)) continue;
    if (IsInteger(*argument.type) && argument.literal->is_valid && common != nullptr) {
      if (IsInteger(*common) && Holds(*common, argument)) continue;
      if (IsDecimal(*common)) {
        if (!add(DecimalOfConstant(argument))) return nullptr;
        continue;
      }
      if (IsFloat(*common) && IsExactInFloat(argument)) continue;
    }
    if (!add(argument.type)) return nullptr;
  }
  for (const ArgumentInfo& argument : arguments) {
    if (IsTextLiteral(argument) && (common == nullptr || IsNull(*common))) common = arrow::utf8();
  }
  return common == nullptr ? arrow::null() : common;
}

arrow::Status NoSignature(std::string_view function, const std::vector<ArgumentInfo>& arguments,
                          std::string_view reason) {
  std::string text(function);
  text += "(";
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) text += ", ";
    text += IsNull(*arguments[i].type) ? "NULL" : TypeName(*arguments[i].type);
  }
  text += "): ";
  text += reason;
  return arrow::Status::Invalid(text);
}

DataTypePtr Accept(const ArgumentInfo& argument, Wanted wanted) {
  const arrow::DataType& type = *argument.type;
  const bool any = IsNull(type) || (IsTextLiteral(argument) && wanted != Wanted::kText);
  switch (wanted) {
    case Wanted::kText:
      if (any || IsText(type)) return arrow::utf8();
      break;
    case Wanted::kInteger:
      if (any || IsInteger(type)) return arrow::int64();
      break;
    case Wanted::kDouble:
      if (any || IsNumber(type)) return arrow::float64();
      break;
    case Wanted::kBoolean:
      if (any || type.id() == arrow::Type::BOOL) return arrow::boolean();
      break;
    case Wanted::kDate:
      if (any || IsDate(type)) return arrow::date32();
      break;
    case Wanted::kTimestamp:
      if (any) return arrow::timestamp(arrow::TimeUnit::MICRO);
      if (IsDate(type)) return arrow::date32();
      if (IsTimestamp(type)) return argument.type;
      break;
  }
  return nullptr;
}

Resolver Takes(std::string function, std::vector<Wanted> wanted, DataTypePtr result) {
  return [function = std::move(function), wanted = std::move(wanted), result = std::move(result)](
             const std::vector<ArgumentInfo>& arguments) -> arrow::Result<ScalarSignature> {
    ScalarSignature signature{{}, result};
    for (size_t i = 0; i < arguments.size(); ++i) {
      DataTypePtr type = Accept(arguments[i], wanted[i]);
      if (type == nullptr) {
        const std::string which =
            wanted.size() == 1 ? "the argument" : "the " + std::string(kOrdinals[i]) + " argument";
        return NoSignature(
            function, arguments,
            which + " must be " + std::string(kWantedNames[static_cast<size_t>(wanted[i])]));
      }
      signature.arguments.push_back(std::move(type));
    }
    return signature;
  };
}

}  // namespace tidemill
