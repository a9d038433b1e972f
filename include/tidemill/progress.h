#pragma once

/// How far a long step has come.

#include <cstdint>
#include <string>

namespace tidemill {

/// How far a long step has come. Called from worker threads, one at a time.
struct Progress {
  std::string stage;  ///< "scan", "merge", "write", ...
  int64_t done = 0;
  int64_t total = 0;
  std::string unit;  ///< "rows", "dates"
};

}  // namespace tidemill
