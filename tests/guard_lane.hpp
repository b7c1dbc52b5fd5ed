// A bench of its own on which controllers are ended in the middle, again and again: stand-in robot and supply as
// processes, a light controller with its guardian for each round, and afterwards the question whether robot and supply
// are safe. Lanes are processes, so that each is the heir of its guardians and can wait for all of them.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/guard_dial.hpp"
#include "drivers/link_serial.hpp"
#include "drivers/link_tcp.hpp"
#include "rig/random.hpp"
#include "tests/program.hpp"
#include "tests/realtime_bench.hpp"

namespace swiperig {

/// Asks an instrument and reads until `enough` or the time is over.
inline std::string ask_device(int fd, const std::string& text, const std::string& enough, double limit_s = 1) {
  std::string heard;
  if (write(fd, text.data(), text.size()) < 0) return heard;
  for (const double until = machine_seconds() + limit_s; machine_seconds() < until;) {
    pollfd ready{fd, POLLIN, 0};
    std::array<char, 1024> some;
    if (poll(&ready, 1, 20) != 1) continue;
    const ssize_t n = read(fd, some.data(), some.size());
    if (n <= 0) break;
    heard.append(some.data(), static_cast<std::size_t>(n));
    if (heard.find(enough) != std::string::npos) break;
  }
  return heard;
}

/// What the robot of a bench says to "?": "Idle|MPos:20.000,280.000,0.000"; "" when it does not.
inline std::string robot_says(const std::string& tty) {
  const int fd = open_serial(tty, 115200);
  ask_device(fd, "", "(nothing)", 0.01);
  const std::string heard = ask_device(fd, "?", ">");
  close(fd);
  const auto begin = heard.rfind('<');
  const auto end = heard.find("|Bf", begin);
  return begin == heard.npos || end == heard.npos ? "" : heard.substr(begin + 1, end - begin - 1);
}

inline std::string supply_says(std::uint16_t port) {
  const DialledInstrument supply = dial_instrument("127.0.0.1", port);
  std::string heard = ask_device(supply.device, "OUTP?\n", "\n");
  close(supply.device);
  return heard.substr(0, heard.find('\n'));
}

/// A robot and a supply, served by processes of their own, and the bench file that names them.
class Instruments {
 public:
  Instruments() : bench(bench_in(folder)) {
    const std::string text = read_text(bench);
    const auto link = text.find("\"tcp:127.0.0.1:", text.find("[power]")) + 15;
    std::from_chars(text.data() + link, text.data() + link + 5, supply_port);
    tty = folder / "tty/robot";
    for (const char* role : {"robot", "supply"}) {
      programs_.push_back(
          std::make_unique<Program>(folder, std::vector<std::string>{"stand-in", role, "--bench", bench}, role));
    }
    EXPECT_TRUE(await(20, [&] { return std::filesystem::exists(tty) && answers(); }));
  }
  ~Instruments() {
    for (const auto& program : programs_) program->signal(SIGTERM);
    for (const auto& program : programs_) program->wait(10);
  }
  /// Why the bench is not safe, or "".
  std::string unsafe() const {
    const std::string first = robot_says(tty);
    poll(nullptr, 0, 20);
    const std::string then = robot_says(tty), supply = supply_says(supply_port);
    const bool rests = first.starts_with("Idle|") || first.starts_with("Alarm|");
    if (!rests || first != then) return "robot: " + first + ", then " + then;
    return supply == "0" ? "" : "supply: output " + supply;
  }
  /// By hand, where no guardian does it.
  void calm() const {
    const int fd = open_serial(tty, 115200);
    ask_device(fd, "!", "(nothing)", 0.1);
    ask_device(fd, "\x18", "help]");
    close(fd);
    const DialledInstrument supply = dial_instrument("127.0.0.1", supply_port);
    ask_device(supply.device, "OUTP OFF\nOUTP?\n", "\n");
    close(supply.device);
  }
  /// True when nobody holds the bench's locks.
  bool free() const {
    for (const auto& file : std::filesystem::directory_iterator(folder.path() / "swiperig")) {
      const int fd = open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
      const bool got = flock(fd, LOCK_EX | LOCK_NB) == 0;
      close(fd);
      if (!got) return false;
    }
    return true;
  }
  /// What is in the runtime folder.
  std::vector<std::string> left_there() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(folder.path() / "swiperig")) {
      names.push_back(file.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Folder folder;
  std::string bench, tty;
  std::uint16_t supply_port = 0;

 private:
  bool answers() const {
    try {
      return !supply_says(supply_port).empty();
    } catch (const LinkError&) {
      return false;
    }
  }
  std::vector<std::unique_ptr<Program>> programs_;
};

/// A light controller, its words in a pipe.
class Light {
 public:
  Light(const Instruments& at, const char* manner) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) _exit(9);
    heard_ = ends[0];
    const std::string runtime = at.folder.path().string(), errors = at.folder / "light.err";
    pid = fork();
    if (pid == 0) {
      setenv("XDG_RUNTIME_DIR", runtime.c_str(), 1);
      dup2(ends[1], STDOUT_FILENO);
      dup2(open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), STDERR_FILENO);
      execl(programs::light_controller, "light_controller", at.bench.c_str(), programs::swiperig, manner, nullptr);
      _exit(126);
    }
    close(ends[1]);
  }
  Light(const Light&) = delete;
  Light& operator=(const Light&) = delete;
  ~Light() {
    close(heard_);
    kill(pid, SIGKILL);  // reaped by the lane, with all it leaves
  }
  /// Whether it has said this by then.
  bool says(const std::string& what, double limit_s) {
    for (const double until = machine_seconds() + limit_s; text.find(what) == text.npos;) {
      const double left_s = until - machine_seconds();
      pollfd ready{heard_, POLLIN, 0};
      if (left_s <= 0 || poll(&ready, 1, static_cast<int>(left_s * 1000) + 1) != 1) return false;
      std::array<char, 256> some;
      const ssize_t n = read(heard_, some.data(), some.size());
      if (n <= 0) return false;
      text.append(some.data(), static_cast<std::size_t>(n));
    }
    return true;
  }

  pid_t pid = 0;
  std::string text;

 private:
  int heard_ = -1;
};

