#include "aggregate/argument_types.h"

#include <fmt/format.h>

#include "sql/function_registry.h"
#include "tidemill/error.h"

namespace tidemill {

bool IsFloatingArgument(const arrow::DataType& type) {
  return type.id() == arrow::Type::FLOAT || type.id() == arrow::Type::DOUBLE;
}

bool IsDecimalArgument(const arrow::DataType& type) {
  return type.id() == arrow::Type::DECIMAL128 &&
         static_cast<const arrow::Decimal128Type&>(type).scale() >= 0;
}

std::shared_ptr<arrow::DataType> NumberToDouble(const std::shared_ptr<arrow::DataType>& type) {
  return arrow::is_integer(type->id()) || IsDecimalArgument(*type) ? arrow::float64() : nullptr;
}

std::shared_ptr<arrow::DataType> ListOf(const std::shared_ptr<arrow::DataType>& type) {
  return arrow::list(arrow::field("element", type));
}

arrow::Status WrongArgument(const std::string& function, const arrow::DataType& type,
                            const std::string& must_be, const std::string& hint) {
  return MakeError(
      ErrorCode::kInvalid,
      fmt::format("{}({}): the argument must be {}", function, TypeName(type), must_be), hint);
}

arrow::Status NotANumber(const std::string& function, const arrow::DataType& type) {
  const std::string hint =
      type.id() == arrow::Type::BOOL
          ? "count(*) filter (where condition) counts the rows on which a condition holds"
          : "cast the argument: cast(x as double precision)";
  return WrongArgument(function, type, "a number", hint);
}

}  // namespace tidemill
