#pragma once

/// Names of processes, by which another one can tell whether they live.

#include <string>

namespace tidemill {

/// "host/boot/namespace/pid/start": this process, as no other is or will be called.
std::string ThisProcess();

enum class Liveness {
  kAlive,
  kGone,
  kUnknown,  ///< of another machine, or of a container whose processes are not seen from here
};
Liveness LivenessOf(const std::string& process);

}  // namespace tidemill
