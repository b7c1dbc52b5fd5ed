// F16 and F19: steps that are lost without an alarm, and homing that fails. A card that nobody showed is the rig's
// fault where a sensor can tell, and a robot that cannot be homed moves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drivers/swiper_grbl.hpp"
#include "fixtures/robot.hpp"
#include "tests/console.hpp"
#include "tests/ran.hpp"
#include "tests/taught.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

struct Sensed {
  explicit Sensed(bool sensor, double slips_mm_per_m = 0) : Sensed(make_pipe(clock), sensor, slips_mm_per_m) {}
  void run(std::function<Task<>()> test) {
    run_with(clock, {[&] { return robot.run(); }, [&] { return driver.serve(); }}, std::move(test), [&] {
      robot.stop();
      driver.close();
    });
  }
  VirtualClock clock;
  DrawPlace place;
  TouchedTerminal terminal{clock};
  Robot robot;
  SwiperGrbl driver;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  static GrblSettings settings(bool sensor) {
    GrblSettings s = taught();
    s.card_sensor = sensor;
    return s;
  }
  Sensed(Pipe pipe, bool sensor, double slips_mm_per_m)
      : robot(clock, std::move(pipe.first), terminal, RobotGeometry{}, {{"A", card()}}, place),
        driver(clock, std::move(pipe.second), settings(sensor)) {
    robot.wiring.card_sensor = true;
    robot.wiring.slips_mm_per_m = slips_mm_per_m;
  }
  static Card card() {
    Card one;
    one.track2 = ";6212345678901265=30125010000000000?";
    return one;
  }
};

TEST(CardSensor, F16LostStepsAreNoticedAtTheFirstCardThatIsMissed) {
  for (const bool sensor : {true, false}) {
    Sensed lab(sensor, 20);
    lab.run([&]() -> Task<> {
      co_await lab.driver.start();
      auto why = co_await failure_of(lab.driver.perform(a_swipe()));
      EXPECT_TRUE(lab.terminal.heads.empty()) << "no card was there";
      if (sensor) {
        EXPECT_TRUE(says(why, "there is no card between its jaws")) << why;
        auto next = co_await failure_of(lab.driver.perform(a_swipe()));
        EXPECT_TRUE(says(next, "position unknown")) << next;
      } else {
        EXPECT_EQ(why, "") << "the twin: nothing in GRBL tells";
      }
    });
  }
}

TEST(CardSensor, ARobotThatLosesNothingIsBelieved) {
  Sensed lab(true);
  lab.run([&]() -> Task<> {
    co_await lab.driver.start();
    for (int i = 0; i < 3; ++i) {
      auto why = co_await failure_of(lab.driver.perform(a_swipe()));
      EXPECT_EQ(why, "");
    }
    EXPECT_EQ(lab.terminal.heads.size(), 3u);
  });
}

TEST(CardSensor, F16ACardThatLiesElsewhereIsTheRigsFaultAndNotTheTerminals) {
  const Folder folder;
  for (const char* sub : {"benches", "terminals", "hosts", "campaigns"}) {
    std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
  }
  std::string bench = read_text(folder / "benches/virtual.toml");
  bench = replaced(bench, "good_card =", "card_sensor = \"probe\"\ngood_card =");
  folder.write("benches/virtual.toml", bench);
  const auto outcomes = [&](const std::string& out) {
    RunOptions options;
    options.campaign = folder / "campaigns/no_return.toml";
    options.bench = folder / "benches/virtual.toml";
    options.out = folder / out;
    options.cycles = 11;
    const std::atomic<bool> never_stopped = false;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    run_campaign(options, never_stopped);
    testing::internal::GetCapturedStdout();
    testing::internal::GetCapturedStderr();
    std::map<Outcome, int> all;
    const TraceReader trace(folder / out + "/run.trace");
    trace.for_each([&](const CycleRecord& c) { ++all[c.verdict->outcome]; });
    return all;
  };
  EXPECT_EQ(outcomes("right"), (std::map<Outcome, int>{{Outcome::pass, 11}}));
  folder.write("benches/virtual.toml", replaced(bench, "at_mm = [100, 200]", "at_mm = [103, 200]"));
  const auto missed = outcomes("missed");
  EXPECT_EQ(missed.at(Outcome::error), 11) << "each case ends with a recovery sale";
  EXPECT_FALSE(missed.contains(Outcome::fail));
}

TEST(CardSensor, F19AHomingThatFailsIsToldByNameAndNothingMoves) {
  for (const int alarm : {0, 8, 9, 10}) {
    Sensed lab(true);
    lab.robot.wiring.homing_alarm = alarm;
    lab.run([&]() -> Task<> {
      auto why = co_await failure_of(lab.driver.start());
      auto next = co_await failure_of(lab.driver.perform(a_press("1")));
      if (alarm == 0) {
        EXPECT_EQ(why + next, "") << "the twin";
        EXPECT_EQ(lab.terminal.keys, "1 ");
      } else {
        EXPECT_TRUE(says(why, "alarm " + std::to_string(alarm) + ": ")) << why;
        EXPECT_TRUE(says(next, "position unknown (alarm " + std::to_string(alarm))) << next;
        EXPECT_EQ(lab.terminal.keys, "");
      }
    });
  }
}

}  // namespace
}  // namespace swiperig
