#include "runner/label_features.h"

#include <fmt/format.h>

namespace tidemill {

arrow::Status CheckEntityTypes(const Pipeline& pipeline, const LabelRequest& request,
                               const std::vector<std::shared_ptr<arrow::DataType>>& types) {
  std::vector<Diagnostic> faults;
  for (size_t e = 0; e < types.size(); ++e) {
    const std::string& name = request.entity.names[e];
    const auto& type = request.labels->schema()->GetFieldByName(name)->type();
    if (AreComparable(*type, *types[e])) continue;
    faults.push_back(
        {fmt::format("the labels' column '{}' is of type {}, and the entity column '{}' of {} is "
                     "of type {}",
                     name, type->ToString(), pipeline.entity[e].text, pipeline.name,
                     types[e]->ToString()),
         "write the labels with the entity's type",
         {},
         ""});
  }
  return faults.empty() ? arrow::Status::OK() : MakeError(ErrorCode::kInvalid, std::move(faults));
}

void CountGaps(const std::vector<LabelGap>& gaps, TrainingSetFeatures* report) {
  std::array<int64_t, kLabelGaps> counts{};
  for (const LabelGap gap : gaps) ++counts[static_cast<size_t>(gap)];
  const auto count = [&](LabelGap gap) { return counts[static_cast<size_t>(gap)]; };
  report->matched = count(LabelGap::kNone);
  report->no_time = count(LabelGap::kNoTime);
  report->no_entity = count(LabelGap::kNoEntity);
  report->no_date = count(LabelGap::kNoDate);
  report->too_old = count(LabelGap::kTooOld);
  report->no_row = count(LabelGap::kNoRow);
}

}  // namespace tidemill
