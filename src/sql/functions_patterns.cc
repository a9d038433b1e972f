#include <optional>
#include <string>

#include <arrow/compute/api_scalar.h>

#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/like_pattern.h"
#include "sql/signatures.h"

namespace tidemill {

namespace {

enum class Case { kExact, kFolded };

constexpr std::string_view kDefaultEscape = "\\";

arrow::Result<Datum> Like(const Arguments& arguments, const CallContext& context, Case folding) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  Datum subject = arguments[0];
  if (folding == Case::kFolded) {
    ARROW_ASSIGN_OR_RAISE(subject, CallArrow("utf8_lower", {subject}));
  }
  const AnyValues<std::string_view> texts(subject);
  const AnyValues<std::string_view> patterns(arguments[1]);
  const Datum escape = arguments.size() > 2 ? arguments[2] : Datum(std::string(kDefaultEscape));
  const AnyValues<std::string_view> escapes(escape);

  std::optional<LikePattern> compiled;
  std::string_view compiled_pattern, compiled_escape;
  arrow::Status failure;
  ARROW_ASSIGN_OR_RAISE(
      Datum result, Generate<bool>(arrow::boolean(), context.num_rows, validity, [&](int64_t row) {
        if (!IsValidAt(validity, row) || !failure.ok()) return false;
        const std::string_view pattern = patterns(row);
        const std::string_view character = escapes(row);
        if (!compiled || pattern != compiled_pattern || character != compiled_escape) {
          auto next = LikePattern::Compile(pattern, character);
          if (next.ok() && folding == Case::kFolded) {
            const arrow::Status folded = next->FoldCase();
            if (!folded.ok()) next = folded;
          }
          if (!next.ok()) {
            failure = next.status();
            return false;
          }
          compiled = std::move(*next);
          compiled_pattern = pattern;
          compiled_escape = character;
        }
        return compiled->Matches(texts(row));
      }));
  ARROW_RETURN_NOT_OK(failure);
  return result;
}

Resolver ResolveLike(std::string name) {
  return [takes = Takes(name, {Wanted::kText, Wanted::kText, Wanted::kText}, arrow::boolean())](
             const std::vector<ArgumentInfo>& arguments) -> arrow::Result<ScalarSignature> {
    ARROW_ASSIGN_OR_RAISE(ScalarSignature signature, takes(arguments));
    const bool constant_escape = arguments.size() < 3 || IsTextLiteral(arguments[2]);
    if (IsTextLiteral(arguments[1]) && constant_escape) {
      ARROW_RETURN_NOT_OK(
          LikePattern::Compile(LiteralText(arguments[1]),
                               arguments.size() < 3 ? kDefaultEscape : LiteralText(arguments[2])));
    }
    return signature;
  };
}

arrow::Result<Datum> MatchRegex(const Datum& text, const std::string& pattern) {
  const arrow::compute::MatchSubstringOptions options(pattern);
  return CallArrow("match_substring_regex", {text}, &options);
}

arrow::Result<ScalarSignature> ResolveRegex(const std::vector<ArgumentInfo>& arguments) {
  static const Resolver takes =
      Takes("regexp_matches", {Wanted::kText, Wanted::kText}, arrow::boolean());
  ARROW_ASSIGN_OR_RAISE(ScalarSignature signature, takes(arguments));
  if (IsNull(*arguments[1].type)) return signature;
  if (!IsTextLiteral(arguments[1])) {
    return NoSignature("regexp_matches", arguments,
                       "the second argument must be a pattern in quotes");
  }
  const std::string pattern(LiteralText(arguments[1]));
  const arrow::Status status = MatchRegex(Datum(""), pattern).status();
  if (!status.ok()) {
    return NoSignature("regexp_matches", arguments,
                       "'" + pattern + "' is no regular expression: " + status.message());
  }
  return signature;
}

}  // namespace

void RegisterPatterns(ScalarRegistry* registry) {
  registry->Add({.name = "like",
                 .min_arguments = 2,
                 .max_arguments = 3,
                 .resolve = ResolveLike("like"),
                 .evaluate = OnRows([](const Arguments& arguments, const CallContext& context) {
                   return Like(arguments, context, Case::kExact);
                 })});
  registry->Add({.name = "ilike",
                 .min_arguments = 2,
                 .max_arguments = 3,
                 .resolve = ResolveLike("ilike"),
                 .evaluate = OnRows([](const Arguments& arguments, const CallContext& context) {
                   return Like(arguments, context, Case::kFolded);
                 })});
  registry->Add(
      {.name = "regexp_matches",
       .min_arguments = 2,
       .max_arguments = 2,
       .doc = {"regexp_matches(text, pattern)",
               "Whether the regular expression (RE2 syntax) matches anywhere in the text.",
               "regexp_matches('item-42', '[0-9]+$')", "true"},
       .resolve = ResolveRegex,
       .evaluate = OnRows([](const Arguments& arguments, const CallContext&) {
         return MatchRegex(arguments[0],
                           std::string(ScalarValue<std::string_view>(*arguments[1].scalar())));
       })});
}

}  // namespace tidemill
