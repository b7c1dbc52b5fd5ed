// Cards held to a terminal by the robot stand-in: how long they really were there, what the driver says of it, and what
// becomes of a dip that somebody disturbs. And the controller's own limits, which the envelope of the machine holds.
#include <gtest/gtest.h>

#include "drivers/swiper_grbl.hpp"
#include "fixtures/robot.hpp"
#include "tests/console.hpp"
#include "tests/ran.hpp"
#include "tests/taught.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

GrblSettings with_slots() {
  GrblSettings s = taught();
  s.chip_slot = GrblChipSlot{{300, 30}, -25, 45};
  s.field = GrblField{{480, 250}, -30};
  return s;
}

struct Cable final : Link {
  explicit Cable(std::shared_ptr<Link> link) : inner(std::move(link)) {}
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override { return inner->read_some(into); }
  Task<> write(std::span<const std::uint8_t> bytes) override {
    sent += bytes.size();
    return inner->write(bytes);
  }
  void close(Close how) override { inner->close(how); }
  std::shared_ptr<Link> inner;
  std::size_t sent = 0;
};

struct Desk {
  explicit Desk(GrblSettings settings = with_slots()) : Desk(make_pipe(clock), std::move(settings)) {}
  void run(std::function<Task<>()> test) {
    run_with(clock, {[&] { return robot.run(); }, [&] { return driver.serve(); }}, std::move(test), [&] {
      robot.stop();
      driver.close();
    });
  }
  /// From when to when a card was there; zero: never.
  Duration there(CardAt at) const {
    Duration all{};
    for (std::size_t i = 0; i + 1 < terminal.cards.size(); ++i) {
      if (terminal.cards[i].second == at) all += terminal.cards[i + 1].first - terminal.cards[i].first;
    }
    return all;
  }
  VirtualClock clock;
  DrawPlace place;
  TouchedTerminal terminal{clock};
  Robot robot;
  std::shared_ptr<Link> shared;
  Cable* cable = nullptr;
  SwiperGrbl driver;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  Desk(Pipe pipe, GrblSettings settings)
      : robot(clock, std::move(pipe.first), terminal, RobotGeometry{}, deck(), place),
        shared(std::move(pipe.second)),
        driver(clock, tapped(), std::move(settings)) {}
  std::unique_ptr<Link> tapped() {
    auto link = std::make_unique<Cable>(shared);
    cable = link.get();
    return link;
  }
  static std::map<std::string, Card> deck() {
    Card card;
    card.track2 = ";6212345678901265=30125010000000000?";
    return {{"A", card}};
  }
};

TEST(SwiperHeld, ADipIsInTheSlotForItsDwellAndTheCardComesBack) {
  for (const Duration dwell : {Duration(100ms), Duration(3s)}) {
    Desk desk;
    desk.run([&]() -> Task<> {
      co_await desk.driver.start();
      for (int i = 0; i < 2; ++i) {
        const Dip dip{"A", dwell};
        auto done = co_await desk.driver.perform(dip);
        EXPECT_EQ(done.what, "dip");
        EXPECT_NEAR(std::chrono::duration<double>(done.held - dwell).count(), 0, 0.005);
      }
      // the second time it was there to be picked up again; contacts close a little before the end of the way in
      EXPECT_EQ(desk.terminal.cards.size(), 4u);
      EXPECT_NEAR(std::chrono::duration<double>(desk.there(CardAt::slot) - 2 * dwell).count(), 0.2, 0.08);
      EXPECT_EQ(desk.terminal.cards.back().second, CardAt::nowhere);
      EXPECT_TRUE(desk.terminal.heads.empty()) << "and never passed the head";
    });
  }
}

TEST(SwiperHeld, NotDeepEnoughClosesNoContact) {
  Desk desk;
  desk.run([&]() -> Task<> {
    co_await desk.driver.start();
    const Dip shallow{"A", 500ms, 30};
    auto done = co_await desk.driver.perform(shallow);
    EXPECT_EQ(done.manner, "only 30 mm deep");
    EXPECT_TRUE(desk.terminal.cards.empty());
    const Dip deep{"A", 500ms, 41};
    auto again = co_await desk.driver.perform(deep);
    EXPECT_EQ(desk.terminal.cards.size(), 2u) << "the twin";
    EXPECT_GT(again.held, 490ms);
  });
}

TEST(SwiperHeld, ATapIsInTheFieldForItsTime) {
  Desk desk;
  desk.run([&]() -> Task<> {
    co_await desk.driver.start();
    const CardTap tap{"A", 800ms};
    auto done = co_await desk.driver.perform(tap);
    EXPECT_NEAR(std::chrono::duration<double>(done.held).count(), 0.8, 0.005);
    EXPECT_NEAR(std::chrono::duration<double>(desk.there(CardAt::field)).count(), 0.85, 0.06);
    const CardTap high{"A", 800ms, 10};
    auto above = co_await desk.driver.perform(high);
    EXPECT_EQ(above.manner, "10 mm above the taught place");
    EXPECT_EQ(desk.terminal.cards.size(), 2u) << "the field does not reach so far";
  });
}

