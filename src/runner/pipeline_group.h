#pragma once

/// Pipelines of one command: what they may not have in common, and which of them share a scan.

#include <span>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "table/table.h"
#include "tidemill/run.h"

namespace tidemill {

/// What is wrong with one of several pipeline files.
struct FileFault {
  std::string file;
  arrow::Status status;
};

/// The failures of several files as one: every diagnostic, with its file. kInvalid if any of them
/// is, else the code of the first.
arrow::Status AllFaults(const std::vector<FileFault>& faults);

/// A pipeline of a command, as far as it could be prepared.
struct PreparedPipeline {
  const Pipeline* pipeline = nullptr;
  arrow::Status status;          ///< why it cannot begin
  const Table* table = nullptr;  ///< null if it could not be opened
  const Plan* plan = nullptr;    ///< over all its dates; null if there is none
};

/// Every fault of every pipeline: why one cannot begin, two of the same file, two that publish to
/// the same table, one that reads what another publishes. A single pipeline's status as it is.
arrow::Status FaultsOf(const std::vector<PreparedPipeline>& pipelines);

/// Cuts the pipelines (indices) into groups, each of which shares one scan as far as memory allows:
/// those with the same source, in the order of their first one. With an engine other than the
/// native one each is alone.
arrow::Result<std::vector<std::vector<size_t>>> GroupBySource(
    const std::vector<PreparedPipeline>& pipelines, const RunOptions& options);

/// The options of one of several pipelines: its warnings carry its name.
RunOptions OptionsAmong(size_t pipelines, const Pipeline& pipeline, const RunOptions& options);

}  // namespace tidemill
