#pragma once

/// Names of runs.

#include <cstdint>
#include <string>

namespace tidemill {

/// A new name: "20260302T141530123456Z-9f86d081", the UTC time and a random number. Names sort by
/// time and are safe as file names.
std::string MakeRunId();

/// A random UUID (RFC 9562, version 4).
std::string MakeUuid();

/// "2026-03-02T14:15:30.123456Z" for microseconds since the epoch.
std::string FormatInstant(int64_t micros);

/// Microseconds since the epoch, now.
int64_t NowMicros();

}  // namespace tidemill
