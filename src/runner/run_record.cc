#include "runner/run_record.h"

#include <utility>

#include "table/run_id.h"
#include "tidemill/version.h"

namespace tidemill {

arrow::Status WriteRunRecord(RunRecord record, const InvocationReport& report,
                             TableWriter* writer) {
  record.pipeline = report.pipeline;
  record.version = kVersion;
  record.finished_at = NowMicros();
  record.rows_read = report.rows_read;
  record.rows_quarantined = report.rows_quarantined;
  record.bytes_read = report.bytes_read;
  record.bytes_written = report.bytes_written;
  record.peak_memory = report.peak_memory;
  record.warnings = report.warnings;
  record.seconds = report.seconds;
  const arrow::Status status = writer->WriteRun(std::move(record));
  if (status.ok()) return status;
  return arrow::Status::IOError("the record of the run could not be written: ", status.message());
}

}  // namespace tidemill
