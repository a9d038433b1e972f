#include "pipeline/bound_pipeline.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/calendar.h"
#include "base/nearest_name.h"
#include "pipeline/bind_checks.h"
#include "pipeline/bind_joins.h"
#include "pipeline/bind_row_rules.h"
#include "sql/function_registry.h"

namespace tidemill {
namespace {

std::string LineOf(const Pipeline& pipeline, const SourcePosition& position) {
  const auto index = static_cast<size_t>(position.line - 1);
  return position.line > 0 && index < pipeline.file_lines.size() ? pipeline.file_lines[index] : "";
}

/// `root` over the aggregates of the pipeline in place of those of one expression. The same call
/// over another window is another value, so keys are made anew.
ExpressionPtr OverPipeline(const ExpressionPtr& root, const std::vector<int>& global) {
  return ReplaceLeaves(root, [&](const Expression& leaf) {
    auto copy = std::make_shared<Expression>(leaf);
    if (leaf.kind == Expression::Kind::kAggregate) {
      copy->column = global[static_cast<size_t>(leaf.column)];
      copy->key = "aggregate " + std::to_string(copy->column);
    }
    return copy;
  });
}

bool IsInstant(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::DATE32 ||
         type.id() == arrow::Type::DATE64;
}

class Binder {
 public:
  Binder(const Pipeline& pipeline, const std::shared_ptr<arrow::Schema>& source,
         const std::vector<std::shared_ptr<arrow::Schema>>& dimensions)
      : spec_(pipeline), registry_(AggregateRegistry::Default()), dimensions_(dimensions) {
    bound_.spec = pipeline;
    bound_.rows = source;
    bound_.num_source_columns = source->num_fields();
  }

  arrow::Result<BoundPipeline> Bind() {
    Collect(BindJoins(spec_, dimensions_, &bound_.rows, &bound_.joins));
    bound_.first_derived = bound_.rows->num_fields();
    BindDerivedColumns();
    BindSource();
    BindEntity();
    BindFeatures();
    BindPartitionColumns();
    BindClusterColumns();
    ARROW_RETURN_NOT_OK(Failure());
    Collect(BindRowRules(spec_, *bound_.rows).Value(&bound_.row_rules));
    Collect(BindChecks(spec_, spec_.input_checks, *bound_.rows).Value(&bound_.input_checks));
    Collect(BindChecks(spec_, spec_.output_checks, *bound_.output).Value(&bound_.output_checks));
    ARROW_RETURN_NOT_OK(Failure());
    return std::move(bound_);
  }

 private:
  void Collect(const arrow::Status& status) {
    if (status.ok()) return;
    for (const Diagnostic& diagnostic : DiagnosticsOf(status)) diagnostics_.push_back(diagnostic);
  }

  arrow::Status Failure() const {
    return diagnostics_.empty() ? arrow::Status::OK()
                                : MakeError(ErrorCode::kInvalid, diagnostics_);
  }

  void Fail(const LocatedText& at, std::string message, std::string hint = "") {
    diagnostics_.push_back(
        {std::move(message), std::move(hint), at.position, LineOf(spec_, at.position)});
  }

  arrow::Result<ParsedExpression> Parse(const LocatedText& text) const {
    return ParseExpression(text, LineOf(spec_, text.position));
  }

  arrow::Result<ExpressionPtr> BindRow(const LocatedText& text) const {
    ARROW_ASSIGN_OR_RAISE(ParsedExpression parsed, Parse(text));
    BindScope scope;
    scope.rows = bound_.rows.get();
    scope.aggregates = &registry_;
    scope.timezone = spec_.source.timezone;
    ARROW_ASSIGN_OR_RAISE(BoundExpression result, BindExpression(parsed, scope));
    return result.root;
  }

  int NamedColumn(const LocatedText& name, const char* role) {
    const int index = FindColumn(*bound_.rows, name.text, /*quoted=*/true);
    if (index >= 0) return index;
    auto nearest = NearestName(name.text, bound_.rows->field_names());
    Fail(name, std::string("unknown column '") + name.text + "' in " + role,
         nearest ? "did you mean '" + *nearest + "'?" : "");
    return -1;
  }

