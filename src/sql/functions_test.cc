// Every scalar function over a table of cases. A case is evaluated over plain columns, sliced
// columns, dictionary columns and row by row over constants; all four must give the expected
// values.

#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_vector.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/expression_builder.h"
#include "sql/kernel.h"

namespace tidemill {
namespace {

using arrow::boolean;
using arrow::date32;
using arrow::decimal128;
using arrow::float32;
using arrow::float64;
using arrow::int16;
using arrow::int32;
using arrow::int64;
using arrow::int8;
using arrow::timestamp;
using arrow::uint64;
using arrow::uint8;
using arrow::utf8;
using testing::HasSubstr;

constexpr auto kSecond = arrow::TimeUnit::SECOND;
constexpr auto kMilli = arrow::TimeUnit::MILLI;
constexpr auto kMicro = arrow::TimeUnit::MICRO;
constexpr auto kNano = arrow::TimeUnit::NANO;

struct Argument {
  DataTypePtr type;
  std::string json;  // an array; or a value where `constant`
  bool constant = false;
};

Argument K(DataTypePtr type, std::string json) { return {std::move(type), std::move(json), true}; }

struct FunctionCase {
  std::string function;  // "cast" casts to the type of the result
  std::vector<Argument> arguments;
  DataTypePtr result;
  std::string expected;
};

void PrintTo(const FunctionCase& c, std::ostream* out) {
  *out << c.function << "(";
  for (const Argument& a : c.arguments) *out << a.type->ToString() << " " << a.json << "; ";
  *out << ")";
}

class FunctionTest : public testing::TestWithParam<FunctionCase> {
 protected:
  using Shape = std::function<Datum(const std::shared_ptr<arrow::Array>&)>;

  arrow::Result<std::shared_ptr<arrow::Array>> Evaluate(const Shape& shape) {
    const FunctionCase& c = GetParam();
    TestFrame frame;
    std::vector<ExpressionPtr> arguments;
    for (const Argument& a : c.arguments) {
      arguments.push_back(a.constant ? Constant(a.type, a.json)
                                     : frame.Column("c" + std::to_string(arguments.size()),
                                                    shape(ArrayOf(a.type, a.json))));
    }
    if (c.function == "cast") {
      ARROW_ASSIGN_OR_RAISE(const ExpressionPtr cast, CastTo(arguments[0], c.result));
      return frame.Evaluate(cast);
    }
    ARROW_ASSIGN_OR_RAISE(const ExpressionPtr call, TryCall(c.function, arguments));
    return frame.Evaluate(call);
  }

  void Expect(const arrow::Result<std::shared_ptr<arrow::Array>>& result,
              const std::shared_ptr<arrow::Array>& expected) {
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    ASSERT_TRUE((*result)->ValidateFull().ok()) << (*result)->ValidateFull().ToString();
    EXPECT_TRUE(SameValues(**result, *expected))
        << "got " << (*result)->type()->ToString() << " " << (*result)->ToString() << "\nwanted "
        << expected->type()->ToString() << " " << expected->ToString();
  }

