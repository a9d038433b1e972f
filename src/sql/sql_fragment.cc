#include "sql/sql_fragment.h"

#include <charconv>

#include <fmt/format.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

/// Whether `text` is one call, name(...), whose parenthesis closes at the end.
bool IsOneCall(std::string_view text) {
  if (!text.ends_with(')')) return false;
  if (text.find('\\') != std::string_view::npos) return false;  // quotes may be escaped
  int depth = 0;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"' || c == '`') quote = c;
    if (c == '(') ++depth;
    if (c == ')' && --depth == 0 && i + 1 < text.size()) return false;
    if (depth == 0 && c == ' ') return false;
  }
  return true;
}

}  // namespace

Fragment CallFragment(std::string text) {
  const bool is_atom = IsOneCall(text);
  return {std::move(text), is_atom};
}

std::string Operand(const Fragment& fragment) {
  return fragment.is_atom ? fragment.text : "(" + fragment.text + ")";
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (!joined.empty()) joined += separator;
    joined += part;
  }
  return joined;
}

std::vector<std::string> Operands(const std::vector<Fragment>& fragments) {
  std::vector<std::string> operands;
  for (const Fragment& fragment : fragments) operands.push_back(Operand(fragment));
  return operands;
}

std::vector<std::string> Texts(const std::vector<Fragment>& fragments) {
  std::vector<std::string> texts;
  for (const Fragment& fragment : fragments) texts.push_back(fragment.text);
  return texts;
}

arrow::Status Unsayable(const std::string& what, Dialect dialect, const std::string& hint) {
  const std::string_view engine = dialect == Dialect::kDuckDb ? "DuckDB" : "Spark";
  return MakeError(ErrorCode::kInvalid, fmt::format("{} cannot be said in {}'s SQL", what, engine),
                   hint);
}

std::string Fill(const std::string& spelling, const std::vector<Fragment>& arguments) {
  const std::vector<std::string> operands = Operands(arguments);
  std::string filled;
  for (size_t at = 0; at < spelling.size();) {
    const size_t close = spelling[at] == '{' ? spelling.find('}', at) : std::string::npos;
    if (close == std::string::npos) {
      filled += spelling[at++];
      continue;
    }
    const std::string_view inside(spelling.data() + at + 1, close - at - 1);
    size_t index = 0;
    const auto parsed = std::from_chars(inside.data(), inside.data() + inside.size(), index);
    if (inside == "*") {
      filled += Join(Texts(arguments), ", ");
    } else if (parsed.ec == std::errc() && index < operands.size()) {
      // Alone between commas or parentheses an argument needs none of its own.
      const char before = at == 0 ? ' ' : spelling[at - 1];
      const char after = close + 1 < spelling.size() ? spelling[close + 1] : ' ';
      const bool stands_alone = before == '(' && (after == ')' || after == ',');
      filled += stands_alone ? arguments[index].text : operands[index];
    }
    at = close + 1;
  }
  return filled;
}

}  // namespace tidemill
