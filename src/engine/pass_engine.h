#pragma once

/// Who computes a pass: the boundary between what is the same whoever computes (locks, checks,
/// staging, audits, publishing, the ledger) and what an engine does (reading events, aggregating
/// them).
///
///     PassEngine ── Begin(plan) ──> PassWork ── Scan() ──> ScanSummary
///                                      │
///                                      └── Features(wanted, sink) ──> FeatureSummary
///
/// Between the two the runner evaluates the input checks and decides which dates are wanted. There
/// are three engines: the native one (below), one that hands native tasks to a scheduler, and one
/// that hands SQL to Spark.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/frame_metrics.h"
#include "engine/merge.h"
#include "engine/plan.h"
#include "engine/scan.h"
#include "storage/location.h"

namespace tidemill {

/// What the runner asks of any engine.
struct PassRequest {
  PassOptions options;
  std::string id;  ///< of the pass; no two are alike
  /// A folder beside the table that every worker of a distributed engine can reach. It is not there
  /// yet, and is removed when the pass ends.
  Location work;
  int64_t run_timestamp = 0;  ///< of run_timestamp(), in microseconds since the epoch
};

struct ScanSummary {
  ScanCounts counts;
  /// Per date of the plan: the input metrics over its longest window.
  std::vector<MetricValues> input_metrics;
  int64_t spilled_bytes = 0;              ///< written to where tiles wait for the second phase
  std::vector<RowSpoolFile> quarantined;  ///< rows, while the work lives
};

/// One pass in work. Scan comes once, then Features at most once. Destroying it ends what runs and
/// removes what it left.
class PassWork {
 public:
  virtual ~PassWork() = default;

  /// Reads the events and measures the input checks' metrics.
  virtual arrow::Result<ScanSummary> Scan() = 0;

  /// Hands the features of each wanted date to `sink`: batches of BoundPipeline::output, in entity
  /// order. A date that fails leaves the others alone; an error ends the pass.
  virtual arrow::Result<FeatureSummary> Features(const std::vector<bool>& wanted,
                                                 FeatureSink* sink) = 0;
};

class PassEngine {
 public:
  virtual ~PassEngine() = default;

  /// `plan` and what `request` points to outlive the work. An error (kInvalid) names what the
  /// engine cannot compute, before anything runs.
  virtual arrow::Result<std::unique_ptr<PassWork>> Begin(const Plan& plan,
                                                         const PassRequest& request) = 0;
};

/// The engine in this process.
std::shared_ptr<PassEngine> NativeEngine();

/// The input metrics of every date of the plan, of what a scan measured per stratum.
std::vector<MetricValues> InputMetricsOf(const Plan& plan, const FrameMetrics& metrics);

}  // namespace tidemill
