#pragma once

/// Schemas of Delta tables and the types of their columns
/// (Delta Transaction Log Protocol, "Schema Serialization Format").

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

namespace tidemill {

/// A top-level column.
struct DeltaField {
  std::string name;
  std::string physical_name;  ///< in files and in the log; `name` without column mapping
  int field_id = -1;          ///< of column mapping; -1: none
  std::string type;  ///< "long", "decimal(10,2)", the JSON of a list or map of such; empty:
                     ///< nested more deeply
  bool nullable = true;
  bool is_constrained = false;  ///< it is generated, an identity or has an invariant
};

arrow::Result<std::vector<DeltaField>> ParseDeltaSchema(const std::string& schema_string);

/// The type that rows have here; null for types that are not read (nested, variant, ...).
std::shared_ptr<arrow::DataType> ArrowTypeOf(const std::string& delta_type);

/// Whether a Delta type holds timestamps without a zone, itself or in its elements: tables that
/// have one need the feature timestampNtz.
bool HasLocalTime(const std::string& delta_type);

/// The Delta type that holds a column. An error (kInvalid) names the column.
arrow::Result<std::string> DeltaTypeOf(const arrow::Field& field);

/// A partition value, as the log writes it, as a scalar of the type; "" and null are NULL.
arrow::Result<std::shared_ptr<arrow::Scalar>> ParsePartitionValue(
    const std::optional<std::string>& text, const std::shared_ptr<arrow::DataType>& type);

/// A schema that takes rows in.
struct EvolvedSchema {
  std::string schema_string;
  std::vector<std::string> added;    ///< columns
  std::vector<std::string> widened;  ///< columns, whose files keep their narrower type
  /// For each wanted column the type in which its rows are written.
  std::vector<std::string> types;

  bool is_changed() const { return !added.empty() || !widened.empty(); }
};

/// The schema of a new table. `columns` are names and Delta types.
EvolvedSchema NewDeltaSchema(const std::vector<std::pair<std::string, std::string>>& columns);

/// Extends a table's schema by what `columns` bring: new ones are added as nullable, types are
/// widened, and columns that the table has and `columns` lack stay (NULL in new rows). An error
/// (kRunFailed) lists all other differences, column by column.
arrow::Result<EvolvedSchema> EvolveDeltaSchema(
    const std::string& schema_string,
    const std::vector<std::pair<std::string, std::string>>& columns);

}  // namespace tidemill
