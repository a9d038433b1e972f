#include "cli/python_engines.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace tidemill {
namespace {

/// `python -m tidemill` would say that there is no such module, and not what to do about it.
constexpr const char* kProgram = R"(
import sys
try:
    from tidemill.__main__ import main
except ModuleNotFoundError as missing:
    import json
    message = f'--engine needs the Python package, which {sys.executable} does not have ({missing})'
    hint = 'install tidemill there, or name another interpreter in TIDEMILL_PYTHON'
    print(f'error: {message}\n  hint: {hint}', file=sys.stderr)
    if '--json' in sys.argv:
        diagnostic = {'message': message, 'hint': hint}
        error = {'code': 2, 'kind': 'invalid', 'message': message, 'diagnostics': [diagnostic]}
        print(json.dumps({'error': error}, indent=2))
    sys.exit(2)
sys.exit(main())
)";

/// Takes back what main.cc has set for the allocator of this program: a JVM has one of its own.
void RestoreMemorySettings() {
  prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
  const char* delay = std::getenv("MIMALLOC_PURGE_DELAY");
  if (delay != nullptr && std::strcmp(delay, "-1") == 0) unsetenv("MIMALLOC_PURGE_DELAY");
}

}  // namespace

arrow::Result<std::shared_ptr<PassEngine>> ContinueInPython(const EngineChoice& choice,
                                                            char** arguments) {
  const char* given = std::getenv("TIDEMILL_PYTHON");
  std::string python = given != nullptr && *given != '\0' ? given : "python3";
  std::string isolated = "-P";  // nothing is imported from the working directory
  std::string flag = "-c";
  std::string program = kProgram;
  std::vector<char*> command = {python.data(), isolated.data(), flag.data(), program.data()};
  for (char** argument = arguments + 1; *argument != nullptr; ++argument) {
    command.push_back(*argument);
  }
  command.push_back(nullptr);
  RestoreMemorySettings();
  execvp(python.c_str(), command.data());
  return MakeError(
      ErrorCode::kRunFailed,
      fmt::format("--engine {}: {} cannot be started: {}", choice.name, python, strerror(errno)),
      "it runs in Python: name an interpreter that has the package tidemill in TIDEMILL_PYTHON");
}

}  // namespace tidemill
