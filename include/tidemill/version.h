#pragma once

namespace tidemill {

/// The release, as in "0.1.0".
inline constexpr const char* kVersion = "0.1.0";

}  // namespace tidemill
