#include "sql/cast_target.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/nearest_name.h"

namespace tidemill {
namespace {

const std::map<std::string, std::string, std::less<>>& Aliases() {
  static const std::map<std::string, std::string, std::less<>> kAliases = {
      {"bool", "boolean"},
      {"boolean", "boolean"},
      {"int2", "smallint"},
      {"smallint", "smallint"},
      {"int4", "integer"},
      {"int", "integer"},
      {"integer", "integer"},
      {"int8", "bigint"},
      {"bigint", "bigint"},
      {"float4", "real"},
      {"real", "real"},
      {"float8", "double"},
      {"float", "double"},
      {"double", "double"},
      {"numeric", "decimal"},
      {"decimal", "decimal"},
      {"dec", "decimal"},
      {"text", "text"},
      {"varchar", "text"},
      {"string", "text"},
      {"date", "date"},
      {"timestamp", "timestamp"},
      {"timestamptz", "timestamptz"},
      {"bytea", "bytea"},
  };
  return kAliases;
}

constexpr int64_t kMaxPrecision = 38;

arrow::Result<std::string> DecimalName(const std::vector<int64_t>& modifiers, std::string* hint) {
  if (modifiers.empty()) {
    *hint = "write how many digits there are, and how many of them after the point: decimal(18, 2)";
    return arrow::Status::Invalid("the type decimal needs a precision and a scale");
  }
  const int64_t precision = modifiers[0];
  const int64_t scale = modifiers.size() > 1 ? modifiers[1] : 0;
  if (modifiers.size() > 2 || precision < 1 || precision > kMaxPrecision || scale < 0 ||
      scale > precision) {
    *hint = "decimal(p, s) needs 1 <= p <= 38 and 0 <= s <= p";
    return arrow::Status::Invalid("there is no such decimal type");
  }
  return "decimal(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
}

}  // namespace

arrow::Result<std::string> CanonicalTypeName(std::string_view name,
                                             const std::vector<int64_t>& modifiers,
                                             std::string* hint) {
  const auto found = Aliases().find(name);
  if (found == Aliases().end()) {
    std::vector<std::string> known;
    for (const auto& [alias, canonical] : Aliases()) known.push_back(alias);
    const auto nearest = NearestName(name, known);
    *hint = nearest ? "did you mean '" + *nearest + "'?"
                    : "the types are boolean, smallint, integer, bigint, real, double precision, "
                      "decimal(p, s), text, date, timestamp, timestamptz and bytea";
    return arrow::Status::Invalid("unknown type '", name, "'");
  }
  const std::string& canonical = found->second;
  if (canonical == "decimal") return DecimalName(modifiers, hint);
  const bool is_micros =
      canonical.starts_with("timestamp") && modifiers.size() == 1 && modifiers[0] == 6;
  if (!modifiers.empty() && !is_micros) {
    *hint = canonical == "text" ? "use text, and left(x, n) to shorten it" : "leave it out";
    return arrow::Status::Invalid("the type ", name, " takes no number in parentheses");
  }
  return canonical;
}

std::shared_ptr<arrow::DataType> TypeOfCanonicalName(std::string_view name,
                                                     const std::string& timezone) {
  if (name == "boolean") return arrow::boolean();
  if (name == "smallint") return arrow::int16();
  if (name == "integer") return arrow::int32();
  if (name == "bigint") return arrow::int64();
  if (name == "real") return arrow::float32();
  if (name == "double") return arrow::float64();
  if (name == "text") return arrow::utf8();
  if (name == "date") return arrow::date32();
  if (name == "timestamp") return arrow::timestamp(arrow::TimeUnit::MICRO);
  if (name == "timestamptz") return arrow::timestamp(arrow::TimeUnit::MICRO, timezone);
  if (name == "bytea") return arrow::binary();
  constexpr std::string_view kDecimal = "decimal(";
  if (!name.starts_with(kDecimal)) return nullptr;
  int precision = 0;
  int scale = 0;
  const char* end = name.data() + name.size();
  auto parsed = std::from_chars(name.data() + kDecimal.size(), end, precision);
  if (parsed.ec != std::errc() || parsed.ptr == end) return nullptr;
  parsed = std::from_chars(parsed.ptr + 1, end, scale);
  if (parsed.ec != std::errc()) return nullptr;
  return arrow::decimal128(precision, scale);
}

}  // namespace tidemill
