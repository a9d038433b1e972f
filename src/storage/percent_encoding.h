#pragma once

/// Percent-encoding of names and values in paths.

#include <string>
#include <string_view>

namespace tidemill {

/// "%2F" -> "/". A percent sign without two hexadecimal digits after it stands for itself, as Hive
/// reads it.
std::string PercentDecode(std::string_view text);

/// Encodes what Hive and Spark encode in partition directories: control characters and any of " # %
/// ' * / : = ? \ { [ ] ^ and DEL. Everything else, UTF-8 included, stays as it is.
std::string PercentEncodeForHive(std::string_view text);

/// Encodes a path for a URI: all bytes but letters, digits and any of / - . _ ~ = + , : @ (RFC
/// 3986, section 3.3).
std::string PercentEncodeForUri(std::string_view path);

}  // namespace tidemill
