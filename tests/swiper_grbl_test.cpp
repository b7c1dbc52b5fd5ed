// The GRBL driver against the robot stand-in, and what it refuses before a byte is sent.
#include "drivers/swiper_grbl.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <span>

#include "fixtures/reader.hpp"
#include "fixtures/robot.hpp"
#include "tests/console.hpp"
#include "tests/taught.hpp"

namespace swiperig {
namespace {

using std::chrono::seconds;

const std::string kTrack2 = ";6212345678901265=30125010000000000?";

/// The driver's end of its cable, with a second hand on it.
struct Tapped final : Link {
  explicit Tapped(std::shared_ptr<Link> cable) : inner(std::move(cable)) {}
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override { return inner->read_some(into); }
  Task<> write(std::span<const std::uint8_t> bytes) override {
    std::string text(bytes.begin(), bytes.end());
    for (std::size_t at = 0; !without.empty() && (at = text.find(without)) != text.npos;)
      text.erase(at, without.size());
    const std::vector<std::uint8_t> rest(text.begin(), text.end());
    co_await inner->write(rest);
  }
  void close(Close how) override { inner->close(how); }
  std::shared_ptr<Link> inner;
  std::string without;  ///< never gets to the controller
};

struct Bench {
  explicit Bench(RobotGeometry geometry = {}, GrblSettings settings = taught())
      : Bench(make_pipe(clock), std::move(geometry), std::move(settings)) {}
  void run(std::function<Task<>()> test) {
    run_with(clock, {[&] { return robot.run(); }, [&] { return driver.serve(); }}, std::move(test), [&] {
      robot.stop();
      driver.close();
    });
  }
  std::string last_read(bool bidirectional) const {
    if (terminal.heads.empty()) return "nothing";
    const auto result = Reader().read(2, terminal.heads.back().second, bidirectional);
    if (const auto* text = std::get_if<TrackText>(&result)) return text->text;
    return std::string(name(std::get<TrackError>(result).fault));
  }
  VirtualClock clock;
  DrawPlace place;
  TouchedTerminal terminal{clock};
  Robot robot;
  std::shared_ptr<Link> cable;
  Tapped* tap;
  SwiperGrbl driver;

  /// What "Reset zero" of some sender left in the controller's EEPROM.
  Task<> work_zero_elsewhere() {
    const std::string line = "G10 L2 P1 X7 Y5 Z-3\n";
    co_await cable->write({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
    co_await clock.sleep_for(seconds(1));
  }
  /// Swipes slowly; in mid-swipe somebody else's byte reaches the controller. Returns how the swipe ended.
  Task<std::string> swipe_disturbed_by(std::uint8_t byte) {
    std::string why;
    Crew crew(clock);
    const auto swipe = [&]() -> Task<> {
      auto failure = co_await failure_of(driver.perform(a_swipe(100)));
      why = failure;
    };
    crew.start(swipe());
    co_await clock.sleep_for(seconds(4));
    co_await cable->write({&byte, 1});
    co_await crew.join();
    co_return why;
  }

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  Bench(Pipe pipe, RobotGeometry geometry, GrblSettings settings)
      : robot(clock, std::move(pipe.first), terminal, std::move(geometry), deck(), place),
        cable(std::move(pipe.second)),
        tap(new Tapped(cable)),
        driver(clock, std::unique_ptr<Link>(tap), std::move(settings)) {}
  static std::map<std::string, Card> deck() {
    Card card;
    card.track2 = kTrack2;
    return {{"A", card}};
  }
};

TEST(SwiperGrbl, SwipesBothWaysAtTheSpeedItSays) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    for (const std::int64_t speed : {76, 300, 500, 1000, 1500}) {
      auto done = co_await bench.driver.perform(a_swipe(speed));
      EXPECT_EQ(done.what, "swipe");
      EXPECT_FALSE(done.reverse);
      EXPECT_NEAR(static_cast<double>(done.speed_mm_s), static_cast<double>(speed), static_cast<double>(speed) * 0.01);
      EXPECT_EQ(bench.last_read(false), kTrack2) << speed;
    }
    auto done = co_await bench.driver.perform(a_swipe(500, true));
    EXPECT_TRUE(done.reverse);
    EXPECT_NE(bench.last_read(false), kTrack2);
    EXPECT_EQ(bench.last_read(true), kTrack2);
    EXPECT_EQ(bench.terminal.heads.size(), 6u);
    co_await bench.driver.perform(a_swipe(2000));
    EXPECT_EQ(bench.terminal.heads.size(), 7u);
    EXPECT_NE(bench.last_read(true), kTrack2);
  });
}

TEST(SwiperGrbl, PressesKeysInOrderAndParks) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    auto done = co_await bench.driver.perform(a_press("1 2 3 0 0 OK F2"));
    EXPECT_EQ(done.what, "press");
    EXPECT_EQ(bench.terminal.keys, "1 2 3 0 0 OK F2 ");
    done = co_await bench.driver.perform(Park{});
    EXPECT_EQ(done.what, "park");
    co_await bench.driver.perform(a_press("CANCEL 4 5 6 7 8 9 F1 F3 F4"));
    EXPECT_EQ(bench.terminal.keys, "1 2 3 0 0 OK F2 CANCEL 4 5 6 7 8 9 F1 F3 F4 ");
  });
}

