#include "cli/operator_reference.h"

namespace tidemill {
namespace {

struct OperatorDoc {
  const char* name;
  const char* signature;
  const char* summary;
  const char* example;
  const char* result;
};

constexpr OperatorDoc kOperators[] = {
    {"+", "x + y",
     "The sum. Also a date and a number of days, a date or timestamp and an interval.",
     "date '2026-02-27' + 2", "2026-03-01"},
    {"-", "x - y", "The difference. Two dates give the days between them.",
     "date '2026-03-01' - date '2026-02-27'", "2"},
    {"*", "x * y", "The product.", "6 * 7", "42"},
    {"/", "x / y", "The quotient in double precision, of integers too; NULL where y is 0.", "7 / 2",
     "3.5"},
    {"%", "x % y", "The remainder of x / y, with the sign of x; NULL where y is 0.", "-7 % 3",
     "-1"},
    {"||", "x || y", "The texts one after the other.", "'a' || 'b'", "ab"},
    {"=", "x = y, x <> y, x < y, x <= y, x > y, x >= y",
     "Comparisons. NaN equals NaN and is larger than every number; texts are compared byte by "
     "byte.",
     "1 < 2", "true"},
    {"between", "x [not] between low and high", "Whether low <= x and x <= high.",
     "2 between 1 and 3", "true"},
    {"in", "x [not] in (v, ...)", "Whether x equals one of the values.", "'b' in ('a', 'b')",
     "true"},
    {"like", "x [not] like pattern, x [not] ilike pattern",
     "Whether the whole text matches: % stands for any text, _ for one character; ilike does not "
     "heed case.",
     "'books' like 'b%'", "true"},
    {"~", "x ~ pattern", "The same as regexp_matches(x, pattern).", "'books' ~ 'o+k'", "true"},
    {"is null", "x is [not] null", "Whether x is NULL.", "1 is null", "false"},
    {"is distinct from", "x is [not] distinct from y",
     "Whether x differs from y, where NULL is a value like any other.", "1 is distinct from null",
     "true"},
    {"is true", "x is [not] true, x is [not] false",
     "Tests of a condition that NULL does not pass through.", "(1 > 2) is not true", "true"},
    {"and", "x and y, x or y, not x", "Logic of three values: true, false and NULL.",
     "true and not false", "true"},
    {"case", "case when condition then x ... [else y] end",
     "The x of the first condition that is true, else y, else NULL.",
     "case when 2 > 1 then 'more' else 'less' end", "more"},
    {"cast", "cast(x as type), x::type",
     "x as another type: boolean, integer, bigint, double precision, decimal(p, s), text, date, "
     "timestamp. What cannot be converted is an error.",
     "cast('42' as bigint)", "42"},
    {"interval", "interval '7 days'", "A length of time to add to a date or a timestamp.",
     "timestamp '2026-03-01 10:00:00' + interval '90 minutes'", "2026-03-01 11:30:00"},
    {"feature_date", "feature_date", "The date that features are computed for.",
     "datediff(feature_date, last_event_at)", ""},
    {"run_timestamp", "run_timestamp()",
     "When the run began. Features that use it are left out of content hashes.", "run_timestamp()",
     ""},
};

}  // namespace

std::vector<FunctionEntry> OperatorEntries() {
  std::vector<FunctionEntry> entries;
  for (const OperatorDoc& doc : kOperators) {
    entries.push_back(
        {doc.name, {}, "operator", doc.signature, doc.summary, "", doc.example, doc.result});
  }
  return entries;
}

}  // namespace tidemill
