// Frame metrics on their way between processes: a row per (metric, stratum).
//
// A state goes as its bytes. What it references (a text, a wide sum) goes beside it, since a
// pointer means nothing elsewhere; the values of a DISTINCT metric go as their 16-byte identities,
// end to end.

#include <cstring>

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>

#include "engine/frame_metrics.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

std::shared_ptr<arrow::Schema> SchemaOfStates() {
  return arrow::schema({arrow::field("metric", arrow::int32()),
                        arrow::field("stratum", arrow::int32()),
                        arrow::field("state", arrow::large_binary()),
                        arrow::field("references", arrow::list(arrow::large_binary())),
                        arrow::field("values", arrow::large_binary())});
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> FrameMetrics::Encode() const {
  arrow::Int32Builder metrics;
  arrow::Int32Builder strata;
  arrow::LargeBinaryBuilder states;
  auto targets = std::make_shared<arrow::LargeBinaryBuilder>();
  arrow::ListBuilder references(arrow::default_memory_pool(), targets);
  arrow::LargeBinaryBuilder values;
  for (size_t m = 0; m < checks_->metrics.size(); ++m) {
    for (int32_t s = 0; s < num_strata_; ++s) {
      ARROW_RETURN_NOT_OK(metrics.Append(static_cast<int32_t>(m)));
      ARROW_RETURN_NOT_OK(strata.Append(s));
      ARROW_RETURN_NOT_OK(states.Append(state(m, s), static_cast<int64_t>(size(m))));
      ARROW_RETURN_NOT_OK(references.Append());
      for (size_t reference : checks_->kernels[m].references) {
        const auto& target = *reinterpret_cast<const Bytes*>(state(m, s) + reference);
        ARROW_RETURN_NOT_OK(target.data == nullptr ? targets->AppendNull()
                                                   : targets->Append(target.view()));
      }
      std::string identities;
      if (!distincts_[m].empty()) {
        for (const Hash128& value : distincts_[m][static_cast<size_t>(s)]) {
          identities.append(reinterpret_cast<const char*>(&value), sizeof value);
        }
      }
      ARROW_RETURN_NOT_OK(values.Append(identities));
    }
  }
  arrow::ArrayVector columns(5);
  ARROW_RETURN_NOT_OK(metrics.Finish(&columns[0]));
  ARROW_RETURN_NOT_OK(strata.Finish(&columns[1]));
  ARROW_RETURN_NOT_OK(states.Finish(&columns[2]));
  ARROW_RETURN_NOT_OK(references.Finish(&columns[3]));
  ARROW_RETURN_NOT_OK(values.Finish(&columns[4]));
  const int64_t rows = columns[0]->length();
  return arrow::RecordBatch::Make(SchemaOfStates(), rows, std::move(columns));
}

arrow::Status FrameMetrics::MergeEncoded(const arrow::RecordBatch& batch) {
  const auto expected =
      static_cast<int64_t>(checks_->metrics.size()) * static_cast<int64_t>(num_strata_);
  if (!batch.schema()->Equals(*SchemaOfStates()) || batch.num_rows() != expected) {
    return MakeError(ErrorCode::kRunFailed, "these are the metrics of other checks");
  }
  const auto& states = static_cast<const arrow::LargeBinaryArray&>(*batch.column(2));
  const auto& references = static_cast<const arrow::ListArray&>(*batch.column(3));
  const auto& targets = static_cast<const arrow::LargeBinaryArray&>(*references.values());
  const auto& values = static_cast<const arrow::LargeBinaryArray&>(*batch.column(4));
  int64_t row = 0;
  for (size_t m = 0; m < checks_->metrics.size(); ++m) {
    const std::vector<size_t>& offsets = checks_->kernels[m].references;
    for (int32_t s = 0; s < num_strata_; ++s, ++row) {
      const auto bytes = states.GetView(row);
      if (bytes.size() != size(m) ||
          references.value_length(row) != static_cast<int32_t>(offsets.size())) {
        return MakeError(ErrorCode::kRunFailed, "these are the metrics of other checks");
      }
      std::vector<uint8_t> from(bytes.begin(), bytes.end());
      int64_t next = references.value_offset(row);
      for (size_t offset : offsets) {
        Bytes target;
        if (targets.IsValid(next)) {
          const auto text = targets.GetView(next);
          target = {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
        }
        std::memcpy(from.data() + offset, &target, sizeof target);
        ++next;
      }
      MergeState(m, s, std::move(from));
      if (distincts_[m].empty()) continue;
      const auto identities = values.GetView(row);
      for (size_t at = 0; at + sizeof(Hash128) <= identities.size(); at += sizeof(Hash128)) {
        Hash128 value;
        std::memcpy(&value, identities.data() + at, sizeof value);
        distincts_[m][static_cast<size_t>(s)].insert(value);
      }
    }
  }
  return arrow::Status::OK();
}

}  // namespace tidemill
