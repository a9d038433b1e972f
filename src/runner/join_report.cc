#include "runner/join_report.h"

#include <algorithm>

namespace tidemill {

void AddJoins(const Plan& plan, const ScanCounts& counts, std::vector<JoinReport>* joins) {
  if (counts.looked_up.size() != plan.dimensions.size()) return;
  size_t next = 0;
  for (size_t j = 0; j < plan.dimensions.size(); ++j) {
    if (!plan.needed_joins[j]) continue;
    if (next == joins->size()) {
      joins->push_back(
          {plan.dimensions[j]->path, plan.pipeline->joins[j].is_inner ? "inner" : "left", 0, 0, 0});
    }
    JoinReport& report = (*joins)[next++];
    report.rows += counts.looked_up[j];
    report.unmatched += counts.not_found[j];
    report.dimension_rows = std::max(report.dimension_rows, plan.dimensions[j]->num_rows());
  }
}

}  // namespace tidemill
