#pragma once

/// The parse tree of libpg_query (JSON) -> SyntaxNode.

#include <arrow/result.h>
#include <nlohmann/json.hpp>

#include "sql/syntax.h"

namespace tidemill {

/// What is put before an expression to make it a statement that PostgreSQL's parser takes.
inline constexpr std::string_view kStatementPrefix = "SELECT ";

/// The name that stands for `unique`, a reserved word, while PostgreSQL parses `unique(x)`. Of the
/// same length, so that offsets stay.
inline constexpr std::string_view kUniquePlaceholder = "uniqu_";

/// Builds the tree of one expression node of a parse tree. Errors (kInvalid) point into
/// `expression`: syntax that is PostgreSQL's and not ours, and expressions nested too deeply. May
/// throw nlohmann::json::exception for JSON that is no parse tree.
arrow::Result<SyntaxPtr> BuildSyntax(const ParsedExpression& expression,
                                     const nlohmann::json& node);

}  // namespace tidemill
