// Whose bytes reach an instrument: turns and their numbers, rivals, the guardian's own end. The instruments write down
// everything that arrives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "bindings/bench_file.hpp"
#include "bindings/guard_process.hpp"
#include "tests/realtime_bench.hpp"
#include "tests/recorder.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

/// A bench file whose robot and supply are the recorder's.
std::string recorded_bench(const Folder& folder, const Recorder& recorder) {
  std::string text = read_text(bench_in(folder));
  text = replaced(text, "serial:" + (folder / "tty/robot?baud=115200"),
                  "tcp:127.0.0.1:" + std::to_string(recorder.robot_port()));
  const auto link = text.find("link = ", text.find("[power]"));
  text.replace(link, text.find('\n', link) - link,
               "link = \"tcp:127.0.0.1:" + std::to_string(recorder.supply_port()) + "\"");
  return folder.write("benches/realtime.toml", text);
}

/// A controller that is written out, so that it can do what none should.
class GuardTurnTest : public testing::Test {
 protected:
  GuardTurnTest() : bench(recorded_bench(folder, recorder)) {
    setenv("XDG_RUNTIME_DIR", folder.path().c_str(), 1);
    process.emplace(read_bench(bench), programs::swiperig);
  }
  ~GuardTurnTest() override { unsetenv("XDG_RUNTIME_DIR"); }

  void say(GuardWord::Kind kind) {
    GuardWord word;
    word.kind = kind;
    word.number = number;
    word.at_s = machine_seconds();
    EXPECT_EQ(send(process->ends().control, &word, sizeof word, MSG_NOSIGNAL), static_cast<ssize_t>(sizeof word));
  }
  /// What the guardian says next of this kind; beats meanwhile if told to.
  std::optional<GuardWord> hear(GuardWord::Kind kind, bool beat = false, double limit_s = 5) {
    for (const double until = machine_seconds() + limit_s; machine_seconds() < until;) {
      if (beat) say(GuardWord::beat);
      pollfd ready{process->ends().control, POLLIN, 0};
      GuardWord word;
      if (poll(&ready, 1, 10) != 1) continue;
      if (recv(process->ends().control, &word, sizeof word, 0) <= 0) break;
      if (word.kind == kind) return word;
    }
    return std::nullopt;
  }
  void take() {
    say(GuardWord::take);
    const auto granted = hear(GuardWord::granted);
    ASSERT_TRUE(granted);
    number = granted->number;
  }
  void to_robot(const std::string& text, std::uint64_t as) {
    GuardPacket packet;
    packet.number = as;
    std::memcpy(packet.bytes.data(), text.data(), text.size());
    send(process->ends().actuator, &packet, kGuardHead + text.size(), MSG_NOSIGNAL);
  }
  bool heard(const std::string& text, double limit_s = 2) {
    return await(limit_s, [&] {
      if (!resting) say(GuardWord::beat);
      return recorder.robot().find(text) != std::string::npos;
    });
  }
  /// Its exit code, 128 + signal when it was ended; -1: it lives on.
  int end_of_guardian(double limit_s = 5) {
    siginfo_t end{};
    if (!await(limit_s, [&] {
          return waitid(P_PID, static_cast<id_t>(process->pid()), &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                 end.si_pid != 0;
        }))
      return -1;
    return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
  }
  void expect_safe() const {
    EXPECT_THAT(recorder.robot(), HasSubstr("!?"));
    EXPECT_NE(recorder.robot().find('\x18', recorder.robot().rfind("!?")), std::string::npos) << "hold, then reset";
    EXPECT_THAT(recorder.supply(), EndsWith("OUTP OFF\nOUTP?\n"));
  }

  Folder folder;
  Recorder recorder;
  std::string bench;
  std::optional<GuardProcess> process;
  std::uint64_t number = 0;
  bool resting = false;
};

TEST_F(GuardTurnTest, AFloodOfOldWordsKeepsNobodyFromTheClock) {
  take();
  GuardWord old;
  old.kind = GuardWord::beat;
  old.number = number - 1;
  bool lost = false;
  for (const double until = machine_seconds() + 2; !lost && machine_seconds() < until;) {
    old.at_s = machine_seconds();
    send(process->ends().control, &old, sizeof old, MSG_NOSIGNAL | MSG_DONTWAIT);
    GuardWord back;
    lost = recv(process->ends().control, &back, sizeof back, MSG_DONTWAIT) > 0 && back.kind == GuardWord::lost;
  }
  EXPECT_TRUE(lost);
  EXPECT_GE(end_of_guardian(20), 0);
  expect_safe();
}

TEST_F(GuardTurnTest, BytesOfThePresentTurnPassAndThoseOfAnEarlierOneDoNot) {
  take();
  to_robot("old\n", number - 1);
  to_robot("new\n", number);
  EXPECT_TRUE(heard("new\n"));
  EXPECT_EQ(recorder.robot(), "new\n");
  say(GuardWord::rest);
  ASSERT_TRUE(hear(GuardWord::safe));
  expect_safe();
  const std::uint64_t before = number;
  take();
  EXPECT_GT(number, before);
  to_robot("late\n", before);
  to_robot("again\n", number);
  EXPECT_TRUE(heard("again\n"));
  EXPECT_THAT(recorder.robot(), Not(HasSubstr("late")));
}

TEST_F(GuardTurnTest, BetweenTurnsNothingPasses) {
  take();
  say(GuardWord::rest);
  ASSERT_TRUE(hear(GuardWord::safe));
  to_robot("between\n", number);
  poll(nullptr, 0, 50);
  EXPECT_THAT(recorder.robot(), Not(HasSubstr("between")));
  EXPECT_EQ(end_of_guardian(0), -1) << "it stands on, as its controller lives";
}

TEST_F(GuardTurnTest, F20WithoutBeatsTheTurnEndsAndWhatIsSaidLaterReachesNobody) {
  take();
  to_robot("G1 X10\n", number);
  EXPECT_TRUE(heard("G1 X10\n"));
  const auto lost = hear(GuardWord::lost);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->why, Taken::controller_hung);
  to_robot("late\n", number);
  say(GuardWord::beat);
  EXPECT_EQ(end_of_guardian(), 0);
  expect_safe();
  EXPECT_THAT(recorder.robot(), Not(HasSubstr("late")));
}

