/// approx_percentile: percentiles of many values in little memory.
///
/// Sketches of quantiles come in two kinds. Those that bound the error of the rank (KLL, t-digest,
/// Greenwald and Khanna's, which Spark has) compact what they hold as it arrives: by coin flips, or
/// by what stands next to each other. Their results depend on the order of rows and merges, and so
/// cannot be had here. Those that bound the error of the value (DDSketch: Masson, Rim and Lee,
/// 2019; HdrHistogram) count values in buckets whose limits are fixed beforehand, and adding counts
/// is associative and commutative. This is one of those:
///
///  -  Up to 256 different values are kept as they are: the result is exact.
///  -  Beyond, values whose leading 9 binary digits (and sign, and magnitude) are the same are one
///     bucket, counted under its smallest value. So the result is a value that occurs, and never
///     off by more than a part in 256 (0.4 %) of the exact one. Integers below 512 are buckets of
///     their own.
///
/// Whether there are more than 256 different values, and which is a bucket's smallest, are
/// questions to the set of values. It does not matter in which part of them the first answer was
/// found: the whole has at least as many different values as any part.
///
/// Taking leading digits and not logarithms makes a bucket a shift of the value's bits, the same on
/// every machine. Values over six decades make at most 5000 buckets of 10 bytes.

#include <bit>

#include "aggregate/argument_types.h"
#include "aggregate/fractions.h"
#include "aggregate/kernel_adapter.h"
#include "aggregate/multiset.h"
#include "aggregate/registry.h"

namespace tidemill {
namespace {

constexpr size_t kMaxExact = 256;
constexpr int kDigits = 9;

/// The bucket of a magnitude; grows with it.
int64_t BucketOfMagnitude(uint128_t magnitude) {
  const auto high = static_cast<uint64_t>(magnitude >> 64);
  const auto low = static_cast<uint64_t>(magnitude);
  const int bits = high != 0 ? 128 - std::countl_zero(high) : 64 - std::countl_zero(low);
  if (bits <= kDigits) return static_cast<int64_t>(low);
  const int shift = bits - kDigits;
  return (static_cast<int64_t>(shift) << kDigits) + static_cast<int64_t>(magnitude >> shift);
}

int64_t BucketOfInteger(int128_t value) {
  return value < 0 ? -BucketOfMagnitude(-static_cast<uint128_t>(value))
                   : BucketOfMagnitude(static_cast<uint128_t>(value));
}

struct OfSigned {
  using Key = Key64;
  static int64_t BucketOf(const Key64& key) { return BucketOfInteger(key.value); }
};

struct OfUnsigned {
  using Key = Key64;
  static int64_t BucketOf(const Key64& key) { return BucketOfMagnitude(UnsignedOfKey(key.value)); }
};

struct OfDouble {
  using Key = Key64;
  /// Keys of doubles are their bits: the leading digits are the leading bits.
  static int64_t BucketOf(const Key64& key) { return key.value >> (53 - kDigits); }
};

struct OfDecimal {
  using Key = Key128;
  static int64_t BucketOf(const Key128& key) { return BucketOfInteger(key.value.ToInt128()); }
};

/// Joins sorted items of one bucket under the smallest.
template <typename Form>
void UniteBuckets(std::vector<ValueCount<typename Form::Key>>* items) {
  size_t kept = 0;
  int64_t bucket = 0;
  for (size_t i = 0; i < items->size(); ++i) {
    const ValueCount<typename Form::Key> item = (*items)[i];
    const int64_t next = Form::BucketOf(item.key);
    if (kept > 0 && next == bucket) {
      (*items)[kept - 1].count += item.count;
    } else {
      (*items)[kept++] = item;
    }
    bucket = next;
  }
  items->resize(kept);
}

template <typename Form>
struct ApproximatePercentile {
  using Key = typename Form::Key;
  struct State {
    PackedValues<Key> values;
    Key largest;
    uint64_t has_buckets;  ///< there have been more different values than are kept
  };
  using Arguments = std::tuple<typename Key::Argument>;
  static constexpr std::array<size_t, 1> kReferences = {offsetof(State, values.block)};

