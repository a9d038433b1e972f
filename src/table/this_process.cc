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
  return fmt::format("{}/{}/{}/{}", HostName(), BootId(), getpid(), StartOf(getpid()));
}

bool IsGone(const std::string& process) {
  std::vector<std::string> parts;
  std::istringstream stream(process);
  for (std::string part; std::getline(stream, part, '/');) parts.push_back(part);
  if (parts.size() != 4 || parts[0] != HostName()) return false;
  if (parts[1] != BootId()) return true;
  return StartOf(std::strtol(parts[2].c_str(), nullptr, 10)) != parts[3];
}

}  // namespace tidemill