TEST(SwiperGrbl, WorkOffsetsOfASenderMoveNothing) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    co_await bench.work_zero_elsewhere();
    co_await bench.driver.perform(a_press("1 2 OK"));
    EXPECT_EQ(bench.terminal.keys, "1 2 OK ");
    co_await bench.driver.perform(a_swipe());
    EXPECT_EQ(bench.last_read(false), kTrack2);
    auto arrived = co_await bench.driver.jog({100, 50, -20}, 200);
    EXPECT_TRUE(arrived);
    EXPECT_EQ(bench.driver.place().x_mm, 100);
    co_await bench.driver.perform(Park{});
    co_await bench.driver.start();  // they outlive its reset, too
    co_await bench.driver.perform(a_press("3"));
    EXPECT_EQ(bench.terminal.keys, "1 2 OK 3 ");
  });
}

TEST(SwiperGrbl, TheTwinWithoutG53IsSomewhereElse) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    bench.tap->without = "G53 ";
    co_await bench.driver.perform(a_press("1"));
    EXPECT_EQ(bench.terminal.keys, "1 ") << "without offsets it makes no difference";
    co_await bench.work_zero_elsewhere();
    auto why = co_await failure_of(bench.driver.perform(a_press("1")));
    EXPECT_TRUE(says(why, "at 407.000, 125.000, -3.000 where Idle at 400.000, 120.000, 0.000 was expected")) << why;
    bench.tap->without = "";
    co_await bench.driver.perform(Park{});
    bench.tap->without = "G53 ";
    why = co_await failure_of(bench.driver.jog({100, 50, -20}, 200));
    EXPECT_TRUE(says(why, "Idle in a jog")) << why;
  });
}

TEST(SwiperGrbl, AControllerWithAStockFrameMovesNothingButHome) {
  for (const bool stock : {true, false}) {
    Bench bench;
    bench.robot.wiring.stock_frame = stock;
    bench.run([&]() -> Task<> {
      auto why = co_await failure_of(bench.driver.start());
      EXPECT_TRUE(stock ? says(why, "at -518.000, -298.000, -2.000, outside the travel") : why.empty()) << why;
      why = co_await failure_of(bench.driver.perform(a_press("1")));
      EXPECT_EQ(bench.terminal.keys, stock ? "" : "1 ");
      EXPECT_TRUE(stock ? says(why, "position unknown (says after homing") : why.empty()) << why;
    });
  }
}

TEST(SwiperGrbl, WhoHasLostStepsFindsOutWhenItsPlaceIsProved) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    auto done = co_await bench.driver.perform(ProvePlace{});
    EXPECT_EQ(done.what, "prove place") << "the twin: it stands where it says";
    bench.robot.fail("slipped");
    done = co_await bench.driver.perform(a_press("1 2"));
    EXPECT_EQ(done.what, "press") << "its controller knows of nothing";
    EXPECT_NE(bench.terminal.keys, "1 2 ");
    const std::string why = co_await failure_of(bench.driver.perform(ProvePlace{}));
    EXPECT_NE(why.find("has lost steps"), std::string::npos) << why;
    bench.terminal.keys.clear();
    co_await bench.driver.perform(Park{});
    co_await bench.driver.perform(a_press("1 2"));
    EXPECT_EQ(bench.terminal.keys, "1 2 ") << "and it stands where it should";
  });
}

