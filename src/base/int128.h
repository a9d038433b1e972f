#pragma once

/// 128-bit integers. The compiler's type is not ISO C++, hence the `__extension__`.

namespace tidemill {

__extension__ typedef __int128 int128_t;
__extension__ typedef unsigned __int128 uint128_t;

}  // namespace tidemill
