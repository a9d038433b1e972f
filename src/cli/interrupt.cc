#include "cli/interrupt.h"

#include <csignal>

#include <unistd.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void OnSignal(int) {
  if (interrupted.exchange(true)) ::_exit(static_cast<int>(ErrorCode::kInterrupted));
}

}  // namespace

const std::atomic<bool>* CatchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return &interrupted;
}

}  // namespace tidemill
