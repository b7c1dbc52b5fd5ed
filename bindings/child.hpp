// Other programs, started and awaited by their id: never through a shell.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace swiperig {

/// Starts argv[0]; throws std::system_error when it cannot be started.
pid_t start_child(const std::vector<std::string>& argv);
/// Its exit status, or 128 + the signal that ended it.
int await_child(pid_t);
/// Asks it to end, and ends it when it has not after so long; its exit status as above.
int end_child(pid_t, int limit_ms);
/// Starts and awaits.
int run_child(const std::vector<std::string>& argv);

}  // namespace swiperig
