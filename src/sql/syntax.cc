#include "sql/syntax.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include <nlohmann/json.hpp>
#include <pg_query.h>

#include "sql/source_text.h"
#include "sql/syntax_builder.h"

// PostgreSQL's parser takes statements, so an expression is parsed as the only item of a SELECT,
// and everything that the text adds to that SELECT beyond one item is refused. Nothing is put after
// the text: a text that closes a parenthesis it did not open, or opens a comment, fails in the
// parser itself.
//
// The parser is C with a NUL-terminated UTF-8 input; texts that are neither are refused before it.

namespace tidemill {
namespace {

using nlohmann::json;

constexpr size_t kMaxTextSize = 1 << 20;

/// Nodes of a tree, each counted as often as it is reached: BETWEEN and CASE share operands, and
/// whoever walks the tree meets a shared operand several times.
constexpr int64_t kMaxNodes = 500'000;

bool IsWord(std::string_view text, const SourceToken& token, std::string_view lower_word) {
  return token.kind == SourceToken::Kind::kWord &&
         FoldIdentifier(text.substr(token.offset, token.length)) == lower_word;
}

/// `text` with the reserved word `unique` of every `unique(` replaced, so that the parser takes it
/// for a function.
std::string WithUniqueAsFunction(const std::string& text, const std::vector<SourceToken>& tokens) {
  std::string masked = text;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (IsWord(text, tokens[i], "unique") && text[tokens[i + 1].offset] == '(') {
      masked.replace(tokens[i].offset, kUniquePlaceholder.size(), kUniquePlaceholder);
    }
  }
  return masked;
}

/// Reserved words that are likely names of columns.
bool IsReservedName(const std::string& lower_word) {
  static const std::vector<std::string> kWords = {
      "analyse",    "analyze", "asc",     "authorization", "binary",  "check",   "column",
      "constraint", "cross",   "default", "desc",          "do",      "end",     "except",
      "fetch",      "for",     "foreign", "freeze",        "from",    "full",    "grant",
      "group",      "into",    "join",    "lateral",       "leading", "limit",   "natural",
      "offset",     "on",      "only",    "order",         "outer",   "primary", "references",
      "select",     "table",   "to",      "trailing",      "union",   "unique",  "user",
      "using",      "verbose", "window",  "with"};
  return std::find(kWords.begin(), kWords.end(), lower_word) != kWords.end();
}

class Parser {
 public:
  Parser(const LocatedText& source, const std::string& source_line) {
    parsed_.source = source;
    parsed_.source_line = source_line;
  }

  arrow::Result<ParsedExpression> Parse() {
    ARROW_RETURN_NOT_OK(CheckText());
    const std::vector<SourceToken> tokens = TokensOf(Text());
    if (tokens.empty()) {
      return Error(0, "the expression is empty", "write an expression such as count(*)");
    }
    if (IsWord(Text(), tokens[0], "all")) {
      return Error(tokens[0].offset, "syntax error at or near \"all\"");
    }
    const std::string statement =
        std::string(kStatementPrefix) + WithUniqueAsFunction(Text(), tokens);
    PgQueryParseResult result = pg_query_parse(statement.c_str());
    arrow::Status status;
    if (result.error != nullptr) {
      status = ParserError(statement, *result.error);
    } else {
      status = ReadTree(result.parse_tree, tokens);
    }
    pg_query_free_parse_result(result);
    ARROW_RETURN_NOT_OK(status);
    return std::move(parsed_);
  }

 private:
  const std::string& Text() const { return parsed_.source.text; }

  arrow::Status Error(int offset, std::string message, std::string hint = "") const {
    return ExpressionError(parsed_, offset, std::move(message), std::move(hint));
  }

  arrow::Status CheckText() const {
    if (Text().size() > kMaxTextSize) {
      return Error(0, "the expression is longer than 1 MiB", "split it");
    }
    if (const int at = FirstInvalidByte(Text()); at >= 0) {
      return Error(at, Text()[at] == '\0' ? "the expression has a NUL byte"
                                          : "the expression is not valid UTF-8");
    }
    return arrow::Status::OK();
  }

  /// `cursorpos` counts characters of the statement from 1; 0 is unknown.
  arrow::Status ParserError(const std::string& statement, const PgQueryError& error) const {
    std::string message = error.message;
    if (message.starts_with("syntax error at end of input")) {
      return Error(static_cast<int>(Text().size()), "the expression ends too early");
    }
    const int offset = std::max(0, ByteOfCharacter(statement, error.cursorpos - 1) -
                                       static_cast<int>(kStatementPrefix.size()));
    if (message.starts_with("memory exhausted") || message.starts_with("stack depth limit")) {
      return Error(offset, "the expression is nested too deeply",
                   "split it: give parts names of their own, as columns or features");
    }
    std::string hint;
    if (const auto word = IdentifierAt(Text(), offset); word && !word->quoted) {
      const std::string lower = FoldIdentifier(word->name);
      if (const size_t at = message.find(kUniquePlaceholder);
          at != std::string::npos && lower == "unique") {
        message.replace(at, kUniquePlaceholder.size(), word->name);
      }
      if (IsReservedName(lower)) {
        hint =
            "if " + word->name + " is a column, write it in double quotes: \"" + word->name + "\"";
      }
    }
    return Error(offset, std::move(message), std::move(hint));
  }

  arrow::Status ReadTree(const char* text, const std::vector<SourceToken>& tokens) {
    const json tree = json::parse(text, /*callback=*/nullptr, /*allow_exceptions=*/false);
    try {
      ARROW_ASSIGN_OR_RAISE(const json* target, OnlyTarget(tree, tokens));
      ARROW_ASSIGN_OR_RAISE(parsed_.root, BuildSyntax(parsed_, *target));
    } catch (const json::exception& exception) {
      return Error(0, std::string("the expression has an unexpected form: ") + exception.what());
    }
    return CheckSize();
  }

