// LIKE patterns and regular expressions in Spark's SQL.
//
// Spark refuses an escape before anything but %, _ and itself, so patterns are written anew.
// Regular expressions are Java's there and RE2's here; both descend from Perl, and what is common
// to them is translated where it means something else: `$` (before a final line feed too in Java),
// `.` (all line ends), `\s`, classes in brackets. What is not known to be common is refused.

#include <array>
#include <utility>

#include "sql/like_pattern.h"
#include "sql/signatures.h"
#include "sql/spark_functions.h"
#include "sql/utf8.h"

namespace tidemill {
namespace {

/// The same pattern with the backslash as escape, where it is needed.
std::string WithBackslashes(std::string_view pattern, std::string_view escape) {
  std::string written;
  for (size_t at = 0; at < pattern.size();) {
    size_t next = NextCharacter(pattern, at);
    std::string_view character = pattern.substr(at, next - at);
    bool is_literal = character != "%" && character != "_";
    if (!escape.empty() && character == escape) {
      at = next;
      next = NextCharacter(pattern, at);
      character = pattern.substr(at, next - at);
      is_literal = true;
    }
    if (is_literal && (character == "%" || character == "_" || character == "\\")) written += '\\';
    written += character;
    at = next;
  }
  return written;
}

class RegexTranslator {
 public:
  explicit RegexTranslator(std::string_view pattern) : pattern_(pattern) {}

  arrow::Result<std::string> Translate() {
    // (?d): only a line feed ends a line, as in RE2.
    java_ = "(?d)";
    while (at_ < pattern_.size()) ARROW_RETURN_NOT_OK(Next());
    return std::move(java_);
  }

 private:
  arrow::Status Refuse(std::string_view what) const {
    return Unsayable(
        "'" + std::string(what) + "' in the regular expression '" + std::string(pattern_) + "'",
        Dialect::kSpark, "Java's regular expressions may take it for something else");
  }

  bool StartsWith(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }

  void Copy(size_t count) {
    java_ += pattern_.substr(at_, count);
    at_ += count;
  }

  /// The length of the repetition {n}, {n,} or {n,m} that comes next, 0 if none does.
  size_t Repetition() const {
    const std::string_view rest = pattern_.substr(at_);
    const auto skip_digits = [&](size_t at) {
      while (at < rest.size() && rest[at] >= '0' && rest[at] <= '9') ++at;
      return at;
    };
    if (!rest.starts_with('{')) return 0;
    size_t at = skip_digits(1);
    if (at == 1) return 0;
    if (at < rest.size() && rest[at] == ',') at = skip_digits(at + 1);
    return at < rest.size() && rest[at] == '}' ? at + 1 : 0;
  }

  arrow::Status Next() {
    const bool was_repeated = std::exchange(is_repeated_, false);
    switch (pattern_[at_]) {
      case '\\':
        return Escape(false);
      case '[':
        return Class();
      case '(':
        return Group();
      case '$':
        java_ += "\\z";
        ++at_;
        return arrow::Status::OK();
      case '{':
      case '}':
        if (const size_t length = Repetition(); length > 0) {
          is_repeated_ = true;
          Copy(length);
        } else {  // a character like others; Java would have it begin a repetition
          java_ += '\\';
          Copy(1);
        }
        return arrow::Status::OK();
      case '*':
      case '?':
      case '+':
        // A second + would be possessive in Java.
        if (was_repeated && pattern_[at_] == '+') return Refuse("+");
        is_repeated_ = true;
        Copy(1);
        return arrow::Status::OK();
      default:
        Copy(1);
        return arrow::Status::OK();
    }
  }

  arrow::Status Group() {
    if (!StartsWith("(?")) {
      Copy(1);
      return arrow::Status::OK();
    }
    if (StartsWith("(?:")) {
      Copy(3);
      return arrow::Status::OK();
    }
    if (StartsWith("(?i)") || StartsWith("(?i:")) {
      java_ += "(?iu";
      at_ += 3;
      Copy(1);
      return arrow::Status::OK();
    }
    if (StartsWith("(?s)") || StartsWith("(?s:")) {
      Copy(4);
      return arrow::Status::OK();
    }
    return Refuse(pattern_.substr(at_, 3));
  }