enum class Ended { killed, stopped, hung };

struct Tally {
  int rounds = 0, moving = 0, wrong = 0;
  std::array<char, 200> first{};  ///< what was wrong first
};

/// One round; `guarded` false is the twin. Returns what was wrong, or "".
inline std::string end_one(const Instruments& at, Draws& draws, bool guarded, Tally& tally) {
  const auto how = static_cast<Ended>(draws.below(3));
  const bool homes = guarded && draws.below(50) == 0;
  const bool early = guarded && draws.below(4) == 0;
  const double wait_s = draws.uniform() * (early ? 0.06 : 0.03);
  Light controller(at, !guarded ? "bare" : homes ? "home" : "light");
  bool moving = false;
  if (!early) moving = controller.says("moving", 20);
  poll(nullptr, 0, static_cast<int>(wait_s * 1000));
  usleep(static_cast<useconds_t>(draws.below(1000)));
  kill(controller.pid, how == Ended::killed ? SIGKILL : how == Ended::stopped ? SIGSTOP : SIGUSR1);
  if (early) moving = controller.says("moving", 0);
  tally.moving += moving;
  ++tally.rounds;
  std::string wrong;
  if (!early && !moving) wrong = "it never moved";
  if (how != Ended::killed) {
    // the guardian is the controller's child: that it has ended shows in the lock alone
    if (guarded && moving) {
      if (!await(10, [&] { return at.free(); })) wrong = "the bench is still taken";
    } else {
      poll(nullptr, 0, 150);
    }
    if (guarded && how == Ended::stopped && draws.below(2) == 0) {
      kill(controller.pid, SIGCONT);  // what it says late reaches nobody
      poll(nullptr, 0, 10);
    }
    if (wrong.empty() && (moving || !guarded)) wrong = at.unsafe();
  }
  if (!guarded && how != Ended::killed) return wrong;
  kill(controller.pid, SIGKILL);
  while (waitpid(-1, nullptr, 0) > 0) {  // the controller, and the guardian that this lane inherits
  }
  return wrong.empty() ? at.unsafe() : wrong;
}

/// So many rounds in a process of its own; what comes of it is read from the descriptor.
struct Lane {
  pid_t pid = 0;
  int result = -1;
};

inline Lane start_lane(const Instruments& at, std::uint32_t number, int rounds, bool guarded) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const Lane lane{fork(), ends[0]};
  if (lane.pid != 0) {
    close(ends[1]);
    return lane;
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  Tally tally;
  for (int i = 0; i < rounds; ++i) {
    Draws draws(20261128, number, static_cast<std::uint32_t>(i), 0);
    std::string wrong;
    try {
      wrong = end_one(at, draws, guarded, tally);
    } catch (const std::exception& e) {
      wrong = e.what();
    }
    if (!wrong.empty() && tally.wrong++ == 0) {
      std::strncpy(tally.first.data(), ("round " + std::to_string(i) + ": " + wrong).c_str(), tally.first.size() - 1);
    }
    while (waitpid(-1, nullptr, 0) > 0) {
    }
    if (!guarded) at.calm();
  }
  const ssize_t told = write(ends[1], &tally, sizeof tally);
  _exit(told == static_cast<ssize_t>(sizeof tally) ? 0 : 1);
}

inline Tally end_lane(const Lane& lane) {
  Tally tally;
  if (read(lane.result, &tally, sizeof tally) != static_cast<ssize_t>(sizeof tally)) tally.wrong = -1;
  close(lane.result);
  waitpid(lane.pid, nullptr, 0);
  return tally;
}

}  // namespace swiperig
