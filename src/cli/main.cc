/// The program. What must happen before Arrow's libraries are initialised stands here; the rest is
/// in command_line.
///
/// Functions in `.preinit_array` run before the constructors of all shared libraries.

#include <cstring>
#include <string_view>

#include <arrow/compute/initialize.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/command_line.h"
#include "cli/interrupt.h"
#include "cli/python_engines.h"
#include "storage/remote_filesystem.h"

namespace {

#if defined(__x86_64__) && defined(__AVX2__)
/// All other code is compiled for newer processors: an older one gets a sentence in place of an
/// illegal instruction.
[[gnu::target("arch=x86-64")]] void RefuseOlderProcessors(int, char**, char**) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v3")) return;
  constexpr char kMessage[] =
      "tidemill: this program needs a processor with AVX2, BMI2 and FMA (x86-64-v3); build it with "
      "-DTIDEMILL_ARCH=native on this machine\n";
  const ssize_t written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(written > 0 ? 1 : 2);
}
#else
void RefuseOlderProcessors(int, char**, char**) {}
#endif

/// Settings of the allocator inside libarrow, for what was measured:
///
/// A run touches most of its memory once. On a virtual machine a huge page is often one that the
/// host has taken back and has to find again, which took up to a third of a run, where small pages
/// are those that other processes have just freed. So huge pages are off.
///
/// A run fills its memory again and again to the same size. Giving freed memory back to the system
/// only to fault it in again took 5 % of a backfill. The allocator reads from the environment, when
/// it is loaded, that it shall not; so the program is started anew with that in its environment.
/// Whoever sets MIMALLOC_PURGE_DELAY keeps their own setting.
void TuneAllocator(int, char** arguments, char** environment) {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  constexpr std::string_view kName = "MIMALLOC_PURGE_DELAY=";
  constexpr int kMost = 4096;
  static const char* tuned[kMost + 2];
  int count = 0;
  for (; environment[count] != nullptr; ++count) {
    if (count == kMost || std::strncmp(environment[count], kName.data(), kName.size()) == 0) {
      return;
    }
    tuned[count] = environment[count];
  }
  tuned[count] = "MIMALLOC_PURGE_DELAY=-1";
  // Started through a loader by name, the program is that loader.
  if (getauxval(AT_BASE) == 0) return;
  // By its own path, so that process lists show its name.
  static char program[4096];
  if (readlink("/proc/self/exe", program, sizeof program - 1) <= 0) return;
  // If this fails, the program goes on as it is, only slower.
  execve(program, arguments, const_cast<char**>(tuned));
}

using EarlyFunction = void (*)(int, char**, char**);
[[gnu::section(".preinit_array"), gnu::used]] const EarlyFunction early_functions[] = {
    RefuseOlderProcessors, TuneAllocator};

}  // namespace

int main(int argc, char** argv) {
  // Before there are threads: one that casts while another registers may find no function yet.
  if (!arrow::compute::Initialize().ok()) return 1;
  const tidemill::Console console(stdout, stderr);
  tidemill::CommandContext context;
  context.console = &console;
  context.cancelled = tidemill::CatchInterrupts();
  context.make_engine = [argv](const tidemill::EngineChoice& choice) {
    return tidemill::ContinueInPython(choice, argv);
  };
  const int code = tidemill::RunCommandLine(argc, argv, context);
  tidemill::CloseRemoteFileSystems();
  return code;
}