  arrow::Result<const json*> OnlyTarget(const json& tree,
                                        const std::vector<SourceToken>& tokens) const {
    const json& statements = tree.at("stmts");
    const json& first = statements.at(0);
    if (const int length = first.value("stmt_len", 0); length > 0) {
      const int end = first.value("stmt_location", 0) + length;
      return Error(end - static_cast<int>(kStatementPrefix.size()),
                   "an expression cannot have a ';'", "remove it and what comes after it");
    }
    const json& select = first.at("stmt").at("SelectStmt");
    ARROW_RETURN_NOT_OK(RefuseClauses(select));
    if (!select.contains("targetList")) {
      return Error(0, "the expression is empty", "write an expression such as count(*)");
    }
    const json& targets = select["targetList"];
    if (targets.size() > 1) {
      return Error(PlaceOf(targets[1]), "one expression is expected, and here a second one begins",
                   "give each its own name");
    }
    const json& target = targets[0].at("ResTarget");
    if (target.contains("name")) {
      return Error(tokens.back().offset,
                   "an expression has no alias, and '" + target["name"].get<std::string>() +
                       "' stands where none belongs",
                   "a column with a blank in its name is written in double quotes");
    }
    return &target.at("val");
  }

  arrow::Status RefuseClauses(const json& select) const {
    if (select.value("op", "SETOP_NONE") != "SETOP_NONE") {
      return Error(0, "UNION, INTERSECT and EXCEPT have no place in an expression");
    }
    static constexpr std::pair<const char*, const char*> kClauses[] = {
        {"distinctClause", "DISTINCT"}, {"intoClause", "INTO"},       {"fromClause", "FROM"},
        {"whereClause", "WHERE"},       {"groupClause", "GROUP BY"},  {"havingClause", "HAVING"},
        {"windowClause", "WINDOW"},     {"sortClause", "ORDER BY"},   {"limitOffset", "OFFSET"},
        {"limitCount", "LIMIT"},        {"lockingClause", "FOR ..."}, {"withClause", "WITH"},
        {"valuesLists", "VALUES"},
    };
    for (const auto& [field, name] : kClauses) {
      if (!select.contains(field)) continue;
      std::string hint;
      if (std::string_view(name) == "WHERE") {
        hint = "a condition on an aggregate's rows is written count(*) filter (where x > 0)";
      } else if (std::string_view(name) == "DISTINCT") {
        hint = "DISTINCT stands inside an aggregate: count(distinct x)";
      }
      return Error(PlaceOf(select[field]), std::string(name) + " has no place in an expression",
                   std::move(hint));
    }
    return arrow::Status::OK();
  }

  /// The least location inside `node`, as an offset; 0 if it has none.
  static int PlaceOf(const json& node) {
    int place = std::numeric_limits<int>::max();
    std::vector<const json*> open = {&node};
    while (!open.empty()) {
      const json& inner = *open.back();
      open.pop_back();
      if (inner.is_object()) {
        const int location = inner.value("location", -1);
        if (location >= 0) place = std::min(place, location);
      }
      if (!inner.is_structured()) continue;
      for (const json& child : inner) {
        if (child.is_structured()) open.push_back(&child);
      }
    }
    const int offset = place - static_cast<int>(kStatementPrefix.size());
    return place == std::numeric_limits<int>::max() ? 0 : std::max(0, offset);
  }

  arrow::Status CheckSize() const {
    std::unordered_map<const SyntaxNode*, int64_t> sizes;
    const auto measure = [&](const SyntaxNode& node, const auto& self) -> int64_t {
      if (const auto known = sizes.find(&node); known != sizes.end()) return known->second;
      int64_t size = 1;
      for (const SyntaxPtr& child : node.children) {
        size = std::min(size + self(*child, self), kMaxNodes + 1);
      }
      if (node.filter != nullptr) size = std::min(size + self(*node.filter, self), kMaxNodes + 1);
      sizes[&node] = size;
      return size;
    };
    if (measure(*parsed_.root, measure) > kMaxNodes) {
      return Error(0, "the expression is too large",
                   "split it: give parts names of their own, as columns or features");
    }
    return arrow::Status::OK();
  }

  ParsedExpression parsed_;
};

void CollectMentions(const SyntaxPtr& node, std::vector<ColumnMention>* mentions) {
  if (node == nullptr) return;
  if (node->kind == SyntaxNode::Kind::kColumn) {
    mentions->push_back({node->text, node->quoted, node->offset});
  }
  for (const SyntaxPtr& child : node->children) CollectMentions(child, mentions);
  CollectMentions(node->filter, mentions);
}

}  // namespace

arrow::Result<ParsedExpression> ParseExpression(const LocatedText& source,
                                                const std::string& source_line) {
  return Parser(source, source_line).Parse();
}

arrow::Status ExpressionError(const ParsedExpression& expression, int offset, std::string message,
                              std::string hint) {
  LocatedOffset at = Locate(expression.source, expression.source_line, offset);
  return MakeError(ErrorCode::kInvalid,
                   std::vector<Diagnostic>{{std::move(message), std::move(hint),
                                            std::move(at.position), std::move(at.line)}});
}

std::vector<ColumnMention> ColumnsOf(const SyntaxPtr& root) {
  std::vector<ColumnMention> mentions;
  CollectMentions(root, &mentions);
  return mentions;
}

}  // namespace tidemill
