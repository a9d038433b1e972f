#include <limits>
#include <string>

#include "sql/expression.h"
#include "sql/kernel.h"
#include "sql/signatures.h"
#include "sql/utf8.h"

namespace tidemill {

namespace {

using Texts = AnyValues<std::string_view>;
using Numbers = AnyValues<int64_t>;

Kernel FromArrow(const char* function) {
  return OnRows([function](const Arguments& arguments, const CallContext&) {
    return CallArrow(function, arguments);
  });
}

/// bigint of a text.
template <int64_t (*kMeasure)(std::string_view)>
arrow::Result<Datum> Measure(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  const ColumnValues<std::string_view> texts(*arguments[0].array());
  return GenerateOrFail<int64_t>(
      arrow::int64(), context.num_rows, validity,
      [&](int64_t row, int64_t* out) {
        *out = kMeasure(texts(row));
        return true;
      },
      [](int64_t) { return arrow::Status::OK(); });
}

int64_t Bytes(std::string_view text) { return static_cast<int64_t>(text.size()); }

// ---- trim ----

enum Side { kLeft = 1, kRight = 2, kBoth = 3 };

bool HoldsCharacter(std::string_view set, std::string_view character) {
  for (size_t at = 0; at < set.size();) {
    const size_t next = NextCharacter(set, at);
    if (set.substr(at, next - at) == character) return true;
    at = next;
  }
  return false;
}

std::string_view Trim(std::string_view text, std::string_view set, Side side) {
  while ((side & kLeft) && !text.empty()) {
    const size_t next = NextCharacter(text, 0);
    if (!HoldsCharacter(set, text.substr(0, next))) break;
    text.remove_prefix(next);
  }
  while ((side & kRight) && !text.empty()) {
    const size_t last = PreviousCharacter(text, text.size());
    if (!HoldsCharacter(set, text.substr(last))) break;
    text = text.substr(0, last);
  }
  return text;
}

void AddTrim(ScalarRegistry* registry, const char* name, std::vector<std::string> aliases,
             Side side, ScalarFunctionDoc doc) {
  registry->Add(
      {.name = name,
       .aliases = std::move(aliases),
       .min_arguments = 1,
       .max_arguments = 2,
       .doc = std::move(doc),
       .resolve = Takes(name, {Wanted::kText, Wanted::kText}, arrow::utf8()),
       .evaluate = OnRows(
           [side](const Arguments& arguments, const CallContext& context) -> arrow::Result<Datum> {
             ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
             const Texts texts(arguments[0]);
             const Datum set = arguments.size() > 1 ? arguments[1] : Datum(" ");
             const Texts sets(set);
             return GenerateText(context.num_rows, validity,
                                 [&](int64_t row) { return Trim(texts(row), sets(row), side); });
           })});
}

// ---- parts of a text ----

/// The characters from `start` (1 is the first), `count` of them, as far as there are any.
std::string_view Substring(std::string_view text, int64_t start, int64_t count) {
  int64_t end;
  if (__builtin_add_overflow(start, count, &end)) end = std::numeric_limits<int64_t>::max();
  const int64_t begin = std::max<int64_t>(start, 1);
  if (end <= begin) return {};
  const size_t first = CharacterOffset(text, begin - 1);
  const std::string_view rest = text.substr(first);
  return rest.substr(0, CharacterOffset(rest, end - begin));
}

arrow::Result<Datum> EvaluateSubstring(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  const Texts texts(arguments[0]);
  const Numbers starts(arguments[1]);
  const Numbers counts(arguments.size() > 2 ? arguments[2]
                                            : Datum(std::numeric_limits<int64_t>::max()));
  for (int64_t row = 0; row < context.num_rows; ++row) {
    if (IsValidAt(validity, row) && counts(row) < 0) {
      return arrow::Status::Invalid("substring: the length must not be negative: ", counts(row));
    }
  }
  return GenerateText(context.num_rows, validity,
                      [&](int64_t row) { return Substring(texts(row), starts(row), counts(row)); });
}

std::string_view Left(std::string_view text, int64_t count) {
  if (count >= 0) return text.substr(0, CharacterOffset(text, count));
  if (count == std::numeric_limits<int64_t>::min()) return {};
  return text.substr(0, CharacterOffsetFromEnd(text, -count));
}

std::string_view Right(std::string_view text, int64_t count) {
  if (count >= 0) return text.substr(CharacterOffsetFromEnd(text, count));
  if (count == std::numeric_limits<int64_t>::min()) return {};
  return text.substr(CharacterOffset(text, -count));
}

template <std::string_view (*kPart)(std::string_view, int64_t)>
arrow::Result<Datum> EvaluatePart(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  const Texts texts(arguments[0]);
  const Numbers counts(arguments[1]);
  return GenerateText(context.num_rows, validity,
                      [&](int64_t row) { return kPart(texts(row), counts(row)); });
}

/// Field number `field` of `text` (from 1; from the end where negative), empty if there is none.
std::string_view SplitPart(std::string_view text, std::string_view separator, int64_t field) {
  if (separator.empty()) return field == 1 || field == -1 ? text : std::string_view();
  if (field < 0) {
    for (; field < -1; ++field) {
      const size_t at = text.rfind(separator);
      if (at == std::string_view::npos) return {};
      text = text.substr(0, at);
    }
    const size_t at = text.rfind(separator);
    return at == std::string_view::npos ? text : text.substr(at + separator.size());
  }
  for (; field > 1; --field) {
    const size_t at = text.find(separator);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + separator.size());
  }
  return text.substr(0, text.find(separator));
}

arrow::Result<Datum> EvaluateSplitPart(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  const Texts texts(arguments[0]);
  const Texts separators(arguments[1]);
  const Numbers fields(arguments[2]);
  for (int64_t row = 0; row < context.num_rows; ++row) {
    if (IsValidAt(validity, row) && fields(row) == 0) {
      return arrow::Status::Invalid("split_part: fields count from 1, or from -1 at the end");
    }
  }
  return GenerateText(context.num_rows, validity, [&](int64_t row) {
    return SplitPart(texts(row), separators(row), fields(row));
  });
}

arrow::Result<Datum> Replace(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  const Texts texts(arguments[0]);
  const Texts from(arguments[1]);
  const Texts to(arguments[2]);
  std::string result;
  return GenerateText(context.num_rows, validity, [&](int64_t row) -> const std::string& {
    const std::string_view text = texts(row);
    const std::string_view wanted = from(row);
    result.clear();
    size_t begin = 0;
    for (size_t at; !wanted.empty() && (at = text.find(wanted, begin)) != std::string_view::npos;
         begin = at + wanted.size()) {
      result += text.substr(begin, at - begin);
      result += to(row);
    }
    result += text.substr(begin);
    return result;
  });
}

// ---- searching ----

template <bool (*kTest)(std::string_view, std::string_view)>
arrow::Result<Datum> Test(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  const Texts texts(arguments[0]);
  const Texts parts(arguments[1]);
  return Generate<bool>(arrow::boolean(), context.num_rows, validity, [&](int64_t row) {
    return IsValidAt(validity, row) && kTest(texts(row), parts(row));
  });
}

bool StartsWith(std::string_view text, std::string_view part) { return text.starts_with(part); }
bool EndsWith(std::string_view text, std::string_view part) { return text.ends_with(part); }

arrow::Result<Datum> Position(const Arguments& arguments, const CallContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto validity, IntersectValidity(arguments, context.num_rows));
  const Texts texts(arguments[0]);
  const Texts parts(arguments[1]);
  return Generate<int64_t>(arrow::int64(), context.num_rows, validity, [&](int64_t row) {
    if (!IsValidAt(validity, row)) return int64_t{0};
    const size_t at = texts(row).find(parts(row));
    return at == std::string_view::npos ? 0 : CountCharacters(texts(row).substr(0, at)) + 1;
  });
}

