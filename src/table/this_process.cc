#include "table/this_process.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

namespace tidemill {
namespace {

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "?";
}

std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

/// Containers of one machine may share its name and boot, but not its process ids.
std::string PidNamespace() {
  char name[64] = {};
  return readlink("/proc/self/ns/pid", name, sizeof(name) - 1) > 0 ? name : "?";
}

/// When a process started, in clock ticks since the boot; empty if there is none.
std::string StartOf(long pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return "";
  // Of proc(5): the 22nd field; the name, which may hold spaces, is the second.
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return field;
}

}  // namespace

std::string ThisProcess() {
  return fmt::format("{}/{}/{}/{}/{}", HostName(), BootId(), PidNamespace(), getpid(),
                     StartOf(getpid()));
}

Liveness LivenessOf(const std::string& process) {
  std::vector<std::string> parts;
  std::istringstream stream(process);
  for (std::string part; std::getline(stream, part, '/');) parts.push_back(part);
  if (parts.size() != 5 || parts[0] != HostName()) return Liveness::kUnknown;
  if (parts[1] != BootId()) return Liveness::kGone;
  if (parts[2] != PidNamespace()) return Liveness::kUnknown;
  const std::string start = StartOf(std::strtol(parts[3].c_str(), nullptr, 10));
  return start == parts[4] ? Liveness::kAlive : Liveness::kGone;
}

}  // namespace tidemill
