#include "engine/frame_metrics.h"

#include <algorithm>

#include <arrow/builder.h>

namespace tidemill {
namespace {

ArgumentColumn ColumnOf(const Hash128& identity, ArgumentKind kind, int64_t* int64, double* real,
                        int128_t* int128) {
  ArgumentColumn column;
  column.kind = kind;
  *int64 = static_cast<int64_t>(identity.low);
  __builtin_memcpy(real, &identity.low, sizeof *real);
  *int128 = static_cast<int128_t>((static_cast<uint128_t>(identity.high) << 64) | identity.low);
  column.int64s = int64;
  column.doubles = real;
  column.int128s = int128;
  return column;
}

}  // namespace

FrameMetrics::FrameMetrics(const FrameChecks* checks, int32_t num_strata)
    : checks_(checks), num_strata_(num_strata) {
  for (size_t m = 0; m < checks->metrics.size(); ++m) {
    states_.emplace_back(size(m) * static_cast<size_t>(num_strata));
    checks->kernels[m].initialize(states_[m].data(), num_strata);
    distincts_.emplace_back(checks->metrics[m].distinct ? static_cast<size_t>(num_strata) : 0);
  }
}

arrow::Status FrameMetrics::Update(ArgumentReader* reader, const int32_t* strata,
                                   int32_t constant_stratum) {
  for (size_t m = 0; m < checks_->metrics.size(); ++m) {
    const AggregateCall& call = checks_->metrics[m];
    if (call.distinct) {
      ARROW_RETURN_NOT_OK(UpdateDistinct(m, reader, strata, constant_stratum));
      continue;
    }
    UpdateBatch batch;
    batch.num_rows = reader->num_rows();
    // One group if all rows have one stratum.
    batch.groups = reinterpret_cast<const uint32_t*>(strata);
    const int32_t first = strata != nullptr ? 0 : constant_stratum;
    const int32_t end = strata != nullptr ? num_strata_ : constant_stratum + 1;
    ARROW_ASSIGN_OR_RAISE(batch.selected, reader->Selection(nullptr, call.filter, call.arguments));
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(const PreparedColumn* column,
                            reader->Column(call.arguments[i], call.filter));
      batch.arguments[i] = column->values;
    }
    // References may point into the morsel; what they hold is copied before it goes.
    Arena morsel;
    std::vector<uint8_t> fresh(static_cast<size_t>(end - first) * size(m));
    checks_->kernels[m].initialize(fresh.data(), end - first);
    checks_->kernels[m].update(fresh.data(), batch, &morsel);
    for (int32_t s = first; s < end; ++s) {
      uint8_t* from = fresh.data() + static_cast<size_t>(s - first) * size(m);
      for (size_t reference : checks_->kernels[m].references) {
        auto* bytes = reinterpret_cast<Bytes*>(from + reference);
        *bytes = arena_.Copy(*bytes);
      }
      uint8_t* into = state(m, s);
      checks_->kernels[m].merge(&into, 0, &from, 0, 1, &arena_);
    }
  }
  return arrow::Status::OK();
}

arrow::Status FrameMetrics::UpdateDistinct(size_t metric, ArgumentReader* reader,
                                           const int32_t* strata, int32_t constant_stratum) {
  const AggregateCall& call = checks_->metrics[metric];
  ARROW_ASSIGN_OR_RAISE(const uint8_t* selected,
                        reader->Selection(nullptr, call.filter, call.arguments));
  std::vector<const PreparedColumn*> columns;
  for (const ExpressionPtr& argument : call.arguments) {
    ARROW_ASSIGN_OR_RAISE(const PreparedColumn* column, reader->Column(argument, call.filter));
    columns.push_back(column);
  }
  std::vector<Hash128> parts(columns.size());
  for (int64_t i = 0; i < reader->num_rows(); ++i) {
    if (selected != nullptr && !selected[i]) continue;
    for (size_t c = 0; c < columns.size(); ++c) parts[c] = IdentityOf(columns[c]->values, i);
    const Hash128 identity =
        parts.size() == 1 ? parts[0] : HashBytes128(parts.data(), parts.size() * sizeof(Hash128));
    const int32_t stratum = strata != nullptr ? strata[i] : constant_stratum;
    distincts_[metric][static_cast<size_t>(stratum)].insert(identity);
  }
  return arrow::Status::OK();
}

void FrameMetrics::Merge(const FrameMetrics& other) {
  for (size_t m = 0; m < checks_->metrics.size(); ++m) {
    for (size_t s = 0; s < distincts_[m].size(); ++s) {
      distincts_[m][s].insert(other.distincts_[m][s].begin(), other.distincts_[m][s].end());
    }
    for (int32_t s = 0; s < num_strata_; ++s) {
      MergeState(m, s, {other.state(m, s), other.state(m, s) + size(m)});
    }
  }
}

void FrameMetrics::MergeState(size_t metric, int32_t stratum, std::vector<uint8_t> from) {
  const AggregateKernel& kernel = checks_->kernels[metric];
  for (size_t reference : kernel.references) {
    auto* bytes = reinterpret_cast<Bytes*>(from.data() + reference);
    *bytes = arena_.Copy(*bytes);
  }
  uint8_t* into = state(metric, stratum);
  const uint8_t* copy = from.data();
  kernel.merge(&into, 0, &copy, 0, 1, &arena_);
}

MetricValues FrameMetrics::Values(StratumRange range) const {
  std::vector<arrow::Datum> values;
  for (size_t m = 0; m < checks_->metrics.size(); ++m) {
    const AggregateCall& call = checks_->metrics[m];
    const AggregateKernel& kernel = checks_->kernels[m];
    std::vector<uint8_t> total(size(m));
    kernel.initialize(total.data(), 1);
    uint8_t* into = total.data();
    Arena arena;
    if (call.distinct) {
      ValueSet all;
      for (int32_t s = range.first; s <= range.last; ++s) {
        const ValueSet& set = distincts_[m][static_cast<size_t>(s)];
        all.insert(set.begin(), set.end());
      }
      if (call.function == "count") {
        values.emplace_back(arrow::MakeScalar(static_cast<int64_t>(all.size())));
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(const ArgumentKind kind, ArgumentKindOf(*call.arguments[0]->type));
      const uint32_t group = 0;
      for (const Hash128& identity : all) {
        int64_t int64;
        double real;
        int128_t int128;
        UpdateBatch batch{1, &group, nullptr, {ColumnOf(identity, kind, &int64, &real, &int128)}};
        kernel.update(into, batch, &arena);
      }
    } else {
      for (int32_t s = range.first; s <= range.last; ++s) {
        const uint8_t* from = state(m, s);
        kernel.merge(&into, 0, &from, 0, 1, &arena);
      }
    }
    std::unique_ptr<arrow::ArrayBuilder> builder;
    ARROW_RETURN_NOT_OK(
        arrow::MakeBuilder(arrow::default_memory_pool(), kernel.result_type, &builder));
    const uint8_t* row = total.data();
    ARROW_RETURN_NOT_OK(kernel.finalize(kernel, &row, 0, 1, builder.get()));
    ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
    ARROW_ASSIGN_OR_RAISE(auto scalar, array->GetScalar(0));
    values.emplace_back(std::move(scalar));
  }
  return values;
}

}  // namespace tidemill
