#include "sql/syntax_builder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "sql/cast_target.h"
#include "sql/refused_syntax.h"
#include "sql/source_text.h"

// libpg_query prints a node as {"TypeOfNode": {fields}}, leaves out fields that are zero, empty or
// absent, and gives the place of most nodes as `location`, a byte offset into the statement. A few
// nodes (typed literals) have the location -1; theirs is taken from a part. Beware: it leaves out
// negative integers as well as zero, so that -5 comes as an integer without a value; those are read
// from the text.
//
// Operators and special forms become calls under the names by which the function registry knows
// them, so that whatever comes after has only one kind of computation. What can be said by other
// forms is said so here: BETWEEN by two comparisons that share their operand, a CASE with an
// operand by equalities, NOT IN by NOT and IN.

namespace tidemill {
namespace {

using nlohmann::json;
using Kind = SyntaxNode::Kind;

constexpr int kMaxDepth = 200;

/// Binary operators by PostgreSQL's name -> the registry's.
const std::map<std::string, const char*, std::less<>>& BinaryOperators() {
  static const std::map<std::string, const char*, std::less<>> kOperators = {
      {"+", "+"},     {"-", "-"},
      {"*", "*"},     {"/", "/"},
      {"%", "%"},     {"=", "="},
      {"<>", "<>"},   {"<", "<"},
      {"<=", "<="},   {">", ">"},
      {">=", ">="},   {"||", "||"},
      {"^", "power"}, {"~", "regexp_matches"},
  };
  return kOperators;
}

/// Forms that are written with keywords inside, by PostgreSQL's name of the function -> the
/// registry's.
const std::map<std::string, const char*, std::less<>>& KeywordForms() {
  static const std::map<std::string, const char*, std::less<>> kForms = {
      {"extract", "extract"}, {"substring", "substring"}, {"btrim", "trim"},
      {"ltrim", "ltrim"},     {"rtrim", "rtrim"},         {"position", "position"},
  };
  return kForms;
}

constexpr std::array<std::pair<int64_t, const char*>, 6> kIntervalFields = {{
    {1 << 1, "month"},
    {1 << 2, "year"},
    {1 << 3, "day"},
    {1 << 10, "hour"},
    {1 << 11, "minute"},
    {1 << 12, "second"},
}};

SyntaxPtr MakeNode(Kind kind, std::string text, int offset, std::vector<SyntaxPtr> children = {}) {
  auto node = std::make_shared<SyntaxNode>();
  node->kind = kind;
  node->text = std::move(text);
  node->offset = offset;
  node->children = std::move(children);
  return node;
}

SyntaxPtr MakeCall(const char* name, int offset, std::vector<SyntaxPtr> children) {
  return MakeNode(Kind::kCall, name, offset, std::move(children));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool Has(const json& body, const char* field) { return body.contains(field); }

bool IsSet(const json& body, const char* field) { return body.value(field, false); }

std::string StringValue(const json& node) { return node.at("String").value("sval", ""); }

std::vector<std::string> StringValues(const json& body, const char* field) {
  std::vector<std::string> values;
  if (!Has(body, field)) return values;
  for (const json& node : body.at(field)) values.push_back(StringValue(node));
  return values;
}

class Builder {
 public:
  explicit Builder(const ParsedExpression& expression) : expression_(expression) {}

  arrow::Result<SyntaxPtr> Build(const json& node) {
    if (depth_ >= kMaxDepth) {
      return Error(last_offset_, "the expression is nested more than 200 levels deep",
                   "split it: give parts names of their own, as columns or features");
    }
    ++depth_;
    auto result = BuildNode(node);
    --depth_;
    return result;
  }

 private:
  arrow::Result<SyntaxPtr> BuildNode(const json& node) {
    using Method = arrow::Result<SyntaxPtr> (Builder::*)(const json& body, int offset);
    static const std::map<std::string, Method, std::less<>> kMethods = {
        {"A_Const", &Builder::Constant},
        {"A_Expr", &Builder::Operator},
        {"BoolExpr", &Builder::Logic},
        {"BooleanTest", &Builder::TruthTest},
        {"CaseExpr", &Builder::Case},
        {"CoalesceExpr", &Builder::Coalesce},
        {"ColumnRef", &Builder::Column},
        {"FuncCall", &Builder::Function},
        {"MinMaxExpr", &Builder::Extreme},
        {"NullTest", &Builder::NullTest},
        {"SQLValueFunction", &Builder::SessionValue},
        {"TypeCast", &Builder::Cast},
    };
    const auto item = node.items().begin();
    const std::string& type = item.key();
    const json& body = item.value();
    const int offset = OffsetOf(body);
    last_offset_ = offset;
    if (const auto method = kMethods.find(type); method != kMethods.end()) {
      return (this->*method->second)(body, offset);
    }
    const RefusedSyntax refused = RefusedNode(type);
    return Error(offset, refused.what, refused.hint);
  }

  arrow::Result<std::vector<SyntaxPtr>> BuildAll(const json& nodes) {
    std::vector<SyntaxPtr> built;
    built.reserve(nodes.size());
    for (const json& node : nodes) {
      ARROW_ASSIGN_OR_RAISE(SyntaxPtr child, Build(node));
      built.push_back(std::move(child));
    }
    return built;
  }

  arrow::Result<std::vector<SyntaxPtr>> BuildField(const json& body, const char* field) {
    if (!Has(body, field)) return std::vector<SyntaxPtr>{};
    return BuildAll(body.at(field));
  }

  // ---- leaves

  arrow::Result<SyntaxPtr> Constant(const json& body, int offset) {
    if (IsSet(body, "isnull")) return MakeNode(Kind::kNull, "null", offset);
    if (Has(body, "ival")) {
      return MakeNode(Kind::kInteger, std::to_string(IntegerOf(body)), offset);
    }
    if (Has(body, "fval")) {
      // Integers beyond 32 bits come as floating ones.
      const std::string text = body["fval"].value("fval", "");
      const bool is_integer = text.find_first_of(".eE") == std::string::npos;
      return MakeNode(is_integer ? Kind::kInteger : Kind::kDecimal, text, offset);
    }
    if (Has(body, "boolval")) {
      return MakeNode(Kind::kBoolean, IsSet(body["boolval"], "boolval") ? "true" : "false", offset);
    }
    if (Has(body, "sval")) return MakeNode(Kind::kString, body["sval"].value("sval", ""), offset);
    return Error(offset, "bit strings are not supported",
                 "write a number, or a text in single quotes");
  }

  /// The value of an integer constant of at most 32 bits.
  int64_t IntegerOf(const json& constant) const {
    const json& ival = constant.at("ival");
    if (ival.contains("ival")) return ival["ival"].get<int64_t>();
    if (constant.value("location", -1) < 0) return 0;
    // Zero or negative, at the first of its signs.
    const std::string_view text =
        std::string_view(expression_.source.text).substr(static_cast<size_t>(OffsetOf(constant)));
    int64_t value = 0;
    if (!text.starts_with('-')) return value;
    const auto read_digits = [&](size_t at) {
      return std::from_chars(text.data() + at, text.data() + text.size(), value).ec == std::errc();
    };
    if (text.size() > 1 && IsDigit(text[1]) && read_digits(1)) return -value;
    int64_t sign = 1;  // - ( - ( -5 ) ), perhaps with comments
    for (const SourceToken& token : TokensOf(text)) {
      const char c = text[static_cast<size_t>(token.offset)];
      if (IsDigit(c) && read_digits(static_cast<size_t>(token.offset))) break;
      if (c == '-') sign = -sign;
    }
    return sign * value;
  }

  arrow::Result<SyntaxPtr> Column(const json& body, int offset) {
    const json& fields = body.at("fields");
    if (fields.size() > 1) {
      return Error(offset, "a name with a dot is not supported: a pipeline has one table",
                   "write the column alone; a column with a dot in its name in double quotes");
    }
    if (fields[0].contains("A_Star")) {
      return Error(offset, "* stands only in count(*)", "name the column");
    }
    auto node = std::make_shared<SyntaxNode>();
    node->kind = Kind::kColumn;
    node->offset = offset;
    // The parser folds case and cuts long names; the text has the name as it was written.
    if (auto written = IdentifierAt(expression_.source.text, offset)) {
      node->text = std::move(written->name);
      node->quoted = written->quoted;
    } else {
      node->text = StringValue(fields[0]);
      node->quoted = true;
    }
    return node;
  }

  /// current_date and its like: functions without parentheses. Which of them may be used is the
  /// binder's to say.
  arrow::Result<SyntaxPtr> SessionValue(const json&, int offset) {
    const auto written = IdentifierAt(expression_.source.text, offset);
    return MakeNode(Kind::kCall, written ? FoldIdentifier(written->name) : "current_date", offset);
  }

  // ---- operators

  arrow::Result<SyntaxPtr> Operator(const json& body, int offset) {
    const std::string kind = body.value("kind", "AEXPR_OP");
    const std::vector<std::string> names = StringValues(body, "name");
    const std::string op = names.empty() ? "" : names.back();
    if (kind == "AEXPR_OP") {
      return Has(body, "lexpr") ? BinaryOperator(body, op, offset)
                                : UnaryOperator(body, op, offset);
    }
    if (kind == "AEXPR_IN") return In(body, op, offset);
    if (kind == "AEXPR_BETWEEN" || kind == "AEXPR_NOT_BETWEEN") {
      return Between(body, kind == "AEXPR_NOT_BETWEEN", offset);
    }
    if (kind == "AEXPR_LIKE") return Like(body, "like", op == "!~~", offset);
    if (kind == "AEXPR_ILIKE") return Like(body, "ilike", op == "!~~*", offset);
    if (kind == "AEXPR_DISTINCT") return Binary(body, "is_distinct_from", offset);
    if (kind == "AEXPR_NOT_DISTINCT") return Binary(body, "is_not_distinct_from", offset);
    if (kind == "AEXPR_NULLIF") return Binary(body, "nullif", offset);
    if (kind == "AEXPR_SIMILAR") {
      return Error(offset, "SIMILAR TO is not supported", "use LIKE, or x ~ 'pattern'");
    }
    if (kind == "AEXPR_BETWEEN_SYM" || kind == "AEXPR_NOT_BETWEEN_SYM") {
      return Error(offset, "BETWEEN SYMMETRIC is not supported",
                   "put the smaller bound first, or use least and greatest");
    }
    return Error(offset, "ANY and ALL are not supported", "use x in (a, b)");
  }

  arrow::Result<SyntaxPtr> Binary(const json& body, const char* name, int offset) {
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr left, Build(body.at("lexpr")));
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr right, Build(body.at("rexpr")));
    return MakeCall(name, offset, {std::move(left), std::move(right)});
  }

