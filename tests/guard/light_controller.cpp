// A controller that does nothing but drive: robot to and fro, supply on. For tests that end it in the middle.
//   light_controller BENCH PROGRAM [bare|home|slow]
// `bare` reaches the instruments without a guardian; `home` homes first, so that the robot's place is known; `slow`
// rests between motions. Says "guard PID", "taken NUMBER", "moving" as it gets there; hangs for good on SIGUSR1.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "bindings/bench_file.hpp"
#include "bindings/guard_process.hpp"
#include "drivers/conversation.hpp"
#include "drivers/link_serial.hpp"
#include "drivers/link_tcp.hpp"
#include "rig/crew.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

void say(const std::string& line) {
  [[maybe_unused]] const ssize_t told = write(STDOUT_FILENO, line.data(), line.size());
}

Task<> to_and_fro(Conversation& robot, bool home, bool slow, Bell& moves) {
  if (home) {
    co_await robot.say("$H\n");
  } else {
    co_await robot.say("$X\n");
  }
  for (std::string line; line != "ok";) {
    auto next = co_await robot.hear(robot.clock().now() + 20s);
    line = next.value_or("ok");
  }
  for (bool first = true;; first = false) {
    co_await robot.say("G1 X300 F3000\nG1 X10 F3000\n");
    for (int oks = 0; oks < 2;) {
      auto line = co_await robot.hear(robot.clock().now() + 60s);
      if (line && *line == "ok") ++oks;
    }
    if (first) moves.ring();
    if (slow) co_await robot.clock().sleep_for(100ms);
  }
}

Task<> keep_on(Conversation& supply, Bell& on) {
  for (bool first = true;; first = false) {
    co_await supply.say("OUTP ON\nOUTP?\n");
    auto line = co_await supply.hear(supply.clock().now() + 5s);
    if (first && line && *line == "1") on.ring();
    co_await supply.clock().sleep_for(5ms);
  }
}

Task<> tell(Clock& clock, Bell& moves, Bell& on) {
  co_await clock.wait(moves, never);
  co_await clock.wait(on, never);
  say("moving\n");
}

Task<> drive(Clock& clock, const BenchFile& file, GuardProcess* process, const std::string& manner) {
  const std::atomic<bool> no = false;
  Crew crew(clock);
  std::optional<Guard> guard;
  std::unique_ptr<Link> robot_link, supply_link;
  if (process != nullptr) {
    guard.emplace(clock, process->ends());
    co_await guard->take(no);
    crew.start(guard->serve());
    say("taken " + std::to_string(guard->number()) + "\n");
    robot_link = guard->actuator();
    supply_link = guard->power();
  } else {
    robot_link = serial_link(clock, file.actuator.address, 115200);
    auto dialer = tcp_dialer(clock, file.power.address, file.power.port);
    supply_link = co_await dialer->dial();
  }
  Conversation robot(clock, std::move(robot_link), "robot"), supply(clock, std::move(supply_link), "supply");
  crew.start(robot.serve());
  crew.start(supply.serve());
  Bell moves, on;
  crew.start(to_and_fro(robot, manner == "home", manner == "slow", moves));
  crew.start(keep_on(supply, on));
  crew.start(tell(clock, moves, on));
  co_await crew.join();
}

void hang(int) {
  for (;;) pause();
}

int controller(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string manner = argc > 3 ? argv[3] : "";
  signal(SIGUSR1, hang);
  const BenchFile file = read_bench(argv[1]);
  std::optional<GuardProcess> process;
  if (manner != "bare") {
    process.emplace(file, argv[2]);
    say("guard " + std::to_string(process->pid()) + "\n");
  }
  SteadyClock clock;
  // ends by being ended, or by the guardian: by an error of a driver
  clock.run(drive(clock, file, process ? &*process : nullptr, manner));
  return 0;
}

}  // namespace
}  // namespace swiperig

int main(int argc, char** argv) {
  try {
    return swiperig::controller(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "light controller: %s\n", e.what());
  }
  _exit(3);
}
