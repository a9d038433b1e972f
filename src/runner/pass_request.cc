#include "runner/pass_request.h"

#include <algorithm>
#include <string>

#include "runner/prepare.h"
#include "runner/work_folder.h"
#include "table/run_id.h"

namespace tidemill {

std::shared_ptr<PassEngine> EngineOf(const RunOptions& options) {
  return options.engine != nullptr ? options.engine : NativeEngine();
}

arrow::Result<PassRequest> RequestFor(const Plan& plan, const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const MemoryShares shares, DivideMemory(plan, options));
  return RequestFor(plan, shares, options);
}

arrow::Result<PassRequest> RequestFor(const Plan& plan, const MemoryShares& shares,
                                      const RunOptions& options) {
  PassRequest request;
  PassOptions& pass = request.options;
  pass.threads = ThreadsOf(options);
  pass.cancelled = options.cancelled;
  pass.tile_memory = shares.tiles;
  pass.dimension_memory = shares.dimensions;
  // One wave is merged while another is written.
  pass.wave_rows = std::max<int64_t>(1, shares.waves / 2 / FeatureRowMemory(plan));
  if (options.on_progress) {
    pass.on_progress = [report = options.on_progress](const char* stage, int64_t done,
                                                      int64_t total) {
      report({stage, done, total, std::string(stage) == "scan" ? "rows" : "buckets"});
    };
  }
  const Pipeline& pipeline = plan.pipeline->spec;
  request.id = MakeRunId();
  ARROW_ASSIGN_OR_RAISE(const Location table,
                        ParseLocation(pipeline.Resolve(pipeline.output.path.text)));
  request.work = WorkFolder::Of(table, request.id);
  request.run_timestamp = NowMicros();
  return request;
}

}  // namespace tidemill
