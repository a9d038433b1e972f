#pragma once

/// Failures of files through which tasks and passes speak with each other.

#include <arrow/result.h>

#include "storage/location.h"
#include "tidemill/error.h"

namespace tidemill {

/// The same failure with what is most often behind it; an I/O error, which is worth another try.
inline arrow::Status InWorkFolder(const arrow::Status& status, const Location& work) {
  if (status.ok()) return status;
  const arrow::Status named =
      MakeError(ErrorCode::kRunFailed, work.uri + ": " + DiagnosticsOf(status).front().message,
                "every worker must reach the folder of the table under the same path");
  return {arrow::StatusCode::IOError, named.message(), named.detail()};
}

template <typename T>
arrow::Result<T> InWorkFolder(arrow::Result<T> result, const Location& work) {
  if (result.ok()) return result;
  return InWorkFolder(result.status(), work);
}

}  // namespace tidemill
