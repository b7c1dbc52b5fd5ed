#include "bindings/guard_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include "bindings/bench_file.hpp"
#include "bindings/child.hpp"

extern char** environ;

namespace swiperig {
namespace {

constexpr int kAboveStandard = 16;  // so that no end is in the way of another's place in the child
constexpr int kEndLimit_ms = 70'000;

struct Pair {
  int ours = -1, theirs = -1;
};

Pair make_pair() {
  std::array<int, 2> raw{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, raw.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "guardian");
  }
  const Pair pair{raw[0], ::fcntl(raw[1], F_DUPFD_CLOEXEC, kAboveStandard)};
  ::close(raw[1]);
  return pair;
}

}  // namespace

GuardProcess::GuardProcess(const BenchFile& bench, const std::string& program) {
  std::vector<std::string> words = {program, "guard", bench.path};
  const bool robot_alone = bench.power.scheme.empty();
  if (robot_alone) words.emplace_back("--robot-alone");
  if (!bench.other_terminal.empty()) words.insert(words.end(), {"--terminal", bench.other_terminal});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const Pair control = make_pair(), actuator = make_pair();
  const Pair power = bench.hub || robot_alone ? Pair{} : make_pair();
  ends_ = {control.ours, actuator.ours, power.ours};
  posix_spawn_file_actions_t places;
  posix_spawn_file_actions_init(&places);
  posix_spawn_file_actions_adddup2(&places, control.theirs, kGuardControl);
  posix_spawn_file_actions_adddup2(&places, actuator.theirs, kGuardActuator);
  if (power.theirs >= 0) posix_spawn_file_actions_adddup2(&places, power.theirs, kGuardPower);
  const int error = posix_spawn(&pid_, argv[0], &places, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&places);
  for (const int fd : {control.theirs, actuator.theirs, power.theirs}) {
    if (fd >= 0) ::close(fd);
  }
  if (error == 0) return;
  for (const int fd : {ends_.control, ends_.actuator, ends_.power}) {
    if (fd >= 0) ::close(fd);
  }
  throw std::system_error(error, std::generic_category(), program);
}

bool GuardProcess::ended() const {
  siginfo_t end = {};
  return waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) != 0 || end.si_pid != 0;
}

GuardProcess::~GuardProcess() {
  for (const int fd : {ends_.control, ends_.actuator, ends_.power}) {
    if (fd >= 0) ::close(fd);
  }
  // never killed: it may be making the bench safe
  for (int waited_ms = 0; waited_ms < kEndLimit_ms && !ended(); waited_ms += 2) ::poll(nullptr, 0, 2);
  if (ended()) await_child(pid_);
}

}  // namespace swiperig
