#pragma once

/// PostgreSQL expression text -> an untyped tree with positions.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tidemill/error.h"
#include "tidemill/pipeline.h"

namespace tidemill {

struct SyntaxNode;
using SyntaxPtr = std::shared_ptr<const SyntaxNode>;

/// One node of an expression as it was written.
struct SyntaxNode {
  enum class Kind {
    kNull,
    kBoolean,  ///< text: "true" | "false"
    kInteger,  ///< text: digits, perhaps with a minus
    kDecimal,  ///< text: a number with a point or an exponent, perhaps with a minus
    kString,   ///< text: the value
    kColumn,   ///< text: the name; quoted: matched exactly
    kStar,     ///< the * of count(*)
    kCall,  ///< text: function, operator or special form ("+", "and", "case", "in", "like", ...);
            ///< children: arguments
    kCast,  ///< text: canonical name of the target type (sql/cast_target.h); child 0
    kInterval,  ///< text: as written, "7 days"
  };
  Kind kind = Kind::kNull;
  std::string text;
  bool quoted = false;
  bool distinct = false;  ///< kCall: DISTINCT before the arguments
  /// kCall: written as name(...), not as an operator or a form with keywords. Operators and forms
  /// cannot be called by the names that they have here.
  bool is_named_call = false;
  SyntaxPtr filter;  ///< kCall: FILTER (WHERE ...)
  std::vector<SyntaxPtr> children;
  int offset = 0;  ///< byte offset in the expression's text
};

/// An expression, parsed. Keeps its text for error positions.
struct ParsedExpression {
  LocatedText source;
  std::string source_line;  ///< the whole line of the file, for the caret
  SyntaxPtr root;
};

/// Parses exactly one expression: no list, alias, FROM, subquery, window function or second
/// statement. Errors (kInvalid) carry file, line and column, and the line with a caret.
arrow::Result<ParsedExpression> ParseExpression(const LocatedText& source,
                                                const std::string& source_line = "");

/// An error (kInvalid) at a byte offset of an expression, clamped to its text.
arrow::Status ExpressionError(const ParsedExpression& expression, int offset, std::string message,
                              std::string hint = "");

/// A column name as it is written in an expression.
struct ColumnMention {
  std::string name;
  bool quoted;
  int offset;
};

/// Every mention of a column in `root`, filters included, in the order of the text.
std::vector<ColumnMention> ColumnsOf(const SyntaxPtr& root);

}  // namespace tidemill
