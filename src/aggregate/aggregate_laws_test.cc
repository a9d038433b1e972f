/// The laws that every aggregate function obeys, tried on every function and every type that it
/// takes.

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "aggregate/test_columns.h"

namespace tidemill {
namespace {

using Random = std::mt19937_64;

Types AllTypes() {
  return {arrow::boolean(),
          arrow::int8(),
          arrow::int16(),
          arrow::int32(),
          arrow::int64(),
          arrow::uint8(),
          arrow::uint16(),
          arrow::uint32(),
          arrow::uint64(),
          arrow::float32(),
          arrow::float64(),
          arrow::decimal128(10, 2),
          arrow::decimal128(38, 0),
          arrow::decimal128(38, 38),
          arrow::utf8(),
          arrow::large_utf8(),
          arrow::binary(),
          arrow::large_binary(),
          arrow::date32(),
          arrow::date64(),
          arrow::timestamp(arrow::TimeUnit::SECOND),
          arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
          arrow::timestamp(arrow::TimeUnit::NANO, "Europe/Berlin"),
          arrow::time32(arrow::TimeUnit::MILLI),
          arrow::time64(arrow::TimeUnit::NANO)};
}

int64_t RandomInteger(Random* random, int bits, bool is_unsigned) {
  const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  const uint64_t low = is_unsigned ? 0 : uint64_t{1} << (bits - 1);  // as a pattern
  uint64_t pattern;
  switch ((*random)() % 8) {
    case 0:
      pattern = low;  // the smallest
      break;
    case 1:
      pattern = (low - 1) & mask;  // the largest
      break;
    case 2:
      pattern = (*random)() & mask;
      break;
    default:
      pattern = (*random)() % 5;  // ties
  }
  if (is_unsigned) return static_cast<int64_t>(pattern);
  const int shift = 64 - bits;
  return static_cast<int64_t>(pattern << shift) >> shift;
}

double RandomDouble(Random* random, bool single) {
  const double infinity = std::numeric_limits<double>::infinity();
  double value;
  switch ((*random)() % 12) {
    case 0:
      return std::numeric_limits<double>::quiet_NaN();
    case 1:
      return (*random)() % 2 == 0 ? infinity : -infinity;
    case 2:
      return 0.0;
    case 3:  // any finite double
      value = std::ldexp(static_cast<double>((*random)() >> 11),
                         static_cast<int>((*random)() % 2046) - 1074 - 52);
      break;
    case 4:
      value = std::numeric_limits<double>::max();
      break;
    case 5:
      value = std::numeric_limits<double>::denorm_min() * static_cast<double>((*random)() % 9);
      break;
    case 6:
      value = 0x1.fp61 + static_cast<double>((*random)() % 9) * 0x1p30;  // three overflow 128 bits
      break;
    case 7:
      value = 1e-9 * static_cast<double>((*random)() % 1000);
      break;
    default:
      value = static_cast<double>((*random)() % 2000) / 100;
  }
  if ((*random)() % 2 == 0) value = -value;
  if (single) value = static_cast<double>(static_cast<float>(value));
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value + 0.0;
}

int128_t RandomDecimal(Random* random, int precision) {
  int128_t limit = 1;
  for (int i = 0; i < precision; ++i) limit *= 10;
  switch ((*random)() % 4) {
    case 0:
      return limit - 1;
    case 1:
      return 1 - limit;
    case 2: {
      const auto bits = static_cast<uint128_t>((*random)()) << 64 | (*random)();
      return static_cast<int128_t>(bits >> 1) % limit;
    }
    default:
      return static_cast<int128_t>((*random)() % 7) - 3;
  }
}

TestValue RandomValue(Random* random, const arrow::DataType& type) {
  TestValue value;
  switch (type.id()) {
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      value.real = RandomDouble(random, type.id() == arrow::Type::FLOAT);
      break;
    case arrow::Type::DECIMAL128:
      value.int128 =
          RandomDecimal(random, static_cast<const arrow::Decimal128Type&>(type).precision());
      break;
    case arrow::Type::BOOL:
      value.int64 = static_cast<int64_t>((*random)() % 2);
      break;
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY: {
      const std::array<std::string, 7> texts = {"",
                                                std::string("\0", 1),
                                                std::string("a\0b", 3),
                                                std::string("a\0c", 3),
                                                "a",
                                                "\xc3\xa9",
                                                "quite a long text that fits nowhere else"};
      value.bytes = texts[(*random)() % texts.size()];
      break;
    }
    case arrow::Type::DATE64: {
      value.int64 = RandomInteger(random, 24, false) * 86400000;
      break;
    }
    case arrow::Type::TIME32:
      value.int64 = static_cast<int64_t>((*random)() % 86400000);
      break;
    case arrow::Type::TIME64:
      value.int64 = static_cast<int64_t>((*random)() % 86400000000000);
      break;
    case arrow::Type::DATE32:
      value.int64 = RandomInteger(random, 32, false);
      break;
    case arrow::Type::TIMESTAMP:
      value.int64 = RandomInteger(random, 64, false);
      break;
    default:
      value.int64 =
          RandomInteger(random, static_cast<const arrow::FixedWidthType&>(type).bit_width(),
                        arrow::is_unsigned_integer(type.id()));
  }
  return value;
}

Constants ConstantsOf(const AggregateFunction& function) {
  if (function.min_constants == 0) return {};
  if (function.name == "top_k") return {arrow::MakeScalar(int64_t{3})};
  return {arrow::MakeScalar(0.3)};
}

/// What a function makes of no rows.
std::string ResultOfNothing(const std::string& function) {
  if (function == "count" || function == "count_if" || function == "approx_count_distinct") {
    return "0";
  }
  return function.starts_with("collect_") ? "[]" : "NULL";
}

/// One function, resolved for some types, with random rows.
struct Case {
  std::string name;
  AggregateKernel kernel;
  Types types;  // of the columns that are handed over, event_time included
  std::vector<TestColumn> columns;
  std::vector<size_t> rows;  // that take part

