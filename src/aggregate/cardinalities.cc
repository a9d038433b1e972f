/// approx_count_distinct: HyperLogLog.
///
/// Flajolet, Fusy, Gandouet and Meunier (2007): every value has a hash; its first 12 bits choose
/// one of 4096 registers, and the register keeps the largest number of zeros (plus one) that
/// followed. How many different values it takes to bring the registers to where they are can be
/// estimated with a standard error of 1.04 / sqrt(4096) = 1.6 %, from 4 KB. Registers merge by
/// maximum, so the registers of a union are a function of the set of values alone; that holds for
/// the result too if it is computed from the registers and nothing else. Estimators that follow the
/// order of arrivals (HIP, as in Apache DataSketches) are a little more exact and out of the
/// question here. The estimator is Otmar Ertl's ("New cardinality estimation algorithms for
/// HyperLogLog sketches", 2017, section 4): unbiased from none to all registers in use, without
/// tables.
///
/// Most entities have few values. Until there are more than 512 different hashes these are kept
/// themselves, 8 bytes each, and the count is exact. Whether there are more is a question to the
/// set: if a part has more, the whole has.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <arrow/array/builder_primitive.h>

#include "aggregate/kernel_adapter.h"
#include "aggregate/registry.h"
#include "base/hash.h"

namespace tidemill {
namespace {

constexpr int kIndexBits = 12;
constexpr size_t kRegisters = size_t{1} << kIndexBits;
constexpr int kMaxRank = 64 - kIndexBits + 1;
constexpr size_t kMaxExact = 512;

void Note(uint8_t* registers, uint64_t hash) {
  const uint64_t rest = hash << kIndexBits | uint64_t{1} << (kIndexBits - 1);
  const auto rank = static_cast<uint8_t>(std::countl_zero(rest) + 1);
  uint8_t& highest = registers[hash >> (64 - kIndexBits)];
  highest = std::max(highest, rank);
}

/// x + sum over k >= 1 of x^(2^k) * 2^(k-1), for 0 <= x < 1.
double Sigma(double x) {
  double weight = 1;
  double sum = x;
  for (double before = -1; sum != before; weight *= 2) {
    before = sum;
    x *= x;
    sum += x * weight;
  }
  return sum;
}

/// (1 - x - sum over k >= 1 of (1 - x^(2^-k))^2 * 2^-k) / 3, for 0 <= x <= 1.
double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double weight = 1;
  double sum = 1 - x;
  for (double before = -1; sum != before;) {
    before = sum;
    x = std::sqrt(x);
    weight /= 2;
    sum -= (1 - x) * (1 - x) * weight;
  }
  return sum / 3;
}

int64_t Estimate(const uint8_t* registers) {
  std::array<int, kMaxRank + 1> counts = {};
  for (size_t i = 0; i < kRegisters; ++i) ++counts[registers[i]];
  constexpr double kM = kRegisters;
  constexpr double kLn2 = 0.693147180559945309417;
  double z = kM * Tau(1 - counts[kMaxRank] / kM);
  for (size_t rank = kMaxRank - 1; rank >= 1; --rank) z = (z + counts[rank]) / 2;
  z += kM * Sigma(counts[0] / kM);
  const double estimate = kM * kM / (2 * kLn2 * z);
  // Registers are used from there on.
  return std::max(static_cast<int64_t>(kMaxExact) + 1,
                  static_cast<int64_t>(std::llround(estimate)));
}

template <typename Argument>
struct Hash;
template <>
struct Hash<Int64Argument> {
  static uint64_t Of(int64_t value) { return HashInteger(static_cast<uint64_t>(value)); }
};
template <>
struct Hash<DoubleArgument> {
  static uint64_t Of(double value) { return HashInteger(std::bit_cast<uint64_t>(value)); }
};
template <>
struct Hash<Int128Argument> {
  static uint64_t Of(int128_t value) {
    return CombineHashes(static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64));
  }
};
template <>
struct Hash<BytesArgument> {
  static uint64_t Of(Bytes value) { return HashBytes(value.view()); }
};

struct Cardinality {
  struct State {
    /// Hashes, some perhaps more than once, or kRegisters registers.
    Bytes block;
    uint32_t num_hashes;
    uint32_t has_registers;
  };
  static constexpr std::array<size_t, 1> kReferences = {offsetof(State, block)};

  static void Initialize(State& state) { state = {}; }

  static void Add(State& state, uint64_t hash, Arena* arena) {
    if (state.has_registers == 0) {
      if ((state.num_hashes + 1) * sizeof hash > state.block.size) MakeRoom(state, arena);
      if (state.has_registers == 0) {
        std::memcpy(Memory(state) + state.num_hashes * sizeof hash, &hash, sizeof hash);
        ++state.num_hashes;
        return;
      }
    }
    Note(Memory(state), hash);
  }

  static void Merge(State& into, const State& from, Arena* arena) {
    if (from.has_registers == 0) {
      for (uint32_t i = 0; i < from.num_hashes; ++i) Add(into, HashAt(from, i), arena);
      return;
    }
    UseRegisters(into, arena);
    uint8_t* registers = Memory(into);
    for (size_t i = 0; i < kRegisters; ++i) {
      registers[i] = std::max(registers[i], from.block.data[i]);
    }
  }