TEST_F(GuardTurnTest, ANumberFromTheFutureEndsTheTurn) {
  take();
  to_robot("forged\n", number + 1);
  const auto lost = hear(GuardWord::lost, true);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->why, Taken::breach);
  EXPECT_EQ(end_of_guardian(), 0);
  expect_safe();
  EXPECT_THAT(recorder.robot(), Not(HasSubstr("forged")));
}

TEST_F(GuardTurnTest, ALockFileThatIsRemovedEndsTheTurn) {
  take();
  for (const auto& file : std::filesystem::directory_iterator(folder / "swiperig")) std::filesystem::remove(file);
  const auto lost = hear(GuardWord::lost, true);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->why, Taken::lock_gone);
  EXPECT_EQ(end_of_guardian(), 0);
  expect_safe();
}

TEST_F(GuardTurnTest, ToldToEndItMakesTheBenchSafeFirst) {
  take();
  kill(process->pid(), SIGINT);
  kill(process->pid(), SIGHUP);
  EXPECT_FALSE(hear(GuardWord::lost, true, 0.3)) << "what ends a controller in a terminal does not end it";
  kill(process->pid(), SIGTERM);
  const auto lost = hear(GuardWord::lost, true);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->why, Taken::told_to_end);
  EXPECT_EQ(end_of_guardian(), 0);
  expect_safe();
}

TEST_F(GuardTurnTest, F18F22AMuteBenchStillGetsEveryByteAndIsToldAsNotProved) {
  take();
  recorder.mute = true;
  say(GuardWord::rest);
  const auto safe = hear(GuardWord::safe, false, 10);
  ASSERT_TRUE(safe);
  EXPECT_EQ(safe->unproved, 2U);
  EXPECT_THAT(recorder.robot(), AllOf(StartsWith("!?"), EndsWith("\x18")));
  EXPECT_THAT(recorder.supply(), EndsWith("#\nOUTP OFF\nOUTP?\n#\nOUTP OFF\nOUTP?\n"));
}