  /// What makes the items of a full block fewer.
  static auto SqueezeOf(uint64_t* has_buckets) {
    return [has_buckets](Items<Key>* items) {
      SortAndUnite(items);
      if (items->size() > kMaxExact) *has_buckets = 1;
      if (*has_buckets != 0) UniteBuckets<Form>(items);
    };
  }

  static void Initialize(State& state) { state = {}; }
  static void Update(State& state, decltype(std::declval<typename Key::Argument>()[0]) value,
                     Arena* arena) {
    const Key key = Key::Of(value);
    if (!state.largest.has_value() || state.largest < key) state.largest = key;
    state.values.Add(key, arena, SqueezeOf(&state.has_buckets));
  }
  static void Merge(State& into, const State& from, Arena* arena) {
    if (!from.largest.has_value()) return;
    if (!into.largest.has_value() || into.largest < from.largest) into.largest = from.largest;
    into.has_buckets |= from.has_buckets;
    into.values.Merge(from.values, arena, SqueezeOf(&into.has_buckets));
  }
  static void Shrink(State& state) { state.values.Shrink(SqueezeOf(&state.has_buckets)); }
  static arrow::Status Final(const AggregateKernel& kernel, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    const Fraction p = FractionOf(kernel);
    Items<Key> items;
    std::vector<Key> chosen(1);
    for (int64_t i = 0; i < states.size; ++i) {
      const State& state = states[i];
      if (!state.largest.has_value()) {
        ARROW_RETURN_NOT_OK(builder->AppendNull());
        continue;
      }
      state.values.Read(&items);
      uint64_t has_buckets = state.has_buckets;
      SqueezeOf (&has_buckets)(&items);
      const uint64_t total = TotalOf(items);
      const uint64_t rank = p.Rank(total);
      chosen[0] = rank == total ? state.largest : items[ItemAt(items, rank)].key;
      ARROW_RETURN_NOT_OK(AppendKeyList(*kernel.result_type, chosen, builder));
    }
    return arrow::Status::OK();
  }
};

}  // namespace

void RegisterApproximatePercentiles(AggregateRegistry* registry) {
  AggregateFunction function;
  function.name = "approx_percentile";
  function.aliases = {"percentile_approx", "approx_quantile"};
  function.doc = {
      .signature = "approx_percentile(x, p)",
      .summary =
          "percentile_disc(x, p) of numbers in little memory: a value that occurs, exact for "
          "up to 256 different values and for p = 0 and p = 1, else at most 0.4 % of the "
          "exact value below or above it. Of the type of x. Spark's third argument, an "
          "accuracy, may be given and changes nothing.",
      .null_rule = "No rows give NULL. NULLs are skipped. NaN is larger than every number.",
      .example = "approx_percentile(value, 0.95)",
      .duckdb = "quantile_disc({0}, {1})",
  };
  function.min_constants = 1;
  function.max_constants = 2;
  function.check_constants = [](const Constants& constants) {
    return CheckFraction("approx_percentile", constants);
  };
  function.resolve = [](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    const arrow::DataType& type = *arguments[0];
    const char* const state = "approximate percentile";
    if (type.id() == arrow::Type::UINT64) {
      return MakeKernel<ApproximatePercentile<OfUnsigned>>(state, arguments[0], arguments);
    }
    if (arrow::is_integer(type.id())) {
      return MakeKernel<ApproximatePercentile<OfSigned>>(state, arguments[0], arguments);
    }
    if (IsFloatingArgument(type)) {
      return MakeKernel<ApproximatePercentile<OfDouble>>(state, arguments[0], arguments);
    }
    if (IsDecimalArgument(type)) {
      return MakeKernel<ApproximatePercentile<OfDecimal>>(state, arguments[0], arguments);
    }
    return WrongArgument("approx_percentile", type, "a number",
                         "percentile_disc takes values of any type");
  };
  registry->Add(std::move(function));
}

}  // namespace tidemill