  arrow::Result<SyntaxPtr> BinaryOperator(const json& body, const std::string& op, int offset) {
    const auto found = BinaryOperators().find(op);
    if (found == BinaryOperators().end()) return UnknownOperator(op, offset);
    return Binary(body, found->second, offset);
  }

  arrow::Result<SyntaxPtr> UnaryOperator(const json& body, const std::string& op, int offset) {
    if (op != "-" && op != "+") return UnknownOperator(op, offset);
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr operand, Build(body.at("rexpr")));
    if (op == "+") return operand;
    return MakeCall("negate", offset, {std::move(operand)});
  }

  arrow::Result<SyntaxPtr> UnknownOperator(const std::string& op, int offset) {
    return Error(offset, "the operator " + op + " is not supported", OperatorHint(op));
  }

  arrow::Result<SyntaxPtr> In(const json& body, const std::string& op, int offset) {
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr operand, Build(body.at("lexpr")));
    ARROW_ASSIGN_OR_RAISE(std::vector<SyntaxPtr> children,
                          BuildField(body.at("rexpr").at("List"), "items"));
    children.insert(children.begin(), std::move(operand));
    return NotIf(op == "<>", MakeCall("in", offset, std::move(children)));
  }

  arrow::Result<SyntaxPtr> Between(const json& body, bool negated, int offset) {
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr operand, Build(body.at("lexpr")));
    ARROW_ASSIGN_OR_RAISE(std::vector<SyntaxPtr> bounds,
                          BuildField(body.at("rexpr").at("List"), "items"));
    if (bounds.size() != 2) return Error(offset, "BETWEEN takes two bounds");
    return NotIf(negated, MakeCall("and", offset,
                                   {MakeCall(">=", offset, {operand, bounds[0]}),
                                    MakeCall("<=", offset, {operand, bounds[1]})}));
  }

  arrow::Result<SyntaxPtr> Like(const json& body, const char* name, bool negated, int offset) {
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr operand, Build(body.at("lexpr")));
    std::vector<SyntaxPtr> children = {std::move(operand)};
    const json& pattern = body.at("rexpr");
    if (IsEscapedPattern(pattern)) {
      ARROW_ASSIGN_OR_RAISE(std::vector<SyntaxPtr> pattern_and_escape,
                            BuildField(pattern["FuncCall"], "args"));
      children.insert(children.end(), pattern_and_escape.begin(), pattern_and_escape.end());
    } else {
      ARROW_ASSIGN_OR_RAISE(SyntaxPtr child, Build(pattern));
      children.push_back(std::move(child));
    }
    return NotIf(negated, MakeCall(name, offset, std::move(children)));
  }

  /// `'a!%' ESCAPE '!'`, which the parser turns into a call.
  static bool IsEscapedPattern(const json& pattern) {
    if (!pattern.contains("FuncCall")) return false;
    const std::vector<std::string> names = StringValues(pattern["FuncCall"], "funcname");
    return names == std::vector<std::string>{"pg_catalog", "like_escape"};
  }

  static SyntaxPtr NotIf(bool negated, SyntaxPtr node) {
    if (!negated) return node;
    const int offset = node->offset;
    return MakeCall("not", offset, {std::move(node)});
  }

  // ---- forms

  arrow::Result<SyntaxPtr> Logic(const json& body, int offset) {
    const std::string op = body.value("boolop", "AND_EXPR");
    const char* name = op == "AND_EXPR" ? "and" : op == "OR_EXPR" ? "or" : "not";
    ARROW_ASSIGN_OR_RAISE(std::vector<SyntaxPtr> children, BuildField(body, "args"));
    return MakeCall(name, offset, std::move(children));
  }

  arrow::Result<SyntaxPtr> NullTest(const json& body, int offset) {
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr child, Build(body.at("arg")));
    const bool negated = body.value("nulltesttype", "IS_NULL") != "IS_NULL";
    return MakeCall(negated ? "is_not_null" : "is_null", offset, {std::move(child)});
  }

  arrow::Result<SyntaxPtr> TruthTest(const json& body, int offset) {
    static const std::map<std::string, const char*, std::less<>> kTests = {
        {"IS_TRUE", "is_true"},    {"IS_NOT_TRUE", "is_not_true"},
        {"IS_FALSE", "is_false"},  {"IS_NOT_FALSE", "is_not_false"},
        {"IS_UNKNOWN", "is_null"}, {"IS_NOT_UNKNOWN", "is_not_null"},
    };
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr child, Build(body.at("arg")));
    const char* name = kTests.at(body.value("booltesttype", "IS_TRUE"));
    return MakeCall(name, offset, {std::move(child)});
  }

  arrow::Result<SyntaxPtr> Case(const json& body, int offset) {
    SyntaxPtr operand;
    if (Has(body, "arg")) {
      ARROW_ASSIGN_OR_RAISE(operand, Build(body.at("arg")));
    }
    std::vector<SyntaxPtr> children;
    for (const json& arm : body.at("args")) {
      const json& when = arm.at("CaseWhen");
      ARROW_ASSIGN_OR_RAISE(SyntaxPtr condition, Build(when.at("expr")));
      ARROW_ASSIGN_OR_RAISE(SyntaxPtr result, Build(when.at("result")));
      if (operand != nullptr) {
        const int at = condition->offset;
        condition = MakeCall("=", at, {operand, std::move(condition)});
      }
      children.push_back(std::move(condition));
      children.push_back(std::move(result));
    }
    if (Has(body, "defresult")) {
      ARROW_ASSIGN_OR_RAISE(SyntaxPtr otherwise, Build(body.at("defresult")));
      children.push_back(std::move(otherwise));
    }
    return MakeCall("case", offset, std::move(children));
  }

  arrow::Result<SyntaxPtr> Coalesce(const json& body, int offset) {
    ARROW_ASSIGN_OR_RAISE(std::vector<SyntaxPtr> children, BuildField(body, "args"));
    return MakeCall("coalesce", offset, std::move(children));
  }

  arrow::Result<SyntaxPtr> Extreme(const json& body, int offset) {
    ARROW_ASSIGN_OR_RAISE(std::vector<SyntaxPtr> children, BuildField(body, "args"));
    const bool greatest = body.value("op", "IS_GREATEST") == "IS_GREATEST";
    return MakeCall(greatest ? "greatest" : "least", offset, std::move(children));
  }

  // ---- casts

  arrow::Result<SyntaxPtr> Cast(const json& body, int offset) {
    const json& type = body.at("typeName");
    // A typed literal, date '2026-01-01', has no place of its own.
    const int at = Has(body, "location") && body.at("location") >= 0 ? offset : OffsetOf(type);
    const std::vector<std::string> names = StringValues(type, "names");
    const bool is_builtin = names.size() == 1 || (names.size() == 2 && names[0] == "pg_catalog");
    if (!is_builtin || Has(type, "arrayBounds") || IsSet(type, "setof")) {
      return Error(OffsetOf(type), "this type is not supported",
                   "cast to boolean, an integer, double precision, decimal(p, s), text, date or "
                   "timestamp");
    }
    std::vector<int64_t> modifiers;
    if (Has(type, "typmods")) {
      for (const json& modifier : type.at("typmods")) {
        if (!modifier.contains("A_Const") || !modifier["A_Const"].contains("ival")) {
          return Error(OffsetOf(type), "the numbers of a type must be integers");
        }
        modifiers.push_back(IntegerOf(modifier["A_Const"]));
      }
    }
    if (names.back() == "interval") return Interval(body.at("arg"), modifiers, at);
    std::string hint;
    auto name = CanonicalTypeName(names.back(), modifiers, &hint);
    if (!name.ok()) return Error(OffsetOf(type), name.status().message(), hint);
    ARROW_ASSIGN_OR_RAISE(SyntaxPtr child, Build(body.at("arg")));
    return MakeNode(Kind::kCast, *std::move(name), at, {std::move(child)});
  }

  arrow::Result<SyntaxPtr> Interval(const json& literal, const std::vector<int64_t>& fields,
                                    int offset) {
    if (!literal.contains("A_Const") || !literal["A_Const"].contains("sval")) {
      return Error(offset, "an interval must be a literal",
                   "write interval '7 days', or add a number of days to a date");
    }
    std::string text = literal["A_Const"]["sval"].value("sval", "");
    if (fields.empty()) return MakeNode(Kind::kInterval, std::move(text), offset);
    for (const auto& [mask, unit] : kIntervalFields) {
      if (fields.size() == 1 && fields[0] == mask) {
        return MakeNode(Kind::kInterval, text + " " + unit, offset);
      }
    }
    return Error(offset, "this form of interval is not supported",
                 "write the unit in the quotes: interval '7 days 12 hours'");
  }

  // ---- calls

  arrow::Result<SyntaxPtr> Function(const json& body, int offset) {
    const std::vector<std::string> names = StringValues(body, "funcname");
    const bool is_plain = names.size() == 1 || (names.size() == 2 && names[0] == "pg_catalog");
    if (!is_plain) {
      return Error(offset, "functions with a schema are not supported", "write the name alone");
    }
    ARROW_RETURN_NOT_OK(CheckClauses(body, offset));

    auto call = std::make_shared<SyntaxNode>();
    call->kind = Kind::kCall;
    call->offset = offset;
    call->text = names.back();
    call->distinct = IsSet(body, "agg_distinct");
    ARROW_ASSIGN_OR_RAISE(call->children, BuildField(body, "args"));
    if (IsSet(body, "agg_within_group")) {
      ARROW_ASSIGN_OR_RAISE(SyntaxPtr column, WithinGroup(body, call->text, offset));
      call->children.insert(call->children.begin(), std::move(column));
    }
    if (IsSet(body, "agg_star")) call->children.push_back(MakeNode(Kind::kStar, "*", offset));
    if (Has(body, "agg_filter")) {
      ARROW_ASSIGN_OR_RAISE(call->filter, Build(body.at("agg_filter")));
    }
    if (body.value("funcformat", "") == "COERCE_SQL_SYNTAX") {
      ARROW_RETURN_NOT_OK(NameKeywordForm(call.get()));
      return call;
    }
    call->is_named_call = true;
    if (call->text == kUniquePlaceholder) {
      const auto written = IdentifierAt(expression_.source.text, offset);
      if (written && FoldIdentifier(written->name) == "unique") call->text = "unique";
    }
    if (call->text == "date_part" && call->children.size() == 2) call->text = "extract";
    return call;
  }

  arrow::Status CheckClauses(const json& body, int offset) {
    if (Has(body, "over")) {
      return Error(OffsetOf(body.at("over")), "window functions (OVER) are not supported",
                   "the 'window' of a feature says which days it covers");
    }
    if (Has(body, "agg_order") && !IsSet(body, "agg_within_group")) {
      const int at = OffsetOf(body.at("agg_order")[0].at("SortBy").at("node"), offset);
      return Error(at, "ORDER BY inside an aggregate is not supported",
                   "use first(x) or last(x) for the order of time, min_by(x, y) or max_by(x, y) "
                   "for the order of another column");
    }
    if (IsSet(body, "func_variadic")) return Error(offset, "VARIADIC is not supported");
    return arrow::Status::OK();
  }

  /// percentile_cont(p) WITHIN GROUP (ORDER BY x): x, which becomes the first argument.
  arrow::Result<SyntaxPtr> WithinGroup(const json& body, const std::string& name, int offset) {
    if (name != "percentile_cont" && name != "percentile_disc" && name != "mode") {
      return Error(
          offset, "WITHIN GROUP is not supported with " + name,
          "it stands with percentile_cont, percentile_disc and mode; give the column as an "
          "argument");
    }
    const json& order = body.at("agg_order");
    const json& by = order[0].at("SortBy");
    const int at = OffsetOf(by.at("node"), offset);
    if (order.size() > 1) return Error(at, "WITHIN GROUP orders by one column");
    if (by.value("sortby_dir", "SORTBY_DEFAULT") == "SORTBY_DESC") {
      return Error(at, "WITHIN GROUP in descending order is not supported",
                   "write 1 - p in place of p");
    }
    return Build(by.at("node"));
  }

  arrow::Status NameKeywordForm(SyntaxNode* call) {
    if (call->text == "timezone") {
      return Error(call->offset, "AT TIME ZONE is not supported",
                   "the 'timezone' of the source is the zone of all days and hours");
    }
    const auto form = KeywordForms().find(call->text);
    if (form == KeywordForms().end()) {
      std::string name = call->text;
      std::replace(name.begin(), name.end(), '_', ' ');
      return Error(call->offset, "this form of " + name + " is not supported");
    }
    call->text = form->second;
    // PostgreSQL's own function has the haystack first.
    if (call->text == "position" && call->children.size() == 2) {
      std::swap(call->children[0], call->children[1]);
    }
    return arrow::Status::OK();
  }

  // ---- places

  /// The offset of a node's body, or of the node itself, in the expression's text; `otherwise` if
  /// it has none.
  int OffsetOf(const json& node, int otherwise = -1) const {
    if (node.is_object()) {
      const auto location = node.find("location");
      if (location != node.end() && location->is_number_integer()) {
        const int offset = location->get<int>() - static_cast<int>(kStatementPrefix.size());
        if (offset >= 0) return offset;
      } else if (node.size() == 1 && node.begin()->is_object()) {
        return OffsetOf(*node.begin(), otherwise);
      }
    }
    return otherwise >= 0 ? otherwise : last_offset_;
  }

  arrow::Status Error(int offset, std::string message, std::string hint = "") const {
    return ExpressionError(expression_, offset, std::move(message), std::move(hint));
  }

  const ParsedExpression& expression_;
  int depth_ = 0;
  int last_offset_ = 0;  ///< of the node being built: the best place for what has none
};

}  // namespace

arrow::Result<SyntaxPtr> BuildSyntax(const ParsedExpression& expression, const json& node) {
  return Builder(expression).Build(node);
}

}  // namespace tidemill