// ---- concatenation ----

/// The arguments one after another; NULLs are passed over.
arrow::Result<Datum> Concatenate(const Arguments& arguments, const CallContext& context) {
  std::shared_ptr<arrow::Buffer> validity;
  if (context.call->function->null_in_null_out) {
    ARROW_ASSIGN_OR_RAISE(validity, IntersectValidity(arguments, context.num_rows));
  }
  std::vector<std::pair<const Datum*, Texts>> parts;
  for (const Datum& argument : arguments) {
    if (argument.is_scalar() && !argument.scalar()->is_valid) continue;
    parts.emplace_back(&argument, Texts(argument));
  }
  std::string result;
  return GenerateText(context.num_rows, validity, [&](int64_t row) -> const std::string& {
    result.clear();
    for (const auto& [argument, texts] : parts) {
      if (IsValidAt(*argument, row)) result += texts(row);
    }
    return result;
  });
}

arrow::Result<ScalarSignature> ResolveConcat(const std::vector<ArgumentInfo>& arguments) {
  for (const ArgumentInfo& argument : arguments) {
    if (!CheckCast(*argument.type, *arrow::utf8()).ok()) {
      return NoSignature("concat", arguments, "an argument has no form as text");
    }
  }
  return ScalarSignature{std::vector<DataTypePtr>(arguments.size(), arrow::utf8()), arrow::utf8()};
}

arrow::Result<ScalarSignature> ResolveConcatOperator(const std::vector<ArgumentInfo>& arguments) {
  const auto is_text = [](const ArgumentInfo& x) { return IsText(*x.type) || IsNull(*x.type); };
  if (!is_text(arguments[0]) && !is_text(arguments[1])) {
    return NoSignature("||", arguments, "one of the operands must be text; cast it");
  }
  for (const ArgumentInfo& argument : arguments) {
    if (!CheckCast(*argument.type, *arrow::utf8()).ok()) {
      return NoSignature("||", arguments, "an operand has no form as text");
    }
  }
  return ScalarSignature{{arrow::utf8(), arrow::utf8()}, arrow::utf8()};
}