  void BindDerivedColumns() {
    for (const auto& [name, text] : spec_.source.columns) {
      auto expression = BindRow(text);
      if (!expression.ok()) {
        Collect(expression.status());
        continue;
      }
      if (bound_.rows->GetFieldIndex(name.text) >= 0) {
        const int other = bound_.rows->GetFieldIndex(name.text);
        Fail(name,
             std::string(other < bound_.num_source_columns ? "the source"
                         : other < bound_.first_derived    ? "a join"
                                                           : "source.columns") +
                 " already has a column '" + name.text + "'",
             "choose another name for the derived column");
        continue;
      }
      auto field = arrow::field(name.text, (*expression)->type);
      bound_.rows = bound_.rows->AddField(bound_.rows->num_fields(), field).ValueOrDie();
      bound_.derived.push_back({name.text, *expression});
    }
  }

  void BindSource() {
    if (spec_.source.event_time) {
      bound_.event_time = NamedColumn(*spec_.source.event_time, "event_time");
      if (bound_.event_time >= 0) {
        const auto& type = *bound_.rows->field(bound_.event_time)->type();
        if (!IsInstant(type)) {
          Fail(*spec_.source.event_time,
               "event_time must be a timestamp or a date, and '" + spec_.source.event_time->text +
                   "' is " + TypeName(type),
               "add a derived column that casts it: columns: {event_at: \"cast(" +
                   spec_.source.event_time->text + " as timestamp)\"}");
        }
      }
    }
    if (bound_.event_time >= 0) {
      RefuseJoined(*spec_.source.event_time, "event_time", {bound_.event_time});
    }
    if (spec_.grain == Grain::kHour && !spec_.source.event_time) {
      Fail(spec_.source.path, "grain: hour needs source.event_time to tell the hour of an event");
    }
    if (spec_.source.day) {
      Collect(BindDay(spec_, *bound_.rows).Value(&bound_.day));
      if (bound_.day != nullptr) {
        std::vector<int> columns;
        CollectColumns(bound_.day, &columns);
        RefuseJoined(*spec_.source.day, "the day of an event", columns);
      }
    } else if (!spec_.source.event_time) {
      Fail(spec_.source.path, "the source needs 'day' or 'event_time' to tell the day of an event");
    }
    if (spec_.source.where) {
      auto where = BindRow(*spec_.source.where);
      Collect(where.status());
      if (where.ok()) {
        bound_.where = *where;
        if (bound_.where->type->id() != arrow::Type::BOOL) {
          Fail(*spec_.source.where,
               "where must be a condition, and this is " + TypeName(*bound_.where->type));
        }
      }
    }
  }

  /// The day of an event decides what is looked up for it, so it is there before.
  void RefuseJoined(const LocatedText& at, const char* what, const std::vector<int>& columns) {
    const std::vector<bool> needed = ReadFor(bound_, columns);
    const auto end = needed.begin() + bound_.first_derived;
    if (std::find(needed.begin() + bound_.num_source_columns, end, true) == end) return;
    Fail(at, std::string(what) + " comes out of a joined dimension",
         "it must be a column of the source, or be computed from such columns");
  }

  void BindEntity() {
    arrow::FieldVector fields;
    for (const LocatedText& name : spec_.entity) {
      const int index = NamedColumn(name, "entity");
      if (index < 0) continue;
      auto kind = ArgumentKindOf(*bound_.rows->field(index)->type());
      if (!kind.ok()) {
        Fail(name,
             "an entity column cannot be of type " + TypeName(*bound_.rows->field(index)->type()));
        continue;
      }
      bound_.entity.push_back(index);
      fields.push_back(bound_.rows->field(index)->WithNullable(true));
    }
    bound_.results = arrow::schema(fields);
  }

  // ---- features

  struct Draft {
    const FeatureSpec* spec;
    ParsedExpression parsed;
    std::vector<size_t> needs;  ///< features mentioned outside aggregates
    int state = 0;              ///< 0 new, 1 being bound, 2 done
  };

