#include "table/delta_schema.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "storage/column_types.h"
#include "storage/nested_columns.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kPhysicalName = "delta.columnMapping.physicalName";
constexpr const char* kFieldId = "delta.columnMapping.id";

struct DecimalSize {
  int precision = 0;
  int scale = 0;
};

std::optional<DecimalSize> ParseDecimal(const std::string& type) {
  DecimalSize size;
  if (std::sscanf(type.c_str(), "decimal(%d,%d)", &size.precision, &size.scale) != 2) {
    return std::nullopt;
  }
  return size;
}

std::string Folded(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

bool IsConstrained(const Json& metadata) {
  for (const char* key : {"delta.invariants", "delta.generationExpression", "delta.identity.start",
                          "delta.identity.step"}) {
    if (metadata.contains(key)) return true;
  }
  return false;
}

/// Lists and maps are objects in the schema; here they go as their JSON, in one form.
Json ArrayJson(const Json& element) {
  return {{"type", "array"}, {"elementType", element}, {"containsNull", true}};
}
Json MapJson(const Json& key, const Json& value) {
  return {{"type", "map"}, {"keyType", key}, {"valueType", value}, {"valueContainsNull", true}};
}

/// A type as DeltaField has it: "" for one that is nested more deeply.
std::string TypeText(const Json& type) {
  if (type.is_string()) return type.get<std::string>();
  const auto is_plain = [&](const char* part) {
    return type.contains(part) && type.at(part).is_string();
  };
  const std::string kind = type.value("type", "");
  if (kind == "array" && is_plain("elementType")) return ArrayJson(type.at("elementType")).dump();
  if (kind == "map" && is_plain("keyType") && is_plain("valueType")) {
    return MapJson(type.at("keyType"), type.at("valueType")).dump();
  }
  return "";
}

bool IsNestedText(const std::string& type) { return type.starts_with('{'); }

Json TypeJson(const std::string& type) {
  return IsNestedText(type) ? Json::parse(type) : Json(type);
}

/// "array<string>" for people.
std::string ShownType(const std::string& type) {
  if (!IsNestedText(type)) return type.empty() ? "nested" : type;
  const Json json = Json::parse(type);
  if (json.at("type") == "array") {
    return "array<" + json.at("elementType").get<std::string>() + ">";
  }
  return "map<" + json.at("keyType").get<std::string>() + ", " +
         json.at("valueType").get<std::string>() + ">";
}

DeltaField FieldFrom(const Json& json) {
  DeltaField field;
  field.name = json.at("name");
  field.physical_name = field.name;
  field.type = TypeText(json.at("type"));
  field.nullable = json.value("nullable", true);
  const auto metadata = json.find("metadata");
  if (metadata == json.end() || !metadata->is_object()) return field;
  if (metadata->contains(kPhysicalName)) field.physical_name = metadata->at(kPhysicalName);
  if (metadata->contains(kFieldId)) field.field_id = metadata->at(kFieldId);
  field.is_constrained = IsConstrained(*metadata);
  return field;
}

/// Rank in a chain of types of which each holds all values of those before it; -1: in none.
int IntegerRank(const std::string& type) {
  constexpr std::array<std::string_view, 4> kIntegers = {"byte", "short", "integer", "long"};
  for (size_t i = 0; i < kIntegers.size(); ++i) {
    if (kIntegers[i] == type) return static_cast<int>(i);
  }
  return -1;
}

/// Whether `wide` holds all values of `narrow` in a way that Delta's type widening allows.
bool Widens(const std::string& narrow, const std::string& wide) {
  const int from = IntegerRank(narrow);
  const int to = IntegerRank(wide);
  if (from >= 0 && to > from) return true;
  if (wide == "double") return narrow == "float" || (from >= 0 && narrow != "long");
  const auto wide_decimal = ParseDecimal(wide);
  if (!wide_decimal) return false;
  const int whole_digits = wide_decimal->precision - wide_decimal->scale;
  if (const auto narrow_decimal = ParseDecimal(narrow)) {
    return wide_decimal->scale >= narrow_decimal->scale &&
           whole_digits >= narrow_decimal->precision - narrow_decimal->scale;
  }
  return from >= 0 && whole_digits >= (narrow == "long" ? 20 : 10);
}

Json FieldJson(const std::string& name, const std::string& type) {
  return {
      {"name", name}, {"type", TypeJson(type)}, {"nullable", true}, {"metadata", Json::object()}};
}

}  // namespace