  std::vector<const TestColumn*> pointers() const {
    std::vector<const TestColumn*> result;
    for (const TestColumn& column : columns) result.push_back(&column);
    return result;
  }

  /// Updates state `i` of `states` with some of the rows.
  void Update(TestStates* states, uint32_t i, const std::vector<size_t>& some, bool masked) const {
    const size_t total = kRows;
    states->Update(types, pointers(), some, std::vector<uint32_t>(total, i), masked);
  }

  static constexpr size_t kRows = 40;
};

/// Calls `check` for each function, each list of types that it takes, and a few data sets.
void ForEachCase(const std::function<void(const Case&, Random*)>& check) {
  Random random(11);
  int cases = 0;
  for (const AggregateFunction& function : AggregateRegistry::Default().functions()) {
    std::vector<Types> signatures;
    if (function.name == "count") signatures.push_back({});
    for (const auto& type : AllTypes()) {
      if (function.num_arguments == 1) {
        signatures.push_back({type});
      } else {
        for (const auto& second : AllTypes()) signatures.push_back({type, second});
      }
    }
    for (const Types& signature : signatures) {
      auto kernel = AggregateRegistry::Default().Resolve(function.name, signature.empty(),
                                                         signature, ConstantsOf(function));
      if (!kernel.ok()) continue;
      for (int round = 0; round < (function.num_arguments == 2 ? 2 : 8); ++round) {
        Case test{function.name, *kernel, signature, {}, {}};
        if (kernel->needs_event_time) {
          test.types.push_back(arrow::timestamp(arrow::TimeUnit::MICRO));
        }
        if (function.name == "count") test.types.clear();
        for (const auto& type : test.types) {
          TestColumn& column = test.columns.emplace_back();
          // Every second data set is of ordinary values: extreme ones hide the others in sums.
          const size_t distinct = round % 2 == 0 ? Case::kRows : 6;
          for (size_t i = 0; i < Case::kRows; ++i) {
            column.push_back(i < distinct ? RandomValue(&random, *type)
                                          : column[random() % distinct]);
            double& real = column.back().real;
            if (round % 2 == 1 && !std::isfinite(real)) real = 0.25;
            if (round % 4 == 1) real = std::abs(real);
          }
        }
        for (size_t row = 0; row < Case::kRows; ++row) {
          if (random() % 4 != 0) test.rows.push_back(row);
        }
        std::string types;
        for (const auto& type : signature) types += " " + type->ToString();
        SCOPED_TRACE(function.name + types + " round " + std::to_string(round));
        check(test, &random);
        if (testing::Test::HasFatalFailure()) return;
        ++cases;
      }
    }
  }
  EXPECT_GT(cases, 500);
}

/// The result of updating one state with all rows.
std::string Straight(const Case& test) {
  TestStates states(test.kernel, 1);
  test.Update(&states, 0, test.rows, false);
  return states.Result(0);
}

TEST(AggregateLawsTest, ResultsDoNotDependOnTheOrderOfRows) {
  ForEachCase([](const Case& test, Random* random) {
    const std::string straight = Straight(test);
    for (int round = 0; round < 3; ++round) {
      Case shuffled = test;
      std::shuffle(shuffled.rows.begin(), shuffled.rows.end(), *random);
      ASSERT_EQ(Straight(shuffled), straight);
    }
    TestStates masked(test.kernel, 1);
    test.Update(&masked, 0, test.rows, true);
    ASSERT_EQ(masked.Result(0), straight);
  });
}

TEST(AggregateLawsTest, AnyMergeTreeEqualsOneUpdate) {
  ForEachCase([](const Case& test, Random* random) {
    const std::string straight = Straight(test);
    for (int round = 0; round < 3; ++round) {
      const size_t parts = 1 + (*random)() % 6;
      std::vector<std::vector<size_t>> rows(parts);
      for (const size_t row : test.rows) rows[(*random)() % parts].push_back(row);
      std::deque<TestStates> states;
      std::vector<TestStates*> left;
      for (const std::vector<size_t>& part : rows) {
        states.emplace_back(test.kernel, 1);
        test.Update(&states.back(), 0, part, (*random)() % 2 == 0);
        left.push_back(&states.back());
      }
      while (left.size() > 1) {
        std::shuffle(left.begin(), left.end(), *random);
        const std::string before = left.back()->Serialize(0);
        left[0]->Merge(0, left.back()->row(0));
        ASSERT_EQ(left.back()->Serialize(0), before) << "merge changed what it merged from";
        left.pop_back();
      }
      ASSERT_EQ(left[0]->Result(0), straight);
    }
  });
}

TEST(AggregateLawsTest, UpdateAfterMergeEqualsMergeAfterUpdate) {
  ForEachCase([](const Case& test, Random*) {
    const auto middle = test.rows.begin() + static_cast<std::ptrdiff_t>(test.rows.size() / 2);
    const std::vector<size_t> first(test.rows.begin(), middle), second(middle, test.rows.end());
    TestStates other(test.kernel, 1);
    test.Update(&other, 0, second, false);
    TestStates states(test.kernel, 1);
    states.Merge(0, other.row(0));
    test.Update(&states, 0, first, false);
    ASSERT_EQ(states.Result(0), Straight(test));
  });
}

TEST(AggregateLawsTest, TheInitialStateIsTheIdentity) {
  ForEachCase([](const Case& test, Random*) {
    const std::string straight = Straight(test);
    TestStates empty(test.kernel, 3);
    TestStates full(test.kernel, 1);
    test.Update(&full, 0, test.rows, false);
    full.Merge(0, empty.row(0));
    ASSERT_EQ(full.Result(0), straight);
    empty.Merge(1, full.row(0));
    ASSERT_EQ(empty.Result(1), straight);
    empty.Merge(2, empty.row(0));
    ASSERT_EQ(empty.Result(2), ResultOfNothing(test.name));
  });
}

TEST(AggregateLawsTest, GroupsDoNotMix) {
  ForEachCase([](const Case& test, Random* random) {
    TestStates states(test.kernel, 3);
    std::vector<uint32_t> groups;
    for (size_t i = 0; i < Case::kRows; ++i)
      groups.push_back(static_cast<uint32_t>((*random)() % 3));
    states.Update(test.types, test.pointers(), test.rows, groups, true);
    for (uint32_t group = 0; group < 3; ++group) {
      Case alone = test;
      std::erase_if(alone.rows, [&](size_t row) { return groups[row] != group; });
      ASSERT_EQ(states.Result(group), Straight(alone));
    }
  });
}

TEST(AggregateLawsTest, StatesSurviveDiskAndRelocation) {
  ForEachCase([](const Case& test, Random* random) {
    const std::string straight = Straight(test);
    std::deque<ReadState> read;
    {
      // What states referenced is gone when they are read back.
      const size_t parts = 3;
      TestStates states(test.kernel, parts);
      for (const size_t row : test.rows) {
        test.Update(&states, static_cast<uint32_t>((*random)() % parts), {row}, false);
      }
      for (size_t part = 0; part < parts; ++part)
        read.emplace_back(test.kernel, states.Serialize(part));
    }
    TestStates merged(test.kernel, 1);
    for (const ReadState& state : read) merged.Merge(0, state.data());
    ASSERT_EQ(merged.Result(0), straight);
    // A second merge from the same memory: the first has left it as it was.
    TestStates again(test.kernel, 1);
    for (const ReadState& state : read) again.Merge(0, state.data());
    ASSERT_EQ(again.Result(0), straight);
    ASSERT_EQ(merged.Result(0), straight);
    // Rows that were copied with memcpy are finalised and merged from as well.
    TestStates moved(test.kernel, 1);
    std::memcpy(moved.row(0), merged.row(0), test.kernel.state_size);
    ASSERT_EQ(moved.Result(0), straight);
    TestStates last(test.kernel, 1);
    last.Merge(0, moved.row(0));
    ASSERT_EQ(last.Result(0), straight);
  });
}

TEST(AggregateLawsTest, ShrinkingChangesNoResult) {
  ForEachCase([](const Case& test, Random* random) {
    if (test.kernel.shrink == nullptr) return;
    const std::string straight = Straight(test);
    TestStates states(test.kernel, 2);
    for (const size_t row : test.rows) {
      const auto part = static_cast<uint32_t>((*random)() % 2);
      test.Update(&states, part, {row}, false);
      if ((*random)() % 4 == 0) test.kernel.shrink(states.row(part), 1);
    }
    test.kernel.shrink(states.row(0), 2);
    const std::string before = states.Serialize(1);
    states.Merge(0, states.row(1));
    ASSERT_EQ(states.Result(0), straight);
    ASSERT_EQ(states.Serialize(1), before);
  });
}

TEST(AggregateLawsTest, MergingIntoOneRowRepeatedlyWorks) {
  ForEachCase([](const Case& test, Random* random) {
    TestStates from(test.kernel, 4);
    for (const size_t row : test.rows) {
      test.Update(&from, static_cast<uint32_t>((*random)() % 4), {row}, false);
    }
    TestStates into(test.kernel, 1);
    std::vector<uint8_t*> targets(4, into.row(0));
    std::vector<const uint8_t*> sources;
    for (size_t i = 0; i < 4; ++i) sources.push_back(from.row(i));
    test.kernel.merge(targets.data(), 0, sources.data(), 0, 4, into.arena());
    ASSERT_EQ(into.Result(0), Straight(test));
  });
}

TEST(AggregateLawsTest, DistinctIsANoopWhereItIsSaidToBe) {
  ForEachCase([](const Case& test, Random*) {
    if (!test.kernel.distinct_is_noop) return;
    Case doubled = test;
    doubled.rows.insert(doubled.rows.end(), test.rows.begin(), test.rows.end());
    ASSERT_EQ(Straight(doubled), Straight(test));
  });
}

}  // namespace
}  // namespace tidemill