  void BindFeatures() {
    std::map<std::string, size_t> by_name;
    for (const FeatureSpec& feature : spec_.features) {
      auto parsed = ParseWithDefault(feature);
      if (!parsed.ok()) {
        Collect(parsed.status());
        continue;
      }
      by_name[feature.name.text] = drafts_.size();
      drafts_.push_back({&feature, *std::move(parsed), {}, 0});
    }
    arrow::FieldVector names;
    for (const Draft& draft : drafts_) {
      names.push_back(arrow::field(draft.spec->name.text, arrow::null()));
    }
    const auto feature_names = arrow::schema(names);
    for (Draft& draft : drafts_) {
      for (const ColumnMention& mention : ColumnsOutsideAggregates(draft.parsed.root, registry_)) {
        const int index = FindColumn(*feature_names, mention.name, mention.quoted);
        if (index >= 0) draft.needs.push_back(static_cast<size_t>(index));
      }
    }
    for (size_t i = 0; i < drafts_.size(); ++i) BindFeature(i, {});
    if (!diagnostics_.empty()) return;
    if (bound_.windows.empty()) {
      if (!spec_.window) {
        Fail(spec_.features.front().name, "the pipeline needs a window");
        return;
      }
      bound_.windows.push_back(*spec_.window);
    }
    OrderOutput();
  }

  arrow::Result<ParsedExpression> ParseWithDefault(const FeatureSpec& feature) const {
    ARROW_ASSIGN_OR_RAISE(ParsedExpression parsed, Parse(feature.expr));
    if (feature.default_value) {
      ARROW_ASSIGN_OR_RAISE(ParsedExpression fallback, Parse(*feature.default_value));
      auto call = std::make_shared<SyntaxNode>();
      call->kind = SyntaxNode::Kind::kCall;
      call->text = "coalesce";
      call->children = {parsed.root, fallback.root};
      call->offset = parsed.root->offset;
      parsed.root = std::move(call);
    }
    return parsed;
  }

  void BindFeature(size_t index, std::vector<std::string> path) {
    Draft& draft = drafts_[index];
    const std::string& name = draft.spec->name.text;
    if (draft.state == 2) return;
    path.push_back(name);
    if (draft.state == 1) {
      std::string cycle;
      for (const std::string& step : path) cycle += (cycle.empty() ? "" : " -> ") + step;
      Fail(draft.spec->expr, "feature '" + name + "' depends on itself: " + cycle);
      return;
    }
    draft.state = 1;
    const size_t errors = diagnostics_.size();
    for (size_t needed : draft.needs) BindFeature(needed, path);
    draft.state = 2;
    if (diagnostics_.size() > errors) {  // its own errors would only repeat theirs
      failed_.insert(name);
      return;
    }
    for (size_t needed : draft.needs) {
      if (failed_.contains(drafts_[needed].spec->name.text)) {
        failed_.insert(name);
        return;
      }
    }
    if (auto status = AddFeature(draft); !status.ok()) {
      Collect(status);
      failed_.insert(name);
    }
  }

  arrow::Status AddFeature(const Draft& draft) {
    BindScope scope;
    scope.rows = bound_.rows.get();
    scope.results = bound_.results.get();
    scope.aggregates = &registry_;
    scope.feature_date = true;
    scope.timezone = spec_.source.timezone;
    ARROW_ASSIGN_OR_RAISE(BoundExpression bound, BindExpression(draft.parsed, scope));

    const bool is_volatile = UsesRunTimestamp(bound.root) || MentionsVolatile(bound.root);
    std::optional<WindowLength> window = draft.spec->window ? draft.spec->window : spec_.window;
    if (!window && !bound.aggregates.empty()) {
      return ExpressionError(draft.parsed, 0,
                             "feature '" + draft.spec->name.text + "' has no window",
                             "give the pipeline a 'window', or the feature one of its own");
    }
    int window_index = -1;
    if (window && (!bound.aggregates.empty() || !is_volatile)) window_index = WindowIndex(*window);

    BoundFeature feature;
    feature.name = draft.spec->name.text;
    feature.is_volatile = is_volatile;
    feature.definition = bound.root->key;
    if (!bound.aggregates.empty()) feature.definition += " over " + window->ToString();
    for (const BoundFeature& other : bound_.features) {
      if (Mentions(bound.root, other.name)) {
        feature.definition += " with " + other.name + " = (" + other.definition + ")";
      }
    }
    std::vector<int> global;
    for (const AggregateCall& call : bound.aggregates) {
      ARROW_ASSIGN_OR_RAISE(int at, AddAggregate(draft, call, window_index));
      global.push_back(at);
    }
    feature.expression = OverPipeline(bound.root, global);
    auto type = feature.expression->type;
    if (type->id() == arrow::Type::NA) {
      return ExpressionError(draft.parsed, 0, "feature '" + feature.name + "' is always NULL",
                             "cast it to a type: cast(null as bigint)");
    }
    ARROW_ASSIGN_OR_RAISE(
        bound_.results,
        bound_.results->AddField(bound_.results->num_fields(), arrow::field(feature.name, type)));
    bound_.features.push_back(std::move(feature));
    return arrow::Status::OK();
  }

