#include "cli/python_engines.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <unistd.h>

namespace tidemill {
namespace {

/// `python -m tidemill` would say that there is no such module, and not what to do about it.
constexpr const char* kProgram =
    "import sys\n"
    "try:\n"
    "    from tidemill.__main__ import main\n"
    "except ModuleNotFoundError as error:\n"
    "    sys.exit(f'error: --engine needs the Python package, which {sys.executable} does not have "
    "'\n"
    "             f'({error})\\n  hint: pip install tidemill, or name another interpreter in '\n"
    "             'TIDEMILL_PYTHON')\n"
    "sys.exit(main())\n";

}  // namespace

arrow::Result<std::shared_ptr<PassEngine>> ContinueInPython(const EngineChoice& choice,
                                                            char** arguments) {
  const char* given = std::getenv("TIDEMILL_PYTHON");
  std::string python = given != nullptr && *given != '\0' ? given : "python3";
  std::string flag = "-c";
  std::string program = kProgram;
  std::vector<char*> command = {python.data(), flag.data(), program.data()};
  for (char** argument = arguments + 1; *argument != nullptr; ++argument) {
    command.push_back(*argument);
  }
  command.push_back(nullptr);
  execvp(python.c_str(), command.data());
  return MakeError(
      ErrorCode::kRunFailed,
      fmt::format("--engine {}: {} cannot be started: {}", choice.name, python, strerror(errno)),
      "it runs in Python: name an interpreter that has the package tidemill in TIDEMILL_PYTHON");
}

}  // namespace tidemill