  std::shared_ptr<arrow::Array> Expected() {
    return ArrayOf(GetParam().result, GetParam().expected);
  }
};

std::shared_ptr<arrow::Array> Repeat(const std::shared_ptr<arrow::Array>& array) {
  return *arrow::Concatenate({array, array, array});
}

TEST_P(FunctionTest, PlainColumns) {
  Expect(Evaluate([](const auto& array) { return Datum(array); }), Expected());
}

TEST_P(FunctionTest, SlicedColumns) {
  Expect(Evaluate([](const auto& array) {
           return Datum(Repeat(array)->Slice(array->length(), array->length()));
         }),
         Expected());
}

TEST_P(FunctionTest, DictionaryColumns) {
  Expect(Evaluate([](const auto& array) -> Datum {
           return *CallArrow("dictionary_encode", {Datum(Repeat(array))});
         }),
         Repeat(Expected()));
}

TEST_P(FunctionTest, Constants) {
  const FunctionCase& c = GetParam();
  const auto expected = Expected();
  for (int64_t row = 0; row < expected->length(); ++row) {
    std::vector<ExpressionPtr> arguments;
    for (const Argument& a : c.arguments) {
      if (a.constant) {
        arguments.push_back(Constant(a.type, a.json));
      } else {
        arguments.push_back(LiteralExpression(*ArrayOf(a.type, a.json)->GetScalar(row)));
      }
    }
    const ScalarFunction* function = ScalarRegistry::Default().Find(c.function);
    ASSERT_NE(function, nullptr);
    // Resolve as for columns, so that constants do not narrow the types.
    std::vector<ArgumentInfo> infos;
    for (size_t i = 0; i < arguments.size(); ++i) {
      infos.push_back(
          {arguments[i]->type, c.arguments[i].constant ? arguments[i]->value : nullptr});
    }
    if (c.function == "cast") infos.push_back({c.result, nullptr});
    auto signature = function->resolve(infos);
    ASSERT_TRUE(signature.ok()) << signature.status().ToString();
    for (size_t i = 0; i < arguments.size(); ++i) {
      arguments[i] = Cast(arguments[i], signature->arguments[i]);
    }
    auto value = CallExpression(*function, arguments, signature->result, 0);
    ASSERT_TRUE(value.ok()) << value.status().ToString();
    ASSERT_EQ((*value)->kind, Expression::Kind::kLiteral);
    Expect(arrow::MakeArrayFromScalar(*(*value)->value, 1), expected->Slice(row, 1));
  }
}

#define CASES(name, ...)                      \
  const FunctionCase k##name[] = __VA_ARGS__; \
  INSTANTIATE_TEST_SUITE_P(name, FunctionTest, testing::ValuesIn(k##name))

CASES(Comparisons,
      {
          {"=",
           {{int64(), "[1, 2, null]"}, {int64(), "[1, 3, 3]"}},
           boolean(),
           "[true, false, null]"},
          {"=",
           {{float64(), "[NaN, 0.0, NaN, 1]"}, {float64(), "[NaN, -0.0, 1, 1]"}},
           boolean(),
           "[true, true, false, true]"},
          {"<",
           {{float64(), "[NaN, 1, Inf, NaN]"}, {float64(), "[NaN, NaN, NaN, 1]"}},
           boolean(),
           "[false, true, true, false]"},
          {">", {{float64(), "[NaN, 1]"}, {float64(), "[Inf, NaN]"}}, boolean(), "[true, false]"},
          {">=", {{float32(), "[NaN, 1]"}, {float32(), "[NaN, 2]"}}, boolean(), "[true, false]"},
          {"<=", {{float64(), "[0.0, 2]"}, {int32(), "[0, 1]"}}, boolean(), "[true, false]"},
          {"<>",
           {{utf8(), R"(["a", "", null])"}, {utf8(), R"(["b", "", "x"])"}},
           boolean(),
           "[true, false, null]"},
          {"<",
           {{utf8(), R"(["a", "ab", "é", "Z"])"}, {utf8(), R"(["ab", "a", "z", "a"])"}},
           boolean(),
           "[true, false, false, true]"},
          {"=", {{int8(), "[1, 5]"}, K(int64(), "5")}, boolean(), "[false, true]"},
          {"=", {{int8(), "[1, 5]"}, K(int64(), "500")}, boolean(), "[false, false]"},
          {">",
           {{uint64(), "[18446744073709551615, 0]"}, {int64(), "[-1, 1]"}},
           boolean(),
           "[true, false]"},
          {"=",
           {{decimal128(10, 2), R"(["1.50", "2.00"])"}, {decimal128(5, 1), R"(["1.5", "2.1"])"}},
           boolean(),
           "[true, false]"},
          {"=",
           {{decimal128(10, 2), R"(["1.50", "2.00"])"}, K(int64(), "2")},
           boolean(),
           "[false, true]"},
          {">",
           {{decimal128(10, 2), R"(["0.10", "0.11"])"}, {float64(), "[0.1, 0.1]"}},
           boolean(),
           "[false, true]"},
          {"=",
           {{date32(), R"(["2026-03-02", "2026-03-03"])"}, K(utf8(), R"("2026-03-02")")},
           boolean(),
           "[true, false]"},
          {">=",
           {{timestamp(kMicro), R"(["2026-03-02 00:00:00", "2026-03-01 23:59:59"])"},
            {date32(), R"(["2026-03-02", "2026-03-02"])"}},
           boolean(),
           "[true, false]"},
          {"=",
           {{timestamp(kSecond), R"(["2026-03-02 00:00:00"])"},
            {timestamp(kNano), R"(["2026-03-02 00:00:00"])"}},
           boolean(),
           "[true]"},
          {"=",
           {{boolean(), "[true, false, null]"}, {boolean(), "[true, true, true]"}},
           boolean(),
           "[true, false, null]"},
          {"is_distinct_from",
           {{int64(), "[1, 1, null, null]"}, {int64(), "[1, 2, 1, null]"}},
           boolean(),
           "[false, true, true, false]"},
          {"is_not_distinct_from",
           {{float64(), "[NaN, null]"}, {float64(), "[NaN, null]"}},
           boolean(),
           "[true, true]"},
          {"is_distinct_from",
           {{int64(), "[1, null]"}, K(int64(), "null")},
           boolean(),
           "[true, false]"},
      });

CASES(In, {
              {"in",
               {{int64(), "[1, 2, null]"}, K(int64(), "1"), K(int64(), "3")},
               boolean(),
               "[true, false, null]"},
              {"in",
               {{int64(), "[1, 2, null]"}, K(int64(), "1"), K(arrow::null(), "null")},
               boolean(),
               "[true, null, null]"},
              {"in",
               {{utf8(), R"(["a", "b", null])"}, K(utf8(), R"("b")")},
               boolean(),
               "[false, true, null]"},
              {"in",
               {{float64(), "[NaN, -0.0, 2]"}, K(float64(), "NaN"), K(float64(), "0.0")},
               boolean(),
               "[true, true, false]"},
              {"in",
               {{int64(), "[1, 2, 3]"}, {int64(), "[1, null, null]"}, {int64(), "[5, 2, 5]"}},
               boolean(),
               "[true, true, null]"},
              {"in",
               {{int32(), "[7, 10, 0]"},
                K(int64(), "1"),
                K(int64(), "2"),
                K(int64(), "3"),
                K(int64(), "4"),
                K(int64(), "5"),
                K(int64(), "6"),
                K(int64(), "7"),
                K(int64(), "8"),
                K(int64(), "9")},
               boolean(),
               "[true, false, false]"},
              {"in",
               {{date32(), R"(["2026-03-02", "2026-03-03"])"}, K(utf8(), R"("2026-03-03")")},
               boolean(),
               "[false, true]"},
          });

CASES(Logic,
      {
          {"and",
           {{boolean(), "[true, true, true, false, false, null]"},
            {boolean(), "[true, false, null, false, null, null]"}},
           boolean(),
           "[true, false, null, false, false, null]"},
          {"or",
           {{boolean(), "[true, true, true, false, false, null]"},
            {boolean(), "[true, false, null, false, null, null]"}},
           boolean(),
           "[true, true, true, false, null, null]"},
          {"and",
           {{boolean(), "[true, true]"}, {boolean(), "[true, true]"}, {boolean(), "[true, null]"}},
           boolean(),
           "[true, null]"},
          {"or", {{boolean(), "[false, true]"}, K(boolean(), "null")}, boolean(), "[null, true]"},
          {"not", {{boolean(), "[true, false, null]"}}, boolean(), "[false, true, null]"},
          {"is_null", {{float64(), "[NaN, null]"}}, boolean(), "[false, true]"},
          {"is_not_null", {{utf8(), R"(["", null])"}}, boolean(), "[true, false]"},
          {"is_true", {{boolean(), "[true, false, null]"}}, boolean(), "[true, false, false]"},
          {"is_not_true", {{boolean(), "[true, false, null]"}}, boolean(), "[false, true, true]"},
          {"is_false", {{boolean(), "[true, false, null]"}}, boolean(), "[false, true, false]"},
          {"is_not_false", {{boolean(), "[true, false, null]"}}, boolean(), "[true, false, true]"},
      });

CASES(
    Conditionals,
    {
        {"case",
         {{boolean(), "[true, false, null]"}, {int64(), "[1, 2, 3]"}},
         int64(),
         "[1, null, null]"},
        {"case",
         {{boolean(), "[true, false, null]"},
          K(utf8(), R"("yes")"),
          {boolean(), "[true, true, null]"},
          K(utf8(), R"("maybe")"),
          K(utf8(), R"("no")")},
         utf8(),
         R"(["yes", "maybe", "no"])"},
        {"case",
         {{boolean(), "[true, false]"}, K(int64(), "1"), {float64(), "[0.5, 0.5]"}},
         float64(),
         "[1, 0.5]"},
        {"case",
         {{boolean(), "[true, false]"}, {decimal128(5, 2), R"(["1.25", "2.25"])"}, K(int64(), "0")},
         decimal128(5, 2),
         R"(["1.25", "0.00"])"},
        {"coalesce",
         {{int64(), "[null, 2, null]"}, {int64(), "[1, 1, null]"}},
         int64(),
         "[1, 2, null]"},
        {"coalesce",
         {{utf8(), R"(["a", null])"}, K(utf8(), R"("none")")},
         utf8(),
         R"(["a", "none"])"},
        {"coalesce", {{int32(), "[null, 2]"}, K(int64(), "0")}, int32(), "[0, 2]"},
        {"coalesce", {{float64(), "[null, 2]"}, K(int64(), "0")}, float64(), "[0, 2]"},
        {"nullif", {{int64(), "[0, 2, null]"}, K(int64(), "0")}, int64(), "[null, 2, null]"},
        {"nullif",
         {{float64(), "[NaN, -0.0, 1]"}, {float64(), "[NaN, 0.0, null]"}},
         float64(),
         "[null, null, 1]"},
        {"nullif", {{utf8(), R"(["", "a"])"}, K(utf8(), R"("")")}, utf8(), R"([null, "a"])"},
        {"greatest",
         {{int64(), "[1, null, null]"}, {int64(), "[2, 3, null]"}},
         int64(),
         "[2, 3, null]"},
        {"greatest", {{float64(), "[1, NaN]"}, {float64(), "[NaN, 1]"}}, float64(), "[NaN, NaN]"},
        {"least",
         {{float64(), "[1, NaN, -1]"}, {float64(), "[NaN, 1, -2]"}},
         float64(),
         "[1, 1, -2]"},
        {"least",
         {{utf8(), R"(["b", "a"])"}, {utf8(), R"(["a", "b"])"}, K(utf8(), R"("c")")},
         utf8(),
         R"(["a", "a"])"},
        {"greatest", {{int64(), "[0, 5]"}, K(int64(), "1")}, int64(), "[1, 5]"},
        {"greatest",
         {{date32(), R"(["2026-03-02"])"}, {timestamp(kMicro), R"(["2026-03-01 10:00:00"])"}},
         timestamp(kMicro),
         R"(["2026-03-02 00:00:00"])"},
    });

CASES(Arithmetic,
      {
          {"+", {{int64(), "[1, null]"}, {int32(), "[2, 2]"}}, int64(), "[3, null]"},
          {"-", {{int8(), "[-128]"}, {int8(), "[127]"}}, int64(), "[-255]"},
          {"*",
           {{int64(), "[3037000499]"}, {int64(), "[3037000499]"}},
           int64(),
           "[9223372030926249001]"},
          {"+",
           {{int64(), "[1, 9223372036854775807]"}, {float64(), "[0.5, 0]"}},
           float64(),
           "[1.5, 9223372036854775807]"},
          {"/",
           {{int64(), "[1, 1, 0, -7]"}, {int64(), "[2, 0, 0, 2]"}},
           float64(),
           "[0.5, null, null, -3.5]"},
          {"/",
           {{float64(), "[1, 0.0, NaN, 1]"}, {float64(), "[-0.0, 0.0, 0.0, Inf]"}},
           float64(),
           "[null, null, null, 0]"},
          {"/",
           {{decimal128(10, 2), R"(["1.00", "1.00"])"}, {decimal128(10, 2), R"(["3.00", "0.00"])"}},
           float64(),
           "[0.3333333333333333, null]"},
          {"%",
           {{int64(), "[7, -7, 7, -7, 7]"}, {int64(), "[3, 3, -3, -3, 0]"}},
           int64(),
           "[1, -1, 1, -1, null]"},
          {"%", {{int64(), "[-9223372036854775808]"}, {int64(), "[-1]"}}, int64(), "[0]"},
          {"%",
           {{float64(), "[7.5, -7.5, 1]"}, {float64(), "[2, 2, 0]"}},
           float64(),
           "[1.5, -1.5, null]"},
          {"%",
           {{decimal128(5, 2), R"(["7.55", "-7.55"])"}, K(int64(), "2")},
           decimal128(5, 2),
           R"(["1.55", "-1.55"])"},
          {"mod", {{int64(), "[7, null]"}, K(int64(), "4")}, int64(), "[3, null]"},
          {"negate", {{int32(), "[1, null]"}}, int64(), "[-1, null]"},
          {"negate", {{float64(), "[1.5, NaN]"}}, float64(), "[-1.5, NaN]"},
          {"negate", {{decimal128(4, 1), R"(["1.5"])"}}, decimal128(4, 1), R"(["-1.5"])"},
          {"+",
           {{decimal128(5, 2), R"(["1.25", "-1.25"])"},
            {decimal128(6, 1), R"(["0.1", "99999.9"])"}},
           decimal128(8, 2),
           R"(["1.35", "99998.65"])"},
          {"-",
           {{decimal128(5, 2), R"(["1.25"])"}, K(int64(), "1")},
           decimal128(6, 2),
           R"(["0.25"])"},
          {"*",
           {{decimal128(5, 2), R"(["1.25"])"}, {decimal128(5, 3), R"(["0.500"])"}},
           decimal128(10, 5),
           R"(["0.62500"])"},
          {"*",
           {{decimal128(5, 2), R"(["1.25"])"}, {int64(), "[3]"}},
           decimal128(24, 2),
           R"(["3.75"])"},
          {"*", {{decimal128(5, 2), R"(["1.25"])"}, {float64(), "[0.5]"}}, float64(), "[0.625]"},
          {"*",
           {{decimal128(38, 0), R"(["12"])"}, {decimal128(38, 0), R"(["12"])"}},
           decimal128(38, 0),
           R"(["144"])"},
          {"+",
           {{uint64(), "[18446744073709551615]"}, K(int64(), "1")},
           decimal128(21, 0),
           R"(["18446744073709551616"])"},
          {"+",
           {{date32(), R"(["2026-02-27", null])"}, K(int64(), "3")},
           date32(),
           R"(["2026-03-02", null])"},
          {"-", {{date32(), R"(["2026-03-02"])"}, {int64(), "[3]"}}, date32(), R"(["2026-02-27"])"},
          {"-",
           {{date32(), R"(["2026-03-02", "1969-12-31"])"},
            {date32(), R"(["2026-02-27", "1970-01-01"])"}},
           int64(),
           "[3, -1]"},
      });

CASES(Math,
      {
          {"abs", {{int64(), "[-3, 3, null]"}}, int64(), "[3, 3, null]"},
          {"abs", {{float64(), "[-0.5, NaN, -Inf]"}}, float64(), "[0.5, NaN, Inf]"},
          {"abs", {{decimal128(4, 1), R"(["-1.5"])"}}, decimal128(4, 1), R"(["1.5"])"},
          {"sign", {{int64(), "[-3, 0, 9]"}}, int64(), "[-1, 0, 1]"},
          {"sign", {{float64(), "[-0.5, 0, NaN]"}}, float64(), "[-1, 0, NaN]"},
          {"sign", {{decimal128(4, 1), R"(["-1.5", "0.0"])"}}, int64(), "[-1, 0]"},
          {"round",
           {{float64(), "[2.5, -2.5, 0.4, 0.49999999999999994, NaN]"}},
           float64(),
           "[3, -3, 0, 0, NaN]"},
          {"round",
           {{float64(), "[1.256, -1.256, 1e300]"}, K(int64(), "2")},
           float64(),
           "[1.26, -1.26, 1e300]"},
          {"round", {{float64(), "[155.5, -155.5]"}, K(int64(), "-1")}, float64(), "[160, -160]"},
          {"round", {{int64(), "[155, -155, 154]"}, K(int64(), "-1")}, int64(), "[160, -160, 150]"},
          {"round", {{int64(), "[155]"}, K(int64(), "2")}, int64(), "[155]"},
          {"round", {{int64(), "[155]"}, K(int64(), "-30")}, int64(), "[0]"},
          {"round",
           {{decimal128(5, 2), R"(["2.50", "-2.50", "9.99", "2.49"])"}},
           decimal128(4, 0),
           R"(["3", "-3", "10", "2"])"},
          {"round",
           {{decimal128(5, 3), R"(["2.345", "-2.345", "9.995"])"}, K(int64(), "2")},
           decimal128(5, 2),
           R"(["2.35", "-2.35", "10.00"])"},
          {"round",
           {{decimal128(5, 2), R"(["155.50"])"}, K(int64(), "-1")},
           decimal128(4, 0),
           R"(["160"])"},
          {"round",
           {{decimal128(5, 2), R"(["2.55", "2.55"])"}, {int64(), "[1, 5]"}},
           decimal128(5, 2),
           R"(["2.60", "2.55"])"},
          {"floor", {{float64(), "[-1.5, 1.5, NaN]"}}, float64(), "[-2, 1, NaN]"},
          {"ceil", {{float64(), "[-1.5, 1.5]"}}, float64(), "[-1, 2]"},
          {"ceiling", {{int64(), "[3]"}}, int64(), "[3]"},
          {"floor",
           {{decimal128(5, 2), R"(["-1.01", "1.99", "-2.00"])"}},
           decimal128(4, 0),
           R"(["-2", "1", "-2"])"},
          {"ceil",
           {{decimal128(5, 2), R"(["-1.99", "1.01", "2.00"])"}},
           decimal128(4, 0),
           R"(["-1", "2", "2"])"},
          {"ln",
           {{float64(), "[1, 0, -1, NaN, Inf, null]"}},
           float64(),
           "[0, null, null, NaN, Inf, null]"},
          {"log10", {{int64(), "[1000, 0]"}}, float64(), "[3, null]"},
          {"log2", {{float64(), "[8, -8]"}}, float64(), "[3, null]"},
          {"exp", {{float64(), "[0, 1000]"}}, float64(), "[1, Inf]"},
          {"sqrt", {{float64(), "[2.25, -1, -0.0, NaN]"}}, float64(), "[1.5, null, 0, NaN]"},
          {"power",
           {{float64(), "[2, 0, 0, -8]"}, {float64(), "[10, -1, 0, 0.5]"}},
           float64(),
           "[1024, null, 1, NaN]"},
          {"isnan", {{float64(), "[NaN, 1, null]"}}, boolean(), "[true, false, null]"},
      });

CASES(
    Strings,
    {
        {"lower", {{utf8(), R"(["ÄB", null, ""])"}}, utf8(), R"(["äb", null, ""])"},
        {"upper", {{utf8(), R"(["äb"])"}}, utf8(), R"(["ÄB"])"},
        {"lower", {{arrow::large_utf8(), R"(["ÄB", null])"}}, utf8(), R"(["äb", null])"},
        {"length", {{utf8(), R"(["mühle", "", "日本", null])"}}, int64(), "[5, 0, 2, null]"},
        {"octet_length", {{utf8(), R"(["mühle", ""])"}}, int64(), "[6, 0]"},
        {"trim", {{utf8(), R"(["  a b ", "\ta ", ""])"}}, utf8(), R"(["a b", "\ta", ""])"},
        {"btrim", {{utf8(), R"(["äxaäx", "xx"])"}, K(utf8(), R"("xä")")}, utf8(), R"(["a", ""])"},
        {"ltrim", {{utf8(), R"([" a "])"}}, utf8(), R"(["a "])"},
        {"rtrim", {{utf8(), R"(["a! ", "a!?"])"}, K(utf8(), R"("?!")")}, utf8(), R"(["a! ", "a"])"},
        {"substring",
         {{utf8(), R"(["mühle", "mühle", "mühle", "mühle"])"}, {int64(), "[2, 0, -1, 9]"}},
         utf8(),
         R"(["ühle", "mühle", "mühle", ""])"},
        {"substr",
         {{utf8(), R"(["mühle", "mühle", "mühle", "mühle"])"},
          {int64(), "[2, 0, -1, 2]"},
          {int64(), "[2, 2, 4, 9223372036854775807]"}},
         utf8(),
         R"(["üh", "m", "mü", "ühle"])"},
        {"left",
         {{utf8(), R"(["mühle", "mühle", "mühle"])"}, {int64(), "[2, -2, -9]"}},
         utf8(),
         R"(["mü", "müh", ""])"},
        {"right",
         {{utf8(), R"(["mühle", "mühle", "mühle"])"}, {int64(), "[4, -2, -9]"}},
         utf8(),
         R"(["ühle", "hle", ""])"},
        {"replace",
         {{utf8(), R"(["a-b-c", "", "---"])"}, K(utf8(), R"("-")"), K(utf8(), R"("++")")},
         utf8(),
         R"(["a++b++c", "", "++++++"])"},
        {"replace",
         {{utf8(), R"(["abc"])"}, K(utf8(), R"("")"), K(utf8(), R"("x")")},
         utf8(),
         R"(["abc"])"},
        {"split_part",
         {{utf8(), R"(["a/b/c", "a/b/c", "a/b/c", "a/b/c", "abc"])"},
          K(utf8(), R"("/")"),
          {int64(), "[1, 3, 4, -1, 1]"}},
         utf8(),
         R"(["a", "c", "", "c", "abc"])"},
        {"split_part",
         {{utf8(), R"(["a/b/c", "a/b/c", "abc"])"}, K(utf8(), R"("/")"), {int64(), "[-3, -4, -1]"}},
         utf8(),
         R"(["a", "", "abc"])"},
        {"starts_with",
         {{utf8(), R"(["tidemill", "tid", null])"}, K(utf8(), R"("tide")")},
         boolean(),
         "[true, false, null]"},
        {"ends_with",
         {{utf8(), R"(["tidemill", ""])"}, K(utf8(), R"("")")},
         boolean(),
         "[true, true]"},
        {"strpos",
         {{utf8(), R"(["mühle", "mühle", "mühle"])"}, {utf8(), R"(["hl", "", "x"])"}},
         int64(),
         "[3, 1, 0]"},
        {"concat",
         {{utf8(), R"(["a", null])"}, K(utf8(), "null"), {int64(), "[1, null]"}},
         utf8(),
         R"(["a1", ""])"},
        {"||", {{utf8(), R"(["a", null])"}, {int64(), "[1, 1]"}}, utf8(), R"(["a1", null])"},
    });

CASES(Patterns,
      {
          {"like",
           {{utf8(), R"(["home", "h", "", "ah", null])"}, K(utf8(), R"("h%")")},
           boolean(),
           "[true, true, false, false, null]"},
          {"like",
           {{utf8(), R"(["home", "meh", "m"])"}, K(utf8(), R"("%m%")")},
           boolean(),
           "[true, true, true]"},
          {"like", {{utf8(), R"(["", "a"])"}, K(utf8(), R"("")")}, boolean(), "[true, false]"},
          {"like",
           {{utf8(), R"(["äb", "ab", "aab", "b"])"}, K(utf8(), R"("_b")")},
           boolean(),
           "[true, true, false, false]"},
          {"like",
           {{utf8(), R"(["a\nb", "a%b", "axb"])"}, K(utf8(), R"("a_b")")},
           boolean(),
           "[true, true, true]"},
          {"like", {{utf8(), R"(["a\nb"])"}, K(utf8(), R"("a%b")")}, boolean(), "[true]"},
          {"like",
           {{utf8(), R"(["a%b", "axb"])"}, K(utf8(), R"("a\\%b")")},
           boolean(),
           "[true, false]"},
          {"like",
           {{utf8(), R"(["a%b", "axb"])"}, K(utf8(), R"("a!%b")"), K(utf8(), R"("!")")},
           boolean(),
           "[true, false]"},
          {"like",
           {{utf8(), R"(["a\\b", "ab"])"}, K(utf8(), R"("a\\b")"), K(utf8(), R"("")")},
           boolean(),
           "[true, false]"},
          {"like",
           {{utf8(), R"(["abcabd", "abd", "abdx", "aXabd"])"}, K(utf8(), R"("a%abd")")},
           boolean(),
           "[true, false, false, true]"},
          {"like",
           {{utf8(), R"(["xaybz", "ab", "xaäbz"])"}, K(utf8(), R"("%a_b%")")},
           boolean(),
           "[true, false, true]"},
          {"like",
           {{utf8(), R"(["ab", "abc", "xäbc"])"}, K(utf8(), R"("%_bc")")},
           boolean(),
           "[false, true, true]"},
          {"like", {{utf8(), R"(["a", "aa"])"}, K(utf8(), R"("a%a")")}, boolean(), "[false, true]"},
          {"like",
           {{utf8(), R"(["a.c", "abc"])"}, K(utf8(), R"("a.c")")},
           boolean(),
           "[true, false]"},
          {"like",
           {{utf8(), R"(["ab", "ab"])"}, {utf8(), R"(["a%", "b%"])"}},
           boolean(),
           "[true, false]"},
          {"ilike",
           {{utf8(), R"(["HOME", "Ähre", null])"}, K(utf8(), R"("äH%")")},
           boolean(),
           "[false, true, null]"},
          {"regexp_matches",
           {{utf8(), R"(["item-42", "item", null])"}, K(utf8(), R"("-[0-9]+$")")},
           boolean(),
           "[true, false, null]"},
      });

const DataTypePtr kBerlin = timestamp(kMicro, "Europe/Berlin");

CASES(Times,
      {
          {"year",
           {{date32(), R"(["2026-03-02", "1969-12-31", "0001-01-01", null])"}},
           int64(),
           "[2026, 1969, 1, null]"},
          {"quarter", {{date32(), R"(["2026-03-31", "2026-04-01"])"}}, int64(), "[1, 2]"},
          {"month",
           {{timestamp(kSecond), R"(["2026-03-02 10:00:00", "1969-12-31 23:59:59"])"}},
           int64(),
           "[3, 12]"},
          {"week",
           {{date32(), R"(["2026-01-01", "2027-01-01", "2024-12-30", "2020-12-31"])"}},
           int64(),
           "[1, 53, 1, 53]"},
          {"day",
           {{timestamp(kNano), R"(["2026-03-02 23:59:59.999999999", "1969-12-31 23:59:59.5"])"}},
           int64(),
           "[2, 31]"},
          {"hour",
           {{timestamp(kMicro), R"(["2026-03-02 14:05:09.5", "1969-12-31 23:59:59.5"])"}},
           int64(),
           "[14, 23]"},
          {"minute", {{timestamp(kMilli), R"(["2026-03-02 14:05:09.5"])"}}, int64(), "[5]"},
          {"second",
           {{timestamp(kMicro), R"(["2026-03-02 14:05:09.5", "1969-12-31 23:59:58.5"])"}},
           int64(),
           "[9, 58]"},
          {"hour", {{date32(), R"(["2026-03-02"])"}}, int64(), "[0]"},
          {"dayofweek",
           {{date32(), R"(["2026-03-01", "2026-03-02", "1969-12-27", null])"}},
           int64(),
           "[1, 2, 7, null]"},
          {"dayofyear", {{date32(), R"(["2024-12-31", "2026-01-01"])"}}, int64(), "[366, 1]"},
          {"epoch",
           {{timestamp(kMicro), R"(["1970-01-02 00:00:01.5", "1969-12-31 23:59:59.5"])"}},
           int64(),
           "[86401, -1]"},
          {"epoch", {{date32(), R"(["1970-01-02"])"}}, int64(), "[86400]"},
          {"extract",
           {K(utf8(), R"("dow")"), {date32(), R"(["2026-03-01", "2026-03-07"])"}},
           int64(),
           "[0, 6]"},
          {"extract",
           {K(utf8(), R"("isodow")"), {date32(), R"(["2026-03-01", "2026-03-02"])"}},
           int64(),
           "[7, 1]"},
          {"extract",
           {K(utf8(), R"("isoyear")"), {date32(), R"(["2027-01-01"])"}},
           int64(),
           "[2026]"},
          {"extract",
           {K(utf8(), R"("EPOCH")"), {timestamp(kMicro), R"(["1970-01-01 00:00:01.5"])"}},
           float64(),
           "[1.5]"},
          {"date_part",
           {K(utf8(), R"("milliseconds")"), {timestamp(kMicro), R"(["1970-01-01 00:01:09.5"])"}},
           int64(),
           "[9500]"},
          {"extract",
           {K(utf8(), R"("microsecond")"), {timestamp(kSecond), R"(["1970-01-01 00:01:09"])"}},
           int64(),
           "[9000000]"},
          {"hour",
           {{kBerlin, R"(["2026-01-15 12:00:00Z", "2026-07-15 12:00:00Z", null])"}},
           int64(),
           "[13, 14, null]"},
          {"day", {{kBerlin, R"(["2026-01-15 23:30:00Z"])"}}, int64(), "[16]"},
          {"hour", {{timestamp(kMilli, "+05:30"), R"(["2026-01-15 12:00:00Z"])"}}, int64(), "[17]"},
          {"day", {{timestamp(kMicro, "UTC"), R"(["2026-01-15 23:30:00Z"])"}}, int64(), "[15]"},
      });

CASES(
    Truncation,
    {
        {"date_trunc",
         {K(utf8(), R"("day")"),
          {timestamp(kMicro), R"(["2026-03-02 14:05:09.5", "1969-12-31 23:59:59.5", null])"}},
         timestamp(kMicro),
         R"(["2026-03-02 00:00:00", "1969-12-31 00:00:00", null])"},
        {"date_trunc",
         {K(utf8(), R"("hour")"), {timestamp(kSecond), R"(["2026-03-02 14:05:09"])"}},
         timestamp(kSecond),
         R"(["2026-03-02 14:00:00"])"},
        {"date_trunc",
         {K(utf8(), R"("minute")"), {timestamp(kNano), R"(["2026-03-02 14:05:09.5"])"}},
         timestamp(kNano),
         R"(["2026-03-02 14:05:00"])"},
        {"date_trunc",
         {K(utf8(), R"("second")"), {timestamp(kMilli), R"(["1969-12-31 23:59:59.5"])"}},
         timestamp(kMilli),
         R"(["1969-12-31 23:59:59"])"},
        {"date_trunc",
         {K(utf8(), R"("week")"),
          {timestamp(kMicro),
           R"(["2026-03-01 14:05:09", "2026-03-02 00:00:00", "1969-12-31 10:00:00"])"}},
         timestamp(kMicro),
         R"(["2026-02-23 00:00:00", "2026-03-02 00:00:00", "1969-12-29 00:00:00"])"},
        {"date_trunc",
         {K(utf8(), R"("month")"), {timestamp(kMicro), R"(["2024-02-29 14:05:09"])"}},
         timestamp(kMicro),
         R"(["2024-02-01 00:00:00"])"},
        {"date_trunc",
         {K(utf8(), R"("quarter")"), {date32(), R"(["2026-03-02", "2026-12-31", "2026-04-01"])"}},
         date32(),
         R"(["2026-01-01", "2026-10-01", "2026-04-01"])"},
        {"date_trunc",
         {K(utf8(), R"("years")"), {date32(), R"(["2026-03-02", null])"}},
         date32(),
         R"(["2026-01-01", null])"},
        {"date_trunc",
         {K(utf8(), R"("hour")"), {date32(), R"(["2026-03-02"])"}},
         date32(),
         R"(["2026-03-02"])"},
        // 2026-03-29 in Berlin begins at 23:00Z and has 23 hours.
        {"date_trunc",
         {K(utf8(), R"("day")"), {kBerlin, R"(["2026-03-29 12:00:00Z", "2026-03-28 22:59:59Z"])"}},
         kBerlin,
         R"(["2026-03-28 23:00:00Z", "2026-03-27 23:00:00Z"])"},
        // 02:30 comes twice on 2026-10-25; each keeps its own hour.
        {"date_trunc",
         {K(utf8(), R"("hour")"), {kBerlin, R"(["2026-10-25 00:30:00Z", "2026-10-25 01:30:00Z"])"}},
         kBerlin,
         R"(["2026-10-25 00:00:00Z", "2026-10-25 01:00:00Z"])"},
        {"date_trunc",
         {K(utf8(), R"("month")"),
          {kBerlin, R"(["2026-03-31 21:59:59Z", "2026-03-31 22:00:00Z"])"}},
         kBerlin,
         R"(["2026-02-28 23:00:00Z", "2026-03-31 22:00:00Z"])"},
        {"date_trunc",
         {K(utf8(), R"("day")"),
          {timestamp(kMicro, "UTC"), R"(["2026-03-02 03:00:00Z"])"},
          K(utf8(), R"("America/New_York")")},
         timestamp(kMicro, "UTC"),
         R"(["2026-03-01 05:00:00Z"])"},
    });

CASES(Dates,
      {
          {"datediff",
           {{date32(), R"(["2026-03-02", null])"}, {date32(), R"(["2026-02-27", "2026-01-01"])"}},
           int64(),
           "[3, null]"},
          {"datediff",
           {{timestamp(kMicro), R"(["2026-03-02 00:00:00"])"},
            {timestamp(kMicro), R"(["2026-03-01 23:59:59"])"}},
           int64(),
           "[1]"},
          {"datediff",
           {{date32(), R"(["2026-01-16"])"}, {kBerlin, R"(["2026-01-15 23:30:00Z"])"}},
           int64(),
           "[0]"},
          {"date_add",
           {{date32(), R"(["2026-02-27"])"}, {int64(), "[3]"}},
           date32(),
           R"(["2026-03-02"])"},
          {"date_sub",
           {{date32(), R"(["2026-03-02"])"}, K(int64(), "3")},
           date32(),
           R"(["2026-02-27"])"},
          {"add_days",
           {{timestamp(kMilli), R"(["2026-02-28 12:00:00", null])"}, K(int64(), "1")},
           timestamp(kMilli),
           R"(["2026-03-01 12:00:00", null])"},
          {"add_days",
           {{date32(), R"(["2026-02-28"])"}, K(int64(), "-28")},
           date32(),
           R"(["2026-01-31"])"},
          {"add_days",
           {{kBerlin, R"(["2026-03-28 11:00:00Z"])"}, K(int64(), "1")},
           kBerlin,
           R"(["2026-03-29 10:00:00Z"])"},
          {"add_micros",
           {{timestamp(kMicro), R"(["2026-03-02 00:00:00"])"}, K(int64(), "-1500000")},
           timestamp(kMicro),
           R"(["2026-03-01 23:59:58.5"])"},
          {"add_micros",
           {{timestamp(kSecond), R"(["2026-03-02 00:00:00"])"}, K(int64(), "1")},
           timestamp(kMicro),
           R"(["2026-03-02 00:00:00.000001"])"},
          {"add_micros",
           {{timestamp(kNano), R"(["2026-03-02 00:00:00.000000001"])"}, K(int64(), "1")},
           timestamp(kNano),
           R"(["2026-03-02 00:00:00.000001001"])"},
          {"make_date",
           {{int64(), "[2026, 2024, null]"}, {int32(), "[3, 2, 1]"}, {int64(), "[2, 29, 1]"}},
           date32(),
           R"(["2026-03-02", "2024-02-29", null])"},
          {"to_timestamp",
           {{int64(), "[86400, -1]"}},
           timestamp(kMicro, "UTC"),
           R"(["1970-01-02 00:00:00Z", "1969-12-31 23:59:59Z"])"},
          {"to_timestamp",
           {{float64(), "[0.25]"}},
           timestamp(kMicro, "UTC"),
           R"(["1970-01-01 00:00:00.25Z"])"},
      });

CASES(CastsOfNumbers,
      {
          {"cast", {{int64(), "[300, -1, null]"}}, int16(), "[300, -1, null]"},
          {"cast", {{uint8(), "[255]"}}, int64(), "[255]"},
          {"cast", {{float64(), "[0.5, 1.5, 2.5, -0.5, -1.5]"}}, int64(), "[0, 2, 2, 0, -2]"},
          {"cast", {{float32(), "[2.5]"}}, int32(), "[2]"},
          {"cast",
           {{float64(), "[0.1, 2.675, -2.675, 1e20]"}},
           decimal128(23, 2),
           R"(["0.10", "2.68", "-2.68", "100000000000000000000.00"])"},
          {"cast", {{decimal128(5, 2), R"(["2.50", "-2.50", "2.49"])"}}, int64(), "[3, -3, 2]"},
          {"cast",
           {{decimal128(5, 2), R"(["2.55", "-2.55", "999.99"])"}},
           decimal128(5, 1),
           R"(["2.6", "-2.6", "1000.0"])"},
          {"cast",
           {{decimal128(38, 20), R"(["123456789012345678.12345678901234567890"])"}},
           float64(),
           "[123456789012345678.12345678901234567890]"},
          {"cast", {{decimal128(5, 2), R"(["0.10"])"}}, float64(), "[0.1]"},
          {"cast", {{arrow::decimal256(40, 2), R"(["0.10"])"}}, float64(), "[0.1]"},
          {"cast", {{int64(), "[12, null]"}}, decimal128(5, 2), R"(["12.00", null])"},
          {"cast", {{int64(), "[0, 2, null]"}}, boolean(), "[false, true, null]"},
          {"cast", {{boolean(), "[true, false, null]"}}, int64(), "[1, 0, null]"},
          {"cast", {{boolean(), "[true, false]"}}, decimal128(3, 1), R"(["1.0", "0.0"])"},
          {"cast", {{uint64(), "[18446744073709551615]"}}, float64(), "[18446744073709551616]"},
          {"cast", {{uint64(), "[1844674407370955161]"}}, int64(), "[1844674407370955161]"},
          {"cast", {{int64(), "[5]"}}, uint64(), "[5]"},
      });

CASES(
    CastsToText,
    {
        {"cast",
         {{int64(), "[-9223372036854775808, 0, null]"}},
         utf8(),
         R"(["-9223372036854775808", "0", null])"},
        {"cast", {{uint64(), "[18446744073709551615]"}}, utf8(), R"(["18446744073709551615"])"},
        {"cast",
         {{float64(),
           "[1, 1.5, 0.1, -0.0, NaN, -Inf, 1e15, 123456789012345, 1e-5, 0.0001, 1e300]"}},
         utf8(),
         R"(["1", "1.5", "0.1", "-0", "NaN", "-Infinity", "1e+15", "123456789012345", "1e-05", "0.0001", "1e+300"])"},
        {"cast", {{float32(), "[0.1, 1.5]"}}, utf8(), R"(["0.1", "1.5"])"},
        {"cast", {{decimal128(5, 2), R"(["1.50", "-0.05"])"}}, utf8(), R"(["1.50", "-0.05"])"},
        {"cast", {{decimal128(10, 8), R"(["0.00000000"])"}}, utf8(), R"(["0.00000000"])"},
        {"cast", {{boolean(), "[true, false, null]"}}, utf8(), R"(["true", "false", null])"},
        {"cast",
         {{date32(), R"(["2026-03-02", "0001-01-01"])"}},
         utf8(),
         R"(["2026-03-02", "0001-01-01"])"},
        {"cast",
         {{timestamp(kMicro), R"(["2026-03-02 14:05:09", "1969-12-31 23:59:59.25"])"}},
         utf8(),
         R"(["2026-03-02 14:05:09", "1969-12-31 23:59:59.25"])"},
        {"cast",
         {{timestamp(kNano), R"(["2026-03-02 14:05:09.000000001"])"}},
         utf8(),
         R"(["2026-03-02 14:05:09.000000001"])"},
        {"cast",
         {{kBerlin, R"(["2026-01-15 12:00:00Z", "2026-07-15 12:00:00Z"])"}},
         utf8(),
         R"(["2026-01-15 13:00:00+01", "2026-07-15 14:00:00+02"])"},
        {"cast",
         {{timestamp(kSecond, "+05:30"), R"(["2026-01-15 12:00:00Z"])"}},
         utf8(),
         R"(["2026-01-15 17:30:00+05:30"])"},
    });

CASES(
    CastsOfText,
    {
        {"cast", {{utf8(), R"(["12", " -3 ", "+4", null])"}}, int64(), "[12, -3, 4, null]"},
        {"cast", {{arrow::large_utf8(), R"(["12"])"}}, int32(), "[12]"},
        {"cast",
         {{utf8(), R"(["1.5", "1e3", "NaN", "-Infinity", "inf", " .5 ", "5."])"}},
         float64(),
         "[1.5, 1000, NaN, -Inf, Inf, 0.5, 5]"},
        {"cast",
         {{utf8(), R"(["1.255", "-1.255", "1e2", "00012.5", "1.5e-1", ".5", "0e99", "1e-99"])"}},
         decimal128(6, 2),
         R"(["1.26", "-1.26", "100.00", "12.50", "0.15", "0.50", "0.00", "0.00"])"},
        {"cast",
         {{utf8(),
           R"(["t", "TRUE", "yes", "on", "1", " y ", "f", "False", "no", "off", "of", "0"])"}},
         boolean(),
         "[true, true, true, true, true, true, false, false, false, false, false, false]"},
        {"cast",
         {{utf8(),
           R"(["2026-03-02", " 2024-02-29 ", "2026-03-02 14:05:09", "2026-03-02T23:59:59Z"])"}},
         date32(),
         R"(["2026-03-02", "2024-02-29", "2026-03-02", "2026-03-02"])"},
        {"cast",
         {{utf8(),
           R"(["2026-03-02", "2026-03-02 14:05", "2026-03-02T14:05:09.25", "2026-03-02 14:05:09+02:00", "2026-03-02 24:00:00", "1969-12-31 23:59:59.9999999"])"}},
         timestamp(kMicro),
         R"(["2026-03-02 00:00:00", "2026-03-02 14:05:00", "2026-03-02 14:05:09.25", "2026-03-02 12:05:09", "2026-03-03 00:00:00", "1969-12-31 23:59:59.999999"])"},
        {"cast",
         {{utf8(),
           R"(["2026-01-15 12:00:00", "2026-01-15 12:00:00Z", "2026-01-15 12:00:00 UTC", "2026-01-15"])"}},
         kBerlin,
         R"(["2026-01-15 11:00:00Z", "2026-01-15 12:00:00Z", "2026-01-15 12:00:00Z", "2026-01-14 23:00:00Z"])"},
        {"cast", {{utf8(), R"(["a", null])"}}, arrow::large_utf8(), R"(["a", null])"},
    });

CASES(
    CastsOfTimes,
    {
        {"cast",
         {{timestamp(kMicro), R"(["2026-03-02 23:59:59.999999", "1969-12-31 23:59:59", null])"}},
         date32(),
         R"(["2026-03-02", "1969-12-31", null])"},
        {"cast", {{kBerlin, R"(["2026-01-15 23:30:00Z"])"}}, date32(), R"(["2026-01-16"])"},
        {"cast", {{date32(), R"(["2026-03-02"])"}}, timestamp(kNano), R"(["2026-03-02 00:00:00"])"},
        {"cast", {{date32(), R"(["2026-07-02"])"}}, kBerlin, R"(["2026-07-01 22:00:00Z"])"},
        {"cast",
         {{timestamp(kNano), R"(["1969-12-31 23:59:59.999999999"])"}},
         timestamp(kSecond),
         R"(["1969-12-31 23:59:59"])"},
        {"cast",
         {{timestamp(kSecond), R"(["2026-03-02 14:05:09"])"}},
         timestamp(kMicro),
         R"(["2026-03-02 14:05:09"])"},
        {"cast",
         {{timestamp(kMicro), R"(["2026-07-15 12:00:00"])"}},
         kBerlin,
         R"(["2026-07-15 10:00:00Z"])"},
        {"cast",
         {{kBerlin, R"(["2026-07-15 10:00:00Z"])"}},
         timestamp(kMicro),
         R"(["2026-07-15 12:00:00"])"},
        {"cast",
         {{kBerlin, R"(["2026-07-15 10:00:00Z"])"}},
         timestamp(kMicro, "UTC"),
         R"(["2026-07-15 10:00:00Z"])"},
        {"cast", {{arrow::date64(), "[86400000]"}}, date32(), R"(["1970-01-02"])"},
    });

#undef CASES

// ---- refusals ----

std::string FailureOf(const arrow::Result<ExpressionPtr>& call) {
  return call.ok() ? "no error" : call.status().message();
}

TEST(FunctionErrors, OverflowNamesOperationAndValues) {
  EXPECT_EQ(FailureOf(TryCall("+", {Integer(INT64_MAX), Integer(1)})),
            "bigint out of range: 9223372036854775807 + 1");
  EXPECT_THAT(FailureOf(TryCall("negate", {Integer(INT64_MIN)})), HasSubstr("bigint out of range"));
  EXPECT_THAT(FailureOf(TryCall("abs", {Integer(INT64_MIN)})), HasSubstr("bigint out of range"));
  EXPECT_EQ(FailureOf(TryCall("*", {Constant(decimal128(38, 0), R"("10000000000000000000")"),
                                    Constant(decimal128(38, 0), R"("10000000000000000000")")})),
            "decimal(38,0) out of range: 10000000000000000000 * 10000000000000000000");
  EXPECT_THAT(FailureOf(TryCall("round", {Integer(INT64_MAX), Integer(-1)})),
              HasSubstr("bigint out of range"));
}

TEST(FunctionErrors, OverflowUnderNullIsNone) {
  TestFrame frame;
  // A NULL row whose buffer holds the largest bigint.
  auto values = ArrayOf(int64(), "[9223372036854775807, 1]")->data()->Copy();
  values->buffers[0] = ArrayOf(int64(), "[null, 1]")->data()->buffers[0];
  values->null_count = 1;
  const ExpressionPtr x = frame.Column("x", Datum(values));
  const auto sum = frame.Evaluate(Call("+", {x, Integer(1)}));
  ASSERT_TRUE(sum.ok()) << sum.status().ToString();
  EXPECT_TRUE(SameValues(**sum, *ArrayOf(int64(), "[null, 2]")));
}

TEST(FunctionErrors, CastNamesTheValue) {
  const auto cast = [](const ExpressionPtr& x, const DataTypePtr& type) {
    return FailureOf(CastTo(x, type));
  };
  EXPECT_EQ(cast(Text("abc"), int64()), "cannot cast 'abc' to bigint");
  EXPECT_EQ(cast(Text("1.5"), int64()), "cannot cast '1.5' to bigint");
  EXPECT_EQ(cast(Text(""), float64()), "cannot cast '' to double precision");
  EXPECT_EQ(cast(Text("maybe"), boolean()), "cannot cast 'maybe' to boolean");
  EXPECT_EQ(cast(Text("o"), boolean()), "cannot cast 'o' to boolean");
  EXPECT_EQ(cast(Text("2026-02-30"), date32()), "cannot cast '2026-02-30' to date");
  EXPECT_EQ(cast(Text("2026-02-03 25:00"), timestamp(kMicro)),
            "cannot cast '2026-02-03 25:00' to timestamp");
  EXPECT_EQ(cast(Text("1000"), decimal128(4, 2)), "cannot cast '1000' to decimal(4,2)");
  EXPECT_EQ(cast(Text("99.999"), decimal128(4, 2)), "cannot cast '99.999' to decimal(4,2)");
  EXPECT_EQ(cast(Text("1e400"), float64()), "cannot cast '1e400' to double precision");
  EXPECT_EQ(cast(Text("nan(1)"), float64()), "cannot cast 'nan(1)' to double precision");
  EXPECT_EQ(cast(Integer(300), int8()), "cannot cast 300 to tinyint: out of range");
  EXPECT_EQ(cast(Integer(-1), uint64()), "cannot cast -1 to ubigint: out of range");
  EXPECT_EQ(cast(Constant(float64(), "NaN"), int64()), "cannot cast NaN to bigint: out of range");
  EXPECT_EQ(cast(Constant(float64(), "1e19"), int64()),
            "cannot cast 1e+19 to bigint: out of range");
  EXPECT_EQ(cast(Constant(float64(), "Inf"), decimal128(10, 2)),
            "cannot cast Infinity to decimal(10,2): out of range");
  EXPECT_EQ(cast(Constant(float64(), "1e300"), float32()),
            "cannot cast 1e+300 to real: out of range");
  EXPECT_EQ(cast(Constant(timestamp(kMicro), "0"), int64()),
            "there is no cast from timestamp to bigint; use epoch(t)");
  EXPECT_EQ(cast(Text("x"), arrow::binary()), "there is no cast from text to bytea");
}

TEST(FunctionErrors, RefusesTypesWithTheirNames) {
  TestFrame frame;
  const ExpressionPtr text = frame.Column("t", ArrayOf(utf8(), R"(["1"])"));
  const ExpressionPtr number = frame.Column("n", ArrayOf(int64(), "[1]"));
  const ExpressionPtr time = frame.Column("ts", ArrayOf(timestamp(kMicro), "[0]"));
  EXPECT_EQ(FailureOf(TryCall("+", {text, number})),
            "+(text, bigint): text is no number; cast it to one");
  EXPECT_EQ(FailureOf(TryCall("=", {text, number})),
            "=(text, bigint): these types do not compare; cast the text first");
  EXPECT_EQ(FailureOf(TryCall("date_trunc", {Text("day"), number})),
            "date_trunc(text, bigint): the second argument must be a date or a timestamp");
  EXPECT_THAT(FailureOf(TryCall("date_trunc", {Text("fortnight"), time})),
              HasSubstr("unknown unit 'fortnight'"));
  EXPECT_THAT(FailureOf(TryCall("date_trunc", {text, time})), HasSubstr("a unit in quotes"));
  EXPECT_THAT(FailureOf(TryCall("date_trunc", {Text("day"), time, Text("UTC")})),
              HasSubstr("with time zone only"));
  EXPECT_EQ(FailureOf(TryCall("lower", {number})), "lower(bigint): the argument must be text");
  EXPECT_THAT(FailureOf(TryCall("and", {number})), HasSubstr("must be boolean"));
  EXPECT_THAT(FailureOf(TryCall("-", {time, time})), HasSubstr("datediff"));
  EXPECT_THAT(FailureOf(TryCall("regexp_matches", {text, Text("(")})),
              HasSubstr("'(' is no regular expression"));
  EXPECT_THAT(FailureOf(TryCall("like", {text, Text("a\\")})),
              HasSubstr("must not end with its escape character"));
  EXPECT_THAT(FailureOf(TryCall("date_add", {time, number})), HasSubstr("add_days"));
  EXPECT_EQ(FailureOf(TryCall("make_date", {Integer(2026), Integer(2), Integer(30)})),
            "make_date(2026, 2, 30): there is no such date");
  EXPECT_THAT(FailureOf(TryCall("coalesce", {text, number})), HasSubstr("no common type"));
}

TEST(CommonTypes, Promotion) {
  const auto common = [](const DataTypePtr& a, const DataTypePtr& b) {
    const DataTypePtr forward = CommonType(a, b);
    const DataTypePtr backward = CommonType(b, a);
    EXPECT_EQ(forward == nullptr, backward == nullptr);
    return forward == nullptr ? "none" : forward->ToString();
  };
  EXPECT_EQ(common(int8(), int32()), "int32");
  EXPECT_EQ(common(uint8(), int8()), "int16");
  EXPECT_EQ(common(arrow::uint32(), int32()), "int64");
  EXPECT_EQ(common(uint64(), int64()), "decimal128(20, 0)");
  EXPECT_EQ(common(int32(), float32()), "double");
  EXPECT_EQ(common(decimal128(10, 2), int64()), "decimal128(21, 2)");
  EXPECT_EQ(common(decimal128(10, 2), decimal128(5, 4)), "decimal128(12, 4)");
  EXPECT_EQ(common(decimal128(10, 2), float32()), "double");
  EXPECT_EQ(common(date32(), timestamp(kMilli)), "timestamp[ms]");
  EXPECT_EQ(common(timestamp(kSecond, "UTC"), timestamp(kNano)), "timestamp[ns, tz=UTC]");
  EXPECT_EQ(common(arrow::large_utf8(), utf8()), "string");
  EXPECT_EQ(common(arrow::null(), int32()), "int32");
  EXPECT_EQ(common(utf8(), int32()), "none");
  EXPECT_EQ(common(boolean(), int32()), "none");
  EXPECT_EQ(common(utf8(), arrow::binary()), "none");
}

TEST(Registry, EveryFunctionIsComplete) {
  for (const ScalarFunction* function : ScalarRegistry::Default().functions()) {
    SCOPED_TRACE(function->name);
    EXPECT_TRUE(function->resolve != nullptr);
    EXPECT_TRUE(function->evaluate != nullptr);
    EXPECT_GT(function->min_arguments, 0);
    EXPECT_TRUE(function->max_arguments == -1 ||
                function->max_arguments >= function->min_arguments);
    if (!function->doc.signature.empty()) {
      EXPECT_FALSE(function->doc.summary.empty());
      EXPECT_FALSE(function->doc.example.empty());
      EXPECT_FALSE(function->doc.result.empty());
    }
  }
  EXPECT_EQ(ScalarRegistry::Default().Find("pow"), ScalarRegistry::Default().Find("power"));
  EXPECT_EQ(ScalarRegistry::Default().Find("nope"), nullptr);
}

}  // namespace
}  // namespace tidemill
