#include "pipeline/check_expansion.h"

#include <algorithm>
#include <utility>

namespace tidemill {
namespace {

SyntaxPtr Call(std::string name, std::vector<SyntaxPtr> children, int offset) {
  auto node = std::make_shared<SyntaxNode>();
  node->kind = SyntaxNode::Kind::kCall;
  node->text = std::move(name);
  node->children = std::move(children);
  node->offset = offset;
  return node;
}

SyntaxPtr Leaf(SyntaxNode::Kind kind, std::string text, int offset) {
  auto node = std::make_shared<SyntaxNode>();
  node->kind = kind;
  node->text = std::move(text);
  node->offset = offset;
  return node;
}

SyntaxPtr CountRows(int offset) {
  return Call("count", {Leaf(SyntaxNode::Kind::kStar, "*", offset)}, offset);
}

SyntaxPtr Filtered(const SyntaxPtr& aggregate, SyntaxPtr condition) {
  auto node = std::make_shared<SyntaxNode>(*aggregate);
  node->filter = std::move(condition);
  return node;
}

SyntaxPtr Distinct(const SyntaxPtr& aggregate) {
  auto node = std::make_shared<SyntaxNode>(*aggregate);
  node->distinct = true;
  return node;
}

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class Expander {
 public:
  Expander(const ParsedExpression& check, PreviousCalls* previous)
      : check_(check), previous_(previous) {}

  arrow::Result<SyntaxPtr> Expand(const SyntaxPtr& node) {
    if (node == nullptr) return node;
    if (node->kind == SyntaxNode::Kind::kColumn && !node->quoted &&
        LowerCase(node->text) == "row_count") {
      return CountRows(node->offset);
    }
    if (node->kind != SyntaxNode::Kind::kCall) return node;
    const std::string name = LowerCase(node->text);
    if (name == "previous") return ExpandPrevious(*node);

    auto copy = std::make_shared<SyntaxNode>(*node);
    for (SyntaxPtr& child : copy->children) {
      ARROW_ASSIGN_OR_RAISE(child, Expand(child));
    }
    const auto& x = copy->children;
    const int at = node->offset;
    if (name == "row_count") {
      ARROW_RETURN_NOT_OK(Expect(*copy, x.empty(), "row_count takes no arguments"));
      return CountRows(at);
    }
    if (name == "null_count") {
      ARROW_RETURN_NOT_OK(Expect(*copy, x.size() == 1, "null_count(x) takes one argument"));
      return NullCount(x[0], at);
    }
    if (name == "null_rate") {
      ARROW_RETURN_NOT_OK(Expect(*copy, x.size() == 1, "null_rate(x) takes one argument"));
      auto rate = Call("/", {NullCount(x[0], at), CountRows(at)}, at);
      return Call("coalesce", {rate, Leaf(SyntaxNode::Kind::kInteger, "0", at)}, at);
    }
    if (name == "contains") {
      ARROW_RETURN_NOT_OK(
          Expect(*copy, x.size() >= 2, "contains(x, v...) takes a column and at least one value"));
      std::vector<SyntaxPtr> found;
      for (size_t i = 1; i < x.size(); ++i) {
        auto matches = Filtered(CountRows(at), Call("=", {x[0], x[i]}, x[i]->offset));
        found.push_back(Call(">", {matches, Leaf(SyntaxNode::Kind::kInteger, "0", at)}, at));
      }
      return found.size() == 1 ? found[0] : Call("and", std::move(found), at);
    }
    if (name == "unique") {
      ARROW_RETURN_NOT_OK(Expect(*copy, !x.empty(), "unique(x...) takes at least one argument"));
      std::vector<SyntaxPtr> present;
      for (const SyntaxPtr& column : x) present.push_back(Call("is_not_null", {column}, at));
      auto condition = present.size() == 1 ? present[0] : Call("and", std::move(present), at);
      return Call("=", {Distinct(Call("count", x, at)), Filtered(CountRows(at), condition)}, at);
    }
    if (name == "every") {
      ARROW_RETURN_NOT_OK(Expect(*copy, x.size() == 1, "every(condition) takes one argument"));
      if (copy->filter == nullptr) {
        return Call("=", {Filtered(CountRows(at), x[0]), CountRows(at)}, at);
      }
      const auto both = Call("and", {copy->filter, x[0]}, at);
      return Call("=", {Filtered(CountRows(at), both), Filtered(CountRows(at), copy->filter)}, at);
    }
    return copy;
  }

 private:
  arrow::Status Expect(const SyntaxNode& node, bool holds, const char* message) const {
    return holds ? arrow::Status::OK() : ExpressionError(check_, node.offset, message);
  }

  static SyntaxPtr NullCount(const SyntaxPtr& x, int offset) {
    return Call("-", {CountRows(offset), Call("count", {x}, offset)}, offset);
  }

  arrow::Result<SyntaxPtr> ExpandPrevious(const SyntaxNode& node) {
    ARROW_RETURN_NOT_OK(
        Expect(node, node.children.size() == 1, "previous(expr) takes one expression"));
    ARROW_RETURN_NOT_OK(Expect(node, !inside_previous_, "previous cannot stand inside previous"));
    inside_previous_ = true;
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr inner, Expand(node.children[0]));
    inside_previous_ = false;
    previous_->push_back(std::move(inner));
    auto column = std::make_shared<SyntaxNode>();
    column->kind = SyntaxNode::Kind::kColumn;
    column->text = PreviousColumn(previous_->size() - 1);
    column->quoted = true;
    column->offset = node.offset;
    return column;
  }

  const ParsedExpression& check_;
  PreviousCalls* previous_;
  bool inside_previous_ = false;
};

}  // namespace

std::string PreviousColumn(size_t index) { return "previous " + std::to_string(index); }

arrow::Result<SyntaxPtr> ExpandCheck(const ParsedExpression& check, PreviousCalls* previous) {
  return Expander(check, previous).Expand(check.root);
}

const std::vector<CheckFunctionDoc>& CheckFunctions() {
  static const std::vector<CheckFunctionDoc> kFunctions = {
      {"row_count", "Number of rows of the frame."},
      {"null_count(x)", "Number of rows in which x is NULL."},
      {"null_rate(x)", "null_count(x) / row_count; 0 for an empty frame."},
      {"contains(x, v...)", "Whether every value v occurs in x at least once."},
      {"unique(x...)", "Whether no combination of non-NULL values occurs twice."},
      {"previous(expr)",
       "The same expression on the last published feature date; NULL if there is none."},
      {"every(condition)", "Whether the condition is TRUE in every row; so it is without rows."},
  };
  return kFunctions;
}

}  // namespace tidemill
