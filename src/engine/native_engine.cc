#include <optional>
#include <utility>

#include "engine/pass_engine.h"

namespace tidemill {
namespace {

class NativeWork : public PassWork {
 public:
  NativeWork(const Plan& plan, const PassRequest& request) : plan_(plan), request_(request) {}

  arrow::Result<ScanSummary> Scan() override {
    ARROW_ASSIGN_OR_RAISE(scan_, tidemill::Scan(plan_, request_.options));
    plan_.loaded->Release();
    return ScanSummary{scan_->counts, InputMetricsOf(plan_, scan_->input_metrics),
                       scan_->tiles->spilled_bytes() + scan_->spilled_rows, scan_->quarantined};
  }

  arrow::Result<FeatureSummary> Features(const std::vector<bool>& wanted,
                                         FeatureSink* sink) override {
    return Merge(plan_, *scan_, wanted, request_.run_timestamp, request_.options, sink);
  }

 private:
  const Plan& plan_;
  const PassRequest& request_;
  std::optional<ScanResult> scan_;
};

class InProcessEngine : public PassEngine {
 public:
  arrow::Result<std::unique_ptr<PassWork>> Begin(const Plan& plan,
                                                 const PassRequest& request) override {
    return std::make_unique<NativeWork>(plan, request);
  }
};

}  // namespace

std::shared_ptr<PassEngine> NativeEngine() { return std::make_shared<InProcessEngine>(); }

std::vector<MetricValues> InputMetricsOf(const Plan& plan, const FrameMetrics& metrics) {
  std::vector<MetricValues> dates;
  for (size_t d = 0; d < plan.dates.size(); ++d) {
    dates.push_back(metrics.Values(plan.strata.Window(d, plan.strata.Longest(d))));
  }
  return dates;
}

}  // namespace tidemill
