#include "sql/syntax.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

/// A tree as an S-expression: (and (> x 1) "Y").
std::string Show(const SyntaxPtr& node) {
  switch (node->kind) {
    case SyntaxNode::Kind::kString:
      return "'" + node->text + "'";
    case SyntaxNode::Kind::kColumn:
      return node->quoted ? "\"" + node->text + "\"" : node->text;
    case SyntaxNode::Kind::kInterval:
      return "interval '" + node->text + "'";
    case SyntaxNode::Kind::kCast:
      return Show(node->children[0]) + "::" + node->text;
    case SyntaxNode::Kind::kCall:
      break;
    default:
      return node->text;
  }
  std::string text = "(" + node->text;
  if (node->distinct) text += " distinct";
  for (const SyntaxPtr& child : node->children) text += " " + Show(child);
  if (node->filter != nullptr) text += " filter " + Show(node->filter);
  return text + ")";
}

LocatedText Source(const std::string& text, int line = 7, int column = 12) {
  return {text, {"p.yaml", line, column}};
}

std::string Parse(const std::string& text) {
  auto parsed = ParseExpression(Source(text));
  return parsed.ok() ? Show(parsed->root) : "ERROR " + parsed.status().message();
}

Diagnostic Failure(const std::string& text, const std::string& source_line = "") {
  auto parsed = ParseExpression(Source(text), source_line);
  EXPECT_FALSE(parsed.ok()) << text << " gives " << Show(parsed->root);
  if (parsed.ok()) return {};
  EXPECT_EQ(CodeOf(parsed.status()), ErrorCode::kInvalid);
  const std::vector<Diagnostic> diagnostics = DiagnosticsOf(parsed.status());
  EXPECT_EQ(diagnostics.size(), 1u);
  EXPECT_EQ(diagnostics[0].position.file, "p.yaml") << text;
  return diagnostics[0];
}

/// Expects a refusal of `text` at byte `offset`, with `message` somewhere in what it says.
void ExpectRefused(const std::string& text, int offset, const std::string& message) {
  const Diagnostic diagnostic = Failure(text);
  EXPECT_EQ(diagnostic.position.column - 12, offset) << text << ": " << diagnostic.message;
  EXPECT_EQ(diagnostic.position.line, 7) << text;
  EXPECT_NE((diagnostic.message + " / " + diagnostic.hint).find(message), std::string::npos)
      << text << ": " << diagnostic.message << " / " << diagnostic.hint;
}