TEST_F(GuardTurnTest, ASupplyThatHungUpIsDialledAgainToBeSwitchedOff) {
  take();
  recorder.hang_up();
  await(0.2, [&] {
    say(GuardWord::beat);
    return false;
  });
  EXPECT_THAT(recorder.supply(), IsEmpty());
  say(GuardWord::rest);
  const auto safe = hear(GuardWord::safe);
  ASSERT_TRUE(safe);
  EXPECT_EQ(safe->unproved, 0U);
  expect_safe();
}

Task<> refused_turn(Clock& clock, GuardEnds ends, std::string& why) {
  const std::atomic<bool> no = false;
  Guard guard(clock, ends);
  try {
    co_await guard.take(no);
  } catch (const LinkError& e) {
    why = e.what();
  }
}

/// What a process that may, or may not, be ahead of others is told.
std::string realtime_told(bool allowed) {
  std::array<int, 2> told{};
  EXPECT_EQ(pipe(told.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (!allowed) {
      __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
      std::array<__user_cap_data_struct, 2> none = {};
      const rlimit nothing = {0, 0};
      syscall(SYS_capset, &header, none.data());
      setrlimit(RLIMIT_RTPRIO, &nothing);
      setrlimit(RLIMIT_MEMLOCK, &nothing);
    }
    const std::string why = take_realtime();
    leave_realtime();
    _exit(write(told[1], why.data(), why.size()) < 0 ? 1 : sched_getscheduler(0) != SCHED_OTHER);
  }
  close(told[1]);
  std::array<char, 512> text;
  const ssize_t n = read(told[0], text.data(), text.size());
  close(told[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "what was taken is given back";
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
}

TEST(GuardPriority, WhatIsRefusedIsToldWithWhatToDo) {
  EXPECT_THAT(
      realtime_told(false),
      testing::AllOf(HasSubstr("its memory is not locked ("), HasSubstr("it has no realtime priority (Operation"),
                     HasSubstr("rtprio 10 and memlock unlimited in /etc/security/limits.conf")));
  sched_param high{};
  high.sched_priority = 10;
  if (sched_setscheduler(0, SCHED_FIFO, &high) != 0) return;  // nobody here may: there is no twin
  leave_realtime();
  EXPECT_EQ(realtime_told(true), "") << "the twin";
}

TEST_F(GuardTurnTest, F34AnotherControllerIsRefusedAndToldWhoHasTheBench) {
  take();
  say(GuardWord::rest);
  ASSERT_TRUE(hear(GuardWord::safe)) << "it has the bench between its turns as well";
  const GuardProcess second(read_bench(bench), programs::swiperig);
  std::string why;
  SteadyClock clock;
  clock.run(refused_turn(clock, second.ends(), why));
  EXPECT_THAT(why, AllOf(HasSubstr("the bench is taken"), HasSubstr(std::to_string(process->pid()))));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
class GuardWithoutMemory : public GuardTurnTest {
 protected:
  void start_again(bool at_once) {
    process.reset();
    setenv("LD_PRELOAD", programs::no_allocation, 1);
    if (at_once) setenv("SWIPERIG_ARMED_AT_ONCE", "1", 1);
    process.emplace(read_bench(bench), programs::swiperig);
    unsetenv("LD_PRELOAD");
    unsetenv("SWIPERIG_ARMED_AT_ONCE");
  }
};

TEST_F(GuardWithoutMemory, AllocatesNothingFromTheBeginningOfItsWatch) {
  start_again(false);
  take();
  to_robot("$H\n", number);
  EXPECT_TRUE(heard("$H\n"));
  say(GuardWord::rest);
  ASSERT_TRUE(hear(GuardWord::safe, false, 10)) << "parked, as it was homed";
  EXPECT_THAT(recorder.robot(), HasSubstr("G53 G1 X20.000 Y280.000"));
  take();
  recorder.hang_up();
  ASSERT_TRUE(hear(GuardWord::lost, false)) << "no beats; it dials again";
  EXPECT_EQ(end_of_guardian(), 0);
  expect_safe();
}

TEST_F(GuardWithoutMemory, TheTwinInWhichTheCheckFires) {
  start_again(true);
  EXPECT_EQ(end_of_guardian(), 128 + SIGABRT);
}
#endif

/// The turns in the order in which their lines arrived, and how many came after a later one's.
struct Turns {
  std::uint64_t latest = 0;
  pid_t holder = 0;
  int late = 0, lines = 0;
};

Turns turns_of(const std::string& text) {
  Turns turns;
  for (std::size_t at = text.find("(turn "); at != text.npos; at = text.find("(turn ", at + 1)) {
    std::uint64_t number = 0;
    const auto end = std::from_chars(text.data() + at + 6, text.data() + text.size(), number);
    if (std::string_view(end.ptr, 4) != " of ") continue;
    ++turns.lines;
    if (number < turns.latest) ++turns.late;
    if (number <= turns.latest) continue;
    turns.latest = number;
    std::from_chars(end.ptr + 4, text.data() + text.size(), turns.holder);
  }
  return turns;
}

/// So many times whoever has the bench is stopped until somebody else has it, and then goes on.
Turns among_rivals(const Folder& folder, const Recorder& recorder, int count, int rounds, bool guarded) {
  const std::string bench = (folder.path() / "benches/realtime.toml").string(), lease = folder / "lease";
  std::vector<pid_t> rivals;
  for (int i = 0; i < count; ++i) {
    const std::string seed = std::to_string(i);
    const pid_t pid = fork();
    if (pid == 0) {
      execl(programs::rival_controller, "rival", bench.c_str(), guarded ? programs::swiperig : lease.c_str(),
            seed.c_str(), guarded ? nullptr : "bare", nullptr);
      _exit(126);
    }
    rivals.push_back(pid);
  }
  pid_t stopped = 0;
  std::uint64_t number = 0;
  for (int round = 0; round < rounds; ++round) {
    if (!await(20, [&] { return turns_of(recorder.robot()).latest > number; })) {
      ADD_FAILURE() << "round " << round << ": nobody takes the bench";
      break;
    }
    poll(nullptr, 0, 15);
    await(20, [&] { return turns_of(recorder.robot()).lines > 10 * (round + 1); });  // some lines
    if (stopped != 0) kill(stopped, SIGCONT);
    const Turns now = turns_of(recorder.robot());
    number = now.latest;
    stopped = now.holder;
    kill(stopped, SIGSTOP);
  }
  if (stopped != 0) kill(stopped, SIGCONT);
  poll(nullptr, 0, 50);
  for (const pid_t pid : rivals) kill(pid, SIGKILL);
  while (waitpid(-1, nullptr, 0) > 0) {
  }
  return turns_of(recorder.robot());
}

class RealtimeRivals : public testing::Test {
 protected:
  RealtimeRivals() {
    recorded_bench(folder, recorder);
    setenv("XDG_RUNTIME_DIR", folder.path().c_str(), 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~RealtimeRivals() override {
    unsetenv("XDG_RUNTIME_DIR");
    prctl(PR_SET_CHILD_SUBREAPER, 0);
  }
  Folder folder;
  Recorder recorder;
};

TEST_F(RealtimeRivals, F34NothingOfAnEarlierTurnArrivesAfterALaterOnes) {
  const Turns turns = among_rivals(folder, recorder, 20, 100, true);
  EXPECT_GE(turns.latest, 100U);
  EXPECT_GT(turns.lines, 1000);
  EXPECT_EQ(turns.late, 0);
}

TEST_F(RealtimeRivals, WithLeasesInsteadOfAGuardianTheyDo) {
  const Turns turns = among_rivals(folder, recorder, 20, 10, false);
  EXPECT_GE(turns.latest, 10U);
  EXPECT_GT(turns.late, 0) << "the twin: a controller that was stopped acts when it goes on";
}

}  // namespace
}  // namespace swiperig
