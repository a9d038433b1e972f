#include <string>
#include <utility>
#include <vector>

#include "base/nearest_name.h"
#include "sql/binder.h"
#include "sql/refused_functions.h"
#include "sql/source_text.h"

namespace tidemill {

arrow::Result<ExpressionPtr> Binder::BindColumn(const SyntaxNode& node) {
  const arrow::Schema* schema = place_ == Place::kResults ? scope_.results : scope_.rows;
  const std::string folded = FoldIdentifier(node.text);
  const bool is_feature_date = !node.quoted && folded == "feature_date";
  const int index = schema == nullptr ? -1 : FindColumn(*schema, node.text, node.quoted);
  if (is_feature_date && (index < 0 || schema->field(index)->name() != folded)) {
    return RunValue(node, Expression::Kind::kFeatureDate, "feature_date", arrow::date32());
  }
  if (index == -2) return AmbiguousColumn(node, *schema);
  if (index == -1) return UnknownColumn(node);
  const arrow::Field& field = *schema->field(index);
  return WithOffset(ColumnExpression(index, field.name(), field.type()), node.offset);
}

arrow::Result<ExpressionPtr> Binder::RunValue(const SyntaxNode& node, Expression::Kind kind,
                                              const std::string& name,
                                              std::shared_ptr<arrow::DataType> type) {
  if (place_ == Place::kAggregate) {
    return Error(node,
                 name +
                     " cannot stand inside an aggregate: a day's events are reduced "
                     "once, for all feature dates",
                 "the window of the feature says which days count");
  }
  if (!scope_.feature_date) {
    return Error(node, name + " is not known here: events do not belong to one feature date",
                 "use it in a feature");
  }
  auto value = std::make_shared<Expression>();
  value->kind = kind;
  value->name = name;
  value->type = std::move(type);
  value->offset = node.offset;
  value->key = name;
  return value;
}

arrow::Status Binder::AmbiguousColumn(const SyntaxNode& node, const arrow::Schema& schema) const {
  std::string candidates;
  std::string first;
  for (const auto& field : schema.fields()) {
    if (FoldIdentifier(field->name()) != FoldIdentifier(node.text)) continue;
    candidates += (candidates.empty() ? "" : ", ") + ("'" + field->name() + "'");
    if (first.empty()) first = field->name();
  }
  return Error(node, "'" + node.text + "' may be any of the columns " + candidates,
               "write one in double quotes, which match exactly: \"" + first + "\"");
}

arrow::Status Binder::UnknownColumn(const SyntaxNode& node) const {
  const bool is_outside = place_ == Place::kResults;
  const arrow::Schema* own = is_outside ? scope_.results : scope_.rows;
  const arrow::Schema* other = is_outside ? scope_.rows : scope_.results;
  const auto names = [](const arrow::Schema* schema) {
    return schema == nullptr ? std::vector<std::string>{} : schema->field_names();
  };
  if (other != nullptr && FindColumn(*other, node.text, node.quoted) != -1) {
    if (is_outside) {
      return Error(
          node, "the column '" + node.text + "' of the events has many values here",
          "put it inside an aggregate such as max(" + node.text + "), or make it an entity column");
    }
    if (place_ == Place::kAggregate) {
      return Error(node, "'" + node.text + "' is a feature, and an aggregate sees only events",
                   "compute it outside of the aggregate");
    }
  }
  std::string hint;
  if (auto nearest = NearestName(node.text, names(own))) {
    hint = "did you mean '" + *nearest + "'?";
  } else if (auto elsewhere = NearestName(node.text, names(other)); elsewhere && is_outside) {
    hint = "did you mean '" + *elsewhere + "', inside an aggregate?";
  } else if (node.quoted) {
    hint = "a text is written in single quotes: '" + node.text + "'";
  }
  return Error(node, "unknown column '" + node.text + "'", hint);
}

arrow::Status Binder::UnknownFunction(const SyntaxNode& node, const std::string& name) const {
  if (const RefusedFunction* refused = FindRefusedFunction(name)) {
    std::string hint = refused->hint;
    const arrow::Schema* schema = place_ == Place::kResults ? scope_.results : scope_.rows;
    if (!node.is_named_call && schema != nullptr && FindColumn(*schema, name, false) >= 0) {
      hint = "the column of that name is written in double quotes: \"" + name + "\"";
    }
    return Error(node, name + (node.is_named_call ? "()" : "") + refused->reason, hint);
  }
  std::vector<std::string> known = ScalarRegistry::Default().Names();
  known.push_back("run_timestamp");
  if (scope_.aggregates != nullptr) {
    const std::vector<std::string> aggregates = scope_.aggregates->Names();
    known.insert(known.end(), aggregates.begin(), aggregates.end());
  }
  const auto nearest = NearestName(name, known);
  return Error(node, "unknown function '" + name + "'",
               nearest ? "did you mean '" + *nearest + "'?" : "");
}

}  // namespace tidemill