  bool MentionsVolatile(const ExpressionPtr& root) const {
    return std::any_of(bound_.features.begin(), bound_.features.end(), [&](const BoundFeature& f) {
      return f.is_volatile && Mentions(root, f.name);
    });
  }

  bool Mentions(const ExpressionPtr& root, const std::string& feature) const {
    std::vector<int> columns;
    CollectColumns(root, &columns);
    const int index = bound_.results->GetFieldIndex(feature);
    return std::find(columns.begin(), columns.end(), index) != columns.end();
  }

  int WindowIndex(const WindowLength& window) {
    auto found = std::find(bound_.windows.begin(), bound_.windows.end(), window);
    if (found == bound_.windows.end()) {
      bound_.windows.push_back(window);
      found = bound_.windows.end() - 1;
    }
    return static_cast<int>(found - bound_.windows.begin());
  }

  arrow::Result<int> AddAggregate(const Draft& draft, AggregateCall call, int window) {
    std::vector<std::shared_ptr<arrow::DataType>> types;
    for (const ExpressionPtr& argument : call.arguments) types.push_back(argument->type);
    auto kernel = registry_.Resolve(call.function, call.star, types, call.constants);
    if (!kernel.ok()) {
      return ExpressionError(draft.parsed, call.offset, kernel.status().message());
    }
    if (kernel->needs_event_time) {
      if (bound_.event_time < 0) {
        return ExpressionError(draft.parsed, call.offset,
                               call.function + " orders by event_time, and the source has none",
                               "set source.event_time, or use min_by(x, y) or max_by(x, y)");
      }
      const auto& field = bound_.rows->field(bound_.event_time);
      call.arguments.push_back(ColumnExpression(bound_.event_time, field->name(), field->type()));
    }
    if (kernel->distinct_is_noop && call.distinct) {
      call.distinct = false;
      call.key = "all " + call.key;
    }
    for (size_t i = 0; i < bound_.aggregates.size(); ++i) {
      const WindowedAggregate& other = bound_.aggregates[i];
      if (other.call.key == call.key && other.window == window) return static_cast<int>(i);
    }
    bound_.aggregates.push_back({std::move(call), *std::move(kernel), window});
    return static_cast<int>(bound_.aggregates.size() - 1);
  }

  void OrderOutput() {
    arrow::FieldVector fields(
        bound_.results->fields().begin(),
        bound_.results->fields().begin() + static_cast<std::ptrdiff_t>(bound_.entity.size()));
    for (const FeatureSpec& spec : spec_.features) {
      for (size_t i = 0; i < bound_.features.size(); ++i) {
        if (bound_.features[i].name != spec.name.text) continue;
        bound_.output_order.push_back(static_cast<int>(i));
        fields.push_back(arrow::field(spec.name.text, bound_.features[i].expression->type));
      }
    }
    bound_.output = arrow::schema(fields);
  }

  void BindPartitionColumns() {
    if (bound_.output == nullptr) return;
    for (const PartitionTerm& term : spec_.output.partition_by) {
      if (term.kind != PartitionTerm::Kind::kColumn && term.kind != PartitionTerm::Kind::kBucket) {
        continue;
      }
      const int column = FindColumn(*bound_.output, term.column.text, /*quoted=*/true);
      if (column >= 0) {
        RefuseNested(term.column, column, "partition_by");
        continue;
      }
      auto nearest = NearestName(term.column.text, bound_.output->field_names());
      Fail(term.column,
           "partition_by names '" + term.column.text + "', which is neither entity nor feature",
           nearest ? "did you mean '" + *nearest + "'?" : "");
    }
  }

  /// Lists and maps have no order.
  void RefuseNested(const LocatedText& column, int index, const std::string& key) {
    const arrow::DataType& type = *bound_.output->field(index)->type();
    if (!arrow::is_nested(type.id())) return;
    Fail(column, key + " names '" + column.text + "', which is " + TypeName(type),
         "name a column of plain values; cardinality(x) is the length of a list");
  }

