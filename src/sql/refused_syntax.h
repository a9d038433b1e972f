#pragma once

/// Syntax of PostgreSQL that has no meaning in a pipeline, and what to write instead.

#include <string>
#include <string_view>

namespace tidemill {

struct RefusedSyntax {
  const char* what;
  const char* hint;  ///< may be empty
};

/// What to say of a node of the parse tree that no expression has, by its type ("SubLink").
RefusedSyntax RefusedNode(const std::string& type);

/// What to write in place of an operator that there is not; may be empty.
std::string OperatorHint(std::string_view op);

}  // namespace tidemill
