// One of several controllers that want the same bench, until it is ended: takes a turn, says a line with its number and
// process a few times a millisecond, gives the bench back after a while, tries again.
//   rival_controller BENCH PROGRAM SEED        by a guardian
//   rival_controller BENCH LEASE SEED bare     by a lease in a file that is renewed every 20 ms and lasts 100 ms, and a
//                                              connection of its own: what one writes without a guardian
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "bindings/bench_file.hpp"
#include "bindings/guard_process.hpp"
#include "drivers/guard_dial.hpp"
#include "rig/crew.hpp"
#include "rig/random.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPause = 1ms;

std::string line_of(std::uint64_t number) {
  return "(turn " + std::to_string(number) + " of " + std::to_string(getpid()) + ")\n";
}

Task<> write_lines(Clock& clock, Link& robot, std::uint64_t number, Time until) {
  const std::string line = line_of(number);
  while (clock.now() < until) {
    co_await robot.write({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
    co_await clock.sleep_for(kPause);
  }
}

Task<> turn(Clock& clock, GuardEnds ends, Duration lasts) {
  const std::atomic<bool> no = false;
  Guard guard(clock, ends);
  co_await guard.take(no);
  Crew crew(clock);
  crew.start(guard.serve());
  const auto robot = guard.actuator();
  std::exception_ptr lost;
  try {
    co_await write_lines(clock, *robot, guard.number(), clock.now() + lasts);
    co_await guard.rest();
  } catch (...) {
    lost = std::current_exception();
  }
  guard.close();
  co_await crew.join();
}

void by_guardian(const BenchFile& file, const char* program, Duration lasts) {
  try {
    GuardProcess process(file, program);
    SteadyClock clock;
    clock.run(turn(clock, process.ends(), lasts));
  } catch (const LinkError&) {
    // somebody else's turn
  }
}

struct Lease {
  std::uint64_t number;
  double until_s;
};

/// The lease as it is after it was taken (`mine` 0) or renewed; nothing: it is another's.
std::optional<std::uint64_t> hold_lease(int file, std::uint64_t mine) {
  flock(file, LOCK_EX);
  Lease lease{};
  const bool some = pread(file, &lease, sizeof lease, 0) == static_cast<ssize_t>(sizeof lease);
  std::optional<std::uint64_t> held;
  if (some && mine != 0 && lease.number == mine) held = mine;
  if (mine == 0 && (!some || lease.until_s < machine_seconds())) held = lease.number + 1;
  if (held) {
    lease = {*held, machine_seconds() + 0.1};
    if (pwrite(file, &lease, sizeof lease, 0) < 0) held.reset();
  }
  flock(file, LOCK_UN);
  return held;
}

void by_lease(const BenchFile& file, const char* path, double lasts_s) {
  const int lease = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (const auto number = hold_lease(lease, 0)) {
    const int robot = dial_instrument(file.actuator.address, file.actuator.port).device;
    const std::string line = line_of(*number);
    for (const double until_s = machine_seconds() + lasts_s; machine_seconds() < until_s;) {
      if (!hold_lease(lease, *number)) break;
      for (int i = 0; i < 20; ++i) {
        if (write(robot, line.data(), line.size()) < 0) break;
        poll(nullptr, 0, 1);
      }
    }
    close(robot);
  }
  close(lease);
}

int rival(int argc, char** argv) {
  if (argc < 4) return 2;
  const BenchFile file = read_bench(argv[1]);
  Draws draws(static_cast<std::uint64_t>(std::atoll(argv[3])), 0, 0, 0);
  for (;;) {
    const auto lasts = std::chrono::milliseconds(100 + draws.below(200));
    if (argc > 4) {
      by_lease(file, argv[2], static_cast<double>(lasts.count()) / 1000);
    } else {
      by_guardian(file, argv[2], lasts);
    }
    poll(nullptr, 0, static_cast<int>(20 + draws.below(argc > 4 ? 20 : 200)));
  }
}

}  // namespace
}  // namespace swiperig

int main(int argc, char** argv) {
  try {
    return swiperig::rival(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "rival: %s\n", e.what());
  }
  return 3;
}
