#pragma once

/// Names of processes, by which another one can tell whether they live.

#include <string>

namespace tidemill {

/// "host/boot/pid/start": this process, as no other is or will be called.
std::string ThisProcess();

/// Whether it is certain that the process is gone: it ran on this machine, and does no more.
bool IsGone(const std::string& process);

}  // namespace tidemill
