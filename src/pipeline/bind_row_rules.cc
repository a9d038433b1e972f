#include "pipeline/bind_row_rules.h"

#include <set>
#include <utility>

#include "aggregate/registry.h"
#include "sql/function_registry.h"
#include "sql/source_text.h"

namespace tidemill {
namespace {

class RuleBinder {
 public:
  RuleBinder(const Pipeline& pipeline, const arrow::Schema& rows)
      : pipeline_(pipeline), rows_(rows) {}

  arrow::Result<std::vector<BoundRowRule>> Bind() {
    for (const RowRuleSpec& spec : pipeline_.row_rules) {
      Collect(Add(spec, Parse(spec.rule)));
    }
    for (const CheckSpec& check : pipeline_.input_checks) {
      if (!check.quarantine) continue;
      RowRuleSpec spec{check.check, "", true, check.max_rate, check.severity};
      Collect(Add(spec, ConditionOf(check)));
    }
    if (!diagnostics_.empty()) return MakeError(ErrorCode::kInvalid, std::move(diagnostics_));
    return std::move(rules_);
  }

 private:
  void Collect(const arrow::Status& status) {
    if (status.ok()) return;
    for (const Diagnostic& diagnostic : DiagnosticsOf(status)) diagnostics_.push_back(diagnostic);
  }

  arrow::Result<ParsedExpression> Parse(const LocatedText& text) const {
    const auto line = static_cast<size_t>(text.position.line - 1);
    return ParseExpression(text,
                           line < pipeline_.file_lines.size() ? pipeline_.file_lines[line] : "");
  }

  /// What stands in every(...).
  arrow::Result<ParsedExpression> ConditionOf(const CheckSpec& check) const {
    ARROW_ASSIGN_OR_RAISE(ParsedExpression parsed, Parse(check.check));
    const SyntaxNode& root = *parsed.root;
    const bool is_every = root.kind == SyntaxNode::Kind::kCall &&
                          FoldIdentifier(root.text) == "every" && root.children.size() == 1 &&
                          root.filter == nullptr && !root.distinct;
    if (!is_every) {
      return ExpressionError(parsed, root.offset,
                             "quarantine takes rows out of the input, and this check is not about "
                             "single rows",
                             "write the check as every(condition), or the rule below checks.rows");
    }
    parsed.root = root.children[0];
    return parsed;
  }

  arrow::Status Add(const RowRuleSpec& spec, arrow::Result<ParsedExpression> parsed) {
    ARROW_RETURN_NOT_OK(parsed.status());
    BindScope scope;
    scope.rows = &rows_;
    scope.aggregates = &AggregateRegistry::Default();
    scope.timezone = pipeline_.source.timezone;
    ARROW_ASSIGN_OR_RAISE(BoundExpression bound, BindExpression(*parsed, scope));
    if (bound.root->type->id() != arrow::Type::BOOL) {
      return ExpressionError(
          *parsed, 0, "a row rule must be a condition, and this is " + TypeName(*bound.root->type),
          "compare it: " + spec.rule.text + " > 0");
    }
    BoundRowRule rule{spec.name.empty() ? spec.rule.text : spec.name, bound.root, spec.quarantine,
                      spec.max_rate, spec.severity};
    if (!names_.insert(rule.name).second) {
      return ExpressionError(*parsed, 0, "there is another row rule '" + rule.name + "'",
                             "give each rule a name of its own");
    }
    if (rule.quarantine) {
      for (const char* column : kQuarantineColumns) {
        if (rows_.GetFieldIndex(column) < 0) continue;
        return ExpressionError(*parsed, 0,
                               "rows cannot be quarantined: they have a column '" +
                                   std::string(column) + "', which quarantined rows get as well",
                               "leave quarantine out, or rename the column");
      }
    }
    rules_.push_back(std::move(rule));
    return arrow::Status::OK();
  }

  const Pipeline& pipeline_;
  const arrow::Schema& rows_;
  std::set<std::string> names_;
  std::vector<Diagnostic> diagnostics_;
  std::vector<BoundRowRule> rules_;
};

}  // namespace

arrow::Result<std::vector<BoundRowRule>> BindRowRules(const Pipeline& pipeline,
                                                      const arrow::Schema& rows) {
  return RuleBinder(pipeline, rows).Bind();
}

}  // namespace tidemill
