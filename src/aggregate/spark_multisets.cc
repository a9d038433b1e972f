#include "aggregate/spark_multisets.h"

#include <cmath>
#include <numeric>

#include <arrow/scalar.h>
#include <fmt/format.h>

#include "aggregate/fractions.h"
#include "sql/signatures.h"

namespace tidemill {
namespace {

/// The argument, as 0.0 where it is -0.0.
std::string Canonical(const AggregateCall& call) {
  const arrow::DataType& type = *call.arguments[0]->type;
  if (type.id() == arrow::Type::FLOAT) return "({x} + CAST(0 AS FLOAT))";
  return IsFloat(type) ? "({x} + 0e0D)" : "{x}";
}

/// The different values with their negated counts, such that the most frequent is the least.
constexpr const char* kCounted =
    "transform(array_distinct({a}), v -> named_struct('n', -size(filter({a}, e -> e = v)), 'x', "
    "v))";

/// p as a fraction in lowest terms.
struct Ratio {
  int64_t numerator;
  int64_t denominator;
};

Ratio RatioOf(const AggregateCall& call) {
  double p = 0.5;
  if (!call.constants.empty()) {
    const auto number = call.constants[0]->CastTo(arrow::float64());
    if (number.ok()) p = static_cast<const arrow::DoubleScalar&>(**number).value;
  }
  const int64_t units = std::llround(p * static_cast<double>(Fraction::kOne));
  const int64_t divisor = std::gcd(units, Fraction::kOne);
  return {units / divisor, Fraction::kOne / divisor};
}

/// `expression` with {name} standing for `value`, computed once.
std::string Let(const std::string& name, const std::string& value, const std::string& expression) {
  return "element_at(transform(array(" + value + "), " + name + " -> " + expression + "), 1)";
}

std::string Discrete(const Ratio& p) {
  const std::string place =
      fmt::format("greatest((CAST(size({{a}}) AS DECIMAL(10,0)) * {} + {}) DIV {}, 1L)",
                  p.numerator, p.denominator - 1, p.denominator);
  return "CASE WHEN size({a}) > 0 THEN element_at(array_sort({a}), CAST(" + place + " AS INT)) END";
}

std::string Continuous(const Ratio& p) {
  const std::string scaled =
      fmt::format("(CAST(size({{a}}) - 1 AS DECIMAL(10,0)) * {})", p.numerator);
  const std::string below = fmt::format("CAST({} DIV {} AS INT)", scaled, p.denominator);
  const std::string part =
      fmt::format("CAST({} % {} AS DOUBLE) / {}e0D", scaled, p.denominator, p.denominator);
  const std::string ends = "named_struct('low', CAST(element_at(s, " + below +
                           " + 1) AS DOUBLE), 'high', CAST(element_at(s, least(" + below +
                           " + 2, size(s))) AS DOUBLE), 'part', " + part + ")";
  const std::string between =
      "CASE WHEN i.part = 0 OR i.low = i.high THEN i.low "
      "WHEN abs(i.high - i.low) < CAST('Infinity' AS DOUBLE) "
      "THEN i.low + i.part * (i.high - i.low) "
      "ELSE i.low * (1 - i.part) + i.high * i.part END";
  return "CASE WHEN size({a}) > 0 THEN " + Let("s", "array_sort({a})", Let("i", ends, between)) +
         " END";
}

/// Of the array of all values: Spark's own functions have no partial results that SQL can hold.
std::string Shape(bool is_kurtosis) {
  const std::string mean = "aggregate({a}, 0e0D, (s, v) -> s + v) / size({a})";
  const auto moment = [](int power) {
    return fmt::format("aggregate({{a}}, 0e0D, (s, v) -> s + power(v - m, {}))", power);
  };
  const std::string value =
      is_kurtosis ? "size({a}) * " + moment(4) + " / power(" + moment(2) + ", 2) - 3"
                  : "sqrt(size({a})) * " + moment(3) + " / power(" + moment(2) + ", 1.5e0D)";
  return "CASE WHEN exists({a}, v -> v = CAST('NaN' AS DOUBLE) OR abs(v) = CAST('Infinity' AS "
         "DOUBLE)) THEN CAST('NaN' AS DOUBLE) WHEN array_max({a}) > array_min({a}) THEN " +
         Let("m", mean, value) + " END";
}

}  // namespace

std::optional<SparkMultiset> SparkMultisetOf(const std::string& name, const AggregateCall& call) {
  if (name == "collect_list") {
    return SparkMultiset{"named_struct('t', {y}, 'x', " + Canonical(call) + ")",
                         "transform(array_sort({a}), e -> e.x)"};
  }
  std::string result;
  if (name == "collect_set") {
    result = "array_sort(array_distinct({a}))";
  } else if (name == "mode") {
    result = "array_min(" + std::string(kCounted) + ").x";
  } else if (name == "top_k") {
    result = "CASE WHEN size({a}) > 0 THEN transform(slice(array_sort(" + std::string(kCounted) +
             "), 1, " + call.constants[0]->ToString() + "), e -> e.x) END";
  } else if (name == "histogram") {
    result =
        "CASE WHEN size({a}) > 0 THEN map_from_entries(transform(array_sort(array_distinct({a})), "
        "v -> struct(v, CAST(size(filter({a}, e -> e = v)) AS BIGINT)))) END";
  } else if (name == "median" || name == "percentile_cont") {
    result = Continuous(RatioOf(call));
  } else if (name == "percentile_disc") {
    result = Discrete(RatioOf(call));
  } else if (name == "skewness" || name == "kurtosis") {
    return SparkMultiset{"CAST({x} AS DOUBLE)", Shape(name == "kurtosis")};
  } else {
    return std::nullopt;
  }
  return SparkMultiset{Canonical(call), result};
}

std::string OfArray(const SparkMultiset& multiset, const std::string& array) {
  std::string body = multiset.result;
  constexpr std::string_view kArray = "{a}";
  for (size_t at = body.find(kArray); at != std::string::npos; at = body.find(kArray, at)) {
    body.replace(at, kArray.size(), "a");
  }
  return Let("a", array, body);
}

}  // namespace tidemill