  /// An escape, outside of brackets or inside.
  arrow::Status Escape(bool in_class) {
    const char c = at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\0';
    constexpr std::string_view kAlike = "dDwWnrtfaA";
    if (c == 's' || c == 'S') {
      if (in_class && c == 'S') return Refuse("\\S in brackets");
      java_ += c == 'S' ? "[^\\t\\n\\f\\r ]" : in_class ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]";
      at_ += 2;
      return arrow::Status::OK();
    }
    if ((c == 'b' || c == 'B') && !in_class) {
      // Of ASCII words, as in RE2; what Java's own takes for a word depends on its version.
      constexpr std::string_view kBoundary =
          "(?<![0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])";
      java_ += std::string(c == 'b' ? "(?:" : "(?!") + std::string(kBoundary) + ")";
      at_ += 2;
      return arrow::Status::OK();
    }
    const bool is_alike = kAlike.find(c) != std::string_view::npos && !(in_class && c == 'A');
    if (is_alike || (c == 'z' && !in_class)) {
      Copy(2);
      return arrow::Status::OK();
    }
    if (c == 'x' && at_ + 3 < pattern_.size() && pattern_[at_ + 2] != '{') {
      Copy(4);
      return arrow::Status::OK();
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7F && !std::isalnum(byte)) {
      Copy(2);
      return arrow::Status::OK();
    }
    return Refuse(pattern_.substr(at_, 2));
  }

  arrow::Status Class() {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kNamed = {{
        {"[:alpha:]", "a-zA-Z"},
        {"[:digit:]", "0-9"},
        {"[:alnum:]", "a-zA-Z0-9"},
        {"[:upper:]", "A-Z"},
        {"[:lower:]", "a-z"},
        {"[:space:]", "\\t\\n\\x0B\\f\\r "},
        {"[:xdigit:]", "0-9A-Fa-f"},
        {"[:word:]", "0-9A-Za-z_"},
    }};
    Copy(1);
    if (StartsWith("^")) Copy(1);
    bool is_first = true;
    while (at_ < pattern_.size() && (is_first || pattern_[at_] != ']')) {
      is_first = false;
      const char c = pattern_[at_];
      if (c == '[' && StartsWith("[:")) {
        const auto* named = std::find_if(kNamed.begin(), kNamed.end(), [&](const auto& entry) {
          return StartsWith(entry.first);
        });
        if (named == kNamed.end()) return Refuse(pattern_.substr(at_, 9));
        java_ += named->second;
        at_ += named->first.size();
      } else if (c == '\\') {
        ARROW_RETURN_NOT_OK(Escape(true));
      } else {
        // Brackets, && and ^ have a meaning inside of Java's brackets.
        if (c == '[' || c == ']' || c == '&' || c == '^') java_ += '\\';
        Copy(1);
      }
    }
    Copy(1);
    return arrow::Status::OK();
  }

  std::string_view pattern_;
  size_t at_ = 0;
  bool is_repeated_ = false;  ///< what comes before `at_` ends in a repetition
  std::string java_;
};

std::string TextOf(const arrow::Scalar& literal) {
  return std::string(static_cast<const arrow::BaseBinaryScalar&>(literal).view());
}

}  // namespace

arrow::Result<Fragment> SparkLike(const SparkArguments& arguments) {
  const std::string operation = arguments.name() == "like" ? " LIKE " : " ILIKE ";
  const arrow::Scalar* pattern = arguments.literal(1);
  const arrow::Scalar* escape = arguments.size() > 2 ? arguments.literal(2) : nullptr;
  if (pattern == nullptr || (arguments.size() > 2 && escape == nullptr)) {
    const Expression& expression = *arguments.call.arguments[1];
    if (expression.kind == Expression::Kind::kLiteral) return Fragment{"CAST(NULL AS BOOLEAN)"};
    return Unsayable("a LIKE pattern that is not constant", Dialect::kSpark,
                     "write the pattern in quotes, or use starts_with, ends_with or strpos");
  }
  const std::string text =
      WithBackslashes(TextOf(*pattern), escape == nullptr ? "\\" : TextOf(*escape));
  return Compound(Operand(arguments.fragments[0]) + operation + QuoteText(text, Dialect::kSpark));
}

arrow::Result<Fragment> SparkRegex(const SparkArguments& arguments) {
  const arrow::Scalar* pattern = arguments.literal(1);
  if (pattern == nullptr) return Fragment{"CAST(NULL AS BOOLEAN)"};
  ARROW_ASSIGN_OR_RAISE(const std::string java, ToJavaRegex(TextOf(*pattern)));
  return CallFragment("regexp_like(" + arguments.fragments[0].text + ", " +
                      QuoteText(java, Dialect::kSpark) + ")");
}

arrow::Result<std::string> ToJavaRegex(std::string_view pattern) {
  return RegexTranslator(pattern).Translate();
}

}  // namespace tidemill