  static void Shrink(State& state) {
    if (state.has_registers != 0 || state.num_hashes == 0) return;
    std::vector<uint64_t>& hashes = DistinctHashes(state);
    Store(state, hashes);
    state.block.size = hashes.size() * sizeof(uint64_t);
  }

  static arrow::Status Final(const AggregateKernel&, const StateRows<State>& states,
                             arrow::ArrayBuilder* builder) {
    auto* counts = static_cast<arrow::Int64Builder*>(builder);
    for (int64_t i = 0; i < states.size; ++i) counts->UnsafeAppend(CountOf(states[i]));
    return arrow::Status::OK();
  }

 private:
  static uint8_t* Memory(State& state) { return const_cast<uint8_t*>(state.block.data); }

  static uint64_t HashAt(const State& state, uint32_t i) {
    uint64_t hash;
    std::memcpy(&hash, state.block.data + i * sizeof hash, sizeof hash);
    return hash;
  }

  static std::vector<uint64_t>& DistinctHashes(const State& state) {
    thread_local std::vector<uint64_t> hashes;
    hashes.resize(state.num_hashes);
    if (state.num_hashes > 0) {
      std::memcpy(hashes.data(), state.block.data, hashes.size() * sizeof(uint64_t));
    }
    std::sort(hashes.begin(), hashes.end());
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    return hashes;
  }

  static void Store(State& state, const std::vector<uint64_t>& hashes) {
    std::memcpy(Memory(state), hashes.data(), hashes.size() * sizeof(uint64_t));
    state.num_hashes = static_cast<uint32_t>(hashes.size());
  }

  static void UseRegisters(State& state, Arena* arena) {
    if (state.has_registers != 0) return;
    uint8_t* registers = arena->Allocate(kRegisters);
    std::memset(registers, 0, kRegisters);
    for (uint32_t i = 0; i < state.num_hashes; ++i) Note(registers, HashAt(state, i));
    state.block = {registers, kRegisters};
    state.num_hashes = 0;
    state.has_registers = 1;
  }

  static void MakeRoom(State& state, Arena* arena) {
    constexpr size_t kFirst = 2;
    std::vector<uint64_t>& hashes = DistinctHashes(state);
    if (hashes.size() > kMaxExact) {
      UseRegisters(state, arena);
      return;
    }
    if (hashes.size() * 2 * sizeof(uint64_t) >= state.block.size) {
      const size_t room = std::max(kFirst, hashes.size() * 2);
      state.block = {arena->Allocate(room * sizeof(uint64_t)), room * sizeof(uint64_t)};
    }
    if (!hashes.empty()) Store(state, hashes);
  }

  static int64_t CountOf(const State& state) {
    if (state.has_registers != 0) return Estimate(state.block.data);
    const std::vector<uint64_t>& hashes = DistinctHashes(state);
    if (hashes.size() <= kMaxExact) return static_cast<int64_t>(hashes.size());
    std::vector<uint8_t> registers(kRegisters, 0);
    for (const uint64_t hash : hashes) Note(registers.data(), hash);
    return Estimate(registers.data());
  }
};

template <typename Argument>
struct CardinalityOf : Cardinality {
  using Arguments = std::tuple<Argument>;
  static void Update(State& state, decltype(std::declval<Argument>()[0]) value, Arena* arena) {
    Add(state, Hash<Argument>::Of(value), arena);
  }
};

}  // namespace

void RegisterCardinalities(AggregateRegistry* registry) {
  AggregateFunction function;
  function.name = "approx_count_distinct";
  function.doc = {
      .signature = "approx_count_distinct(x)",
      .summary =
          "About the number of different values of x, in at most 4 KB: exact up to 512, "
          "beyond with a standard error of 1.6 % (HyperLogLog).",
      .null_rule = "No rows give 0. NULLs are not counted.",
      .example = "approx_count_distinct(session_id)",
      .duckdb = "count(DISTINCT {0})",
  };
  function.distinct_is_noop = true;
  function.resolve = [](const std::vector<std::shared_ptr<arrow::DataType>>& arguments)
      -> arrow::Result<AggregateKernel> {
    ARROW_ASSIGN_OR_RAISE(const ArgumentKind kind, ArgumentKindOf(*arguments[0]));
    const char* const state = "approximate count";
    switch (kind) {
      case ArgumentKind::kBytes:
        return MakeKernel<CardinalityOf<BytesArgument>>(state, arrow::int64(), arguments);
      case ArgumentKind::kInt128:
        return MakeKernel<CardinalityOf<Int128Argument>>(state, arrow::int64(), arguments);
      case ArgumentKind::kDouble:
        return MakeKernel<CardinalityOf<DoubleArgument>>(state, arrow::int64(), arguments);
      default:
        return MakeKernel<CardinalityOf<Int64Argument>>(state, arrow::int64(), arguments);
    }
  };
  registry->Add(std::move(function));
}

}  // namespace tidemill
