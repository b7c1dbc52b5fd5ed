// `swiperig guard`: reads the bench file, takes the lock, opens the instruments, and from then on stands guard.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "bindings/actuator_file.hpp"
#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "bindings/guard_process.hpp"
#include "bindings/runtime_folder.hpp"
#include "drivers/guard.hpp"
#include "drivers/guard_dial.hpp"
#include "drivers/link_serial.hpp"
#include "drivers/safe_grbl.hpp"
#include "drivers/safe_scpi.hpp"

namespace swiperig {
namespace {

constexpr int kPriority = 10;  // above what shares the machine, far below the kernel's own threads

bool is_pair(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/// What ends a controller in a terminal does not end its guardian.
int leave_terminal() {
  ::setsid();
  for (const int ends : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(ends, SIG_IGN);
  sigset_t told;
  sigemptyset(&told);
  sigaddset(&told, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &told, nullptr);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(nothing, STDOUT_FILENO);
  ::close(nothing);
  return ::signalfd(-1, &told, SFD_NONBLOCK | SFD_CLOEXEC);
}

/// "" or what failed, and a comma.
std::string failed(const char* what, int result) {
  return result == 0 ? "" : std::string(what) + " (" + std::strerror(errno) + "), ";
}

GuardedInstrument open_instrument(const LinkUri& uri, int channel, SafeState& safe) {
  GuardedInstrument one;
  one.channel = channel;
  one.safe = &safe;
  one.serial = uri.scheme == "serial";
  if (one.serial) {
    one.device = open_serial(uri.address, std::stoi(uri.options.at("baud")));
  } else {
    const DialledInstrument dialled = dial_instrument(uri.address, uri.port);
    one.device = dialled.device;
    one.where = dialled.where;
    one.where_bytes = dialled.where_bytes;
  }
  return one;
}

void refuse(const std::string& why) {
  GuardWord word;
  word.kind = GuardWord::refused;
  std::memcpy(word.text.data(), why.data(), std::min(why.size(), word.text.size() - 1));
  ::send(kGuardControl, &word, sizeof word, MSG_NOSIGNAL);
}

void tell(const GuardEnd& end) noexcept {
  std::array<char, 256> text;
  const int n =
      std::snprintf(text.data(), text.size(), "swiperig guard: %s (turn %llu): %s\n", words_of(end.why),
                    static_cast<unsigned long long>(end.number),
                    end.unproved == 0   ? "robot and supply are safe"
                    : end.unproved == 1 ? "one instrument did not confirm that it is safe: look at the bench"
                                        : "robot and supply did not confirm that they are safe: look at them");
  [[maybe_unused]] const ssize_t heard = ::write(STDERR_FILENO, text.data(), static_cast<std::size_t>(n));
}

}  // namespace

std::string take_realtime() {
  std::string lacks = failed("its memory is not locked", ::mlockall(MCL_CURRENT | MCL_FUTURE));
  sched_param priority{};
  priority.sched_priority = kPriority;
  lacks += failed("it has no realtime priority", ::sched_setscheduler(0, SCHED_FIFO, &priority));
  if (lacks.empty()) return lacks;
  return lacks + "so other programs may delay the safe state: give this user rtprio " + std::to_string(kPriority) +
         " and memlock unlimited in /etc/security/limits.conf";
}

void leave_realtime() {
  const sched_param usual{};
  ::sched_setscheduler(0, SCHED_OTHER, &usual);
  ::munlockall();
}

int guard_bench(const std::string& bench, const std::string& terminal, bool robot_alone) {
  if (!is_pair(kGuardControl) || !is_pair(kGuardActuator)) {
    throw ConfigError("guard is started by a controller (swiperig run, swiperig serve), which holds its other end");
  }
  const bool supply = is_pair(kGuardPower);
  ::close_range(supply ? kGuardPower + 1 : kGuardPower, ~0U, 0);
  GuardPost post;
  post.control = kGuardControl;
  post.told = leave_terminal();
  const pid_t controller = ::getppid();
  post.controller = static_cast<int>(::syscall(SYS_pidfd_open, controller, 0));
  if (::getppid() != controller) post.controller = -1;  // gone already: the pair says so
  std::optional<BenchLock> lock;
  std::optional<SafeGrbl> robot;
  std::optional<SafeScpi> output;
  std::vector<GuardedInstrument> instruments;
  std::vector<int> claims;
  try {
    const BenchFile file = robot_alone ? read_teach_bench(bench).bench : read_bench(bench, terminal);
    if (file.is_virtual) throw ConfigError(bench + ": a virtual bench needs no guardian");
    std::vector<std::string> names = {device_of(file.actuator)};
    if (supply) names.push_back(device_of(file.power));
    lock.emplace(runtime_folder(), names);
    robot.emplace(file.robot, robot_alone ? AfterReset::stays : AfterReset::parks);
    output.emplace(file.safe_output, file.hub ? 0 : file.supply.voltage_mv);
    instruments.push_back(open_instrument(file.actuator, kGuardActuator, *robot));
    if (supply) instruments.push_back(open_instrument(file.power, kGuardPower, *output));
    for (const GuardedInstrument& one : instruments) claims.push_back(claim_instrument(one.device));
  } catch (const std::exception& e) {
    refuse(e.what());
    return 3;
  }
  post.lock = &*lock;
  post.instruments = instruments;
  if (const std::string lacks = take_realtime(); !lacks.empty()) {
    std::fprintf(stderr, "swiperig guard: %s\n", lacks.c_str());
  }
  ::prctl(PR_SET_NAME, "swiperig-guard");
  const GuardEnd end = stand_guard(post);
  // who gets the lock next must find them free
  for (const int claim : claims) ::close(claim);
  for (const GuardedInstrument& one : instruments) {
    if (one.device < 0) continue;
    if (one.serial) ::ioctl(one.device, TIOCNXCL);
    ::close(one.device);
  }
  lock.reset();
  if (end.why != Taken::by_rest || end.unproved > 0) tell(end);
  ::_exit(end.unproved == 0 ? 0 : 3);  // what libraries do at exit is no part of a watch
}

}  // namespace swiperig