void AddText(ScalarRegistry* registry, const char* name, std::vector<std::string> aliases,
             std::vector<Wanted> wanted, int optional, DataTypePtr result, Kernel kernel,
             ScalarFunctionDoc doc, const char* duckdb = "") {
  const auto count = static_cast<int>(wanted.size());
  registry->Add({.name = name,
                 .aliases = std::move(aliases),
                 .min_arguments = count - optional,
                 .max_arguments = count,
                 .doc = std::move(doc),
                 .resolve = Takes(name, std::move(wanted), std::move(result)),
                 .evaluate = std::move(kernel),
                 .duckdb = duckdb});
}

}  // namespace

void RegisterStrings(ScalarRegistry* registry) {
  constexpr Wanted kText = Wanted::kText;
  constexpr Wanted kInteger = Wanted::kInteger;
  const DataTypePtr text = arrow::utf8();
  const DataTypePtr integer = arrow::int64();
  AddText(registry, "lower", {}, {kText}, 0, text, FromArrow("utf8_lower"),
          {"lower(text)", "The text in lower case.", "lower('Tide')", "tide"});
  AddText(registry, "upper", {}, {kText}, 0, text, FromArrow("utf8_upper"),
          {"upper(text)", "The text in upper case.", "upper('Tide')", "TIDE"});
  AddText(registry, "length", {"char_length", "character_length"}, {kText}, 0, integer,
          OnRows(Measure<CountCharacters>),
          {"length(text)", "The number of characters.", "length('mühle')", "5"});
  AddText(registry, "octet_length", {}, {kText}, 0, integer, OnRows(Measure<Bytes>),
          {"octet_length(text)", "The number of bytes.", "octet_length('mühle')", "6"},
          "strlen({0})");
  AddTrim(registry, "trim", {"btrim"}, kBoth,
          {"trim(text [, characters])",
           "The text without the characters (spaces) at its beginning and end.", "trim('  tide ')",
           "tide"});
  AddTrim(
      registry, "ltrim", {}, kLeft,
      {"ltrim(text [, characters])", "The text without the characters (spaces) at its beginning.",
       "ltrim('xxtide', 'x')", "tide"});
  AddTrim(registry, "rtrim", {}, kRight,
          {"rtrim(text [, characters])", "The text without the characters (spaces) at its end.",
           "rtrim('tide!?', '?!')", "tide"});
  AddText(registry, "substring", {"substr"}, {kText, kInteger, kInteger}, 1, text,
          OnRows(EvaluateSubstring),
          {"substring(text, start [, length])",
           "The characters from `start` (1 is the first); a start before the text counts into the "
           "length, as in PostgreSQL.",
           "substring('tidemill', 5, 3)", "mil"});
  AddText(registry, "left", {}, {kText, kInteger}, 0, text, OnRows(EvaluatePart<Left>),
          {"left(text, n)", "The first n characters; all but the last -n where n is negative.",
           "left('tidemill', 4)", "tide"});
  AddText(registry, "right", {}, {kText, kInteger}, 0, text, OnRows(EvaluatePart<Right>),
          {"right(text, n)", "The last n characters; all but the first -n where n is negative.",
           "right('tidemill', 4)", "mill"});
  AddText(registry, "replace", {}, {kText, kText, kText}, 0, text, OnRows(Replace),
          {"replace(text, from, to)", "The text with every `from` replaced.",
           "replace('a-b-c', '-', '+')", "a+b+c"});
  AddText(registry, "split_part", {}, {kText, kText, kInteger}, 0, text, OnRows(EvaluateSplitPart),
          {"split_part(text, separator, n)",
           "Field n of the text (from 1, or from -1 at the end); empty if there are fewer.",
           "split_part('a/b/c', '/', 2)", "b"});
  AddText(registry, "starts_with", {}, {kText, kText}, 0, arrow::boolean(),
          OnRows(Test<StartsWith>),
          {"starts_with(text, prefix)", "Whether the text begins with the prefix.",
           "starts_with('tidemill', 'tide')", "true"});
  AddText(registry, "ends_with", {}, {kText, kText}, 0, arrow::boolean(), OnRows(Test<EndsWith>),
          {"ends_with(text, suffix)", "Whether the text ends with the suffix.",
           "ends_with('tidemill', 'tide')", "false"});
  AddText(registry, "strpos", {}, {kText, kText}, 0, integer, OnRows(Position),
          {"strpos(text, part)", "The position of the first `part`, from 1; 0 if there is none.",
           "strpos('tidemill', 'mill')", "5"});
  registry->Add(
      {.name = "concat",
       .min_arguments = 1,
       .max_arguments = -1,
       .doc = {"concat(x, ...)", "The arguments as text, one after another; NULLs are passed over.",
               "concat('a', NULL, 1)", "a1"},
       .null_in_null_out = false,
       .resolve = ResolveConcat,
       .evaluate = OnRows(Concatenate, NullRule::kSeesNulls)});
  registry->Add({.name = "||",
                 .min_arguments = 2,
                 .max_arguments = 2,
                 .resolve = ResolveConcatOperator,
                 .evaluate = OnRows(Concatenate)});
}

}  // namespace tidemill
