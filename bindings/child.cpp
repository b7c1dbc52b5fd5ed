#include "bindings/child.hpp"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <system_error>

extern char** environ;

namespace swiperig {

pid_t start_child(const std::vector<std::string>& argv) {
  std::vector<char*> raw;
  for (const auto& a : argv) raw.push_back(const_cast<char*>(a.c_str()));
  raw.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, raw[0], nullptr, nullptr, raw.data(), environ);
  if (error != 0) throw std::system_error(error, std::generic_category(), argv[0]);
  return pid;
}

int await_child(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 127;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int end_child(pid_t pid, int limit_ms) {
  kill(pid, SIGTERM);
  for (int waited_ms = 0; waited_ms < limit_ms; waited_ms += 10) {
    siginfo_t ended = {};
    if (waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0) {
      return await_child(pid);
    }
    poll(nullptr, 0, 10);
  }
  kill(pid, SIGKILL);
  return await_child(pid);
}

int run_child(const std::vector<std::string>& argv) { return await_child(start_child(argv)); }

}  // namespace swiperig