TEST(SwiperGrbl, OverlappingMotionsTakeTurns) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    Crew crew(bench.clock);
    const auto perform = [&](Motion motion) -> Task<> { co_await bench.driver.perform(motion); };
    crew.start(perform(a_press("1 2 OK")));
    crew.start(perform(a_swipe()));
    crew.start(perform(a_press("3 4 OK")));
    co_await crew.join();
    EXPECT_EQ(bench.terminal.keys, "1 2 OK 3 4 OK ");
    EXPECT_EQ(bench.last_read(false), kTrack2);
  });
}

TEST(SwiperGrbl, RefusesWhatCannotBeBeforeAByteIsSent) {
  const GrblSettings settings = taught();
  EXPECT_EQ(refusal(settings, a_swipe()), std::nullopt);
  EXPECT_EQ(refusal(settings, a_press("1 OK")), std::nullopt);
  EXPECT_EQ(refusal(settings, Park{}), std::nullopt);
  Swipe other = a_swipe();
  other.card = "Z";
  EXPECT_EQ(refusal(settings, other), "no card slot 'Z' is taught");
  EXPECT_TRUE(says(*refusal(settings, a_swipe(5000)), "is not within 20 to 2500"));
  EXPECT_TRUE(says(*refusal(settings, a_swipe(0)), "is not within"));
  EXPECT_EQ(refusal(settings, a_press("")), "no keys to press");
  EXPECT_EQ(refusal(settings, a_press("1 F9")), "no key 'F9' is taught");
  EXPECT_EQ(refusal(settings, a_press("1 *")), "a key is not taught");
  GrblSettings slow = settings;
  slow.acceleration_mm_s2 = 3000;
  EXPECT_EQ(refusal(slow, a_swipe(500)), std::nullopt);
  EXPECT_TRUE(says(*refusal(slow, a_swipe(1500)), "a run-up of 375.000 mm to 1500 mm/s does not fit"));
  GrblSettings narrow = settings;
  narrow.travel_x_mm = 460;
  EXPECT_EQ(refusal(narrow, a_swipe()), "the swipe line lies outside the travel");
  narrow.travel_x_mm = 410;
  EXPECT_EQ(refusal(narrow, a_press("2")), "a key lies outside the travel");
  GrblSettings upside_down = settings;
  upside_down.hover_z_mm = -45;
  EXPECT_NE(refusal(upside_down, a_press("1")), std::nullopt);
}

TEST(SwiperGrbl, AMachineTooSlowForTheEnvelopeIsRefusedAtStart) {
  RobotGeometry slow;
  slow.max_rate_xy_mm_min = 30'000;
  Bench bench(slow);
  bench.run([&]() -> Task<> {
    auto why = co_await failure_of(bench.driver.start());
    EXPECT_TRUE(says(why, "its X rate ($110=30000.000) is below the bench's 150000.000")) << why;
  });
}

TEST(SwiperGrbl, AResetInMidSwipeEndsIt) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    auto why = co_await bench.swipe_disturbed_by(0x18);
    EXPECT_TRUE(says(why, "alarm 3: reset in motion, position lost")) << why;
    EXPECT_NE(bench.last_read(true), kTrack2);
    why = co_await failure_of(bench.driver.perform(a_press("1")));
    EXPECT_TRUE(says(why, "position unknown (alarm 3")) << why;
    EXPECT_EQ(bench.terminal.keys, "");
    co_await bench.driver.perform(Park{});
    co_await bench.driver.perform(a_press("1 5 OK"));
    EXPECT_EQ(bench.terminal.keys, "1 5 OK ");
    // the reset opened the jaws: the card fell, and the robot swipes nothing
    bench.terminal.heads.clear();
    co_await bench.driver.perform(a_swipe());
    EXPECT_TRUE(bench.terminal.heads.empty());
  });
}

TEST(SwiperGrbl, AHoldInMidSwipeEndsIt) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    auto why = co_await bench.swipe_disturbed_by('!');
    EXPECT_TRUE(says(why, "it says Hold:0")) << why;
    why = co_await failure_of(bench.driver.perform(Park{}));
    EXPECT_EQ(why, "");
  });
}

}  // namespace
}  // namespace swiperig
