#pragma once

/// Time zones in Spark's SQL: which types have one, and the way from local time to instants and
/// back.

#include <string>

#include <arrow/type.h>

namespace tidemill {

/// Whether `type` is one of timestamps with time zone.
bool IsZoned(const arrow::DataType& type);
/// The zone of a timestamp type; empty if it has none.
const std::string& ZoneOf(const arrow::DataType& type);

/// The timestamp with time zone at which clocks of `zone`, the session's, show `local`: the earlier
/// of two, the first after a gap.
std::string SparkInstantOf(const std::string& local, const std::string& zone);
/// Microseconds of local time since its epoch.
std::string SparkMicrosOfLocalTime(const std::string& local);
/// An interval of microseconds.
std::string SparkMicrosInterval(const std::string& micros);
/// Local time, of microseconds since its epoch.
std::string SparkLocalTimeOfMicros(const std::string& micros);
/// What clocks of `zone` show at `instant`, without time zone.
std::string SparkLocalTime(const std::string& instant, const std::string& zone,
                           const std::string& session_zone);

}  // namespace tidemill
