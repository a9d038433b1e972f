#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "sql/function_registry.h"
#include "sql/sql_fragment.h"
#include "sql/to_sql.h"

namespace tidemill {
namespace {

std::string DoubleText(double value, Dialect dialect) {
  if (std::isnan(value)) return "CAST('NaN' AS DOUBLE)";
  if (std::isinf(value))
    return value > 0 ? "CAST('Infinity' AS DOUBLE)" : "CAST('-Infinity' AS DOUBLE)";
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                       .ptr;
  std::string text(buffer.data(), end);
  // 1.5e+00 -> 1.5e0: shorter, and still a double and not a decimal.
  const size_t exponent = text.find('e');
  std::string digits = text.substr(exponent + 1);
  std::string sign = digits[0] == '-' ? "-" : "";
  digits.erase(0, 1);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  text = text.substr(0, exponent) + "e" + sign + digits;
  return dialect == Dialect::kSpark ? text + "D" : text;
}

std::string HexText(std::string_view bytes, std::string_view before_byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += before_byte;
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string TimestampText(const arrow::Scalar& value, const arrow::TimestampType& type,
                          Dialect dialect) {
  std::string text = value.ToString();
  if (text.ends_with('Z')) text.pop_back();
  if (!type.timezone().empty()) {
    // Arrow prints instants in UTC.
    return (dialect == Dialect::kDuckDb ? "TIMESTAMPTZ '" : "TIMESTAMP '") + text + "+00:00'";
  }
  if (dialect == Dialect::kSpark) return "TIMESTAMP_NTZ '" + text + "'";
  return (type.unit() == arrow::TimeUnit::NANO ? "TIMESTAMP_NS '" : "TIMESTAMP '") + text + "'";
}

}  // namespace

std::string QuoteName(std::string_view name, Dialect dialect) {
  const char quote = dialect == Dialect::kDuckDb ? '"' : '`';
  std::string quoted(1, quote);
  for (const char c : name) {
    if (c == quote) quoted += quote;
    quoted += c;
  }
  return quoted + quote;
}

std::string QuoteText(std::string_view text, Dialect dialect) {
  std::string quoted = "'";
  for (const char c : text) {
    if (dialect == Dialect::kDuckDb) {
      if (c == '\0') {  // ends the statement for its parser
        quoted += "' || chr(0) || '";
        continue;
      }
      if (c == '\'') quoted += '\'';
      quoted += c;
    } else {
      if (c == '\'' || c == '\\') quoted += '\\';
      quoted += c == '\0' ? std::string("\\0") : std::string(1, c);
    }
  }
  return quoted + "'";
}

arrow::Result<std::string> TypeToSql(const arrow::DataType& type, Dialect dialect) {
  const bool duckdb = dialect == Dialect::kDuckDb;
  switch (type.id()) {
    case arrow::Type::BOOL:
      return "BOOLEAN";
    case arrow::Type::INT8:
      return "TINYINT";
    case arrow::Type::INT16:
      return "SMALLINT";
    case arrow::Type::INT32:
      return "INTEGER";
    case arrow::Type::INT64:
      return "BIGINT";
    case arrow::Type::FLOAT:
      return duckdb ? "REAL" : "FLOAT";
    case arrow::Type::DOUBLE:
      return "DOUBLE";
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return duckdb ? "VARCHAR" : "STRING";
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
      return duckdb ? "BLOB" : "BINARY";
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return "DATE";
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      return "DECIMAL(" + std::to_string(decimal.precision()) + "," +
             std::to_string(decimal.scale()) + ")";
    }
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      if (!timestamp.timezone().empty()) return duckdb ? "TIMESTAMPTZ" : "TIMESTAMP";
      if (!duckdb) return "TIMESTAMP_NTZ";
      switch (timestamp.unit()) {
        case arrow::TimeUnit::SECOND:
          return "TIMESTAMP_S";
        case arrow::TimeUnit::MILLI:
          return "TIMESTAMP_MS";
        case arrow::TimeUnit::MICRO:
          return "TIMESTAMP";
        case arrow::TimeUnit::NANO:
          return "TIMESTAMP_NS";
      }
      break;
    }
    // Spark has no unsigned integers; it reads them as what holds them.
    case arrow::Type::UINT8:
      return duckdb ? "UTINYINT" : "SMALLINT";
    case arrow::Type::UINT16:
      return duckdb ? "USMALLINT" : "INTEGER";
    case arrow::Type::UINT32:
      return duckdb ? "UINTEGER" : "BIGINT";
    case arrow::Type::UINT64:
      return duckdb ? "UBIGINT" : "DECIMAL(20,0)";
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListType&>(type);
      ARROW_ASSIGN_OR_RAISE(const std::string element, TypeToSql(*list.value_type(), dialect));
      return duckdb ? element + "[]" : "ARRAY<" + element + ">";
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      ARROW_ASSIGN_OR_RAISE(const std::string key, TypeToSql(*map.key_type(), dialect));
      ARROW_ASSIGN_OR_RAISE(const std::string item, TypeToSql(*map.item_type(), dialect));
      return duckdb ? "MAP(" + key + ", " + item + ")" : "MAP<" + key + ", " + item + ">";
    }
    default:
      break;
  }
  return Unsayable("the type " + TypeName(type), dialect);
}

arrow::Result<std::string> LiteralToSql(const arrow::Scalar& value, Dialect dialect) {
  if (value.type->id() == arrow::Type::NA) return "NULL";
  if (!value.is_valid) {
    ARROW_ASSIGN_OR_RAISE(std::string type, TypeToSql(*value.type, dialect));
    return "CAST(NULL AS " + type + ")";
  }
  switch (value.type->id()) {
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanScalar&>(value).value ? "TRUE" : "FALSE";
    case arrow::Type::FLOAT:
      return "CAST(" + DoubleText(static_cast<const arrow::FloatScalar&>(value).value, dialect) +
             (dialect == Dialect::kDuckDb ? " AS REAL)" : " AS FLOAT)");
    case arrow::Type::DOUBLE:
      return DoubleText(static_cast<const arrow::DoubleScalar&>(value).value, dialect);
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return QuoteText(static_cast<const arrow::BaseBinaryScalar&>(value).view(), dialect);
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY: {
      const std::string_view bytes = static_cast<const arrow::BaseBinaryScalar&>(value).view();
      return dialect == Dialect::kDuckDb ? "CAST('" + HexText(bytes, "\\x") + "' AS BLOB)"
                                         : "X'" + HexText(bytes, "") + "'";
    }
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return "DATE '" + value.ToString() + "'";
    case arrow::Type::TIMESTAMP:
      return TimestampText(value, static_cast<const arrow::TimestampType&>(*value.type), dialect);
    case arrow::Type::DECIMAL128: {
      ARROW_ASSIGN_OR_RAISE(std::string type, TypeToSql(*value.type, dialect));
      return "CAST('" + value.ToString() + "' AS " + type + ")";
    }
    case arrow::Type::INT64:
      if (static_cast<const arrow::Int64Scalar&>(value).value == INT64_MIN) {
        return "CAST('-9223372036854775808' AS BIGINT)";
      }
      return value.ToString() + (dialect == Dialect::kSpark ? "L" : "");
    case arrow::Type::UINT64:
      return value.ToString() + (dialect == Dialect::kSpark ? "BD" : "");
    default:
      if (arrow::is_integer(value.type->id())) return value.ToString();
      return Unsayable("a constant of type " + TypeName(*value.type), dialect);
  }
}

}  // namespace tidemill