arrow::Result<std::vector<DeltaField>> ParseDeltaSchema(const std::string& schema_string) {
  try {
    std::vector<DeltaField> fields;
    const Json schema = Json::parse(schema_string);
    for (const Json& field : schema.at("fields")) {
      fields.push_back(FieldFrom(field));
    }
    return fields;
  } catch (const Json::exception& error) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("the schema in the Delta log is damaged: {}", error.what()));
  }
}

bool HasLocalTime(const std::string& delta_type) {
  return delta_type.find("timestamp_ntz") != std::string::npos;
}

std::shared_ptr<arrow::DataType> ArrowTypeOf(const std::string& delta_type) {
  if (delta_type == "string") return arrow::utf8();
  if (delta_type == "long") return arrow::int64();
  if (delta_type == "integer") return arrow::int32();
  if (delta_type == "short") return arrow::int16();
  if (delta_type == "byte") return arrow::int8();
  if (delta_type == "float") return arrow::float32();
  if (delta_type == "double") return arrow::float64();
  if (delta_type == "boolean") return arrow::boolean();
  if (delta_type == "binary") return arrow::binary();
  if (delta_type == "date") return arrow::date32();
  if (delta_type == "timestamp") return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  if (delta_type == "timestamp_ntz") return arrow::timestamp(arrow::TimeUnit::MICRO);
  if (IsNestedText(delta_type)) {
    const Json json = Json::parse(delta_type);
    const auto part = [&](const char* name) {
      return ArrowTypeOf(json.at(name).get<std::string>());
    };
    if (json.at("type") == "array") {
      const auto element = part("elementType");
      return element == nullptr ? nullptr : arrow::list(arrow::field("element", element));
    }
    const auto key = part("keyType");
    const auto value = part("valueType");
    return key == nullptr || value == nullptr ? nullptr : arrow::map(key, value);
  }
  const auto decimal = ParseDecimal(delta_type);
  if (!decimal || decimal->precision < 1 || decimal->precision > 38) return nullptr;
  return arrow::decimal128(decimal->precision, decimal->scale);
}

arrow::Result<std::string> DeltaTypeOf(const arrow::Field& field) {
  const std::shared_ptr<arrow::DataType> type = PlainType(field.type());
  switch (type->id()) {
    case arrow::Type::STRING:
      return "string";
    case arrow::Type::INT64:
    case arrow::Type::UINT32:
      return "long";
    case arrow::Type::INT32:
    case arrow::Type::UINT16:
      return "integer";
    case arrow::Type::INT16:
    case arrow::Type::UINT8:
      return "short";
    case arrow::Type::INT8:
      return "byte";
    case arrow::Type::UINT64:
      return "decimal(20,0)";
    case arrow::Type::FLOAT:
      return "float";
    case arrow::Type::DOUBLE:
      return "double";
    case arrow::Type::BOOL:
      return "boolean";
    case arrow::Type::BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
      return "binary";
    case arrow::Type::DATE32:
      return "date";
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(*type).timezone().empty() ? "timestamp_ntz"
                                                                                : "timestamp";
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(*type);
      return fmt::format("decimal({},{})", decimal.precision(), decimal.scale());
    }
    case arrow::Type::LIST:
    case arrow::Type::MAP: {
      std::vector<std::string> elements;
      for (const auto& element : ElementFields(*type)) {
        ARROW_ASSIGN_OR_RAISE(elements.emplace_back(),
                              DeltaTypeOf(*arrow::field(field.name(), element->type())));
      }
      if (type->id() == arrow::Type::LIST) return ArrayJson(elements[0]).dump();
      return MapJson(elements[0], elements[1]).dump();
    }
    default:
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("column '{}' of type {} cannot be held by a Delta table",
                                   field.name(), type->ToString()),
                       "cast it to a type that Delta has, such as text, bigint or timestamp");
  }
}

