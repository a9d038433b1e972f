#pragma once

/// The features of one pipeline for the labels of a training set: the published ones
/// (published_features.cc) or those of each label's instant (exact_features.cc).

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runner/feature_shelf.h"
#include "runner/label_keys.h"
#include "tidemill/training_set.h"

namespace tidemill {

/// What both ways have in common; `options` and `labels` outlive what is made of them.
struct LabelRequest {
  const LabelSource* labels = nullptr;
  const TrainingSetOptions* options = nullptr;
  EntityColumns entity;  ///< names alone; types are the pipeline's
  int64_t memory = 0;    ///< bytes for the features of the labels
  int64_t run_timestamp = 0;
  std::function<arrow::Result<std::string>()> scratch;
};

class LabelFeatureSource {
 public:
  virtual ~LabelFeatureSource() = default;

  /// The features, in the order of the file; known before anything is computed.
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;

  /// Finds the features of all labels and reports on it.
  virtual arrow::Result<std::unique_ptr<FeatureShelf>> Collect(
      TrainingSetFeatures* report, std::vector<std::string>* warnings) = 0;
};

/// Opens the table that a pipeline publishes to.
arrow::Result<std::unique_ptr<LabelFeatureSource>> PublishedFeatures(const Pipeline& pipeline,
                                                                     LabelRequest request);

/// Opens a pipeline's source.
arrow::Result<std::unique_ptr<LabelFeatureSource>> ExactFeatures(const Pipeline& pipeline,
                                                                 LabelRequest request);

/// An error (kInvalid) that names every entity column whose types do not go together.
arrow::Status CheckEntityTypes(const Pipeline& pipeline, const LabelRequest& request,
                               const std::vector<std::shared_ptr<arrow::DataType>>& types);

/// Counts the labels by what became of them.
void CountGaps(const std::vector<LabelGap>& gaps, TrainingSetFeatures* report);

}  // namespace tidemill
