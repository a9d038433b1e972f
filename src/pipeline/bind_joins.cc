#include "pipeline/bind_joins.h"

#include <optional>
#include <string>
#include <utility>

#include "base/nearest_name.h"
#include "sql/function_registry.h"
#include "storage/column_types.h"

namespace tidemill {
namespace {

/// The type that holds the values of both sides of a key; null if they cannot be compared.
std::shared_ptr<arrow::DataType> KeyType(const std::shared_ptr<arrow::DataType>& events,
                                         const std::shared_ptr<arrow::DataType>& dimension) {
  if (events->id() == arrow::Type::FIXED_SIZE_BINARY && events->Equals(*dimension)) {
    return arrow::binary();
  }
  if (!ArgumentKindOf(*events).ok() || !ArgumentKindOf(*dimension).ok()) return nullptr;
  if (events->Equals(*dimension)) return events;
  if (arrow::is_integer(events->id()) && arrow::is_integer(dimension->id())) {
    // A bigint has no more than half the values of an unsigned one; decimals have all of both.
    const auto widened = WidenedType(events, dimension);
    return widened != nullptr ? widened : arrow::decimal128(20, 0);
  }
  if (events->id() == arrow::Type::NA || dimension->id() == arrow::Type::NA) return nullptr;
  return WidenedType(events, dimension);
}

class JoinBinder {
 public:
  JoinBinder(const Pipeline& pipeline, std::shared_ptr<arrow::Schema>* rows)
      : pipeline_(pipeline), rows_(rows), num_source_columns_((*rows)->num_fields()) {}

  BoundJoin Bind(const JoinSpec& spec, const arrow::Schema& dimension) {
    BoundJoin join;
    join.is_inner = spec.is_inner;
    for (const JoinColumn& key : spec.key) BindKey(spec, key, dimension, &join);
    join.first_column = (*rows_)->num_fields();
    for (const JoinColumn& column : spec.columns) BindColumn(spec, column, dimension, &join);
    return join;
  }

  arrow::Status Failure() && {
    if (diagnostics_.empty()) return arrow::Status::OK();
    return MakeError(ErrorCode::kInvalid, std::move(diagnostics_));
  }

 private:
  void BindKey(const JoinSpec& spec, const JoinColumn& key, const arrow::Schema& dimension,
               BoundJoin* join) {
    const int mine = FindColumn(**rows_, key.name.text, /*quoted=*/true);
    const int theirs = FindColumn(dimension, key.column.text, /*quoted=*/true);
    if (mine < 0) FailUnknown(key.name, "the key of a join", **rows_);
    if (theirs < 0) FailUnknown(key.column, "the dimension " + spec.path.text, dimension);
    if (mine < 0 || theirs < 0) return;
    const auto& events_type = (*rows_)->field(mine)->type();
    const auto& dimension_type = dimension.field(theirs)->type();
    const auto type = KeyType(events_type, dimension_type);
    if (type == nullptr) {
      Fail(key.name,
           "the key '" + key.name.text + "' is " + TypeName(*events_type) + ", and '" +
               key.column.text + "' of the dimension is " + TypeName(*dimension_type) +
               ": they cannot be compared",
           "write the dimension with a key of the events' type");
      return;
    }
    join->keys.push_back(mine);
    join->dimension_keys.push_back(theirs);
    join->key_types.push_back(type);
  }

  void BindColumn(const JoinSpec& spec, const JoinColumn& column, const arrow::Schema& dimension,
                  BoundJoin* join) {
    const int theirs = FindColumn(dimension, column.column.text, /*quoted=*/true);
    if (theirs < 0) {
      FailUnknown(column.column, "the dimension " + spec.path.text, dimension);
      return;
    }
    if (const int taken = FindColumn(**rows_, column.name.text, /*quoted=*/true); taken >= 0) {
      const bool is_events = taken < num_source_columns_;
      Fail(column.name,
           std::string(is_events ? "the source" : "a join") + " already has a column '" +
               column.name.text + "'",
           "give the joined column another name: columns: {" + NewName(column.column.text) + ": " +
               column.column.text + "}");
      return;
    }
    const auto field =
        arrow::field(column.name.text, dimension.field(theirs)->type(), /*nullable=*/true);
    *rows_ = (*rows_)->AddField((*rows_)->num_fields(), field).ValueOrDie();
    join->columns.push_back(theirs);
  }

  std::string NewName(const std::string& column) const {
    std::string name = "joined_" + column;
    while ((*rows_)->GetFieldIndex(name) >= 0) name = "joined_" + name;
    return name;
  }

  void FailUnknown(const LocatedText& name, const std::string& where, const arrow::Schema& known) {
    const auto nearest = NearestName(name.text, known.field_names());
    Fail(name, "unknown column '" + name.text + "' in " + where,
         nearest ? "did you mean '" + *nearest + "'?" : "");
  }

  void Fail(const LocatedText& at, std::string message, std::string hint) {
    const auto index = static_cast<size_t>(at.position.line - 1);
    const bool is_in_file = at.position.line > 0 && index < pipeline_.file_lines.size();
    diagnostics_.push_back({std::move(message), std::move(hint), at.position,
                            is_in_file ? pipeline_.file_lines[index] : ""});
  }

  const Pipeline& pipeline_;
  std::shared_ptr<arrow::Schema>* rows_;
  int num_source_columns_;
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace

arrow::Status BindJoins(const Pipeline& pipeline,
                        const std::vector<std::shared_ptr<arrow::Schema>>& dimensions,
                        std::shared_ptr<arrow::Schema>* rows, std::vector<BoundJoin>* joins) {
  const std::vector<JoinSpec>& specs = pipeline.source.joins;
  if (dimensions.size() != specs.size()) {
    return MakeError(ErrorCode::kInvalid, "the schemas of the joined dimensions are not known");
  }
  JoinBinder binder(pipeline, rows);
  for (size_t j = 0; j < specs.size(); ++j) joins->push_back(binder.Bind(specs[j], *dimensions[j]));
  return std::move(binder).Failure();
}

}  // namespace tidemill
