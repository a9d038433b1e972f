#pragma once

/// Pieces of SQL text on their way to a whole.

#include <string>
#include <string_view>
#include <vector>

#include <arrow/status.h>

#include "sql/to_sql.h"

namespace tidemill {

/// Text, and whether it binds tighter than any operator around it.
struct Fragment {
  std::string text;
  bool is_atom = true;
};

inline Fragment Compound(std::string text) { return {std::move(text), false}; }

/// Text that is an atom if it is one call.
Fragment CallFragment(std::string text);

/// The text, in parentheses unless it is an atom.
std::string Operand(const Fragment& fragment);

std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::vector<std::string> Operands(const std::vector<Fragment>& fragments);
std::vector<std::string> Texts(const std::vector<Fragment>& fragments);

/// `spelling` with {0}, {1}, ... and {*} replaced. A placeholder inside of an argument's text is
/// text.
std::string Fill(const std::string& spelling, const std::vector<Fragment>& arguments);

/// "... cannot be said in Spark's SQL" (kInvalid).
arrow::Status Unsayable(const std::string& what, Dialect dialect, const std::string& hint = "");

}  // namespace tidemill
