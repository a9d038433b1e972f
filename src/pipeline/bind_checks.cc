#include "pipeline/bind_checks.h"

#include <array>
#include <utility>

#include "pipeline/check_expansion.h"
#include "sql/function_registry.h"

namespace tidemill {
namespace {

/// The aggregate registry, and count(distinct a, b), which only checks have (through unique).
class CheckCatalog : public AggregateCatalog {
 public:
  bool Has(const std::string& name) const override { return registry_.Has(name); }
  std::vector<std::string> Names() const override {
    std::vector<std::string> names = registry_.Names();
    for (const CheckFunctionDoc& doc : CheckFunctions()) {
      const std::string signature = doc.signature;
      names.push_back(signature.substr(0, signature.find('(')));
    }
    return names;
  }
  arrow::Result<std::shared_ptr<arrow::DataType>> ResultType(
      const std::string& name, bool distinct, bool star,
      const std::vector<std::shared_ptr<arrow::DataType>>& arguments,
      const Constants& constants) const override {
    if (name == "count" && distinct && arguments.size() > 1) return arrow::int64();
    return registry_.ResultType(name, distinct, star, arguments, constants);
  }
  int NumColumns(const std::string& name) const override { return registry_.NumColumns(name); }
  std::shared_ptr<arrow::DataType> ArgumentType(
      const std::string& name, const std::shared_ptr<arrow::DataType>& type) const override {
    return registry_.ArgumentType(name, type);
  }

 private:
  const AggregateRegistry& registry_ = AggregateRegistry::Default();
};

/// `root` over the metrics and previous values of the whole frame in place of those of one check.
ExpressionPtr OverFrame(const ExpressionPtr& root, const std::vector<int>& metrics,
                        const std::vector<int>& previous) {
  return ReplaceLeaves(root, [&](const Expression& leaf) {
    auto copy = std::make_shared<Expression>(leaf);
    const bool is_metric = leaf.kind == Expression::Kind::kAggregate;
    copy->column = (is_metric ? metrics : previous)[static_cast<size_t>(leaf.column)];
    copy->key = (is_metric ? "metric " : "previous ") + std::to_string(copy->column);
    return copy;
  });
}

/// The left side of a comparison: what a reader wants to know when the check fails.
ExpressionPtr Measured(const ExpressionPtr& condition) {
  static constexpr std::array kComparisons = {"=", "<>", "<", "<=", ">", ">="};
  ExpressionPtr root = condition;
  if (root->kind == Expression::Kind::kCall && root->name == "and") root = root->arguments[0];
  if (root->kind != Expression::Kind::kCall) return nullptr;
  for (const char* comparison : kComparisons) {
    if (root->name == comparison) return root->arguments[0];
  }
  return nullptr;
}

class CheckBinder {
 public:
  CheckBinder(const Pipeline& pipeline, const arrow::Schema& frame)
      : pipeline_(pipeline), frame_(frame) {}

  arrow::Status Add(const CheckSpec& spec) {
    const auto line = static_cast<size_t>(spec.check.position.line - 1);
    ARROW_ASSIGN_OR_RAISE(
        ParsedExpression parsed,
        ParseExpression(spec.check,
                        line < pipeline_.file_lines.size() ? pipeline_.file_lines[line] : ""));
    PreviousCalls calls;
    ARROW_ASSIGN_OR_RAISE(parsed.root, ExpandCheck(parsed, &calls));

    std::vector<int> previous;
    arrow::FieldVector fields;
    for (size_t i = 0; i < calls.size(); ++i) {
      ParsedExpression inner{parsed.source, parsed.source_line, calls[i]};
      ARROW_ASSIGN_OR_RAISE(BoundExpression bound, Bind(inner, arrow::Schema({})));
      fields.push_back(arrow::field(PreviousColumn(i), bound.root->type));
      previous.push_back(AddPrevious(bound));
    }
    ARROW_ASSIGN_OR_RAISE(BoundExpression bound, Bind(parsed, arrow::Schema(fields)));
    if (bound.root->type->id() != arrow::Type::BOOL) {
      return ExpressionError(
          parsed, 0, "a check must be a condition, and this is " + TypeName(*bound.root->type),
          "compare it: " + spec.check.text + " > 0");
    }
    BoundCheck check;
    check.text = spec.check.text;
    check.source_text = spec.check.position.file + ":" + std::to_string(spec.check.position.line);
    check.severity = spec.severity;
    check.condition = OverFrame(bound.root, AddMetrics(bound), previous);
    check.measured = Measured(check.condition);
    result_.checks.push_back(std::move(check));
    return arrow::Status::OK();
  }

  arrow::Result<FrameChecks> Finish() {
    for (AggregateCall& metric : result_.metrics) {
      std::vector<std::shared_ptr<arrow::DataType>> types;
      for (const ExpressionPtr& argument : metric.arguments) types.push_back(argument->type);
      if (metric.distinct && types.size() > 1) types.resize(1);
      ARROW_ASSIGN_OR_RAISE(AggregateKernel kernel,
                            AggregateRegistry::Default().Resolve(metric.function, metric.star,
                                                                 types, metric.constants));
      if (kernel.distinct_is_noop) metric.distinct = false;
      result_.kernels.push_back(std::move(kernel));
    }
    return std::move(result_);
  }

 private:
  arrow::Result<BoundExpression> Bind(const ParsedExpression& parsed,
                                      const arrow::Schema& results) {
    BindScope scope;
    scope.rows = &frame_;
    scope.results = &results;
    scope.aggregates = &catalog_;
    scope.timezone = pipeline_.source.timezone;
    ARROW_ASSIGN_OR_RAISE(BoundExpression bound, BindExpression(parsed, scope));
    for (const AggregateCall& call : bound.aggregates) {
      if (call.function == "first" || call.function == "last" || call.function == "collect_list") {
        return ExpressionError(parsed, call.offset, call.function + " cannot stand in a check",
                               "use min, max, min_by or max_by");
      }
    }
    return bound;
  }

  std::vector<int> AddMetrics(const BoundExpression& bound) {
    std::vector<int> indices;
    for (const AggregateCall& call : bound.aggregates) {
      size_t i = 0;
      while (i < result_.metrics.size() && result_.metrics[i].key != call.key) ++i;
      if (i == result_.metrics.size()) result_.metrics.push_back(call);
      indices.push_back(static_cast<int>(i));
    }
    return indices;
  }

  int AddPrevious(const BoundExpression& bound) {
    for (size_t i = 0; i < result_.previous.size(); ++i) {
      if (result_.previous[i].text == bound.root->key) return static_cast<int>(i);
    }
    result_.previous.push_back({bound.root->key, OverFrame(bound.root, AddMetrics(bound), {})});
    return static_cast<int>(result_.previous.size() - 1);
  }

  const Pipeline& pipeline_;
  const arrow::Schema& frame_;
  CheckCatalog catalog_;
  FrameChecks result_;
};

}  // namespace

arrow::Result<FrameChecks> BindChecks(const Pipeline& pipeline, const std::vector<CheckSpec>& specs,
                                      const arrow::Schema& frame) {
  CheckBinder binder(pipeline, frame);
  std::vector<Diagnostic> diagnostics;
  for (const CheckSpec& spec : specs) {
    if (spec.quarantine) continue;
    if (auto status = binder.Add(spec); !status.ok()) {
      for (const Diagnostic& diagnostic : DiagnosticsOf(status)) diagnostics.push_back(diagnostic);
    }
  }
  if (!diagnostics.empty()) return MakeError(ErrorCode::kInvalid, std::move(diagnostics));
  return binder.Finish();
}

}  // namespace tidemill