TEST(SwiperHeld, ADisturbedDipIsARigFaultAndNothingMovesUntilHomed) {
  for (const char byte : {'!', '\x18', '\0'}) {
    Desk desk;
    desk.run([&]() -> Task<> {
      co_await desk.driver.start();
      std::string why;
      Crew crew(desk.clock);
      const auto dip = [&]() -> Task<> {
        const Dip long_one{"A", 5s};
        auto failure = co_await failure_of(desk.driver.perform(long_one));
        why = failure;
      };
      crew.start(dip());
      while (desk.terminal.cards.empty()) co_await desk.clock.sleep_for(10ms);
      co_await desk.clock.sleep_for(1s);
      const auto raw = static_cast<std::uint8_t>(byte);
      if (byte != '\0') co_await desk.shared->write({&raw, 1});
      co_await crew.join();
      const std::size_t before = desk.cable->sent;
      auto next = co_await failure_of(desk.driver.perform(a_press("1")));
      if (byte == '\0') {
        EXPECT_EQ(why, "") << "the twin";
        EXPECT_EQ(next, "");
      } else {
        EXPECT_NE(why, "") << byte;
        EXPECT_TRUE(says(next, "position unknown")) << next;
        EXPECT_EQ(desk.cable->sent, before) << "not a byte";
      }
    });
  }
}

TEST(SwiperHeld, WhatIsRefusedSendsNotAByte) {
  Desk desk;
  desk.run([&]() -> Task<> {
    co_await desk.driver.start();
    const std::size_t before = desk.cable->sent;
    const Dip deep{"A", 1s, 46};
    auto why = co_await failure_of(desk.driver.perform(deep));
    EXPECT_TRUE(says(why, "refused: 46 mm is deeper")) << why;
    const CardTap nobody{"Z", 1s};
    why = co_await failure_of(desk.driver.perform(nobody));
    EXPECT_TRUE(says(why, "refused: no card slot 'Z'")) << why;
    EXPECT_EQ(desk.cable->sent, before);
  });
}

TEST(SwiperHeld, TheControllersOwnLimitsAreHeldToTheEnvelope) {
  const auto starts = [](double mm_s, double mm_s2) {
    GrblSettings s = with_slots();
    s.envelope_mm_s = mm_s;
    s.envelope_mm_s2 = mm_s2;
    s.max_speed_mm_s = std::min<std::int64_t>(s.max_speed_mm_s, mm_s == 0 ? 2500 : static_cast<std::int64_t>(mm_s));
    s.acceleration_mm_s2 = mm_s2 == 0 ? s.acceleration_mm_s2 : std::min(s.acceleration_mm_s2, mm_s2);
    Desk desk(s);
    std::string why;
    bool homed = false;
    desk.run([&]() -> Task<> {
      auto failure = co_await failure_of(desk.driver.start());
      why = failure;
      auto press = co_await failure_of(desk.driver.perform(a_press("1")));
      homed = press.empty();
    });
    EXPECT_EQ(homed, why.empty());
    return why;
  };
  // the stand-in's controller: 150000 mm/min and 15000 mm/s2 in X and Y, 5000 mm/s2 in Z
  EXPECT_EQ(starts(0, 0), "");
  EXPECT_EQ(starts(2500, 15'000), "");
  EXPECT_TRUE(says(starts(2499, 15'000),
                   "its X rate ($110=150000.000) is above the envelope of this machine: set "
                   "$110=149940.000"));
  EXPECT_TRUE(says(starts(2500, 14'999),
                   "its X acceleration ($120=15000.000) is above the envelope of this machine: "
                   "set $120=14999.000"));
}

TEST(SwiperHeld, AnEnvelopeHoldsZToo) {
  GrblSettings s = with_slots();
  s.envelope_mm_s2 = 15'000;
  Desk desk(s);
  desk.run([&]() -> Task<> {
    co_await desk.driver.start();
    const std::string faster = "$122=15001\n";
    co_await desk.shared->write({reinterpret_cast<const std::uint8_t*>(faster.data()), faster.size()});
    co_await desk.clock.sleep_for(1s);
    auto why = co_await failure_of(desk.driver.start());
    EXPECT_TRUE(says(why, "its Z acceleration ($122=15001.000) is above the envelope")) << why;
  });
}

TEST(HeldCards, TheCampaignPassesAndTheCardsStayAsLongAsTheyShould) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = (project / "fixtures/campaigns/held_cards.toml").string()});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  EXPECT_TRUE(ran.findings.empty());
  std::map<std::string, std::string> causes;
  std::set<std::string> entries;
  for (const CycleRecord& c : ran.cycles) {
    causes[c.case_name] = c.verdict->diagnosis.cause;
    for (const Event& e : c.events) {
      const auto* m = std::get_if<Milestone>(&e.body);
      if (m != nullptr && m->name == "card_read" && c.case_name == "dip")
        entries.insert("dip " + std::string(field(m->fields, "entry")));
      if (m != nullptr && m->name == "card_read" && c.case_name == "tap")
        entries.insert("tap " + std::string(field(m->fields, "entry")));
    }
  }
  EXPECT_EQ(causes["dip"], "none");
  EXPECT_EQ(causes["tap"], "none");
  EXPECT_EQ(causes["pulled after the response was asked for"], "chip");
  EXPECT_EQ(causes["how long it must stay, pulled after 300 ms"], "chip");
  EXPECT_EQ(causes["how long it must stay, pulled after 1.2 s"], "none");
  EXPECT_EQ(causes["tap, gone too soon"], "card_reader");
  EXPECT_TRUE(entries.contains("dip 05") && entries.contains("tap 07"));
}

}  // namespace
}  // namespace swiperig