arrow::Result<std::shared_ptr<arrow::Scalar>> ParsePartitionValue(
    const std::optional<std::string>& text, const std::shared_ptr<arrow::DataType>& type) {
  if (!text.has_value() || text->empty()) return arrow::MakeNullScalar(type);
  std::string value = *text;
  if (type->id() == arrow::Type::TIMESTAMP && value.ends_with('Z')) value.pop_back();
  ARROW_ASSIGN_OR_RAISE(const auto array,
                        arrow::MakeArrayFromScalar(arrow::StringScalar(value), 1));
  // The log writes instants in UTC, without saying so.
  const auto parsed_as =
      type->id() == arrow::Type::TIMESTAMP ? arrow::timestamp(arrow::TimeUnit::MICRO) : type;
  auto cast = arrow::compute::Cast(*array, parsed_as);
  if (!cast.ok()) {
    return MakeError(
        ErrorCode::kRunFailed,
        fmt::format("partition value '{}' of the Delta log is no {}", *text, type->ToString()));
  }
  auto data = (*cast)->data()->Copy();
  data->type = type;
  return arrow::MakeArray(std::move(data))->GetScalar(0);
}

EvolvedSchema NewDeltaSchema(const std::vector<std::pair<std::string, std::string>>& columns) {
  EvolvedSchema evolved;
  Json fields = Json::array();
  for (const auto& [name, type] : columns) {
    fields.push_back(FieldJson(name, type));
    evolved.types.push_back(type);
  }
  evolved.schema_string = Json({{"type", "struct"}, {"fields", std::move(fields)}}).dump();
  return evolved;
}

arrow::Result<EvolvedSchema> EvolveDeltaSchema(
    const std::string& schema_string,
    const std::vector<std::pair<std::string, std::string>>& columns) {
  EvolvedSchema evolved;
  std::string differences;
  try {
    Json schema = Json::parse(schema_string);
    Json& fields = schema.at("fields");
    for (const auto& [name, type] : columns) {
      Json* field = nullptr;
      for (Json& candidate : fields) {
        if (Folded(candidate.at("name")) == Folded(name)) field = &candidate;
      }
      if (field == nullptr) {
        fields.push_back(FieldJson(name, type));
        evolved.added.push_back(name);
        evolved.types.push_back(type);
        continue;
      }
      const auto there = field->at("name").get<std::string>();
      const std::string held = TypeText(field->at("type"));
      if (there != name) {
        differences += fmt::format("; '{}' is '{}' in the table", name, there);
      } else if (held == type || Widens(type, held)) {
        evolved.types.push_back(held);
      } else if (Widens(held, type)) {
        Json& metadata = (*field)["metadata"];
        if (!metadata.is_object()) metadata = Json::object();
        metadata["delta.typeChanges"].push_back({{"fromType", held}, {"toType", type}});
        (*field)["type"] = type;
        evolved.widened.push_back(name);
        evolved.types.push_back(type);
      } else {
        differences += fmt::format("; '{}' is {} and the table has {}", name, ShownType(type),
                                   ShownType(held));
      }
    }
    evolved.schema_string = schema.dump();
  } catch (const Json::exception& error) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("the schema in the Delta log is damaged: {}", error.what()));
  }
  if (!differences.empty()) {
    return MakeError(ErrorCode::kRunFailed,
                     "the features do not fit the Delta table's columns: " + differences.substr(2),
                     "cast the features to the table's types, rename them, or write to another "
                     "path");
  }
  return evolved;
}

}  // namespace tidemill