  void BindClusterColumns() {
    if (bound_.output == nullptr) return;
    for (const LocatedText& column : spec_.output.cluster_by.columns) {
      const int index = FindColumn(*bound_.output, column.text, /*quoted=*/true);
      if (index >= 0) RefuseNested(column, index, "cluster_by");
      if (index < 0) {
        auto nearest = NearestName(column.text, bound_.output->field_names());
        Fail(column, "cluster_by names '" + column.text + "', which is neither entity nor feature",
             nearest ? "did you mean '" + *nearest + "'?" : "");
      }
      for (const BoundFeature& feature : bound_.features) {
        if (feature.name != column.text || !feature.is_volatile) continue;
        Fail(column, "cluster_by names '" + column.text + "', which depends on when the run starts",
             "the same rows must come out in the same order; name another column");
      }
    }
  }

  const Pipeline& spec_;
  const AggregateRegistry& registry_;
  const std::vector<std::shared_ptr<arrow::Schema>>& dimensions_;
  BoundPipeline bound_;
  std::vector<Diagnostic> diagnostics_;
  std::vector<Draft> drafts_;
  std::set<std::string> failed_;
};

}  // namespace

arrow::Result<BoundPipeline> BindPipeline(
    const Pipeline& pipeline, const std::shared_ptr<arrow::Schema>& source,
    const std::vector<std::shared_ptr<arrow::Schema>>& dimensions) {
  return Binder(pipeline, source, dimensions).Bind();
}

arrow::Result<ExpressionPtr> BindDay(const Pipeline& pipeline, const arrow::Schema& columns) {
  const LocatedText& day = *pipeline.source.day;
  ExpressionPtr root;
  const int index = FindColumn(columns, day.text, /*quoted=*/true);
  const std::string line = LineOf(pipeline, day.position);
  ParsedExpression parsed{day, line, nullptr};
  if (index >= 0) {
    root = ColumnExpression(index, columns.field(index)->name(), columns.field(index)->type());
  } else {
    ARROW_ASSIGN_OR_RAISE(parsed, ParseExpression(day, line));
    BindScope scope;
    scope.rows = &columns;
    scope.aggregates = &AggregateRegistry::Default();
    scope.timezone = pipeline.source.timezone;
    ARROW_ASSIGN_OR_RAISE(BoundExpression bound, BindExpression(parsed, scope));
    root = bound.root;
  }
  if (!IsInstant(*root->type) && root->type->id() != arrow::Type::STRING) {
    return ExpressionError(parsed, 0, "day must be a date, and this is " + TypeName(*root->type),
                           "make_date(year, month, day) builds one from numbers");
  }
  return root;
}

std::string FeaturesUsing(const BoundPipeline& pipeline, int aggregate) {
  std::function<bool(const ExpressionPtr&)> uses = [&](const ExpressionPtr& root) {
    if (root->kind == Expression::Kind::kAggregate) return root->column == aggregate;
    return std::any_of(root->arguments.begin(), root->arguments.end(), uses);
  };
  std::string names;
  int count = 0;
  for (const BoundFeature& feature : pipeline.features) {
    if (!uses(feature.expression)) continue;
    names += std::string(count++ == 0 ? " '" : ", '") + feature.name + "'";
  }
  return (count == 1 ? "feature" : "features") + names;
}

std::vector<bool> ReadFor(const BoundPipeline& pipeline, const std::vector<int>& columns) {
  std::vector<bool> needed(static_cast<size_t>(pipeline.rows->num_fields()), false);
  for (int column : columns) needed[static_cast<size_t>(column)] = true;
  for (size_t i = pipeline.derived.size(); i-- > 0;) {
    if (!needed[static_cast<size_t>(pipeline.first_derived) + i]) continue;
    std::vector<int> reads;
    CollectColumns(pipeline.derived[i].expression, &reads);
    for (int read : reads) needed[static_cast<size_t>(read)] = true;
  }
  for (size_t j = pipeline.joins.size(); j-- > 0;) {
    if (!IsJoined(pipeline.joins[j], needed)) continue;
    for (int key : pipeline.joins[j].keys) needed[static_cast<size_t>(key)] = true;
  }
  return needed;
}

bool IsJoined(const BoundJoin& join, const std::vector<bool>& columns) {
  const auto begin = columns.begin() + join.first_column;
  return std::find(begin, begin + static_cast<std::ptrdiff_t>(join.columns.size()), true) !=
         begin + static_cast<std::ptrdiff_t>(join.columns.size());
}

}  // namespace tidemill
