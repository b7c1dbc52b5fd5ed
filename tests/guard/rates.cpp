// Figures of the guardian, printed as one JSON object; no test. How long after a controller was killed or hung the
// first safe byte is at the robot and the supply, how often it acts though its controller is well, and what the detour
// costs a byte. Instruments are TCP ports of this process, so every time has its own share in it.
//   guard_rates [KILLED [HUNG [SECONDS]]]
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "bindings/bench_file.hpp"
#include "bindings/guard_process.hpp"
#include "bindings/places.hpp"
#include "drivers/guard_dial.hpp"
#include "rig/random.hpp"
#include "tests/programs.hpp"
#include "tests/recorder.hpp"

namespace swiperig {
namespace {

namespace fs = std::filesystem;

fs::path bench_for(const Recorder& recorder, const fs::path& folder) {
  const fs::path fixtures = fs::path(source_dir) / "fixtures";
  for (const char* sub : {"benches", "terminals", "hosts"}) fs::copy(fixtures / sub, folder / sub);
  std::ifstream in(fixtures / "benches/realtime.toml");
  std::stringstream whole;
  whole << in.rdbuf();
  std::string text = whole.str();
  const auto link = [&](const char* section, std::uint16_t port) {
    const auto at = text.find("link = ", text.find(section));
    text.replace(at, text.find('\n', at) - at, "link = \"tcp:127.0.0.1:" + std::to_string(port) + "\"");
  };
  link("[actuator]", recorder.robot_port());
  link("[power]", recorder.supply_port());
  std::ofstream(folder / "benches/bench.toml") << text;
  return folder / "benches/bench.toml";
}

double percentile(std::vector<double> all, double share) {
  if (all.empty()) return 0;
  std::sort(all.begin(), all.end());
  return all[std::min(all.size() - 1,
                      static_cast<std::size_t>(std::ceil(share * static_cast<double>(all.size()))) - 1)];
}

/// When both had their first safe byte after `from`, or 1e9.
double safe_at(const Recorder& recorder, double from_s) {
  double robot_s = 1e9, supply_s = 1e9;
  for (const auto& said : recorder.robot_said()) {
    if (said.at_s >= from_s && said.text.find('!') != said.text.npos) robot_s = std::min(robot_s, said.at_s);
  }
  for (const auto& said : recorder.supply_said()) {
    if (said.at_s >= from_s && said.text.find("OUTP OFF") != said.text.npos) supply_s = std::min(supply_s, said.at_s);
  }
  return std::max(robot_s, supply_s);
}

/// A light controller that has switched the supply on, or did not within 20 s.
pid_t start_driving(const fs::path& bench, const Recorder& recorder, const char* manner) {
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    dup2(STDOUT_FILENO, STDERR_FILENO);
    execl(programs::light_controller, "light", bench.c_str(), programs::swiperig, manner, nullptr);
    _exit(126);
  }
  for (int waited = 0; waited < 4000 && recorder.supply().find("OUTP ON") == std::string::npos; ++waited)
    poll(nullptr, 0, 5);
  return pid;
}

/// ms from the end of a controller to the safe bytes; negative: they never came.
double one_end(const fs::path& bench, int signal, Draws& draws) {
  Recorder& recorder = *new Recorder;  // one for each, so that what is searched stays short
  const fs::path fresh = bench.parent_path().parent_path() / "one";
  fs::remove_all(fresh);
  fs::create_directories(fresh);
  const fs::path own = bench_for(recorder, fresh);
  const pid_t pid = start_driving(own, recorder, "fast");
  poll(nullptr, 0, static_cast<int>(draws.below(30)));
  const double from_s = machine_seconds();
  kill(pid, signal);
  double at_s = 1e9;
  for (int waited = 0; waited < 1000 && at_s > 1e8; ++waited) {
    poll(nullptr, 0, 2);
    at_s = safe_at(recorder, from_s);
  }
  kill(pid, SIGKILL);
  while (waitpid(-1, nullptr, 0) > 0) {
  }
  delete &recorder;
  return at_s > 1e8 ? -1 : (at_s - from_s) * 1000;
}

std::string ends(const char* name, const fs::path& bench, int signal, int count, int& wrong) {
  std::vector<double> all;
  int misses = 0;
  for (int i = 0; i < count; ++i) {
    Draws draws(7, static_cast<std::uint32_t>(signal), static_cast<std::uint32_t>(i), 0);
    const double ms = one_end(bench, signal, draws);
    ms < 0 ? static_cast<void>(++misses) : all.push_back(ms);
  }
  wrong += misses;
  char text[200];
  std::snprintf(text, sizeof text,
                "\"%s\":{\"trials\":%d,\"misses\":%d,\"p50_ms\":%.2f,\"p99.9_ms\":%.2f,\"max_ms\":%.2f}", name, count,
                misses, percentile(all, 0.5), percentile(all, 0.999), percentile(all, 1));
  return text;
}

/// A controller that is well drives for so long: safe bytes meanwhile are false trips.
std::string trips(const fs::path& bench, int seconds, int& wrong) {
  const Recorder recorder;
  const fs::path fresh = bench.parent_path().parent_path() / "trips";
  fs::create_directories(fresh);
  const fs::path own = bench_for(recorder, fresh);
  const pid_t pid = start_driving(own, recorder, "slow");
  const double from_s = machine_seconds();
  while (machine_seconds() < from_s + seconds) poll(nullptr, 0, 100);
  const double to_s = machine_seconds();
  int robot = 0, supply = 0;
  std::size_t lines = 0;
  for (const auto& said : recorder.robot_said()) {
    if (said.at_s < from_s || said.at_s > to_s) continue;
    robot += static_cast<int>(std::count(said.text.begin(), said.text.end(), '!'));
    lines += static_cast<std::size_t>(std::count(said.text.begin(), said.text.end(), '\n'));
  }
  for (const auto& said : recorder.supply_said()) {
    if (said.at_s >= from_s && said.at_s <= to_s && said.text.find("OUTP OFF") != said.text.npos) ++supply;
  }
  const bool lives = kill(pid, SIGKILL) == 0 && lines > static_cast<std::size_t>(seconds);
  while (waitpid(-1, nullptr, 0) > 0) {
  }
  wrong += robot + supply + (lives ? 0 : 1);
  char text[200];
  std::snprintf(text, sizeof text, "\"false_trips\":{\"seconds\":%d,\"robot\":%d,\"supply\":%d,\"robot_lines\":%zu}",
                seconds, robot, supply, lines);
  return text;
}

/// us from a write to its arrival.
double arrival(const Recorder& recorder, const std::function<void()>& send) {
  const std::size_t before = recorder.robot_said().size();
  const double from_s = machine_seconds();
  send();
  for (int waited = 0; waited < 1000 && recorder.robot_said().size() == before; ++waited) poll(nullptr, 0, 1);
  return (recorder.robot_said().back().at_s - from_s) * 1e6;
}

std::string detour(int count) {
  const Recorder recorder;
  const fs::path folder = fs::temp_directory_path() / ("swiperig-rates-" + std::to_string(getpid())) / "detour";
  fs::create_directories(folder);
  const BenchFile file = read_bench(bench_for(recorder, folder));
  GuardProcess process(file, programs::swiperig);
  const int direct = dial_instrument("127.0.0.1", recorder.robot_port()).device;
  const auto say = [&](GuardWord::Kind kind, std::uint64_t number) {
    GuardWord word;
    word.kind = kind;
    word.number = number;
    word.at_s = machine_seconds();
    (void)!send(process.ends().control, &word, sizeof word, MSG_NOSIGNAL);
  };
  say(GuardWord::take, 0);
  GuardWord granted;
  while (recv(process.ends().control, &granted, sizeof granted, MSG_DONTWAIT) <= 0) poll(nullptr, 0, 1);
  std::vector<double> guarded_us, direct_us;
  GuardPacket packet;
  packet.number = granted.number;
  packet.bytes[0] = '~';
  for (int i = 0; i < count; ++i) {
    say(GuardWord::beat, granted.number);
    poll(nullptr, 0, 1);  // the beat is not what is measured
    guarded_us.push_back(
        arrival(recorder, [&] { (void)!send(process.ends().actuator, &packet, kGuardHead + 1, MSG_NOSIGNAL); }));
    direct_us.push_back(arrival(recorder, [&] { (void)!write(direct, "~", 1); }));
  }
  close(direct);
  char text[200];
  std::snprintf(text, sizeof text,
                "\"detour\":{\"bytes\":%d,\"guarded_p50_us\":%.1f,\"direct_p50_us\":%.1f,\"cost_p50_us\":%.1f}", count,
                percentile(guarded_us, 0.5), percentile(direct_us, 0.5),
                percentile(guarded_us, 0.5) - percentile(direct_us, 0.5));
  return text;
}

int rates(int killed, int hung, int seconds) {
  const fs::path folder = fs::temp_directory_path() / ("swiperig-rates-" + std::to_string(getpid()));
  fs::create_directories(folder / "benches");
  fs::permissions(folder, fs::perms::owner_all);
  setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const fs::path bench = folder / "benches/bench.toml";
  int wrong = 0;
  const std::string text = "{" + detour(1000) + "," + ends("killed_to_safe_bytes", bench, SIGKILL, killed, wrong) +
                           "," + ends("hung_to_safe_bytes", bench, SIGUSR1, hung, wrong) + "," +
                           trips(bench, seconds, wrong) + "}\n";
  fs::remove_all(folder);
  std::fputs(text.c_str(), stdout);
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace swiperig

int main(int argc, char** argv) {
  return swiperig::rates(argc > 1 ? std::atoi(argv[1]) : 1000, argc > 2 ? std::atoi(argv[2]) : 300,
                         argc > 3 ? std::atoi(argv[3]) : 600);
}