TEST(Syntax, Literals) {
  EXPECT_EQ(Parse("0"), "0");
  EXPECT_EQ(Parse("-1"), "-1");
  EXPECT_EQ(Parse("- (-5)"), "5");
  EXPECT_EQ(Parse("+7"), "7");
  EXPECT_EQ(Parse("-0"), "0");
  EXPECT_EQ(Parse("a - -12"), "(- a -12)");
  EXPECT_EQ(Parse("- -- comment\n ( - /* 7 */ (-5))"), "-5");
  EXPECT_EQ(Parse("-2147483648"), "-2147483648");
  EXPECT_EQ(Parse("9223372036854775808"), "9223372036854775808");
  EXPECT_EQ(Parse("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(Parse("1.50"), "1.50");
  EXPECT_EQ(Parse(".5"), ".5");
  EXPECT_EQ(Parse("5."), "5.");
  EXPECT_EQ(Parse("-1e-7"), "-1e-7");
  EXPECT_EQ(Parse("''"), "''");
  EXPECT_EQ(Parse("'it''s'"), "'it's'");
  EXPECT_EQ(Parse("E'a\\n\\'b'"), "'a\n'b'");
  EXPECT_EQ(Parse("$$it's$$"), "'it's'");
  EXPECT_EQ(Parse("'a'\n'b'"), "'ab'");
  EXPECT_EQ(Parse("true"), "true");
  EXPECT_EQ(Parse("FALSE"), "false");
  EXPECT_EQ(Parse("null"), "null");
  EXPECT_EQ(Parse("'ÅÄÖ 😀'"), "'ÅÄÖ 😀'");

  const auto kind = [](const char* text) { return ParseExpression(Source(text))->root->kind; };
  EXPECT_EQ(kind("12345678901"), SyntaxNode::Kind::kInteger);
  EXPECT_EQ(kind("1e3"), SyntaxNode::Kind::kDecimal);
  EXPECT_EQ(kind("null"), SyntaxNode::Kind::kNull);
  EXPECT_EQ(kind("true"), SyntaxNode::Kind::kBoolean);
}

TEST(Syntax, NamesAreAsTheyAreWritten) {
  EXPECT_EQ(Parse("User_ID"), "User_ID");
  EXPECT_EQ(Parse("\"User ID\""), "\"User ID\"");
  EXPECT_EQ(Parse("\"a\"\"b\""), "\"a\"b\"");
  EXPECT_EQ(Parse("ÅÄÖ + \"ÅÄÖ\""), "(+ ÅÄÖ \"ÅÄÖ\")");
  EXPECT_EQ(Parse("U&\"d!0061ta\" UESCAPE '!'"), "\"data\"");
  EXPECT_EQ(Parse("max(timestamp)"), "(max timestamp)");
  EXPECT_EQ(Parse("value + day + hour"), "(+ (+ value day) hour)");
  const std::string long_name(100, 'a');
  EXPECT_EQ(Parse(long_name + " + 1"), "(+ " + long_name + " 1)");
  EXPECT_EQ(Parse("\"" + long_name + "\""), "\"" + long_name + "\"");
}

TEST(Syntax, Operators) {
  EXPECT_EQ(Parse("a + b * c - d / e % f"), "(- (+ a (* b c)) (% (/ d e) f))");
  EXPECT_EQ(Parse("-x"), "(negate x)");
  EXPECT_EQ(Parse("a != b"), "(<> a b)");
  EXPECT_EQ(Parse("a || b"), "(|| a b)");
  EXPECT_EQ(Parse("a ^ 2"), "(power a 2)");
  EXPECT_EQ(Parse("a ~ '^x'"), "(regexp_matches a '^x')");
  EXPECT_EQ(Parse("a and b and c or not d"), "(or (and a b c) (not d))");
  EXPECT_EQ(Parse("a >= 1 and a <= 2"), "(and (>= a 1) (<= a 2))");
}

TEST(Syntax, Predicates) {
  EXPECT_EQ(Parse("x is null"), "(is_null x)");
  EXPECT_EQ(Parse("x notnull"), "(is_not_null x)");
  EXPECT_EQ(Parse("x is true or y is not true"), "(or (is_true x) (is_not_true y))");
  EXPECT_EQ(Parse("x is false or y is not false"), "(or (is_false x) (is_not_false y))");
  EXPECT_EQ(Parse("x is unknown or y is not unknown"), "(or (is_null x) (is_not_null y))");
  EXPECT_EQ(Parse("x is distinct from y"), "(is_distinct_from x y)");
  EXPECT_EQ(Parse("x is not distinct from y"), "(is_not_distinct_from x y)");
  EXPECT_EQ(Parse("x in (1, null)"), "(in x 1 null)");
  EXPECT_EQ(Parse("x not in ('a')"), "(not (in x 'a'))");
  EXPECT_EQ(Parse("x between 1 and 2"), "(and (>= x 1) (<= x 2))");
  EXPECT_EQ(Parse("x not between 1 and 2"), "(not (and (>= x 1) (<= x 2)))");
  EXPECT_EQ(Parse("x like 'a%'"), "(like x 'a%')");
  EXPECT_EQ(Parse("x not like 'a!%' escape '!'"), "(not (like x 'a!%' '!'))");
  EXPECT_EQ(Parse("x ilike 'a%'"), "(ilike x 'a%')");
  EXPECT_EQ(Parse("x not ilike 'a%'"), "(not (ilike x 'a%'))");
}

TEST(Syntax, BetweenSharesItsOperand) {
  const auto parsed = ParseExpression(Source("f(x) between 1 and 2"));
  const SyntaxNode& both = *parsed->root;
  EXPECT_EQ(both.children[0]->children[0], both.children[1]->children[0]);
}

TEST(Syntax, Forms) {
  EXPECT_EQ(Parse("case when a then 1 when b then 2 end"), "(case a 1 b 2)");
  EXPECT_EQ(Parse("case x when 1 then 'a' when 2 then 'b' else 'c' end"),
            "(case (= x 1) 'a' (= x 2) 'b' 'c')");
  EXPECT_EQ(Parse("coalesce(a, 0)"), "(coalesce a 0)");
  EXPECT_EQ(Parse("nullif(a, 0)"), "(nullif a 0)");
  EXPECT_EQ(Parse("greatest(a, b, 1)"), "(greatest a b 1)");
  EXPECT_EQ(Parse("least(a, b)"), "(least a b)");
  EXPECT_EQ(Parse("extract(hour from ts)"), "(extract 'hour' ts)");
  EXPECT_EQ(Parse("EXTRACT(EPOCH FROM ts)"), "(extract 'epoch' ts)");
  EXPECT_EQ(Parse("date_part('hour', ts)"), "(extract 'hour' ts)");
  EXPECT_EQ(Parse("substring(x from 2 for 3)"), "(substring x 2 3)");
  EXPECT_EQ(Parse("substring(x, 2)"), "(substring x 2)");
  EXPECT_EQ(Parse("trim(x)"), "(trim x)");
  EXPECT_EQ(Parse("trim(both 'a' from x)"), "(trim x 'a')");
  EXPECT_EQ(Parse("trim(leading from x)"), "(ltrim x)");
  EXPECT_EQ(Parse("trim(trailing 'a' from x)"), "(rtrim x 'a')");
  EXPECT_EQ(Parse("position('a' in x)"), "(position 'a' x)");
  EXPECT_EQ(Parse("left(x, 1) || right(x, 1)"), "(|| (left x 1) (right x 1))");
}

TEST(Syntax, Casts) {
  EXPECT_EQ(Parse("x::int"), "x::integer");
  EXPECT_EQ(Parse("cast(x as double precision)"), "x::double");
  EXPECT_EQ(Parse("x::float"), "x::double");
  EXPECT_EQ(Parse("x::real"), "x::real");
  EXPECT_EQ(Parse("x::int2::int8"), "x::smallint::bigint");
  EXPECT_EQ(Parse("x::bool"), "x::boolean");
  EXPECT_EQ(Parse("x::numeric(10, 2)"), "x::decimal(10,2)");
  EXPECT_EQ(Parse("x::decimal(5)"), "x::decimal(5,0)");
  EXPECT_EQ(Parse("x::varchar"), "x::text");
  EXPECT_EQ(Parse("cast(x as string)"), "x::text");
  EXPECT_EQ(Parse("x::bytea"), "x::bytea");
  EXPECT_EQ(Parse("x::timestamp with time zone"), "x::timestamptz");
  EXPECT_EQ(Parse("date '2026-01-01'"), "'2026-01-01'::date");
  EXPECT_EQ(Parse("timestamp '2026-01-01 00:00'"), "'2026-01-01 00:00'::timestamp");
  EXPECT_EQ(Parse("d + interval '7 days'"), "(+ d interval '7 days')");
  EXPECT_EQ(Parse("d + interval '7' day"), "(+ d interval '7 day')");
  EXPECT_EQ(Parse("d - '1 hour'::interval"), "(- d interval '1 hour')");
}

TEST(Syntax, Calls) {
  EXPECT_EQ(Parse("count(*)"), "(count *)");
  EXPECT_EQ(Parse("COUNT(DISTINCT a, b)"), "(count distinct a b)");
  EXPECT_EQ(Parse("sum(x) filter (where y is not true)"), "(sum x filter (is_not_true y))");
  EXPECT_EQ(Parse("now()"), "(now)");
  EXPECT_EQ(Parse("current_date"), "(current_date)");
  EXPECT_EQ(Parse("current_timestamp(3)"), "(current_timestamp)");
  EXPECT_EQ(Parse("unique(a, b) and UNIQUE (c)"), "(and (unique a b) (unique c))");
  EXPECT_EQ(Parse("'unique(' || \"unique\" || unique /* ( */ (x)"),
            "(|| (|| 'unique(' \"unique\") (unique x))");
  EXPECT_EQ(Parse("\"Foo\"(1)"), "(Foo 1)");
}

TEST(Syntax, CommentsAndLines) {
  EXPECT_EQ(Parse("a -- first\n + /* second /* nested */ */ b -- third"), "(+ a b)");
  EXPECT_EQ(Parse("\n\n  a\n"), "a");
}

TEST(Syntax, NodesKnowTheirPlaces) {
  const std::string text = "coalesce( \"ÅÄÖ\", b::int ) > date '2026-01-01'";
  const auto parsed = ParseExpression(Source(text));
  ASSERT_TRUE(parsed.ok());
  const SyntaxNode& root = *parsed->root;
  EXPECT_EQ(root.offset, static_cast<int>(text.find('>')));
  EXPECT_EQ(root.children[0]->offset, 0);
  EXPECT_EQ(root.children[0]->children[0]->offset, static_cast<int>(text.find('"')));
  EXPECT_EQ(root.children[0]->children[1]->offset, static_cast<int>(text.find("::")));
  EXPECT_EQ(root.children[1]->offset, static_cast<int>(text.find("date")));
}

TEST(Syntax, MoreThanOneExpressionIsRefused) {
  ExpectRefused("a, b", 3, "a second one");
  ExpectRefused("1) , (2", 1, "syntax error at or near \")\"");
  ExpectRefused("x from t", 7, "FROM");
  ExpectRefused("x where y > 1", 8, "filter (where");
  ExpectRefused("x as y", 5, "no alias");
  ExpectRefused("total spend", 6, "double quotes");
  ExpectRefused("x order by y", 11, "ORDER BY");
  ExpectRefused("x limit 1", 8, "LIMIT");
  ExpectRefused("x group by y", 11, "GROUP BY");
  ExpectRefused("x for update", 0, "FOR");
  ExpectRefused("x into y", 7, "INTO");
  ExpectRefused("distinct x", 0, "count(distinct x)");
  ExpectRefused("all x", 0, "syntax error");
  ExpectRefused("x union select 1", 0, "UNION");
  ExpectRefused("x; drop table y", 1, "';'");
  ExpectRefused("x;", 1, "';'");
  ExpectRefused("x ; -- and nothing", 2, "';'");
  ExpectRefused("*", 0, "count(*)");
}

TEST(Syntax, ForeignSyntaxIsRefused) {
  ExpectRefused("a = (select 1)", 4, "subqueries");
  ExpectRefused("a in (select 1)", 2, "subqueries");
  ExpectRefused("exists (select 1)", 0, "subqueries");
  ExpectRefused("1 + sum(x) over (order by y)", 16, "OVER");
  ExpectRefused("array_agg(x order by y)", 21, "min_by");
  ExpectRefused("sum(y) within group (order by x)", 0, "WITHIN GROUP");
  ExpectRefused("mode() within group (order by x desc)", 30, "1 - p");
  ExpectRefused("percentile_cont(0.5) within group (order by x, y)", 44, "one column");
  ExpectRefused("a > $1", 4, "${NAME}");
  ExpectRefused("t.a + 1", 0, "dot");
  ExpectRefused("count(t.*)", 6, "dot");
  ExpectRefused("pg_catalog.count(*) + my.count(*)", 22, "schema");
  ExpectRefused("array[1, 2]", 0, "arrays");
  ExpectRefused("a[1]", 0, "elements");
  ExpectRefused("(a, b) = (1, 2)", 0, "rows");
  ExpectRefused("a = any(b)", 2, "x in (a, b)");
  ExpectRefused("a collate \"C\"", 2, "COLLATE");
  ExpectRefused("f(a => 1)", 2, "named arguments");
  ExpectRefused("f(variadic a)", 0, "VARIADIC");
  ExpectRefused("a similar to 'x'", 2, "SIMILAR");
  ExpectRefused("a !~ 'x'", 2, "NOT x ~");
  ExpectRefused("a between symmetric 1 and 2", 2, "least");
  ExpectRefused("ts at time zone 'UTC'", 3, "timezone");
  ExpectRefused("overlay(x placing 'a' from 2)", 0, "overlay");
  ExpectRefused("a == b", 2, "use =");
  ExpectRefused("x'1f'", 0, "bit strings");
  ExpectRefused("xmlelement(name foo)", 0, "XML");
  ExpectRefused("a is normalized", 2, "is normalized");
}

TEST(Syntax, TypesThatAreNoneAreRefused) {
  ExpectRefused("x::intt", 3, "did you mean 'int'");
  ExpectRefused("cast(x as json)", 10, "unknown type 'json'");
  ExpectRefused("x::int[]", 3, "not supported");
  ExpectRefused("x::varchar(10)", 3, "left(x, n)");
  ExpectRefused("x::char", 3, "unknown type 'bpchar'");
  ExpectRefused("x::numeric", 3, "decimal(18, 2)");
  ExpectRefused("x::decimal(39, 2)", 3, "1 <= p <= 38");
  ExpectRefused("x::decimal(4, 5)", 3, "0 <= s <= p");
  ExpectRefused("x::decimal(4, -2)", 3, "0 <= s <= p");
  ExpectRefused("x::timestamp(3)", 3, "leave it out");
  ExpectRefused("x::interval", 1, "literal");
  ExpectRefused("interval '1' day to second", 0, "interval '7 days 12 hours'");
}

TEST(Syntax, ParserErrorsPointIntoTheText) {
  ExpectRefused("'é' + + )", 9, "syntax error");
  ExpectRefused("'åäö' || 'abc", 12, "unterminated quoted string");
  ExpectRefused("count(*", 7, "ends too early");
  ExpectRefused("count(* -- åäö", 17, "ends too early");
  ExpectRefused("a +  ", 5, "ends too early");
  ExpectRefused("\"\"", 0, "zero-length");
  ExpectRefused("a + \"b", 4, "unterminated quoted identifier");
  ExpectRefused("a /* b", 2, "unterminated /* comment");
  ExpectRefused("max(order)", 4, "write it in double quotes: \"order\"");
  ExpectRefused("unique", 6, "ends too early");
  ExpectRefused("0x1F", 0, "trailing junk");
}

TEST(Syntax, OddTexts) {
  ExpectRefused("", 0, "empty");
  ExpectRefused("   ", 0, "empty");
  EXPECT_EQ(Failure("\n\n").message, "the expression is empty");
  ExpectRefused("-- nothing", 0, "empty");
  ExpectRefused("/* nothing */", 0, "empty");
  ExpectRefused(";", 0, "';'");
  ExpectRefused(std::string("a\0b", 3), 1, "NUL");
  ExpectRefused("a = '\xff'", 5, "UTF-8");
  ExpectRefused("\xc3", 0, "UTF-8");
  ExpectRefused("åb \xed\xa0\x80", 4, "UTF-8");
  ExpectRefused("\\", 0, "syntax error");
  ExpectRefused("{a}", 0, "syntax error");
}

TEST(Syntax, LongTexts) {
  std::string list = "x in (0";
  for (int i = 1; list.size() < 100'000; ++i) list += ", " + std::to_string(i);
  const auto parsed = ParseExpression(Source(list + ")"));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_GT(parsed->root->children.size(), 10'000u);

  std::string conjunction = "a > 0";
  while (conjunction.size() < 100'000) conjunction += " and b <> 1";
  EXPECT_TRUE(ParseExpression(Source(conjunction)).ok());

  EXPECT_EQ(Failure(std::string(2 << 20, ' ')).message, "the expression is longer than 1 MiB");
}

std::string Repeat(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(Syntax, NestingIsLimited) {
  EXPECT_TRUE(ParseExpression(Source(Repeat("(", 5000) + "x" + Repeat(")", 5000))).ok());
  EXPECT_TRUE(ParseExpression(Source(Repeat("abs(", 150) + "x" + Repeat(")", 150))).ok());
  for (const int depth : {300, 3000, 30000}) {
    EXPECT_NE(Failure(Repeat("abs(", depth) + "x" + Repeat(")", depth)).message.find("nested"),
              std::string::npos);
    EXPECT_NE(Failure("x" + Repeat(" + 1", depth)).message.find("nested"), std::string::npos);
    EXPECT_NE(Failure(Repeat("not ", depth) + "x").message.find("nested"), std::string::npos);
    EXPECT_NE(Failure(Repeat("(", 30000)).message.find("nested"), std::string::npos);
    Failure("x from y where " + Repeat("not ", depth) + "x");
  }
}

TEST(Syntax, SharedOperandsDoNotExplode) {
  std::string text = "x";
  for (int i = 0; i < 60; ++i) text = "(" + text + " between false and true)";
  EXPECT_EQ(Failure(text).message, "the expression is too large");
}

TEST(Syntax, PositionsOfSeveralLines) {
  const auto parsed = ParseExpression(Source("a +\n  b +\nc"), "    expr: a +");
  ASSERT_TRUE(parsed.ok());
  const auto at = [&](int offset) {
    return DiagnosticsOf(ExpressionError(*parsed, offset, "x"))[0];
  };
  EXPECT_EQ(at(2).position.line, 7);
  EXPECT_EQ(at(2).position.column, 14);
  EXPECT_EQ(at(2).source_line, "    expr: a +");
  EXPECT_EQ(at(6).position.line, 8);
  EXPECT_EQ(at(6).position.column, 14);
  EXPECT_EQ(at(6).source_line, "             b +");
  EXPECT_EQ(at(10).position.line, 9);
  EXPECT_EQ(at(10).position.column, 12);
  EXPECT_EQ(at(1000).position.line, 9);
  EXPECT_EQ(at(-5).position.column, 12);
  EXPECT_EQ(Failure("a +\n  b b").position.line, 8);
}

TEST(Syntax, TextFromNowhere) {
  const auto parsed = ParseExpression({"a b", {}});
  const Diagnostic diagnostic = DiagnosticsOf(parsed.status())[0];
  EXPECT_EQ(diagnostic.position.line, 1);
  EXPECT_EQ(diagnostic.position.column, 3);
  EXPECT_EQ(diagnostic.source_line, "a b");
  EXPECT_EQ(diagnostic.position.file, "");
}

TEST(Syntax, ColumnsOf) {
  const auto parsed =
      ParseExpression(Source("case when A > 1 then sum(\"b c\") filter (where d) else f(a) end"));
  std::string names;
  for (const ColumnMention& mention : ColumnsOf(parsed->root)) {
    names +=
        mention.name + (mention.quoted ? "!" : "") + "@" + std::to_string(mention.offset) + " ";
  }
  EXPECT_EQ(names, "A@10 b c!@25 d@46 a@56 ");
}

}  // namespace
}  // namespace tidemill
